import type { Attribute } from '../templates.ts'

const INT32 = 2 ** 31

/** Of what a token or a web hook says of a client, that which can be an attribute; the rest is left out. */
export function toAttributes(values: Record<string, unknown>): Record<string, Attribute> {
  const attributes = Object.entries(values).filter((entry): entry is [string, Attribute] =>
    isAttribute(entry[1])
  )
  return Object.fromEntries(attributes)
}

/** A text, several, or a number that fits 32 bits. */
function isAttribute(value: unknown): value is Attribute {
  if (typeof value === 'string') return true
  if (typeof value === 'number') {
    return Number.isInteger(value) && value >= -INT32 && value < INT32
  }
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}
