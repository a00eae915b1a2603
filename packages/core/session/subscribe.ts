import { isWildcard, topicFilterFault } from '../topic.ts'
import type { Connection } from './connection.ts'
import type { Refusal, SubscriptionRequest } from './policy.ts'
import type { WirePacket } from './wire.ts'

/** MQTT 3.1.1's one code for a failed subscription [MQTT-3.9.3-2]. */
const FAILURE = 0x80
/** MQTT 5 UNSUBACK "No subscription existed". */
const NO_SUBSCRIPTION_EXISTED = 0x11
const SHARED_PREFIX = '$share/'
const NO_FILTER: Refusal = { rule: 'ProtocolError', reasonCode: 0x82, detail: 'no topic filter' }

interface WireSubscription {
  topic: string
  qos: 0 | 1 | 2
  nl?: boolean
  rap?: boolean
  rh?: number
}

/** How the broker's answer about space filters becomes an answer about the client's own. */
interface Plan {
  /** Per filter of the client: a code that is settled, or the positions in the broker's answer. */
  answers: (number | number[])[]
  granted: SubscriptionRequest[]
}

/** Handles SUBSCRIBE and UNSUBSCRIBE on the way in, and their acknowledgements on the way out. */
export function createSubscriber(connection: Connection) {
  const { policy, version, held, toBroker: forward } = connection
  const plans = new Map<number, Plan>()
  connection.toSubscribeAck = (packet) => {
    const plan = plans.get(packet.messageId)
    if (!plan) return packet
    plans.delete(packet.messageId)
    if (plan.granted.length > 0 && policy.subscribed) tellPolicy(plan.granted)
    return { ...packet, granted: collapse(plan, packet.granted ?? []) }
  }

  function collapse(plan: Plan, codes: number[]): number[] {
    return plan.answers.map((answer) =>
      // The lowest grant is the promise that holds for all of a filter's parts; a refusal is the highest.
      typeof answer === 'number'
        ? answer
        : Math.max(...answer.map((index) => codes[index] ?? FAILURE))
    )
  }

  function refusalOf(request: WireSubscription): Refusal | undefined {
    const filter = request.topic
    const fault = topicFilterFault(filter)
    if (fault === 'null-character' || fault === 'lone-surrogate') {
      return { rule: 'MalformedPacket', reasonCode: 0x81, detail: fault, answer: 'disconnect' }
    }
    if (fault) return { rule: 'TopicFilterInvalid', reasonCode: 0x8f, detail: fault }
    if (filter.startsWith(SHARED_PREFIX)) {
      return {
        rule: 'SharedSubscriptionsNotSupported',
        reasonCode: 0x9e,
        detail: `filter=${filter}`
      }
    }
    if (!policy.wildcardSubscriptionAvailable && isWildcard(filter)) {
      return {
        rule: 'WildcardSubscriptionsNotSupported',
        reasonCode: 0xa2,
        detail: `filter=${filter}`
      }
    }
    if (request.qos > policy.maximumQoS && policy.subscribeAboveMaximumQoS === 'disconnect') {
      return {
        rule: 'QoSNotSupported',
        reasonCode: 0x9b,
        detail: `qos=${request.qos}`,
        answer: 'disconnect'
      }
    }
    const limit = policy.subscriptionsPerConnection
    if (limit && !held.has(filter) && held.size >= limit.maximum) {
      return { detail: `subscriptions=${held.size + 1}`, ...limit.refusal }
    }
    return policy.checkSubscribe?.(connection, { filter, qos: request.qos })
  }

  function tellRefused(filter: string, refusal: Refusal): void {
    for (const listener of connection.listeners) {
      listener.session?.({
        type: 'refused',
        session: connection,
        packet: 'subscribe',
        topic: filter,
        rule: refusal.rule
      })
    }
  }

  function subscribe(packet: WirePacket): void {
    const requests = packet.subscriptions as WireSubscription[]
    if (requests.length === 0) return connection.refuse(NO_FILTER) // [MQTT-3.8.3-2]
    const identifier: number | undefined = packet.properties?.subscriptionIdentifier
    connection.hasIdentifiers ||= identifier !== undefined
    if (identifier !== undefined && !policy.subscriptionIdentifiersAvailable) {
      return connection.refuse({ rule: 'SubscriptionIdentifiersNotSupported', reasonCode: 0xa1 })
    }
    const many = policy.filtersPerSubscribe
    const tooMany: Refusal | undefined =
      many && requests.length > many.maximum
        ? { detail: `filters=${requests.length}`, ...many.refusal }
        : undefined
    const plan: Plan = { answers: [], granted: [] }
    const wanted = new Map<string, WireSubscription>()
    const spaceFilters: string[][] = []
    for (const request of requests) {
      const refusal = tooMany ?? refusalOf(request)
      if (refusal) {
        tellRefused(request.topic, refusal)
        if (refusal.answer === 'disconnect') return connection.refuse(refusal)
        connection.logRefusal('subscribe', refusal)
        plan.answers.push(version === 5 ? refusal.reasonCode : FAILURE)
        spaceFilters.push([])
        continue
      }
      const qos = Math.min(request.qos, policy.maximumQoS) as 0 | 1 | 2
      const filters = policy.toSpaceFilters?.(request.topic, connection) ?? [request.topic]
      for (const filter of filters) wanted.set(filter, toBroker(request, filter, qos))
      held.set(request.topic, {
        filter: request.topic,
        qos,
        spaceFilters: filters,
        retainAsPublished: request.rap ?? false,
        identifier
      })
      plan.granted.push({ filter: request.topic, qos })
      plan.answers.push([])
      spaceFilters.push(filters)
    }
    // aedes removes duplicates by way of an object, whose keys come back in this very order.
    const order = Object.keys(
      Object.fromEntries([...wanted.keys()].map((filter) => [filter, true]))
    )
    for (const [index, filters] of spaceFilters.entries()) {
      if (filters.length > 0) plan.answers[index] = filters.map((filter) => order.indexOf(filter))
    }
    if (plan.granted.length > 0) tellSubscribed(plan.granted)
    if (order.length === 0) {
      const granted = collapse(plan, [])
      return connection.write({ cmd: 'suback', messageId: packet.messageId, granted })
    }
    plans.set(packet.messageId, plan)
    forward({ ...packet, subscriptions: order.map((filter) => wanted.get(filter)) })
  }

  function toBroker(request: WireSubscription, filter: string, qos: 0 | 1 | 2): WireSubscription {
    const subscription = { ...request, topic: filter, qos }
    if (policy.retainedForWildcards === false && isWildcard(filter)) subscription.rh = 2
    return subscription
  }

  /** A turn later, when the SUBACK is on its way. */
  function tellPolicy(granted: SubscriptionRequest[]): void {
    Promise.resolve()
      .then(() => policy.subscribed?.(connection, granted))
      .catch((error: unknown) =>
        connection.log.error(error, `${policy.personality} failed behind a SUBACK`)
      )
  }

  function tellSubscribed(subscriptions: SubscriptionRequest[]): void {
    for (const listener of connection.listeners) {
      listener.session?.({ type: 'subscribed', session: connection, subscriptions })
    }
  }

  function unsubscribe(packet: WirePacket): void {
    const filters = packet.unsubscriptions as string[]
    if (filters.length === 0) return connection.refuse(NO_FILTER) // [MQTT-3.10.3-2]
    for (const filter of filters) {
      const fault = topicFilterFault(filter)
      if (!fault) continue
      return connection.refuse({ rule: 'TopicFilterInvalid', reasonCode: 0x8f, detail: fault })
    }
    const plan: Plan = { answers: [], granted: [] }
    const spaceFilters: string[] = []
    const known: string[] = []
    for (const filter of filters) {
      const subscription = held.get(filter)
      if (!subscription) {
        plan.answers.push(policy.noSubscriptionReasonCode ?? NO_SUBSCRIPTION_EXISTED)
        continue
      }
      held.delete(filter)
      known.push(filter)
      plan.answers.push(0)
      for (const spaceFilter of subscription.spaceFilters) {
        if (!isHeld(spaceFilter)) spaceFilters.push(spaceFilter)
      }
    }
    if (known.length > 0) {
      for (const listener of connection.listeners) {
        listener.session?.({ type: 'unsubscribed', session: connection, filters: known })
      }
    }
    if (spaceFilters.length === 0) {
      const granted = collapse(plan, [])
      return connection.write({ cmd: 'unsuback', messageId: packet.messageId, granted })
    }
    plans.set(packet.messageId, plan)
    forward({ ...packet, unsubscriptions: spaceFilters })
  }

  /** Another subscription of the client may stand for the same filter of the space. */
  function isHeld(spaceFilter: string): boolean {
    for (const subscription of held.values()) {
      if (subscription.spaceFilters.includes(spaceFilter)) return true
    }
    return false
  }

  return { subscribe, unsubscribe }
}
