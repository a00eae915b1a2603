import { isLosslessNumber, parse } from 'lossless-json'

/** Numbers that a double may not give back as they were written. */
const DELICATE_NUMBER = /\d{16}|\d\.\d*0(?!\d)|\d[eE][+-]?\d|-0(?!\.?\d)/

/** How deep the service's reader goes. */
const MAXIMUM_DEPTH = 128

/**
 * A JSON text, read twice where that makes a difference: as values to look at, and with every number as
 * it was written, for toOrderedJson.
 * @throws SyntaxError
 */
export function parseJson(text: string): { value: unknown; exact: unknown } {
  const value: unknown = JSON.parse(text)
  if (!DELICATE_NUMBER.test(text)) return { value, exact: value }
  return { value, exact: parse(text, undefined, { onDuplicateKey: ({ newValue }) => newValue }) }
}

/**
 * JSON without white space and with the keys of every object in order, as the service gives data back.
 * @throws SyntaxError when it is nested too deeply
 */
export function toOrderedJson(value: unknown, depth = 0): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (isLosslessNumber(value)) return value.value
  if (depth === MAXIMUM_DEPTH) throw new SyntaxError('recursion limit exceeded')
  if (Array.isArray(value)) {
    return `[${value.map((item) => toOrderedJson(item, depth + 1)).join(',')}]`
  }
  const members = Object.entries(value)
  if (members.length > 1) members.sort(([one], [other]) => (one < other ? -1 : 1))
  const texts = members.map(
    ([key, member]) => `${JSON.stringify(key)}:${toOrderedJson(member, depth + 1)}`
  )
  return `{${texts.join(',')}}`
}
