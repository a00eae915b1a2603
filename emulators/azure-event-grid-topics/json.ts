import { isUtf8 } from 'node:buffer'
import { errors } from './errors.ts'
import { limits } from './limits.ts'

/** A JSON text and what it says. */
export interface Json {
  text: string
  value: unknown
}

export type JsonObject = Record<string, unknown>

const QUOTE = 0x22
const BACKSLASH = 0x5c
const BYTE_ORDER_MARK = 0xfeff

/**
 * Reads a body as JSON in UTF-8, with or without a byte order mark.
 *
 * @throws ProviderError BodyEmpty where the text ends too early, JsonNonConforming for anything else that is
 * not JSON, a compressed body among it
 */
export function parseJson(body: Buffer, schema: string): Json {
  if (!isUtf8(body)) throw errors.JsonNonConforming({ schema }, { detail: 'not UTF-8' })
  const decoded = body.toString('utf8')
  const text = decoded.charCodeAt(0) === BYTE_ORDER_MARK ? decoded.slice(1) : decoded
  try {
    return { text, value: JSON.parse(text) }
  } catch (error) {
    const { message } = error as SyntaxError
    if (endsEarly(message, text)) throw errors.BodyEmpty()
    throw errors.JsonNonConforming({ schema }, { detail: message.replace(/\s+/g, ' ') })
  }
}

/** Whether the parser found nothing wrong before the end. */
function endsEarly(message: string, text: string): boolean {
  const position = /at position (\d+)/.exec(message)?.[1]
  return (
    /^(Unexpected end|Unterminated)/.test(message) ||
    (position !== undefined && Number(position) >= text.length)
  )
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * The text of each object in a valid JSON array, or of the one object that is the root, as it was sent:
 * numbers keep their digits.
 * @throws ProviderError JsonNonConforming for nesting that no serialiser on the way would take
 */
export function splitObjects(text: string, schema: string): string[] {
  const objects: string[] = []
  const outer = text.trimStart().startsWith('[') ? 1 : 0
  let depth = 0
  let start = 0
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at)
        break
      case 0x5b: // [
      case 0x7b: // {
        if (depth++ === outer) start = at
        if (depth > limits.jsonDepth.value) {
          throw errors.JsonNonConforming({ schema }, { detail: `depth=${depth}` })
        }
        break
      case 0x5d: // ]
      case 0x7d: // }
        if (--depth === outer) objects.push(text.slice(start, at + 1))
    }
  }
  return objects
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end
}

function isEscaped(text: string, at: number): boolean {
  let first = at
  while (text.charCodeAt(first - 1) === BACKSLASH) first--
  return (at - first) % 2 === 1
}
