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
  let stars = 0
  let expression = ''
  for (const [token] of pattern.matchAll(/\\[\\*?]|\*\*|[^]/g)) {
    if (token === '\\') return undefined // escapes nothing
    if (token[0] === '*') stars += token.length
    expression += toExpression(token)
  }
  if (stars > limits.patternStars.value) return undefined
  const matcher = new RegExp(`^${expression}$`)
  return (group) => matcher.test(group)
}

function toExpression(token: string): string {
  if (token === '**') return '[^]*'
  if (token === '*') return '[^.]*'
  if (token === '?') return '[^.]'
  const literal = token.length > 1 ? token.slice(1) : token
  return literal.replace(/[.*+?^${}()|[\]\\/-]/, '\\$&')
}
