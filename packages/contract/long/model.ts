// What must be delivered, in a hundred lines: the standard's rules without sockets, stores or time.
import { matchesFilter } from '@fogbank/core'
import type { QoS } from './device.ts'

/** A message as a client is to see it. */
export interface Delivery {
  topic: string
  text: string
  qos: QoS
  retain: boolean
}

export interface Subscription {
  qos: QoS
  noLocal: boolean
  retainAsPublished: boolean
}

export interface Published extends Delivery {
  /** Absent: for ever. */
  expirySeconds?: number | undefined
  /** Client id of the publisher; absent: nobody's. */
  from?: string
}

interface Session {
  connected: boolean
  expirySeconds: number
  /** When it ends; Infinity while connected. */
  endsAtMs: number
  subscriptions: Map<string, Subscription>
  queue: { delivery: Delivery; expiresAtMs: number }[]
  will: Will | undefined
}

export interface Will extends Delivery {
  delaySeconds: number
}

/** The broker as the standard describes it. Methods answer nothing: `take` says who is to be sent what. */
export interface Model {
  isConnected(clientId: string): boolean
  subscriptionsOf(clientId: string): string[]
  /** Answers whether the session was still there. */
  connect(
    clientId: string,
    options: { clean: boolean; expirySeconds: number; will?: Will | undefined }
  ): boolean
  subscribe(
    clientId: string,
    filter: string,
    subscription: Subscription,
    retainHandling: 0 | 1 | 2
  ): void
  unsubscribe(clientId: string, filter: string): void
  publish(message: Published): void
  /** Leaves; `politely`: with a DISCONNECT that takes the will along. */
  leave(clientId: string, politely: boolean): void
  /** Everybody's connection is lost at once. */
  crash(): void
  advance(seconds: number): void
  /** What is to have arrived since it was last asked, by client. */
  take(): Map<string, Delivery[]>
}

const minimum = (a: QoS, b: QoS) => Math.min(a, b) as QoS
const maximum = (a: QoS, b: QoS) => Math.max(a, b) as QoS

export function createModel(): Model {
  const sessions = new Map<string, Session>()
  const retained = new Map<string, { message: Published; expiresAtMs: number }>()
  let wills: { clientId: string; dueMs: number; will: Will }[] = []
  let due = new Map<string, Delivery[]>()
  let nowMs = 0

  const endOf = (seconds: number | undefined) =>
    seconds === undefined ? Infinity : nowMs + seconds * 1000

  function deliver(clientId: string, delivery: Delivery): void {
    if (!due.has(clientId)) due.set(clientId, [])
    due.get(clientId)!.push(delivery)
  }

  function publish(message: Published): void {
    const { topic, text, qos, retain, from } = message
    const expiresAtMs = endOf(message.expirySeconds)
    if (retain) {
      if (text === '') retained.delete(topic)
      else retained.set(topic, { message, expiresAtMs })
    }
    for (const [clientId, session] of sessions) {
      const matching = [...session.subscriptions].filter(
        ([filter, { noLocal }]) => matchesFilter(filter, topic) && !(noLocal && from === clientId) // [MQTT-3.8.3-3]
      )
      if (matching.length === 0) continue
      const grants = matching.map(([, subscription]) => subscription)
      // [MQTT-3.3.4-2]: one copy, at the best of what was granted.
      const granted = minimum(qos, grants.map((grant) => grant.qos).reduce(maximum))
      const asPublished = grants.some(({ retainAsPublished }) => retainAsPublished)
      const delivery = { topic, text, qos: granted, retain: retain && asPublished }
      if (session.connected) deliver(clientId, delivery)
      else if (granted > 0) session.queue.push({ delivery, expiresAtMs })
    }
  }

  function end(clientId: string): void {
    sessions.delete(clientId)
    // The end of a session is the latest moment for its will [MQTT-3.1.3-9].
    release((one) => one.clientId === clientId)
  }

  function release(test: (will: (typeof wills)[number]) => boolean): void {
    const ready = wills.filter(test)
    wills = wills.filter((one) => !ready.includes(one))
    for (const { will, clientId } of ready) publish({ ...will, from: clientId })
  }

  function leave(clientId: string, politely: boolean): void {
    part(clientId, politely)
    pass()
  }

  function part(clientId: string, politely: boolean): void {
    const session = sessions.get(clientId)!
    session.connected = false
    session.endsAtMs = nowMs + session.expirySeconds * 1000
    const { will } = session
    session.will = undefined
    if (will && !politely) {
      wills.push({ clientId, dueMs: nowMs + will.delaySeconds * 1000, will })
    }
  }

  /** What is due now: sessions that end, wills that are sent. */
  function pass(): void {
    for (const [clientId, session] of [...sessions]) {
      if (!session.connected && session.endsAtMs <= nowMs) end(clientId)
    }
    release(({ dueMs }) => dueMs <= nowMs)
  }

  return {
    isConnected: (clientId) => sessions.get(clientId)?.connected === true,
    subscriptionsOf: (clientId) => [...(sessions.get(clientId)?.subscriptions.keys() ?? [])],
    connect(clientId, { clean, expirySeconds, will }) {
      const present = sessions.has(clientId) && !clean
      if (present) wills = wills.filter((one) => one.clientId !== clientId)
      else end(clientId)
      const session = sessions.get(clientId) ?? {
        ...{ connected: true, expirySeconds, endsAtMs: Infinity, will },
        ...{ subscriptions: new Map<string, Subscription>(), queue: [] }
      }
      Object.assign(session, { connected: true, expirySeconds, endsAtMs: Infinity, will })
      sessions.set(clientId, session)
      for (const { delivery, expiresAtMs } of session.queue.splice(0)) {
        if (expiresAtMs > nowMs) deliver(clientId, delivery)
      }
      return present
    },
    subscribe(clientId, filter, subscription, retainHandling) {
      const { subscriptions } = sessions.get(clientId)!
      const isNew = !subscriptions.has(filter)
      subscriptions.set(filter, subscription)
      if (retainHandling === 2 || (retainHandling === 1 && !isNew)) return
      for (const [topic, { message, expiresAtMs }] of retained) {
        if (!matchesFilter(filter, topic) || expiresAtMs <= nowMs) continue
        const qos = minimum(message.qos, subscription.qos)
        deliver(clientId, { topic, text: message.text, qos, retain: true })
      }
    },
    unsubscribe: (clientId, filter) => void sessions.get(clientId)!.subscriptions.delete(filter),
    publish,
    leave,
    crash() {
      // All at once: nobody is there any more to hear of another's end.
      for (const [clientId, { connected }] of sessions) if (connected) part(clientId, false)
      pass()
    },
    advance(seconds) {
      // Second by second, so that what falls due happens in its order.
      for (; seconds > 0; seconds--) {
        nowMs += 1000
        pass()
      }
    },
    take() {
      const taken = due
      due = new Map()
      return taken
    }
  }
}
