import type { Duplex } from 'node:stream'
import { startBroker, type BrokerClient, type BrokerPacket } from './broker.ts'
import type { Clock } from './clock.ts'
import type { CoreLog } from './core.ts'
import { CoreError } from './error.ts'
import {
  toMessage,
  toWire,
  type Message,
  type Origin,
  type Published,
  type RetainedMessage
} from './message.ts'
import { readAllStored, readStored, toRetainedMessage } from './retained.ts'
import {
  createConnection,
  sendLastWord,
  type Connection,
  type Settled
} from './session/connection.ts'
import type { Session, SessionEvent } from './session/session.ts'
import type { StrictParser } from './session/wire.ts'
import type { Store } from './store.ts'
import { topicNameFault } from './topic.ts'

/** Sees every publish of a space in order, before its publisher is answered, and every session event. */
export type SpaceListener = {
  published?(published: Published): void
  session?(event: SessionEvent): void
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

  readonly retained: {
    /** The message kept under exactly this topic; expired ones are not there. Remaining expiry is filled in. */
    get(topic: string): Promise<RetainedMessage | undefined>
    /**
     * Messages matching `filter` (absent: all, `$…` too), by topic in UTF-8 order, starting behind `after`.
     * Costs what the filter's literal prefix covers. `next` is the last topic when there may be more.
     */
    list(query: {
      filter?: string
      after?: string
      limit: number
    }): Promise<{ messages: RetainedMessage[]; next?: string }>
  }

  /** Connected sessions of one personality, or of all. */
  sessions(personality?: string): Session[]
  session(personality: string, clientId: string): Session | undefined
  /** Calls the listener synchronously; the returned function ends it. Listeners must not throw. */
  listen(listener: SpaceListener): () => void
  /** Gives a connection whose CONNECT was settled and put back to the broker (see acceptMqtt). */
  attach(stream: Duplex, parser: StrictParser, settled: Settled): void
}

/** A space and what only the core does with it. */
export interface RunningSpace extends Space {
  /** Disconnects everybody (0x98) and forgets everything. */
  reset(): Promise<void>
  close(): Promise<void>
}

/** MQTT 5 "Administrative action". */
const ADMINISTRATIVE_ACTION = 0x98
/** MQTT 5 "Server shutting down". */
const SERVER_SHUTTING_DOWN = 0x8b
/** MQTT 5 "Keep Alive timeout". */
const KEEP_ALIVE_TIMEOUT = 0x8d

export async function createSpace(
  name: string,
  context: { store: Store; clock: Clock; log: CoreLog; storeTimeoutMs: number }
): Promise<RunningSpace> {
  const { store, clock, log } = context
  const part = await store.part(name, 'space')
  const listeners = new Set<SpaceListener>()
  const connections = new Map<string, Connection>()
  let closed = false
  let broker = await start()

  function start() {
    return startBroker({
      ...context,
      part,
      published,
      clientGone: (client) => client.conn.connection && left(client.conn.connection),
      keepAliveTimeout(client) {
        const { connection } = client.conn
        if (!connection) return
        connection.cause ??= { by: 'keep-alive' }
        connection.logRefusal('disconnect', {
          rule: 'KeepAliveTimeout',
          reasonCode: KEEP_ALIVE_TIMEOUT
        })
        sendLastWord(connection, KEEP_ALIVE_TIMEOUT)
      },
      failed: (error, what) => log.error(error, `space ${name}: ${what}`)
    })
  }

  function published(
    packet: BrokerPacket,
    client: BrokerClient | null,
    origin: Origin | undefined
  ): void {
    if (listeners.size === 0) return
    const message = toMessage(packet)
    const event: Published = { message, sequence: packet.brokerCounter, timeMs: clock.now() }
    const session = client?.conn.connection
    if (session)
      event.origin = { personality: session.policy.personality, clientId: session.clientId }
    else if (origin) event.origin = origin
    for (const listener of listeners) listener.published?.(event)
  }

  function tell(event: SessionEvent): void {
    for (const listener of listeners) listener.session?.(event)
  }

  /** At the CONNACK: from here on the client may believe that it is connected. */
  function joined(connection: Connection): void {
    const id: string = connection.settled.packet.clientId
    const earlier = connections.get(id)
    if (earlier) {
      earlier.cause ??= { by: 'takeover' }
      left(earlier)
    }
    connections.set(id, connection)
    tell({ type: 'connected', session: connection })
  }

  /** May be said twice, by the broker and by the stream; the first time counts. */
  function left(connection: Connection): void {
    const id: string = connection.settled.packet.clientId
    if (connections.get(id) !== connection) return
    connections.delete(id)
    const cause = connection.cause ?? { by: 'connection-lost' as const }
    tell({ type: 'disconnected', session: connection, cause })
  }

  function disconnectAll(reasonCode: number, rule: string): void {
    for (const connection of [...connections.values()]) connection.disconnect(reasonCode, rule)
  }

  async function publish(message: Message, origin?: Origin): Promise<{ sequence: number }> {
    if (closed) throw new CoreError('closed', `space ${name} is closed`)
    const fault = topicNameFault(message.topic)
    if (fault) throw new CoreError('topic-invalid', `the topic is not one: ${fault}`)
    const packet: Record<string, unknown> = {
      cmd: 'publish',
      topic: message.topic,
      payload: message.payload,
      qos: message.qos,
      retain: message.retain
    }
    const properties = toWire(message.properties)
    if (properties) packet.properties = properties
    return { sequence: await broker.publish(packet, origin) }
  }

  async function list(query: { filter?: string; after?: string; limit: number }) {
    const stored =
      query.filter === undefined
        ? readAllStored(part, query.after)
        : readStored(part, query.filter, query.after)
    const messages: RetainedMessage[] = []
    for await (const packet of stored) {
      const message = toRetainedMessage(packet, clock)
      if (!message) continue
      if (messages.length === query.limit) {
        return { messages, next: messages[messages.length - 1]!.topic }
      }
      messages.push(message)
    }
    return { messages }
  }

  function attach(stream: Duplex, parser: StrictParser, settled: Settled): void {
    if (closed || stream.destroyed) {
      stream.destroy()
      return
    }
    const { handle } = broker
    const connection = createConnection({ settled, stream, parser, handle, joined, log, listeners })
    stream.once('close', () => left(connection))
  }

  return {
    name,
    publish,
    retained: {
      async get(topic) {
        for await (const packet of readStored(part, topic)) return toRetainedMessage(packet, clock)
        return undefined
      },
      list
    },
    sessions: (personality) =>
      [...connections.values()].filter(
        (connection) => personality === undefined || connection.policy.personality === personality
      ),
    session: (personality, clientId) => connections.get(`${personality}:${clientId}`),
    listen(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    attach,
    async reset() {
      disconnectAll(ADMINISTRATIVE_ACTION, 'Reset')
      await broker.close()
      await store.commit([])
      await part.clear()
      broker = await start()
    },
    async close() {
      if (closed) return
      closed = true
      disconnectAll(SERVER_SHUTTING_DOWN, 'ServerShuttingDown')
      await broker.close()
    }
  }
}
