// Declarations for packages that ship none.

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
    protected _states: readonly string[]
    protected _resetState(): void
    parser(options?: object): this
    parse(bytes: Buffer): number
    protected _parseLength(): boolean
    protected _parseString(): string | null
    protected _parseStringPair(): { name: string | null; value: string | null }
    protected _parseProperties(): Record<string, unknown> | false
    protected _emitError(error: Error): void
  }
}

declare module 'qlobber' {
  interface Qlobber<Value> {
    add(filter: string, value: Value): this
    remove(filter: string, value: Value): this
    match(topic: string): Value[]
  }
  const qlobber: {
    Qlobber: new <Value>(options: {
      separator: string
      wildcard_one: string
      wildcard_some: string
      match_empty_levels: boolean
    }) => Qlobber<Value>
  }
  export default qlobber
}
