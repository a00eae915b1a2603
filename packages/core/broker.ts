import type { Duplex } from 'node:stream'
import { Readable } from 'node:stream'
import { Aedes } from 'aedes'
import AedesPacket from 'aedes-packet'
import levelPersistence from 'aedes-persistence-level'
import type { Clock } from './clock.ts'
import { CoreError } from './error.ts'
import type { Origin, WireProperties } from './message.ts'
import { readStored } from './retained.ts'
import { createSequencer, type Sequencer } from './sequencer.ts'
import type { Connection } from './session/connection.ts'
import { toPersistenceDatabase, type Store, type StorePart } from './store.ts'
import { countLevels, MAX_TOPIC_LEVELS } from './topic.ts'

/** A packet on its way through the broker, as aedes-packet makes it. */
export interface BrokerPacket {
  cmd: 'publish'
  topic: string
  payload: Buffer
  qos: 0 | 1 | 2
  retain: boolean
  dup: boolean
  brokerId: string
  brokerCounter: number
  messageId?: number
  clientId?: string
  nl?: boolean
  properties?: WireProperties
  messageExpiry?: number
  storedAtMs?: number
}

/** What we use of aedes' client; the members with an underscore are private to it, hence the exact pin. */
export interface BrokerClient {
  readonly id: string
  readonly version: number
  readonly connected: boolean
  readonly closed: boolean
  clean: boolean
  _cleanStart: boolean
  _parser: NodeJS.EventEmitter & { client?: BrokerClient; _queue?: unknown[] | null }
  /** By space filter; a resumed session's are there before it sends anything. */
  readonly subscriptions: Record<string, { qos: 0 | 1 | 2; rap?: boolean; si?: number }>
  conn: Duplex & { connection?: Connection }
  disconnect(options: { reasonCode: number }, done?: () => void): void
  close(done?: () => void): void
  pause(): void
  resume(): void
  once(event: 'connected', listener: () => void): void
  emit(event: 'error', error: Error): boolean
}

// Its declarations describe another shape than the function it exports.
const Packet = AedesPacket as unknown as new (packet: object, broker: Aedes) => BrokerPacket

/** aedes' own topics: heartbeats and births, for itself alone. */
const INTERNAL_TREE = '$SYS/'

type Done = (error?: Error | null) => void

export interface BrokerOptions {
  store: Store
  part: StorePart
  clock: Clock
  storeTimeoutMs: number
  /** Sees each packet in order, right before it is handed to its subscribers. */
  published(packet: BrokerPacket, client: BrokerClient | null, origin: Origin | undefined): void
  /** A client was unregistered; not said of one that goes before it was registered. */
  clientGone(client: BrokerClient): void
  keepAliveTimeout(client: BrokerClient): void
  failed(error: unknown, what: string): void
}

/** Aedes with the holes that were measured in it closed; nothing outside this file knows aedes. */
class Broker extends Aedes {
  readonly #options: BrokerOptions
  readonly #sequencer: Sequencer
  declare persistence: ReturnType<typeof levelPersistence>
  declare mq: { emit(packet: BrokerPacket, done: Done): void }

  constructor(options: BrokerOptions) {
    super({
      persistence: createPersistence(options),
      concurrency: 0,
      // The session layer drops or disconnects slow clients; waiting for them would hold up the others.
      drainTimeout: 0,
      maxClientsIdLength: 65535,
      connectTimeout: 0x7fffffff,
      queueLimit: 1000,
      authenticate(client, _username, _password, done) {
        const self = client as unknown as BrokerClient
        // A resumed MQTT 5 session with expiry 0 is still that session until the connection ends; aedes
        // takes it for a clean one and throws its queue away.
        if (self.version === 5 && self.clean && !self._cleanStart) self.clean = false
        done(null, true)
      },
      // The session layer has checked before; this only keeps aedes from adding a rule of its own.
      authorizePublish: (_client, _packet, done) => done(null),
      // Asked here and not on the wire alone: a queue has to forget what its client is not to have.
      authorizeForward(client, packet) {
        const { connection } = (client as unknown as BrokerClient).conn
        return !connection || connection.wants(packet.topic) ? packet : null
      }
    })
    this.#options = options
    this.#sequencer = createSequencer(options.clock, options.storeTimeoutMs)
    this.on('clientDisconnect', (client) => options.clientGone(client as unknown as BrokerClient))
    this.on('keepaliveTimeout', (client) =>
      options.keepAliveTimeout(client as unknown as BrokerClient)
    )
    // The session layer says what a client did wrong; aedes' own word is for what it does not see.
    this.on('clientError', (client, error) => {
      const { connection } = (client as unknown as BrokerClient).conn
      connection?.failed(error)
    })
    this.on('connectionError', (client, error) => {
      const { connection } = (client as unknown as BrokerClient).conn
      connection?.failed(error)
    })
    ;(this as unknown as NodeJS.EventEmitter).on('error', (error) =>
      options.failed(error, 'the broker reported an error')
    )
  }

  // The declared type is the promise form's; aedes itself calls it with or without a client.
  override publish(packet: any, clientOrDone: any, maybeDone?: any): any {
    if (typeof clientOrDone === 'function') this.push(packet, null, clientOrDone)
    else this.push(packet, clientOrDone ?? null, maybeDone ?? ((_error: unknown) => undefined))
  }

  /** Publishes and answers the sequence number it took. */
  push(packet: any, client: BrokerClient | null, done: Done, origin?: Origin): number {
    if (countLevels(packet.topic) > MAX_TOPIC_LEVELS) {
      done(new CoreError('topic-invalid', 'topic has too many levels'))
      return 0
    }
    // The constructor takes the counter: from here on the order is fixed.
    const stamped = new Packet(packet, this)
    const { clock, published } = this.#options
    const expiry = stamped.properties?.messageExpiryInterval
    if (expiry && stamped.messageExpiry === undefined) {
      stamped.messageExpiry = clock.now() + expiry * 1000
    }
    const connection = client?.conn.connection
    this.#sequencer.push(
      this.#store(stamped),
      () => {
        if (client) stamped.clientId = client.id
        if (!stamped.topic.startsWith(INTERNAL_TREE)) published(stamped, client, origin)
        connection?.stored(packet)
        this.mq.emit(stamped, done)
      },
      (error) => {
        this.#options.failed(error, `publish to ${stamped.topic} was not stored`)
        // The client is told by its connection; for aedes the packet is dealt with.
        if (connection) {
          connection.notStored(packet)
          done()
        } else done(error as Error)
      }
    )
    return stamped.brokerCounter
  }

  /** Starts the writes at once; undefined when there is nothing to store. */
  #store(packet: BrokerPacket): Promise<unknown> | undefined {
    const retaining = packet.retain ? this.#storeRetained(packet) : undefined
    if (packet.qos === 0) return retaining
    const queueing = this.persistence
      .subscriptionsByTopic(packet.topic)
      .then((subscriptions) =>
        subscriptions.length > 0
          ? this.persistence.outgoingEnqueueCombi(subscriptions, packet)
          : undefined
      )
    return retaining ? Promise.all([retaining, queueing]) : queueing
  }

  #storeRetained(packet: BrokerPacket): Promise<unknown> {
    packet.storedAtMs = this.#options.clock.now()
    return this.persistence.storeRetained(packet)
  }

  /** A will passes where a publish of its client would have passed. */
  publishWill(client: BrokerClient, will: BrokerPacket): void {
    const taken = client.conn.connection?.takeWill(will)
    if (taken) {
      taken
        .then(() => this.persistence.delWill({ id: client.id, brokerId: this.id }))
        .catch((error: unknown) => this.#options.failed(error, `will to ${will.topic}`))
      return
    }
    // The delay is the session's business; in a PUBLISH it is illegal and strict clients drop it.
    if (will.properties?.willDelayInterval !== undefined) {
      const { willDelayInterval: _, ...properties } = will.properties
      will = { ...will, properties }
    }
    // @ts-expect-error publishWill is missing from aedes' declarations
    super.publishWill(client, will)
  }
}

/** The persistence over one part, with two costs and one flaw removed. */
function createPersistence({ store, part }: BrokerOptions) {
  const persistence = levelPersistence(toPersistenceDatabase(store, part))
  // Upstream decodes every retained message on every SUBSCRIBE; we read the filter's key range.
  persistence.createRetainedStreamCombi = (patterns: string[]) =>
    Readable.from(readEach(part, patterns))
  // Half-done QoS 2 publishes end with their session; aedes would take a later one with the same id for
  // a repetition, and lose it.
  const cleanSubscriptions = persistence.cleanSubscriptions.bind(persistence)
  persistence.cleanSubscriptions = async (client) => {
    await persistence.cleanIncoming(client)
    await cleanSubscriptions(client)
  }
  // aedes looks up each QoS 2 publish before it takes it. Reads of a disk end in any order; the publishes
  // behind them must not [MQTT-4.6.0-1].
  const getIncoming = persistence.incomingGetPacket.bind(persistence)
  const lookUps = new WeakMap<object, Promise<unknown>>()
  persistence.incomingGetPacket = (client, packet) => {
    const found = getIncoming(client, packet)
    found.catch(() => {}) // not found is the rule; whoever waits for its turn below hears of it
    const inTurn = (lookUps.get(client) ?? Promise.resolve()).then(() => found)
    lookUps.set(
      client,
      inTurn.catch(() => {})
    )
    return inTurn
  }
  // Clean sessions have nothing stored, so their acknowledgements need no look-up in the database.
  const clear = persistence.outgoingClearMessageId.bind(persistence)
  persistence.outgoingClearMessageId = (client: { clean?: boolean }, packet) =>
    client.clean ? Promise.resolve(undefined) : clear(client, packet)
  return persistence
}

async function* readEach(part: StorePart, patterns: string[]) {
  for (const pattern of patterns) yield* readStored(part, pattern)
}

/** One running broker. */
export interface RunningBroker {
  /** Gives aedes a connection whose CONNECT was accepted and put back. */
  handle(stream: Duplex): BrokerClient
  /** Resolves with the sequence number when the packet is stored and handed to its subscribers. */
  publish(packet: object, origin: Origin | undefined): Promise<number>
  close(): Promise<void>
}

export async function startBroker(options: BrokerOptions): Promise<RunningBroker> {
  const broker = new Broker(options)
  await (broker as unknown as { listen(): Promise<void> }).listen()
  return {
    handle: (stream) => broker.handle(stream) as unknown as BrokerClient,
    publish: (packet, origin) =>
      new Promise((resolve, reject) => {
        let sequence = 0
        const done = (error?: Error | null) => (error ? reject(error) : setSequence())
        // A publish without subscribers is done before push has returned its number.
        const setSequence = () => queueMicrotask(() => resolve(sequence))
        sequence = broker.push(packet, null, done, origin)
      }),
    close: () => new Promise((resolve) => broker.close(() => resolve()))
  }
}
