import { createHash, timingSafeEqual } from 'node:crypto'
import type { AuthMode } from '@fogbank/personality'
import type { Instance, Instances, TokenSettings } from './instances.ts'

/** cloud checks the pair; lenient takes any pair; desktop needs none and looks only at the name. */
export type Mode = 'cloud' | 'lenient' | 'desktop'

/** Who calls. */
export interface Principal {
  instance: Instance
  /** The token's name; never its secret. */
  name: string
  readOnly: boolean
}

/** A username and a password as they came. */
export interface Pair {
  username: string
  password: string
}

/** Answers who a caller is; undefined: nobody we know, with no word on which part was wrong. */
export interface Authenticator {
  /** By an Authorization header. */
  ofHeader(authorization: string | undefined, host: string | undefined): Principal | undefined
  ofPair(pair: Pair | undefined, host: string | undefined): Principal | undefined
}

/** Headers whose owner is remembered; a client sends the same one with every request. */
const REMEMBERED = 256
const ANONYMOUS = 'http'

export const toMode = (setting: Mode | undefined, auth: AuthMode): Mode =>
  setting ?? (auth === 'lenient' ? 'lenient' : 'cloud')

export function createAuthenticator(instances: Instances, mode: Mode): Authenticator {
  const remembered = new Map<string, Principal>()

  function ofHeader(authorization: string | undefined, host: string | undefined) {
    const key = `${authorization ?? ''}\n${host ?? ''}`
    const known = remembered.get(key)
    if (known) return known
    const principal = ofPair(
      authorization === undefined ? undefined : parseBasic(authorization),
      host
    )
    if (!principal) return undefined
    if (remembered.size >= REMEMBERED) remembered.clear()
    remembered.set(key, principal)
    return principal
  }

  function ofPair(pair: Pair | undefined, host: string | undefined): Principal | undefined {
    const hosted = instances.ofHost(host)
    const named = pair && instances.named(pair.username)
    if (mode === 'desktop') {
      const instance = named?.instance ?? hosted ?? instances.first
      return { instance, name: ANONYMOUS, readOnly: false }
    }
    if (!pair) return undefined
    const token = named && findToken(named.tokens, pair.password)
    if (mode === 'cloud') {
      if (!named || !token || (hosted !== undefined && hosted !== named.instance)) return undefined
      return { instance: named.instance, name: token.name, readOnly: token.readOnly ?? false }
    }
    const instance = named?.instance ?? hosted ?? instances.first
    return { instance, name: token?.name ?? ANONYMOUS, readOnly: token?.readOnly ?? false }
  }

  return { ofHeader, ofPair }
}

/** Every secret is compared, over hashes of one length, so that time tells nothing. */
function findToken(tokens: readonly TokenSettings[], password: string): TokenSettings | undefined {
  const given = hash(password)
  let found: TokenSettings | undefined
  for (const token of tokens) if (timingSafeEqual(hash(token.secret), given)) found ??= token
  return found
}

const hash = (text: string): Buffer => createHash('sha256').update(text).digest()

/** `Basic` and base64 of `username:password`; the password may hold colons, the name cannot [RFC 7617]. */
export function parseBasic(authorization: string): Pair | undefined {
  const found = /^Basic +([A-Za-z0-9+/_-]+={0,2})$/i.exec(authorization.trim())
  if (!found) return undefined
  const decoded = Buffer.from(found[1]!, 'base64').toString('utf8')
  const colon = decoded.indexOf(':')
  if (colon < 0) return undefined
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) }
}
