/** The most levels a topic may have: the matcher beneath the broker gives up above it. */
export const MAX_TOPIC_LEVELS = 100

/** What is wrong with a topic name by the MQTT standard alone; undefined: nothing. */
export type TopicFault =
  | 'empty'
  | 'null-character'
  | 'lone-surrogate'
  | 'wildcard'
  | 'wildcard-placement'
  | 'too-many-levels'
  | 'too-long'

/** The longest string MQTT can carry, in UTF-8 bytes. */
const MAX_STRING_BYTES = 65535

/** Number of levels: slashes plus one. */
export function countLevels(topic: string): number {
  let levels = 1
  for (let i = 0; i < topic.length; i++) if (topic.charCodeAt(i) === 0x2f) levels++
  return levels
}

/** Checks a topic name (no wildcards) against the standard; a provider's own limits come on top. */
export function topicNameFault(topic: string): TopicFault | undefined {
  const fault = textFault(topic)
  if (fault) return fault
  if (topic.includes('+') || topic.includes('#')) return 'wildcard' // [MQTT-3.3.2-2]
  return undefined
}

/** Checks a topic filter against the standard: `+` fills a level, `#` fills the last one. */
export function topicFilterFault(filter: string): TopicFault | undefined {
  const fault = textFault(filter)
  if (fault) return fault
  const levels = filter.split('/')
  for (const [index, level] of levels.entries()) {
    if (level === '+' || (level === '#' && index === levels.length - 1)) continue
    if (level.includes('+') || level.includes('#')) return 'wildcard-placement' // [MQTT-4.7.1-1]
  }
  return undefined
}

function textFault(text: string): TopicFault | undefined {
  if (text.length === 0) return 'empty' // [MQTT-4.7.3-1]
  if (text.includes('\0')) return 'null-character' // [MQTT-4.7.3-2]
  if (!text.isWellFormed()) return 'lone-surrogate' // [MQTT-1.5.4-1]
  if (Buffer.byteLength(text) > MAX_STRING_BYTES) return 'too-long' // [MQTT-4.7.3-3]
  if (countLevels(text) > MAX_TOPIC_LEVELS) return 'too-many-levels'
  return undefined
}

/** Whether a filter matches a topic name; a leading wildcard never reaches into `$…` [MQTT-4.7.2-1]. */
export function matchesFilter(filter: string, topic: string): boolean {
  if (topic.charCodeAt(0) === 0x24 && (filter[0] === '+' || filter[0] === '#')) return false
  const filterLevels = filter.split('/')
  const topicLevels = topic.split('/')
  for (const [index, level] of filterLevels.entries()) {
    if (level === '#') return topicLevels.length >= index
    if (index >= topicLevels.length) return false
    if (level !== '+' && level !== topicLevels[index]) return false
  }
  return filterLevels.length === topicLevels.length
}

/** True when the filter holds a wildcard, so that it can match more than one topic. */
export function isWildcard(filter: string): boolean {
  return filter.includes('+') || filter.includes('#')
}
