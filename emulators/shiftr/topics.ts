import { countLevels, MAX_TOPIC_LEVELS } from '@fogbank/core'
import type { ProviderError } from '@fogbank/personality'
import { errors } from './errors.ts'
import { limits } from './limits.ts'

/** A topic or filter as shiftr.io understands it. */
export interface Topic {
  /** With `+` and `#`, without the leading slash. */
  name: string
  /** The leading slash was there. */
  rootSlash: boolean
  wildcard: boolean
}

/**
 * Told of what only shiftr.io limits: throws it, or lets it pass with a warning. What MQTT itself forbids is
 * thrown in any case.
 */
export type OnBreach = (breach: ProviderError) => void

export const EVENTS = '$events'
export const INFO = '$info'
export const ACTION = '$action'

/** They leave no trace among the messages. */
const SYSTEM: ReadonlySet<string> = new Set([EVENTS, INFO, ACTION])

const SLASH = 0x2f
const DOLLAR = 0x24
const PLUS = 0x2b
const HASH = 0x23
const LEGAL = legalCodes()

function legalCodes(): Uint8Array {
  const table = new Uint8Array(128)
  const legal = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,:;-_$/+#'
  for (let i = 0; i < legal.length; i++) table[legal.charCodeAt(i)] = 1
  return table
}

/**
 * Reads the topic of a request path, already percent-decoded: `@` means `#` and `*` means `+`.
 * @throws ProviderError
 */
export function parseHttpTopic(text: string, onBreach: OnBreach): Topic {
  return parseTopic(text.includes('@') ? text.replaceAll('@', '#') : text, onBreach)
}

/** Reads a topic or filter of an MQTT packet: `*` means `+`. @throws ProviderError */
export function parseTopic(text: string, onBreach: OnBreach): Topic {
  const name = normalize(text)
  const wildcard = checkName(name, onBreach)
  return { name, rootSlash: text.charCodeAt(0) === SLASH, wildcard }
}

/** Checks a normalized topic or filter and says whether it holds a wildcard. @throws ProviderError */
export function checkName(name: string, onBreach: OnBreach): boolean {
  if (name === '') throw errors.TopicEmpty()
  const characters = name.length > limits.topicCharacters.value ? [...name].length : name.length
  if (characters > limits.topicCharacters.value) {
    onBreach(limits.topicCharacters.exceeded(characters))
  }
  let wildcard = false
  let illegalAt = -1
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i)
    if (code === PLUS || code === HASH) {
      wildcard = true
      checkPlacement(name, i, code)
    } else if (LEGAL[code] !== 1 && illegalAt < 0) {
      illegalAt = i
    }
  }
  if (illegalAt >= 0) {
    onBreach(errors.TopicCharacterInvalid({ character: toCodePoint(name, illegalAt) }))
    // [MQTT-4.7.3-2]
    if (name.includes('\0')) throw errors.TopicCharacterInvalid({ character: 'U+0000' })
  }
  // Levels are counted as the space will see them: its names are at most three levels deeper.
  if (name.length > 90) limits.topicLevels.check(countLevels(toSpaceName(name)))
  return wildcard
}

/** The same for a topic that is to be published to. @throws ProviderError */
export function checkPublishable(topic: Topic): void {
  if (topic.wildcard) throw errors.TopicWildcard({}, { detail: `topic=${topic.name}` })
  if (topic.name === EVENTS || topic.name === INFO) {
    throw errors.TopicReserved({ topic: topic.name })
  }
}

/** Spelling only: `*` becomes `+`, one leading slash goes. */
export function normalize(text: string): string {
  const plain = text.includes('*') ? text.replaceAll('*', '+') : text
  return plain.charCodeAt(0) === SLASH ? plain.slice(1) : plain
}

function checkPlacement(name: string, at: number, code: number): void {
  // [MQTT-4.7.1-2] [MQTT-4.7.1-3]
  const begins = at === 0 || name.charCodeAt(at - 1) === SLASH
  const ends = at === name.length - 1 || (code === PLUS && name.charCodeAt(at + 1) === SLASH)
  if (!begins || !ends) throw errors.WildcardMisplaced({}, { detail: `topic=${name}` })
}

function toCodePoint(name: string, at: number): string {
  const code = name.codePointAt(at) ?? 0
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
}

// In a shared space each `$…` tree belongs to one personality. Ours holds shiftr's own `$…` topics, which
// are ordinary ones here, and the messages the system topics are made of.
const TREE = '$fogbank/shiftr/'
const DOLLAR_TOPICS = `${TREE}topics/`

/** The topic of the space under which the events of an instance travel. */
export const eventsTopic = (instance: string): string => `${TREE}events/${instance}`
/** The topic of the space under which one connection is sent `$info`. */
export const infoTopic = (connectionId: string): string => `${TREE}info/${connectionId}`
/** What remembers that a retained message is to be forgotten at the next start. */
export const volatileTopic = (instance: string, spaceTopic: string): string =>
  `${TREE}volatile/${instance}/${encodeURIComponent(spaceTopic)}`
export const volatileFilter = (instance: string): string => `${TREE}volatile/${instance}/+`

/** A topic's name in the space; a second leading slash is part of it, the first one never is. */
export function toSpaceName(name: string): string {
  const first = name.charCodeAt(0)
  if (first === DOLLAR) return DOLLAR_TOPICS + name
  return first === SLASH ? `/${name}` : name
}

/** The filters of the space that a filter stands for: others may have published with the slash. */
export function toSpaceNames(name: string): string[] {
  const first = name.charCodeAt(0)
  if (first === DOLLAR || first === SLASH) return [toSpaceName(name)]
  // With the slash it is a level deeper, and a topic too deep for the space cannot be in it.
  return countLevels(name) < MAX_TOPIC_LEVELS ? [name, `/${name}`] : [name]
}

/**
 * The topic of an MQTT publish in the space's terms, before it is checked.
 *
 * Wildcards are left for our own check to find: written as `*`, which is as illegal and says nothing to the
 * standard's.
 */
export function toUncheckedSpaceName(text: string): string {
  return toSpaceName(normalize(text).replace(/[+#]/g, '*'))
}

/** The name behind it. */
export function fromUncheckedSpaceName(spaceTopic: string): string {
  if (spaceTopic.startsWith(DOLLAR_TOPICS)) return spaceTopic.slice(DOLLAR_TOPICS.length)
  return spaceTopic.startsWith('//') ? spaceTopic.slice(1) : spaceTopic
}

/** A topic of the space in shiftr's terms; undefined: it belongs to somebody else. */
export function fromSpaceName(spaceTopic: string): string | undefined {
  const first = spaceTopic.charCodeAt(0)
  if (first === DOLLAR) {
    if (!spaceTopic.startsWith(DOLLAR_TOPICS)) return undefined
    const name = spaceTopic.slice(DOLLAR_TOPICS.length)
    return SYSTEM.has(name) ? undefined : name
  }
  if (first !== SLASH) return spaceTopic
  const name = spaceTopic.slice(1)
  return name === '' || name.charCodeAt(0) === DOLLAR ? undefined : name
}

/**
 * A filter made ready to be asked of many topics.
 *
 * The core's `matchesFilter` cuts both into levels on each call; over ten thousand topics that is felt.
 */
export function toMatcher({ name, wildcard }: Topic): (topic: string) => boolean {
  if (!wildcard) return (topic) => topic === name
  const pattern = name
    .replace(/[.*?^${}()|[\]\\]/g, '\\$&') // all of them come with `limits: 'lenient'`
    .replaceAll('+', '[^/]*')
    .replace(/(^|\/)#$/, (_, slash: string) => (slash ? '(?:/.*)?' : '.*'))
  // [MQTT-4.7.2-1]
  const hidden = /^[+#]/.test(name) ? '(?!\\$)' : ''
  const expression = new RegExp(`^${hidden}${pattern}$`, 's')
  return (topic) => expression.test(topic)
}
