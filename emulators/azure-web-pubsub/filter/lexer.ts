import { FilterFault } from './fault.ts'

/** A piece of a filter and where it stands. */
export interface Token {
  kind: 'word' | 'string' | 'integer' | '(' | ')' | ',' | 'end'
  /** A string's own text, without quotes; else as written. */
  text: string
  start: number
  end: number
}

const SPACE = /\s+/y
const PIECE = /'((?:[^']|'')*)'|(-?\d+)(?![\w.])|([A-Za-z_]\w*)|([(),])/y

/** Cuts a filter into tokens; the last is of kind `end`. @throws FilterFault */
export function tokenize(filter: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  for (;;) {
    SPACE.lastIndex = at
    if (SPACE.test(filter)) at = SPACE.lastIndex
    if (at >= filter.length) break
    PIECE.lastIndex = at
    const found = PIECE.exec(filter)
    if (!found) throw unreadable(filter, at)
    const end = PIECE.lastIndex
    tokens.push({ ...classify(found), start: at, end })
    at = end
  }
  tokens.push({ kind: 'end', text: '', start: filter.length, end: filter.length })
  return tokens
}

function classify([whole, text, integer, word]: RegExpExecArray): Pick<Token, 'kind' | 'text'> {
  if (text !== undefined) return { kind: 'string', text: text.replaceAll("''", "'") }
  if (integer !== undefined) return { kind: 'integer', text: integer }
  if (word !== undefined) return { kind: 'word', text: word }
  return { kind: whole as '(' | ')' | ',', text: whole }
}

function unreadable(filter: string, at: number): FilterFault {
  if (filter[at] === "'") return new FilterFault(filter, 'The string is not closed')
  const token = /^[^\s(),']+/.exec(filter.slice(at))?.[0] ?? filter[at]!
  return new FilterFault(filter, `Token '${token}' is not supported`)
}
