import type { QoS } from '../message.ts'
import { isWildcard, topicFilterFault, type TopicFault } from '../topic.ts'
import type { Connection } from './connection.ts'
import type { Subscription } from './entry.ts'
import type { Refusal, SubscriptionRequest } from './policy.ts'
import { sendRetained } from './send-retained.ts'
import type { WirePacket } from './wire.ts'

/** MQTT 3.1.1's one code for a failed subscription [MQTT-3.9.3-2]. */
const FAILURE = 0x80
/** MQTT 5 UNSUBACK "No subscription existed". */
const NO_SUBSCRIPTION_EXISTED = 0x11
const SHARED_PREFIX = '$share/'
/** The largest variable byte integer, and so the largest Subscription Identifier. */
const IDENTIFIER_MAXIMUM = 268_435_455

const NO_FILTER: Refusal = { rule: 'ProtocolError', reasonCode: 0x82, detail: 'no topic filter' }
const STORE_FAILED: Refusal = { rule: 'StoreFailed', reasonCode: 0x80, answer: 'disconnect' }

interface WireSubscription {
  topic: string
  qos: QoS
  nl?: boolean
  rap?: boolean
  rh?: number
}

/** `$share/{group}/{filter}` in its parts; undefined: not that. */
function splitShared(filter: string): { group: string; filter: string } | undefined {
  const end = filter.indexOf('/', SHARED_PREFIX.length)
  if (end < 0) return undefined
  const group = filter.slice(SHARED_PREFIX.length, end)
  if (group === '' || isWildcard(group)) return undefined // [MQTT-4.8.2-1]
  return { group, filter: filter.slice(end + 1) }
}

function filterRefusal(fault: TopicFault): Refusal {
  if (fault === 'null-character' || fault === 'lone-surrogate') {
    return { rule: 'MalformedPacket', reasonCode: 0x81, detail: fault, answer: 'disconnect' }
  }
  return { rule: 'TopicFilterInvalid', reasonCode: 0x8f, detail: fault }
}

/** @param count the subscriptions there will be when this one is granted */
function refusalOf(
  connection: Connection,
  request: WireSubscription,
  count: number
): Refusal | undefined {
  const { bounds, policy } = connection
  const { topic: filter } = request
  const fault = topicFilterFault(filter)
  if (fault) return filterRefusal(fault)
  if (filter.startsWith(SHARED_PREFIX)) {
    const detail = `filter=${filter}`
    if (!policy.sharedSubscriptionAvailable) {
      return { rule: 'SharedSubscriptionsNotSupported', reasonCode: 0x9e, detail }
    }
    const shared = splitShared(filter)
    if (!shared || topicFilterFault(shared.filter)) {
      return { rule: 'TopicFilterInvalid', reasonCode: 0x8f, detail } // [MQTT-4.8.2-2]
    }
    if (request.nl) {
      return { rule: 'ProtocolError', reasonCode: 0x82, detail, answer: 'disconnect' } // [MQTT-3.8.3-4]
    }
  }
  if (!policy.wildcardSubscriptionAvailable && isWildcard(filter)) {
    const detail = `filter=${filter}`
    return { rule: 'WildcardSubscriptionsNotSupported', reasonCode: 0xa2, detail }
  }
  if (request.qos > policy.maximumQoS && policy.subscribeAboveMaximumQoS === 'disconnect') {
    const detail = `qos=${request.qos}`
    return { rule: 'QoSNotSupported', reasonCode: 0x9b, detail, answer: 'disconnect' }
  }
  const limit = policy.subscriptionsPerConnection
  const detail = `subscriptions=${count}`
  if (limit && count > limit.maximum) return { detail, ...limit.refusal }
  if (count > bounds.subscriptions) {
    return { rule: 'SubscriptionsExceeded', reasonCode: 0x97, detail }
  }
  return policy.checkSubscribe?.(connection, { filter, qos: request.qos })
}

function toSubscription(
  connection: Connection,
  request: WireSubscription,
  identifier: number | undefined
): Subscription {
  const { policy } = connection
  const { topic: filter, nl: noLocal = false, rap: retainAsPublished = false } = request
  const shared = filter.startsWith(SHARED_PREFIX) ? splitShared(filter) : undefined
  const plain = shared?.filter ?? filter
  return {
    filter,
    qos: Math.min(request.qos, policy.maximumQoS) as QoS,
    noLocal,
    retainAsPublished,
    retainHandling: request.rh ?? 0,
    ...(identifier !== undefined ? { identifier } : {}),
    ...(shared ? { group: shared.group } : {}),
    spaceFilters: policy.toSpaceFilters?.(plain, connection) ?? [plain]
  }
}

function tellRefused(connection: Connection, filter: string, rule: string): void {
  for (const listener of connection.listeners) {
    const event = { type: 'refused', session: connection, packet: 'subscribe' } as const
    listener.session?.({ ...event, topic: filter, rule })
  }
}

export function subscribe(connection: Connection, packet: WirePacket): void {
  const { entry, policy, sessions, version } = connection
  const { subscriptions: held } = entry
  const requests = packet.subscriptions as WireSubscription[]
  if (requests.length === 0) return connection.refuse(NO_FILTER) // [MQTT-3.8.3-2]
  const identifier: number | undefined = packet.properties?.subscriptionIdentifier
  if (identifier !== undefined) {
    if (!policy.subscriptionIdentifiersAvailable) {
      return connection.refuse({ rule: 'SubscriptionIdentifiersNotSupported', reasonCode: 0xa1 })
    }
    if (identifier < 1 || identifier > IDENTIFIER_MAXIMUM) {
      const detail = `subscriptionIdentifier=${identifier}`
      return connection.refuse({ rule: 'ProtocolError', reasonCode: 0x82, detail })
    }
  }
  const many = policy.filtersPerSubscribe
  const tooMany: Refusal | undefined =
    many && requests.length > many.maximum
      ? { detail: `filters=${requests.length}`, ...many.refusal }
      : undefined
  const granted: number[] = []
  const added = new Map<string, Subscription>()
  const wantsRetained = new Set<Subscription>()
  let count = held.size
  for (const request of requests) {
    const isNew = !held.has(request.topic) && !added.has(request.topic)
    if (isNew) count++
    const refusal = tooMany ?? refusalOf(connection, request, count)
    if (refusal) {
      if (isNew) count--
      tellRefused(connection, request.topic, refusal.rule)
      if (refusal.answer === 'disconnect') return connection.refuse(refusal)
      connection.logRefusal('subscribe', refusal)
      granted.push(version === 5 ? refusal.reasonCode : FAILURE)
      continue
    }
    const subscription = toSubscription(connection, request, identifier)
    granted.push(subscription.qos)
    added.set(request.topic, subscription)
    if (isSentRetained(connection, subscription, isNew)) wantsRetained.add(subscription)
  }
  const acknowledge = () =>
    connection.write({ cmd: 'suback', messageId: packet.messageId, granted })
  if (added.size === 0) return acknowledge()
  const subscriptions = [...added.values()]
  const stored = sessions.subscribe(entry, subscriptions)
  tellSubscribed(connection, subscriptions)
  stored
    .then(
      async () => {
        await sendRetained(connection, wantsRetained, acknowledge)
        if (connection.cause) return
        const asked = subscriptions.map(({ filter, qos }) => ({ filter, qos }))
        await policy.subscribed?.(connection, asked)
      },
      (error: unknown) => {
        connection.log.error(error, `${policy.personality} could not store a subscription`)
        connection.refuse(STORE_FAILED)
      }
    )
    .catch((error: unknown) =>
      connection.log.error(error, `${policy.personality} failed behind a SUBACK`)
    )
}

/** [MQTT-3.3.1-9] to [MQTT-3.3.1-11]; a shared subscription gets none. */
function isSentRetained(
  connection: Connection,
  subscription: Subscription,
  isNew: boolean
): boolean {
  const { policy } = connection
  const { retainHandling, group, spaceFilters } = subscription
  if (group !== undefined || retainHandling === 2) return false
  if (retainHandling === 1 && !isNew) return false
  return policy.retainedForWildcards !== false || !spaceFilters.some(isWildcard)
}

function tellSubscribed(
  connection: Connection,
  subscriptions: readonly SubscriptionRequest[]
): void {
  const granted = subscriptions.map(({ filter, qos }) => ({ filter, qos }))
  for (const listener of connection.listeners) {
    listener.session?.({ type: 'subscribed', session: connection, subscriptions: granted })
  }
}

export function unsubscribe(connection: Connection, packet: WirePacket): void {
  const { entry, policy, sessions } = connection
  const { subscriptions: held } = entry
  const filters = packet.unsubscriptions as string[]
  if (filters.length === 0) return connection.refuse(NO_FILTER) // [MQTT-3.10.3-2]
  for (const filter of filters) {
    const fault = topicFilterFault(filter)
    if (fault) return connection.refuse(filterRefusal(fault))
  }
  const missing = policy.noSubscriptionReasonCode ?? NO_SUBSCRIPTION_EXISTED
  const granted = filters.map((filter) => {
    if (!held.has(filter)) return missing
    const refusal = policy.checkUnsubscribe?.(connection, filter)
    if (refusal) connection.logRefusal('unsubscribe', refusal)
    return refusal?.reasonCode ?? 0
  })
  const known = [...new Set(filters.filter((_filter, index) => granted[index] === 0))]
  const acknowledge = () =>
    connection.write({ cmd: 'unsuback', messageId: packet.messageId, granted })
  if (known.length === 0) return acknowledge()
  const stored = sessions.unsubscribe(entry, known)
  for (const listener of connection.listeners) {
    listener.session?.({ type: 'unsubscribed', session: connection, filters: known })
  }
  stored.then(acknowledge, (error: unknown) => {
    connection.log.error(error, `${policy.personality} could not store an UNSUBSCRIBE`)
    connection.refuse(STORE_FAILED)
  })
}
