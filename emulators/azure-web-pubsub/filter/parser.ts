import { limits } from '../limits.ts'
import { FilterFault } from './fault.ts'
import { tokenize, type Token } from './lexer.ts'

export const COMPARISONS = ['eq', 'ne', 'gt', 'ge', 'lt', 'le', 'in'] as const
export type Comparison = (typeof COMPARISONS)[number]

/** What every node knows: where in the filter it stands. */
interface Placed {
  start: number
  end: number
}

export type Node = Placed &
  (
    | { kind: 'literal'; value: string | number | boolean | null }
    | { kind: 'name'; name: string }
    | { kind: 'call'; name: string; args: Node[] }
    | { kind: 'not'; operand: Node }
    | { kind: 'list'; items: Node[] }
    | { kind: 'compare'; operator: Comparison; left: Node; right: Node }
    | { kind: 'logic'; operator: 'and' | 'or'; left: Node; right: Node }
  )

const WORDS: Record<string, boolean | null> = { true: true, false: false, null: null }
const RESERVED = new Set<string>([...COMPARISONS, 'and', 'or'])

/**
 * Reads a filter. `not` binds first, then comparisons, then `and`, then `or`.
 *
 * @throws FilterFault
 * @see https://learn.microsoft.com/azure/azure-web-pubsub/reference-odata-filter
 */
export function parse(filter: string): Node {
  const tokens = tokenize(filter)
  let at = 0
  let depth = 0
  let clauses = 0

  const peek = (): Token => tokens[at]!
  const next = (): Token => tokens[at++]!
  const isWord = (...words: string[]) => peek().kind === 'word' && words.includes(peek().text)

  function unexpected(token: Token): FilterFault {
    if (token.kind === 'end') return new FilterFault(filter, 'Unexpected end')
    const text = filter.slice(token.start, token.end)
    return new FilterFault(filter, `Token '${text}' is not supported`)
  }

  function expect(kind: Token['kind']): Token {
    const token = next()
    if (token.kind !== kind) throw unexpected(token)
    return token
  }

  function clause<T>(node: T): T {
    if (++clauses <= limits.filterClauses.value) return node
    throw new FilterFault(filter, `More than ${limits.filterClauses.value} clauses`)
  }

  function either(): Node {
    return logic('or', () => logic('and', comparison))
  }

  function logic(operator: 'and' | 'or', operand: () => Node): Node {
    let left = operand()
    while (isWord(operator)) {
      next()
      const right = operand()
      left = { kind: 'logic', operator, left, right, start: left.start, end: right.end }
    }
    return left
  }

  function comparison(): Node {
    let left = unary()
    let compared = false
    while (isWord(...COMPARISONS)) {
      const operator = next().text as Comparison
      const right = operator === 'in' && peek().kind === '(' ? list() : unary()
      left = clause({ kind: 'compare', operator, left, right, start: left.start, end: right.end })
      compared = true
    }
    // What stood in parentheses has been counted inside them.
    return compared || left.kind === 'compare' || left.kind === 'logic' ? left : clause(left)
  }

  function unary(): Node {
    if (++depth > limits.filterDepth.value) throw new FilterFault(filter, 'Nested too deeply')
    const node = isWord('not') ? not() : primary()
    depth--
    return node
  }

  function not(): Node {
    const { start } = next()
    const operand = unary()
    return { kind: 'not', operand, start, end: operand.end }
  }

  function primary(): Node {
    const token = next()
    const { start, end, text } = token
    switch (token.kind) {
      case 'string':
        return { kind: 'literal', value: text, start, end }
      case 'integer':
        return { kind: 'literal', value: Number(text), start, end }
      case '(': {
        const inner = either()
        expect(')')
        return inner
      }
      case 'word':
        if (RESERVED.has(text)) throw unexpected(token)
        if (peek().kind === '(') return call(token)
        if (Object.hasOwn(WORDS, text)) return { kind: 'literal', value: WORDS[text]!, start, end }
        return { kind: 'name', name: text, start, end }
      default:
        throw unexpected(token)
    }
  }

  function call({ text, start }: Token): Node {
    const { items, end } = list()
    return { kind: 'call', name: text, args: items, start, end }
  }

  function list(): Node & { kind: 'list' } {
    const { start } = expect('(')
    const items: Node[] = []
    if (peek().kind !== ')') {
      items.push(either())
      while (peek().kind === ',') {
        next()
        items.push(either())
      }
    }
    const { end } = expect(')')
    return { kind: 'list', items, start, end }
  }

  const root = either()
  const rest = next()
  if (rest.kind !== 'end') throw unexpected(rest)
  return root
}
