import type { BrokerPacket } from './broker.ts'
import type { Clock } from './clock.ts'
import type { Fanout } from './fanout.ts'
import type { Message } from './message.ts'
import type { ClientSession, SessionEntry, Subscription } from './session/entry.ts'
import type { SubscriptionRequest } from './session/policy.ts'
import type { SessionEvent } from './session/session.ts'
import type { Sessions } from './sessions.ts'

/** A subscription that is made on a client's behalf. */
export interface SubscriptionOrder extends SubscriptionRequest {
  noLocal?: boolean
  retainAsPublished?: boolean
  identifier?: number
  /** The filters of the space that stand for it. @default the filter itself */
  spaceFilters?: readonly string[]
}

/**
 * What became of a message to one client.
 *
 * `stored`: it waits for its client. `sent`: on its way, nobody waited for the acknowledgement.
 * `acknowledged`: the client has it. `unacknowledged`: it had not by the time given, or went away.
 * `not-delivered`: the client is away and nothing is kept for it.
 */
export type SendResult = 'stored' | 'sent' | 'acknowledged' | 'unacknowledged' | 'not-delivered'

/** Every session of a space, its client connected or not. */
export interface Clients {
  get(personality: string, clientId: string): ClientSession | undefined
  /** In no particular order; absent: all personalities'. */
  list(personality?: string): ClientSession[]
  /** Adds or replaces; false when there is no such session. No retained messages are sent. */
  subscribe(
    personality: string,
    clientId: string,
    orders: readonly SubscriptionOrder[]
  ): Promise<boolean>
  /** The filters that were subscribed to; undefined when there is no such session. */
  unsubscribe(
    personality: string,
    clientId: string,
    filters: readonly string[]
  ): Promise<string[] | undefined>
  /**
   * Sends a message to one client, whatever it is subscribed to; undefined when there is no such session.
   * @param options.acknowledgedWithinMs waits that long for the PUBACK (QoS 0: for nothing)
   * @throws CoreError as Space.publish
   */
  send(
    personality: string,
    clientId: string,
    message: Omit<Message, 'retain'>,
    options?: { acknowledgedWithinMs?: number }
  ): Promise<SendResult | undefined>
  /** Ends the connection alone, if there is one; false when there is no such session. */
  disconnect(personality: string, clientId: string, options: EndOptions): Promise<boolean>
  /** Ends a session: its client is disconnected, all it left is forgotten; false when there is none. */
  end(personality: string, clientId: string, options: EndOptions): Promise<boolean>
}

/** What a client is told that is disconnected, and what the log names. */
export interface EndOptions {
  reasonCode: number
  rule: string
  reasonString?: string
  /** What becomes of its will. @default 'publish' */
  will?: 'publish' | 'suppress'
}

interface ClientsContext {
  sessions: Sessions
  fanout: Fanout
  tell(event: SessionEvent): void
  checkTopic(topic: string): void
  toPacket(message: Message): BrokerPacket
  failed(error: unknown, what: string): void
}

/** @param context asked anew each time: a reset exchanges it */
export function createClients(context: () => ClientsContext, clock: Clock): Clients {
  const find = (personality: string, clientId: string): SessionEntry | undefined =>
    context().sessions.get(`${personality}:${clientId}`)

  function toSubscription(order: SubscriptionOrder): Subscription {
    const { filter, qos, noLocal = false, retainAsPublished = false, identifier } = order
    return {
      filter,
      qos,
      noLocal,
      retainAsPublished,
      retainHandling: 2,
      ...(identifier !== undefined ? { identifier } : {}),
      spaceFilters: order.spaceFilters ?? [filter]
    }
  }

  return {
    get(personality, clientId) {
      const entry = find(personality, clientId)
      return entry && context().sessions.describe(entry)
    },
    list(personality) {
      const { sessions } = context()
      return [...sessions.all()]
        .filter((entry) => personality === undefined || entry.personality === personality)
        .map((entry) => sessions.describe(entry))
    },
    async subscribe(personality, clientId, orders) {
      const entry = find(personality, clientId)
      if (!entry) return false
      const subscriptions = orders.map(toSubscription)
      const stored = context().sessions.subscribe(entry, subscriptions)
      const { connection } = entry
      if (connection) {
        const granted = subscriptions.map(({ filter, qos }) => ({ filter, qos }))
        context().tell({ type: 'subscribed', session: connection, subscriptions: granted })
      }
      await stored
      return true
    },
    async unsubscribe(personality, clientId, filters) {
      const entry = find(personality, clientId)
      if (!entry) return undefined
      const known = filters.filter((filter) => entry.subscriptions.has(filter))
      const stored = context().sessions.unsubscribe(entry, known)
      const { connection } = entry
      if (connection && known.length > 0) {
        context().tell({ type: 'unsubscribed', session: connection, filters: known })
      }
      await stored
      return known
    },
    async send(personality, clientId, message, { acknowledgedWithinMs } = {}) {
      context().checkTopic(message.topic)
      const entry = find(personality, clientId)
      if (!entry) return undefined
      const { fanout, toPacket, failed } = context()
      return new Promise((resolve, reject) => {
        let isQueued = false
        let cancel = () => {}
        const settled = (acknowledged: boolean) => {
          cancel()
          if (acknowledged) resolve(message.qos > 0 ? 'acknowledged' : 'sent')
          else if (acknowledgedWithinMs !== undefined) resolve('unacknowledged')
          else resolve(isQueued ? 'stored' : 'not-delivered')
        }
        isQueued = fanout.sendTo(entry, toPacket({ ...message, retain: false }), settled, {
          stored() {
            if (!entry.connection) resolve(isQueued ? 'stored' : 'not-delivered')
            else if (acknowledgedWithinMs === undefined) queueMicrotask(() => resolve('sent'))
            else cancel = clock.after(acknowledgedWithinMs, () => resolve('unacknowledged'))
          },
          failed(error) {
            failed(error, `message to ${personality} ${clientId} was not stored`)
            reject(error as Error)
          }
        })
      })
    },
    async disconnect(personality, clientId, { will = 'publish', ...refusal }) {
      const entry = find(personality, clientId)
      if (!entry) return false
      if (will === 'suppress') entry.will = undefined
      await entry.connection?.endWith(refusal)
      return true
    },
    async end(personality, clientId, { will = 'publish', ...refusal }) {
      const entry = find(personality, clientId)
      if (!entry) return false
      if (will === 'suppress') entry.will = undefined
      const { connection } = entry
      if (connection) await connection.endWith(refusal)
      // A session that lasted as long as its connection went with it.
      if (find(personality, clientId) === entry) await context().sessions.end(entry, will)
      return true
    }
  }
}
