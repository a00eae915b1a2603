import { parseSetCookie } from 'set-cookie-parser'

/** Cookies of one connection; a handler that sets more loses the oldest. */
const MAXIMUM_COOKIES = 50

interface Cookie {
  name: string
  value: string
  host: string
  path: string
  secure: boolean
  /** Milliseconds since 1970; undefined: as long as the connection. */
  expiresAtMs: number | undefined
}

/** What handlers asked to be told again, for one connection. */
export interface Cookies {
  /** The Cookie header for a URL; undefined: none. */
  header(url: URL, nowMs: number): string | undefined
  /** Takes the Set-Cookie lines of an answer. */
  set(url: URL, lines: readonly string[], nowMs: number): void
}

/** A cookie goes back to the host that set it, below the path it was set for [RFC 6265 5.4]. */
export function createCookies(): Cookies {
  const cookies = new Map<string, Cookie>()
  return {
    header(url, nowMs) {
      const fitting = [...cookies.values()].filter(
        ({ host, path, secure, expiresAtMs = Infinity }) =>
          host === url.hostname &&
          isBelow(url.pathname, path) &&
          (!secure || url.protocol === 'https:') &&
          expiresAtMs > nowMs
      )
      if (fitting.length === 0) return undefined
      return fitting.map(({ name, value }) => `${name}=${value}`).join('; ')
    },
    set(url, lines, nowMs) {
      for (const line of lines) {
        const cookie = toCookie(line, url, nowMs)
        if (!cookie) continue
        const key = `${cookie.host};${cookie.path};${cookie.name}`
        cookies.delete(key)
        cookies.set(key, cookie)
        if (cookies.size > MAXIMUM_COOKIES) cookies.delete(cookies.keys().next().value!)
      }
    }
  }
}

function toCookie(line: string, url: URL, nowMs: number): Cookie | undefined {
  const [parsed] = parseSetCookie(line, { decodeValues: false })
  if (!parsed) return undefined
  const { name, value, path, secure = false, maxAge, expires } = parsed
  const defaultPath = url.pathname.slice(0, url.pathname.lastIndexOf('/')) || '/'
  return {
    name,
    value,
    host: url.hostname,
    path: path?.startsWith('/') ? path : defaultPath,
    secure,
    expiresAtMs: maxAge === undefined ? expires?.getTime() : nowMs + maxAge * 1000
  }
}

const isBelow = (path: string, base: string) =>
  path === base || path.startsWith(base.endsWith('/') ? base : `${base}/`)
