import { limits } from './limits.ts'

/** Whether a whole group name matches; case counts. */
export type Pattern = (group: string) => boolean

/**
 * Compiles the group pattern of a role such as `webpubsub.sendToGroups.room.*`; undefined when it is none.
 *
 * `?` is one character and `*` any run of them, both without a dot; `**` is any run, dots included. A
 * backslash escapes `\`, `*` and `?`. A slash is an ordinary character, so `*` spans the levels of a topic.
 * @see https://learn.microsoft.com/azure/azure-web-pubsub/concept-wildcard-group-roles
 */
export function compilePattern(pattern: string): Pattern | undefined {
  if (pattern.trim() === '' || pattern.length > limits.groupCharacters.value) return undefined
  const tokens: string[] = pattern.match(/\\[\\*?]|\*\*|[^]/g) ?? []
  if (tokens.includes('\\')) return undefined // escapes nothing
  const stars = tokens.filter(isRun).join('')
  if (stars.length > limits.patternStars.value) return undefined
  return (group) => matches(tokens, group)
}

const isRun = (token: string | undefined) => token === '*' || token === '**'

/**
 * Keeps every place of the pattern where the text can have come to, character by character. A regular
 * expression would try them one after the other, and hold everybody up over a name that nearly fits.
 */
function matches(tokens: readonly string[], text: string): boolean {
  let places = reach(tokens, new Set(), 0)
  for (let index = 0; index < text.length && places.size > 0; index++) {
    const character = text[index]!
    const next = new Set<number>()
    for (const place of places) {
      const token = tokens[place]
      if (token === undefined || !takes(token, character)) continue
      reach(tokens, next, isRun(token) ? place : place + 1)
    }
    places = next
  }
  return places.has(tokens.length)
}

/** Adds a place, and those behind it that are reached without a character. */
function reach(tokens: readonly string[], places: Set<number>, place: number): Set<number> {
  places.add(place)
  return isRun(tokens[place]) ? reach(tokens, places, place + 1) : places
}

function takes(token: string, character: string): boolean {
  if (token === '**') return true
  if (token === '*' || token === '?') return character !== '.'
  // Of an escape the second character counts.
  return token.at(-1) === character
}
