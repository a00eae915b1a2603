import { topicFilterFault, topicNameFault } from '@fogbank/core'
import { errors } from './errors.ts'
import { limits } from './limits.ts'

/** Basic ingest: the three levels in front count for neither length nor slashes. */
const RULE_PREFIX = /^\$aws\/rules\/[^/]+(?:\/|$)/
const SHARE_PREFIX = /^\$share\/([^/]*)\/(.*)$/s

/** Requests a client may publish to services behind the reserved tree. */
const SERVICE_REQUEST =
  /^\$aws\/(?:things\/[^/]+\/(?:shadow\/(?:name\/[^/]+\/)?(?:get|update|delete)$|jobs\/|defender\/metrics\/|streams\/)|certificates\/create|provisioning-templates\/|sitewise\/)/

/** Where a publish goes: to subscribers, to the rule engine, or to a service of its own. */
export type Destination = 'subscribers' | 'rules' | 'service'

/**
 * Checks a topic that somebody publishes to, on either door, and says where the message goes.
 * @throws ProviderError
 */
export function checkPublishTopic(topic: string, retain: boolean): Destination {
  const reserved = isReserved(topic)
  const counted = reserved ? topic.replace(RULE_PREFIX, '') : topic
  limits.topicBytes.check(Buffer.byteLength(counted))
  limits.topicSlashes.check(countSlashes(counted))
  const fault = topicNameFault(topic)
  if (fault === 'wildcard') throw errors.TopicWildcard({}, { detail: `topic=${topic}` })
  if (fault) throw errors.TopicInvalid({}, { detail: fault })
  if (!reserved) return 'subscribers'
  if (retain) throw errors.RetainOnReservedTopic({}, { detail: `topic=${topic}` })
  if (RULE_PREFIX.test(topic)) return 'rules'
  if (SERVICE_REQUEST.test(topic)) return 'service'
  throw errors.TopicReserved({}, { detail: `topic=${topic}` })
}

/** Checks the topic of a retained message that is asked for. @throws ProviderError */
export function checkRetainedTopic(topic: string): void {
  limits.topicBytes.check(Buffer.byteLength(topic))
  limits.topicSlashes.check(countSlashes(topic))
  const fault = topicNameFault(topic)
  if (fault === 'wildcard') throw errors.TopicWildcard({}, { detail: `topic=${topic}` })
  if (fault) throw errors.TopicInvalid({}, { detail: fault })
}

/** Checks the topic that an answer is asked for on. @throws ProviderError */
export function checkResponseTopic(topic: string): void {
  limits.responseTopicBytes.check(Buffer.byteLength(topic))
  const fault = topicNameFault(topic)
  if (fault) throw errors.ResponseTopicInvalid({}, { detail: fault })
}

/** Checks a topic filter as a client subscribes to it. @throws ProviderError */
export function checkFilter(filter: string): void {
  const fault = topicFilterFault(filter)
  if (fault) throw errors.FilterInvalid({}, { detail: fault })
  const shared = filter.startsWith('$share/') ? SHARE_PREFIX.exec(filter) : undefined
  if (shared === null) throw errors.FilterInvalid({}, { detail: `filter=${filter}` })
  if (shared) checkShareName(shared[1] ?? '')
  const plain = shared?.[2] ?? filter
  if (plain === '') throw errors.FilterInvalid({}, { detail: `filter=${filter}` })
  limits.filterBytes.check(Buffer.byteLength(plain))
  limits.filterSlashes.check(countSlashes(plain))
  if (!isReserved(plain)) return
  // Nobody can subscribe to basic ingest, and what is not below $aws does not exist.
  if (plain.startsWith('$aws/') && !plain.startsWith('$aws/rules/')) return
  throw errors.TopicReserved({}, { detail: `filter=${filter}` })
}

function checkShareName(name: string): void {
  limits.shareNameCharacters.check(name.length)
  if (name === '' || name.includes('+') || name.includes('#')) {
    throw errors.FilterInvalid({}, { detail: `shareName=${name}` })
  }
}

/** What begins with a dollar belongs to the service, client ids included. */
export function isReserved(name: string): boolean {
  return name.charCodeAt(0) === 0x24
}

/** Whether a topic can be a retained message's here; others of a shared space are not shown. */
export function isRetainable(topic: string): boolean {
  return (
    !isReserved(topic) &&
    Buffer.byteLength(topic) <= limits.topicBytes.value &&
    countSlashes(topic) <= limits.topicSlashes.value
  )
}

/**
 * The filter that means by the standard what this one means here: for the standard `sensor/#` matches
 * `sensor` too, for this service it does not.
 */
export function withoutParent(filter: string): string {
  return filter.endsWith('/#') ? `${filter.slice(0, -1)}+/#` : filter
}

function countSlashes(topic: string): number {
  let slashes = 0
  for (let i = 0; i < topic.length; i++) if (topic.charCodeAt(i) === 0x2f) slashes++
  return slashes
}
