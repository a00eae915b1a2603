// Declarations for packages that ship none.

declare module 'aedes-persistence-level' {
  /** The parts of the persistence that we call or replace. */
  interface LevelPersistence {
    storeRetained(packet: object): Promise<void>
    subscriptionsByTopic(topic: string): Promise<object[]>
    outgoingEnqueueCombi(subscriptions: object[], packet: object): Promise<unknown>
    delWill(will: { id: string; brokerId: string }): Promise<unknown>
    cleanSubscriptions(client: object): Promise<void>
    cleanIncoming(client: object): Promise<void>
    incomingGetPacket(client: object, packet: object): Promise<unknown>
    outgoingClearMessageId(client: object, packet: object): Promise<unknown>
    createRetainedStreamCombi(patterns: string[]): NodeJS.ReadableStream
  }
  /** `db` needs get, values, put, del, clear, batch and close. */
  export default function levelPersistence(db: object): LevelPersistence
}

declare module 'msgpack-lite' {
  const msgpack: { encode(value: unknown): Buffer; decode(bytes: Buffer): unknown }
  export default msgpack
}

declare module 'mqtt-packet/parser.js' {
  import type { EventEmitter } from 'node:events'
  /** mqtt-packet's parser, with the parts of it that we refine. */
  export default class Parser extends EventEmitter {
    packet: { cmd?: string; length: number; protocolVersion?: number }
    error: Error | null
    protected _pos: number
    protected _list: { slice(start: number, end: number): Buffer }
    parser(options?: object): this
    parse(bytes: Buffer): number
    protected _parseLength(): boolean
    protected _parseString(): string | null
    protected _parseStringPair(): { name: string | null; value: string | null }
    protected _parseProperties(): Record<string, unknown> | false
    protected _emitError(error: Error): void
  }
}
