import { SettingsError } from '@fogbank/personality'
import type { Variables } from './templates.ts'

/** Whether a client belongs to a group. */
export type Membership = (client: Variables) => boolean

type Value = string | number
type Compare = (actual: Value, expected: Value) => boolean

const TOKEN = /\s*(?:([A-Za-z_][\w.]*)|(-?\d+)|'([^']*)'|"([^"]*)"|(<=|>=|<>|!=|[=<>()[\],]))/y
const ATTRIBUTE = /^attributes\.(\w+)$/

/** Only integers have an order. */
const inOrder =
  (compare: (actual: number, expected: number) => boolean): Compare =>
  (actual, expected) =>
    typeof actual === 'number' && typeof expected === 'number' && compare(actual, expected)

const OPERATORS: Record<string, Compare> = {
  '=': (actual, expected) => actual === expected,
  '<>': (actual, expected) => actual !== expected,
  '!=': (actual, expected) => actual !== expected,
  '<': inOrder((actual, expected) => actual < expected),
  '>': inOrder((actual, expected) => actual > expected),
  '<=': inOrder((actual, expected) => actual <= expected),
  '>=': inOrder((actual, expected) => actual >= expected)
}

interface Token {
  kind: 'word' | 'value' | 'sign'
  /** Words and signs as text, values as what they stand for. */
  value: Value
}

/**
 * Compiles a client group's query, such as
 * `attributes.kind IN ['meter', 'valve'] and (attributes.floor > 2 or authenticationName = "m1")`.
 *
 * `and` binds tighter than `or`. An array attribute fits when one of its elements does; an attribute
 * that is not there fits nothing.
 * @throws Error with a sentence for whoever wrote the query
 * @see https://learn.microsoft.com/azure/event-grid/mqtt-client-groups
 */
export function compileQuery(query: string): Membership {
  const tokens = readTokens(query)
  let position = 0

  const isNext = (text: string): boolean => {
    const token = tokens[position]
    return token?.kind !== 'value' && String(token?.value).toLowerCase() === text
  }
  const take = (what: string): Token => {
    const token = tokens[position++]
    if (!token) throw new SettingsError(`the query ends where ${what} should be`)
    return token
  }
  const expect = (sign: string): void => {
    const token = take(sign)
    if (token.kind !== 'sign' || token.value !== sign) {
      throw new SettingsError(`${sign} should be where ${token.value} is`)
    }
  }

  function anyOf(): Membership {
    const parts = [allOf()]
    while (isNext('or')) {
      position++
      parts.push(allOf())
    }
    return (client) => parts.some((part) => part(client))
  }

  function allOf(): Membership {
    const parts = [term()]
    while (isNext('and')) {
      position++
      parts.push(term())
    }
    return (client) => parts.every((part) => part(client))
  }

  function term(): Membership {
    if (!isNext('(')) return comparison()
    position++
    const inner = anyOf()
    expect(')')
    return inner
  }

  function comparison(): Membership {
    const read = toReader(take('an attribute'))
    if (isNext('in')) {
      position++
      const values = list()
      return (client) => read(client).some((actual) => values.includes(actual))
    }
    const operator = take('an operator')
    const compare = operator.kind === 'sign' ? OPERATORS[String(operator.value)] : undefined
    if (!compare) throw new SettingsError(`there is no operator ${operator.value}`)
    const expected = value()
    return (client) => read(client).some((actual) => compare(actual, expected))
  }

  function list(): Value[] {
    expect('[')
    const values = [value()]
    while (isNext(',')) {
      position++
      values.push(value())
    }
    expect(']')
    return values
  }

  function value(): Value {
    const token = take('a value')
    if (token.kind !== 'value') throw new SettingsError(`a value should be where ${token.value} is`)
    return token.value
  }

  const membership = anyOf()
  if (position < tokens.length)
    throw new SettingsError(`and or or should be where ${tokens[position]!.value} is`)
  return membership
}

function readTokens(query: string): Token[] {
  const tokens: Token[] = []
  const expression = new RegExp(TOKEN)
  const end = query.trimEnd().length
  while (expression.lastIndex < end) {
    const at = expression.lastIndex
    const found = expression.exec(query)
    if (!found) throw new SettingsError(`cannot be read from "${query.slice(at).trim()}" on`)
    const [, word, integer, single, double, sign] = found
    if (word !== undefined) tokens.push({ kind: 'word', value: word })
    else if (sign !== undefined) tokens.push({ kind: 'sign', value: sign })
    else {
      const value = integer === undefined ? (single ?? double ?? '') : Number(integer)
      tokens.push({ kind: 'value', value })
    }
  }
  return tokens
}

/** The values that an operand stands for: none when the attribute is missing. */
function toReader({ kind, value }: Token): (client: Variables) => readonly Value[] {
  if (kind === 'word' && value === 'authenticationName') {
    return (client) => [client.authenticationName]
  }
  const key = kind === 'word' ? ATTRIBUTE.exec(String(value))?.[1] : undefined
  if (key === undefined) {
    throw new SettingsError(`attributes.KEY or authenticationName should be where ${value} is`)
  }
  return ({ attributes = {} }) => {
    const found = Object.hasOwn(attributes, key) ? attributes[key] : undefined
    if (found === undefined) return []
    return typeof found === 'object' ? found : [found]
  }
}
