import { createHmac } from 'node:crypto'
import { isSameSecret } from '@fogbank/personality'

/** A token as it was sent: the signature covers the encoded text, and encoders differ. */
export interface SasToken {
  /** `r=…&e=…`, untouched. */
  signed: string
  resource: string
  /** Decoded. */
  expiry: string
  expiresAtMs: number
  signature: Buffer
}

const FORM = /^(r=([^&]+)&e=([^&]+))&s=([^&]+)$/
/**
 * The SDK of JavaScript and .NET write times so; newer .NET puts a narrow no-break space before AM and PM,
 * that of Java no zero before minutes and seconds.
 */
const DOT_NET_TIME =
  /^(\d{1,2})\/(\d{1,2})\/(\d{4}) (\d{1,2}):(\d{1,2}):(\d{1,2})[ \u202f\u00a0]([AP])M$/i
const ISO_TIME = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(Z|[+-]\d{2}:?\d{2})?$/
const EPOCH = /^\d{1,12}$/

/** Reads `r=UrlEncodedResource&e=UrlEncodedUtcExpiration&s=UrlEncodedSignature`; undefined: it is not that. */
export function parseSasToken(token: string): SasToken | undefined {
  const [, signed = '', r = '', e = '', s = ''] = FORM.exec(token) ?? []
  const [resource, expiry, signature] = [decode(r), decode(e), decode(s, false)]
  if (!resource || !expiry || !signature) return undefined
  const expiresAtMs = parseExpiry(expiry)
  if (expiresAtMs === undefined) return undefined
  return { signed, resource, expiry, expiresAtMs, signature: Buffer.from(signature, 'base64') }
}

/**
 * Whether the key made the signature: HMAC-SHA256 over the encoded text; for a token that expires at a count
 * of seconds also over resource, newline and seconds, as one page of the documentation has it.
 */
export function isSignedBy(token: SasToken, key: Buffer): boolean {
  const { signed, resource, expiry, signature } = token
  const texts = EPOCH.test(expiry)
    ? [signed, `${resource}\n${expiry}`, `${encodeURIComponent(resource)}\n${expiry}`]
    : [signed]
  return texts.some((text) => {
    const expected = createHmac('sha256', key).update(text).digest()
    return isSameSecret(signature, expected)
  })
}

/** Whether a token made for this resource opens this path: its own path, or one above it. Hosts do not count. */
export function coversPath(resource: string, path: string): boolean {
  const url = /^[a-z]+:\/\//i.test(resource) ? resource : `https://${resource}`
  if (!URL.canParse(url)) return false
  const prefix = new URL(url).pathname.toLowerCase().replace(/\/+$/, '')
  const asked = path.toLowerCase()
  return asked === prefix || asked.startsWith(`${prefix}/`)
}

/** Milliseconds since 1970; undefined: nobody writes times so. */
export function parseExpiry(text: string): number | undefined {
  if (EPOCH.test(text)) return Number(text) * 1000
  const parts = DOT_NET_TIME.exec(text)
  if (parts) {
    const [month, day, year, hours, minutes, seconds] = parts.slice(1, 7).map(Number) as [
      number,
      number,
      number,
      number,
      number,
      number
    ]
    const afternoon = parts[7]!.toUpperCase() === 'P' ? 12 : 0
    return Date.UTC(year, month - 1, day, (hours % 12) + afternoon, minutes, seconds)
  }
  const zone = ISO_TIME.exec(text)
  if (!zone) return undefined
  const iso = text.replace(' ', 'T')
  const timeMs = Date.parse(zone[1] === undefined ? `${iso}Z` : iso)
  return Number.isNaN(timeMs) ? undefined : timeMs
}

/** @param plusIsSpace whether a plus was a space: in base64 it never was */
function decode(text: string, plusIsSpace = true): string | undefined {
  try {
    return decodeURIComponent(plusIsSpace ? text.replaceAll('+', ' ') : text)
  } catch {
    // A percent sign that escapes nothing: not a token.
    return undefined
  }
}
