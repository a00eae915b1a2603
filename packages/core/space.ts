import type { Duplex } from 'node:stream'
import { DEFAULT_BOUNDS, type Bounds } from './bounds.ts'
import { startBroker, type BrokerPacket } from './broker.ts'
import { createClients, type Clients } from './clients.ts'
import type { Clock } from './clock.ts'
import type { CoreLog } from './core.ts'
import { CoreError } from './error.ts'
import { createFanout, type Outcome } from './fanout.ts'
import { toMessage, toWire, type Message, type Origin, type Published } from './message.ts'
import { openQueues } from './queues.ts'
import { createRetained, createRetainedWriter, type Retained } from './retained.ts'
import {
  Connection,
  type ConnectionContext,
  type ConnectionStream,
  type Settled
} from './session/connection.ts'
import { notStored, stored } from './session/outbound.ts'
import type { ClientSession, SessionEntry } from './session/entry.ts'
import type { Session, SessionEvent } from './session/session.ts'
import type { StrictParser } from './session/wire.ts'
import { openSessions } from './sessions.ts'
import type { Store, StorePart, WriteOperation } from './store.ts'
import { createSubscriptions } from './subscriptions.ts'
import { countLevels, MAX_TOPIC_LEVELS, topicNameFault } from './topic.ts'

/** Sees every publish of a space in order, before its publisher is answered, and every session event. */
export type SpaceListener = {
  /** Whether it makes anything of such a publish. @default of every one */
  hears?(topic: string, origin: Origin): boolean
  published?(published: Published): void
  /**
   * Told of the same publish, to keep it elsewhere: the publisher's answer is held back until a returned
   * promise resolves; subscribers wait for nobody. It must not reject.
   */
  keep?(published: Published): Promise<void> | undefined
  session?(event: SessionEvent): void
  /** A session whose client had not come back in time is gone, with all that was kept for it. */
  expired?(client: ClientSession): void
  /** The same of a session whose client was away when its queue was full, see OfflineQueue. */
  overflowed?(client: ClientSession): void
}

/** Where topics, sessions and retained messages live together: one broker over one part of the store. */
export interface Space {
  readonly name: string

  /**
   * Stores a message and hands it to its subscribers; resolves when both are done. The sequence number
   * is the one listeners saw.
   *
   * A retained message with an empty payload removes the one kept. No provider's limit is checked.
   * @throws CoreError 'topic-invalid' (standard's rules, 100 levels), 'store-failed', 'store-timeout', 'closed'
   */
  publish(message: Message, origin?: Origin): Promise<{ sequence: number }>

  /**
   * Whether a message to this topic would reach anybody now, client or listener; where it would not, its
   * publisher may spare himself a message that is not retained.
   */
  isHeard(topic: string, origin: Origin): boolean
  readonly retained: Retained
  /** Every session, its client connected or not. */
  readonly clients: Clients
  /** Connected sessions of one personality, or of all. */
  sessions(personality?: string): Session[]
  session(personality: string, clientId: string): Session | undefined
  /** Calls the listener synchronously; the returned function ends it. Listeners must not throw. */
  listen(listener: SpaceListener): () => void
  /** Whether one connection more is within the bounds. */
  hasRoom(): boolean
  /** Gives a connection whose CONNECT was settled and put back to the broker (see acceptMqtt). */
  attach(stream: Duplex, parser: StrictParser, settled: Settled): void
}

/** A space and what only the core does with it. */
export interface RunningSpace extends Space {
  /** Disconnects everybody (0x98) and forgets everything. */
  reset(): Promise<void>
  close(): Promise<void>
}

/** MQTT 5 "Session taken over". */
const SESSION_TAKEN_OVER = 0x8e
/** MQTT 5 "Administrative action". */
const ADMINISTRATIVE_ACTION = 0x98
/** MQTT 5 "Server shutting down". */
const SERVER_SHUTTING_DOWN = 0x8b

/** How often expired retained messages are removed; nobody is given one in between either. */
const SWEEP_MS = 60_000

interface SpaceContext {
  store: Store
  clock: Clock
  log: CoreLog
  storeTimeoutMs: number
  bounds?: Partial<Bounds>
}

export async function createSpace(name: string, context: SpaceContext): Promise<RunningSpace> {
  const { store, clock, log } = context
  const part = await store.part(name, 'space')
  const bounds = { ...DEFAULT_BOUNDS, ...context.bounds }
  const listeners = new Set<SpaceListener>()
  const connections = new Map<string, Connection>()
  /** Connections with an answer to a publish that is held back: the last of each. */
  const answering = new Map<Connection, Promise<void>>()
  /** CONNECTs of one client are settled one after the other. */
  const opening = new Map<string, Promise<void>>()
  const failed = (error: unknown, what: string) => log.error(error, `space ${name}: ${what}`)
  let attached = 0
  let closed = false
  let parts = await start()

  async function start() {
    const run = await nextRun(store, part)
    const queues = await openQueues(store, part)
    const subscriptions = createSubscriptions({ queues, now: () => clock.now(), failed })
    const retained = createRetainedWriter(store, part, clock)
    const note = (line: string) => log.info(line)
    const fanout = createFanout({
      ...context,
      queues,
      retained,
      subscriptions,
      bounds,
      run,
      log: note,
      overflowed(entry) {
        sessions.overflow(entry).catch((error: unknown) => failed(error, `session ${entry.id}`))
      }
    })
    const sessions = await openSessions({
      store,
      part,
      clock,
      queues,
      subscriptions,
      publishWill,
      expired(client) {
        for (const listener of listeners) listener.expired?.(client)
      },
      overflowed(client) {
        for (const listener of listeners) listener.overflowed?.(client)
      },
      failed
    })
    const broker = await startBroker({
      publish(packet, connection, wire, done) {
        stampExpiry(packet)
        const { entry } = connection
        const { messageId } = wire as { messageId: number }
        // Sent again before the first was answered; aedes had looked before that one was taken [MQTT-4.3.3-10].
        if (packet.qos === 2 && entry.incoming.has(messageId)) {
          return answerRepeated(connection, wire, done)
        }
        const outcome: Outcome = {
          stored(message) {
            const answer = () => {
              stored(connection, wire as never)
              done()
            }
            const held = published(message, originOf(connection))
            if (held || answering.has(connection)) answerAfter(connection, held, answer)
            else answer()
          },
          // The client is told by its connection; for aedes the packet is dealt with.
          failed(error) {
            log.error(error, `space ${name}: publish to ${packet.topic} was not stored`)
            if (packet.qos === 2) entry.incoming.delete(messageId)
            notStored(connection, wire as never)
            done()
          }
        }
        const taken = packet.qos === 2 ? sessions.take(entry, messageId) : []
        fanout.publish(packet, entry.id, outcome, taken)
      },
      incoming: {
        has: ({ entry }, messageId) => sessions.hasTaken(entry, messageId),
        // Not before it is stored: after a restart the id would still mean the message that was released.
        async release(connection, messageId) {
          try {
            await sessions.release(connection.entry, messageId)
          } catch (error) {
            failed(error, `session ${connection.entry.id}`)
            connection.refuse({ rule: 'StoreFailed', reasonCode: 0x80 })
          }
        }
      },
      failed
    })
    /** With PUBREC, once the message that it repeats is stored. */
    function answerRepeated(connection: Connection, wire: object, done: () => void): void {
      const { messageId } = wire as { messageId: number }
      sessions.hasTaken(connection.entry, messageId).then(
        () => done(),
        (error: unknown) => {
          failed(error, `session ${connection.entry.id}`)
          notStored(connection, wire as never)
          done()
        }
      )
    }

    let cancelSweep = () => {}
    const sweepLater = () => {
      cancelSweep = clock.after(SWEEP_MS, () => {
        retained
          .sweep()
          .catch((error: unknown) => failed(error, 'expired retained messages'))
          .finally(() => !closed && sweepLater())
      })
    }
    sweepLater()
    const connectionContext: ConnectionContext = {
      sessions,
      queues,
      part,
      clock,
      log,
      bounds,
      listeners,
      joined,
      left
    }
    const endSweep = () => cancelSweep()
    return { queues, subscriptions, fanout, sessions, broker, connectionContext, endSweep }
  }

  function stampExpiry(packet: BrokerPacket): void {
    const expiry = packet.properties?.messageExpiryInterval
    if (expiry) packet.messageExpiry = clock.now() + expiry * 1000
  }

  const originOf = ({ entry }: { entry: SessionEntry }): Origin => ({
    personality: entry.personality,
    clientId: entry.clientId
  })

  /** undefined: nobody holds the answer back. */
  function published(
    packet: BrokerPacket,
    origin: Origin | undefined
  ): Promise<unknown> | undefined {
    if (listeners.size === 0) return undefined
    const message = toMessage(packet)
    const event: Published = { message, sequence: packet.brokerCounter, timeMs: clock.now() }
    if (origin) event.origin = origin
    let held: Promise<void>[] | undefined
    for (const listener of listeners) {
      listener.published?.(event)
      const holds = listener.keep?.(event)
      if (holds) (held ??= []).push(holds)
    }
    return held && Promise.all(held).catch((error) => failed(error, 'a listener of publishes'))
  }

  /** Answers in the order of the publishes [MQTT-4.6.0-2]. */
  function answerAfter(
    connection: Connection,
    held: Promise<unknown> | undefined,
    answer: () => void
  ): void {
    const turn = Promise.all([answering.get(connection), held]).then(() => {
      if (answering.get(connection) === turn) answering.delete(connection)
      answer()
    })
    answering.set(connection, turn)
  }

  function tell(event: SessionEvent): void {
    for (const listener of listeners) listener.session?.(event)
  }

  function toPacket(message: Message): BrokerPacket {
    const { topic, payload, qos, retain } = message
    const packet = parts.broker.stamp({ cmd: 'publish', topic, payload, qos, retain })
    const properties = toWire(message.properties)
    if (properties) packet.properties = properties
    stampExpiry(packet)
    return packet
  }

  function checkTopic(topic: string): void {
    if (closed) throw new CoreError('closed', `space ${name} is closed`)
    const fault = topicNameFault(topic)
    if (fault) throw new CoreError('topic-invalid', `the topic is not one: ${fault}`)
    if (countLevels(topic) > MAX_TOPIC_LEVELS) {
      throw new CoreError('topic-invalid', 'topic has too many levels')
    }
  }

  /**
   * @param publisher id of the session it is published for, which may want none of its own
   * @param alongside writes that are committed with the message, or not at all
   */
  async function publish(
    message: Message,
    origin?: Origin,
    publisher?: string,
    alongside: WriteOperation[] = []
  ): Promise<{ sequence: number }> {
    checkTopic(message.topic)
    return new Promise((resolve, reject) => {
      const outcome: Outcome = {
        stored(packet) {
          const sent = { sequence: packet.brokerCounter }
          const held = published(packet, origin)
          if (held) void held.then(() => resolve(sent))
          else resolve(sent)
        },
        failed(error) {
          log.error(error, `space ${name}: publish to ${message.topic} was not stored`)
          reject(error as Error)
        }
      }
      parts.fanout.publish(toPacket(message), publisher, outcome, alongside)
    })
  }

  function isHeard(topic: string, origin: Origin): boolean {
    for (const listener of listeners) {
      if (!listener.published && !listener.keep) continue
      if (!listener.hears || listener.hears(topic, origin)) return true
    }
    const { targets, groups } = parts.subscriptions.route(topic, undefined)
    return targets.length > 0 || groups !== undefined
  }

  /** A will passes where a publish of its client would have passed. */
  async function publishWill(
    entry: SessionEntry,
    message: Message,
    connection: Connection | undefined,
    alongside: WriteOperation[]
  ): Promise<void> {
    if (closed) return // it is in the store, and published by whoever opens it
    const taken = connection?.policy.take?.(connection, message)
    if (!taken) return void (await publish(message, originOf({ entry }), entry.id, alongside))
    await taken
    await store.commit(alongside)
  }

  /** At the CONNACK: from here on the client may believe that it is connected. */
  function joined(connection: Connection): void {
    connections.set(connection.entry.id, connection)
    tell({ type: 'connected', session: connection })
  }

  /** May be said twice; the first time counts. */
  function left(connection: Connection): void {
    const { entry } = connection
    const saidClose = connection.policy.closingFrameDisconnects && connection.peer.saidClose?.()
    if (!connection.cause && saidClose) {
      connection.cause = { by: 'client', reasonCode: 0 }
      connection.discardsWill = true
    }
    const cause = connection.cause ?? { by: 'connection-lost' as const }
    if (connections.get(entry.id) === connection) {
      connections.delete(entry.id)
      tell({ type: 'disconnected', session: connection, cause })
    }
    connection.ended()
    parts.sessions.leave(entry, connection, cause)
  }

  function disconnectAll(reasonCode: number, rule: string): void {
    for (const { connection } of parts.sessions.all()) connection?.disconnect(reasonCode, rule)
  }

  function attach(stream: ConnectionStream, parser: StrictParser, settled: Settled): void {
    attached++
    stream.on('close', detach)
    const before = opening.get(settled.id)
    if (before) {
      enqueue(
        settled.id,
        before.then(() => open(stream, parser, settled))
      )
      return
    }
    const opened = open(stream, parser, settled)
    if (opened) enqueue(settled.id, opened)
  }

  function detach(this: ConnectionStream): void {
    attached--
    if (this.connection) left(this.connection)
  }

  function enqueue(id: string, work: Promise<void>): void {
    const done: Promise<void> = work
      .catch((error: unknown) => failed(error, `connection of ${id}`))
      .finally(() => opening.get(id) === done && opening.delete(id))
    opening.set(id, done)
  }

  /** Ends whoever holds the session, finds or makes it, and hands the connection to the broker. */
  function open(stream: Duplex, parser: StrictParser, settled: Settled): Promise<void> | undefined {
    if (closed || stream.destroyed) {
      stream.destroy()
      return undefined
    }
    const holder = parts.sessions.get(settled.id)?.connection
    const opened = holder
      ? takeOver(holder).then(() => parts.sessions.open(settled))
      : parts.sessions.open(settled)
    const connect = ({ entry, sessionPresent, begun }: Awaited<typeof opened>) => {
      if (closed || stream.destroyed) stream.destroy()
      settled.sessionPresent = sessionPresent
      settled.begun = begun
      const { handle } = parts.broker
      const { connectionContext: context } = parts
      const connection = new Connection({ settled, entry, stream, parser, handle, context })
      if (stream.destroyed) left(connection)
    }
    if (!(opened instanceof Promise)) {
      connect(opened)
      return undefined
    }
    return opened.then(connect, (error: unknown) => {
      stream.destroy()
      throw error
    })
  }

  /** [MQTT-3.1.4-3] */
  function takeOver(holder: Connection): Promise<void> {
    holder.cause ??= { by: 'takeover' }
    return new Promise((resolve) => {
      holder.client.disconnect({ reasonCode: SESSION_TAKEN_OVER }, () => {
        left(holder)
        resolve()
      })
    })
  }

  parts.sessions.resume()
  return {
    name,
    publish: (message, origin) => publish(message, origin),
    isHeard,
    retained: createRetained(part, clock),
    clients: createClients(() => ({ ...parts, tell, checkTopic, toPacket, failed }), clock),
    sessions: (personality) =>
      [...connections.values()].filter(
        (connection) => personality === undefined || connection.policy.personality === personality
      ),
    session: (personality, clientId) => connections.get(`${personality}:${clientId}`),
    listen(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    hasRoom: () => attached < bounds.connections,
    attach,
    async reset() {
      await stop(ADMINISTRATIVE_ACTION, 'Reset')
      await store.commit([])
      await part.clear()
      parts = await start()
    },
    async close() {
      if (closed) return
      closed = true
      await stop(SERVER_SHUTTING_DOWN, 'ServerShuttingDown')
    }
  }

  async function stop(reasonCode: number, rule: string): Promise<void> {
    parts.endSweep()
    const noted = parts.sessions.close()
    disconnectAll(reasonCode, rule)
    await parts.broker.close()
    for (const { connection } of parts.sessions.all()) if (connection) left(connection)
    await noted
  }
}

/** Counts the runs of a space, so that what is queued in a later one sorts behind. */
async function nextRun(store: Store, part: StorePart): Promise<number> {
  const last = await part.get('run')
  const run = last ? Number(last.toString()) + 1 : 1
  await store.commit([{ type: 'put', key: 'run', value: Buffer.from(String(run)), sublevel: part }])
  return run
}
