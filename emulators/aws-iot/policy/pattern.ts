/** The values of a policy variable or condition key; undefined: there is none in this situation. */
export type Lookup = (name: string) => readonly string[] | undefined

/** A text of a policy with `*`, `?` and, where its version has them, `${variables}`. */
export interface Pattern {
  /** A variable that has no value, or several, matches nothing. */
  matches(text: string, lookup: Lookup): boolean
}

const ANY = Symbol('any number of characters')
const ONE = Symbol('one character')

type Token = string | typeof ANY | typeof ONE
type Part = Token | { variable: string }

/** The three characters that can be written as themselves: `${*}`, `${?}`, `${$}`. */
const LITERALS = new Set(['*', '?', '$'])

/** @param substitutes false: `${` stands for itself, as in policies of version 2008-10-17 */
export function compilePattern(source: string, substitutes: boolean): Pattern {
  const parts = toParts(source, substitutes)
  if (parts.length === 1 && parts[0] === ANY) return { matches: () => true }
  const fixed = parts.every((part) => typeof part !== 'object') ? (parts as Token[]) : undefined
  return {
    matches(text, lookup) {
      const tokens = fixed ?? fillIn(parts, lookup)
      return tokens !== undefined && matchTokens(tokens, Array.from(text))
    }
  }
}

function toParts(source: string, substitutes: boolean): Part[] {
  const parts: Part[] = []
  const expression = substitutes ? /\$\{([^{}]*)\}|[^]/gu : /[^]/gu
  for (const [text, name] of source.matchAll(expression)) {
    if (name !== undefined) parts.push(LITERALS.has(name) ? name : { variable: name })
    else if (text === '*') parts.push(ANY)
    else if (text === '?') parts.push(ONE)
    else parts.push(text)
  }
  return parts
}

/** What comes from a client is text, whatever wildcards stand in it. */
function fillIn(parts: readonly Part[], lookup: Lookup): Token[] | undefined {
  const tokens: Token[] = []
  for (const part of parts) {
    if (typeof part !== 'object') {
      tokens.push(part)
      continue
    }
    const values = lookup(part.variable)
    if (values?.length !== 1) return undefined
    tokens.push(...Array.from(values[0]!))
  }
  return tokens
}

/** Goes back to the last `*` only, so that no pattern costs more than its length times the text's. */
function matchTokens(tokens: readonly Token[], text: readonly string[]): boolean {
  let at = 0
  let token = 0
  let star = -1
  let starAt = 0
  while (at < text.length) {
    const wanted = tokens[token]
    if (wanted === ANY) {
      star = token++
      starAt = at
    } else if (wanted === ONE || (wanted !== undefined && wanted === text[at])) {
      token++
      at++
    } else if (star >= 0) {
      token = star + 1
      at = ++starAt
    } else {
      return false
    }
  }
  while (tokens[token] === ANY) token++
  return token === tokens.length
}
