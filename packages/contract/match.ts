/** What was captured in one transcript, by name. */
export type Names = Map<string, unknown>

export interface MatchContext {
  names: Names
  /** The suite's clock, for `<epoch-ms>` and `<epoch-s>`. */
  nowMs: number
}

/** How far a point in time may be from now. */
const EPOCH_TOLERANCE_MS = 5 * 60_000

/** The closed list of placeholders: what a volatile value has to look like. */
const PATTERNS = {
  uuid: '[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}',
  rid: '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}',
  rfc3339: '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)?(?:Z|[+-]\\d\\d:\\d\\d)',
  etag: '(?:W/)?"[^"]*"',
  any: '[^]*',
  string: '[^]*',
  integer: '-?\\d+',
  'epoch-ms': '\\d+',
  'epoch-s': '\\d+'
}
type Kind = keyof typeof PATTERNS

const PLACEHOLDER = new RegExp(`<(${Object.keys(PATTERNS).join('|')}|(?:name|same):[\\w-]+)>`)

/**
 * The expected value with every placeholder that the actual value satisfies replaced by the actual one.
 *
 * So comparing the result with the actual value fails exactly where something differs, and the
 * difference shows the placeholder. A placeholder may be a whole value or part of a text;
 * `<name:X>` takes anything and remembers it, `<same:X>` must be what `X` was.
 */
export function fill(expected: unknown, actual: unknown, context: MatchContext): unknown {
  if (typeof expected === 'string') return fillText(expected, actual, context)
  if (Array.isArray(expected)) {
    const items = Array.isArray(actual) ? actual : []
    return expected.map((item, index) => fill(item, items[index], context))
  }
  if (typeof expected !== 'object' || expected === null) return expected
  const members = (actual ?? {}) as Record<string, unknown>
  return Object.fromEntries(
    Object.entries(expected).map(([key, value]) => [key, fill(value, members[key], context)])
  )
}

/** A text of a request with every `<same:X>` replaced. @throws Error when X was not captured */
export function substitute(
  text: string,
  names: Names,
  encode: (text: string) => string = (text) => text
): string {
  return text.replace(/<same:([\w-]+)>/g, (_, name: string) => encode(String(recall(name, names))))
}

function fillText(expected: string, actual: unknown, context: MatchContext): unknown {
  const parts = expected.split(new RegExp(PLACEHOLDER, 'g'))
  if (parts.length === 1) return expected
  if (parts.length === 3 && parts[0] === '' && parts[2] === '') {
    return fits(parts[1]!, actual, context) ? actual : expected
  }
  if (typeof actual !== 'string') return expected
  // Odd parts are placeholders, the others stand for themselves.
  const pattern = parts.map((part, index) =>
    index % 2 ? `(${PATTERNS[part as Kind] ?? '[^]+?'})` : escape(part)
  )
  const found = new RegExp(`^${pattern.join('')}$`).exec(actual)
  if (!found) return expected
  const kinds = parts.filter((_, index) => index % 2)
  return kinds.every((kind, index) => fits(kind, found[index + 1], context)) ? actual : expected
}

function fits(kind: string, actual: unknown, { names, nowMs }: MatchContext): boolean {
  if (actual === undefined) return false
  const [verb, name = ''] = kind.split(':')
  if (verb === 'name') {
    names.set(name, actual)
    return true
  }
  if (verb === 'same') return recall(name, names) === actual
  if (kind === 'any') return true
  const isNumeric = kind === 'integer' || kind.startsWith('epoch')
  if (typeof actual !== (isNumeric && typeof actual === 'number' ? 'number' : 'string'))
    return false
  if (!new RegExp(`^${PATTERNS[kind as Kind]}$`).test(String(actual))) return false
  if (kind === 'epoch-ms') return Math.abs(Number(actual) - nowMs) <= EPOCH_TOLERANCE_MS
  if (kind === 'epoch-s') return Math.abs(Number(actual) * 1000 - nowMs) <= EPOCH_TOLERANCE_MS
  return true
}

function recall(name: string, names: Names): unknown {
  if (!names.has(name)) throw new Error(`<same:${name}> stands before <name:${name}>`)
  return names.get(name)
}

const escape = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
