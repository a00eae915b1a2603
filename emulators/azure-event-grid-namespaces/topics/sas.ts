import { createHmac } from 'node:crypto'
import { isSameSecret } from '@fogbank/personality'

/** What a shared access signature says, once its signature was found good. */
export interface Sas {
  /** The resource that it opens, with everything under it. */
  resource: URL
  /** Milliseconds since 1970. */
  expiresAtMs: number
}

export type SasFault = 'malformed' | 'signature'

/** en-US as .NET writes it: `1/2/2026 3:04:05 AM`; some cultures put a narrow space before AM, Java no zeros. */
const EN_US = /^(\d{1,2})\/(\d{1,2})\/(\d{4}) (\d{1,2}):(\d{1,2}):(\d{1,2})[ \u202f](AM|PM)$/i
/** Without a zone, as Python writes it, or with one. */
const ISO = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?$/

/** Reads `r=…&e=…&s=…` and checks that one of the keys signed it; lenient: whoever did. */
export function readSas(token: string, keys: readonly string[], lenient = false): Sas | SasFault {
  const mark = token.lastIndexOf('&s=')
  if (mark < 0) return 'malformed'
  const parts = new Map<string, string>()
  for (const pair of [...token.slice(0, mark).split('&'), token.slice(mark + 1)]) {
    const value = decode(pair.slice(2))
    if (pair[1] !== '=' || value === undefined || parts.has(pair[0]!)) return 'malformed'
    parts.set(pair[0]!, value)
  }
  const [resource = '', expiry = '', signature = ''] = ['r', 'e', 's'].map((name) =>
    parts.get(name)
  )
  const expiresAtMs = readExpiry(expiry)
  if (parts.size !== 3 || !URL.canParse(resource) || expiresAtMs === undefined) return 'malformed'
  const given = Buffer.from(signature, 'base64')
  const isSigned = keys.some((key) => {
    const own = createHmac('sha256', Buffer.from(key, 'base64'))
      .update(token.slice(0, mark))
      .digest()
    return isSameSecret(own, given)
  })
  return isSigned || lenient ? { resource: new URL(resource), expiresAtMs } : 'signature'
}

/** Form encoding: .NET writes a space as `+`. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

/** Either way of writing it means UTC when it names no zone. */
function readExpiry(text: string): number | undefined {
  const american = EN_US.exec(text)
  if (american) {
    const [month, day, year, hour, minute, second] = american.slice(1, 7).map(Number)
    const hours = (hour! % 12) + (american[7]!.toUpperCase() === 'PM' ? 12 : 0)
    return Date.UTC(year!, month! - 1, day, hours, minute, second)
  }
  const iso = ISO.exec(text)
  if (!iso) return undefined
  const time = Date.parse(iso[2] ? text : `${text.replace(' ', 'T')}Z`)
  return Number.isNaN(time) ? undefined : time
}
