import type { Duplex } from 'node:stream'
import { Readable } from 'node:stream'
import { Aedes } from 'aedes'
import AedesPacket from 'aedes-packet'
import type { WireProperties } from './message.ts'
import type { Connection } from './session/connection.ts'

/** A packet on its way through the broker, as aedes-packet makes it. */
export interface BrokerPacket {
  cmd: 'publish'
  topic: string
  payload: Buffer
  qos: 0 | 1 | 2
  retain: boolean
  dup: boolean
  /** Rises with every publish of the space. */
  brokerCounter: number
  properties?: WireProperties
  /** Absolute, milliseconds since 1970. */
  messageExpiry?: number
  /** More than one client gets it. */
  isShared?: boolean
}

/** What we use of aedes' client; the members with an underscore are private to it, hence the exact pin. */
export interface BrokerClient {
  readonly id: string
  readonly connected: boolean
  readonly closed: boolean
  _parser: NodeJS.EventEmitter & { client?: BrokerClient; _queue?: unknown[] | null }
  conn: Duplex & { connection?: Connection }
  disconnect(options: { reasonCode: number }, done?: () => void): void
  close(done?: () => void): void
  pause(): void
  resume(): void
  once(event: 'connected', listener: () => void): void
}

// Its declarations describe another shape than the function it exports.
const Packet = AedesPacket as unknown as new (packet: object, broker: object) => BrokerPacket

/** aedes' own topics: heartbeats and births, for a cluster that we are not. */
const INTERNAL_TREE = '$SYS/'

/** Nobody hears it, so as rarely as may be: aedes has a timer of four times that, too. */
const HEARTBEAT_MS = 0x1fffffff

type Done = (error?: Error | null) => void

export interface BrokerOptions {
  /** A publish of a client's: calls back once it is dealt with, stored or not. */
  publish(packet: BrokerPacket, connection: Connection, wire: object, done: Done): void
  /** The QoS 2 publishes of a client that it has not released. */
  incoming: {
    /** Resolves when what is known of it is stored. */
    has(connection: Connection, messageId: number): Promise<boolean>
    release(connection: Connection, messageId: number): Promise<void>
  }
  failed(error: unknown, what: string): void
}

/**
 * aedes with its store, its matching and its queues taken out: it speaks the protocol with each client,
 * from CONNECT to DISCONNECT; what a message meets on its way is ours (fanout.ts).
 *
 * Nothing outside this file knows aedes.
 */
class Broker extends Aedes {
  readonly #options: BrokerOptions
  declare counter: number

  constructor(options: BrokerOptions) {
    super({
      persistence: createPersistence(options),
      // Nothing is delivered through it.
      mq: { on: noop, removeListener: noop, emit: noop, close: (done: Done) => done() },
      concurrency: 0,
      // The session layer drops or disconnects slow clients; waiting for them would hold up the others.
      drainTimeout: 0,
      maxClientsIdLength: 65535,
      connectTimeout: 0x7fffffff,
      heartbeatInterval: HEARTBEAT_MS,
      queueLimit: 1000,
      // The session layer has checked before; this only keeps aedes from adding a rule of its own.
      authorizePublish: (_client: unknown, _packet: unknown, done: Done) => done(null)
    } as never)
    this.#options = options
    // The session layer says what a client did wrong; aedes' own word is for what it does not see.
    const failed = (client: unknown, error: unknown) =>
      (client as BrokerClient).conn.connection?.failed(error)
    this.on('clientError', failed)
    this.on('connectionError', failed)
    ;(this as unknown as NodeJS.EventEmitter).on('error', (error) =>
      options.failed(error, 'the broker reported an error')
    )
  }

  // The declared type is the promise form's; aedes itself calls it with or without a client.
  override publish(wire: any, clientOrDone: any, maybeDone?: any): any {
    const done: Done = (typeof clientOrDone === 'function' ? clientOrDone : maybeDone) ?? noop
    const connection: Connection | undefined = clientOrDone?.conn?.connection
    if (!connection || wire.topic.startsWith(INTERNAL_TREE)) return done()
    this.#options.publish(this.stamp(wire), connection, wire, done)
  }

  /** Gives a packet its number: from here on the order is fixed. */
  stamp(packet: object): BrokerPacket {
    return new Packet(packet, this)
  }

  // Sessions, wills and their time are ours (sessions.ts).
  scheduleSessionExpiry(): void {}
  clearSessionExpiry(): void {}
  scheduleWill(): void {}
  clearDelayedWill(): void {}
}

function noop(): void {}

/** aedes' persistence: the ids of QoS 2 publishes; of all else it has nothing to keep. */
function createPersistence({ incoming }: BrokerOptions): object {
  const nothing = async () => undefined
  const connectionOf = (client: object) => (client as BrokerClient).conn.connection!
  return {
    setup: nothing,
    cleanSubscriptions: nothing,
    delWill: nothing,
    outgoingStream: () => Readable.from([]),
    streamWill: () => Readable.from([]),
    async incomingGetPacket(client: object, packet: { messageId: number }) {
      const known = await incoming.has(connectionOf(client), packet.messageId)
      if (!known) throw new Error('no such packet')
      return packet
    },
    // Its id is stored with the message, in one commit: a crash in between would lose or double it.
    incomingStorePacket: nothing,
    incomingDelPacket: (client: object, packet: { messageId: number }) =>
      incoming.release(connectionOf(client), packet.messageId)
  }
}

/** One running broker. */
export interface RunningBroker {
  /** Gives aedes a connection whose CONNECT was accepted and put back. */
  handle(stream: Duplex): BrokerClient
  /** Numbers a packet that comes from no client. */
  stamp(packet: object): BrokerPacket
  close(): Promise<void>
}

export async function startBroker(options: BrokerOptions): Promise<RunningBroker> {
  const broker = new Broker(options)
  await (broker as unknown as { listen(): Promise<void> }).listen()
  return {
    handle: (stream) => broker.handle(stream) as unknown as BrokerClient,
    stamp: (packet) => broker.stamp(packet),
    close: () => new Promise((resolve) => broker.close(() => resolve()))
  }
}
