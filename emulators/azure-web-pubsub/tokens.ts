import { createSecretKey, type KeyObject } from 'node:crypto'
import { compactVerify, decodeJwt, decodeProtectedHeader, errors as jose, SignJWT } from 'jose'
import type { Clock } from '@fogbank/core'
import type { AuthMode, TokenFault } from '@fogbank/personality'

const ALGORITHM = 'HS256'
/** How far a client's clock may be off. */
const SKEW_MS = 5 * 60_000
/** Verified tokens that are remembered; the oldest makes room. */
const CACHED_TOKENS = 1_000
const CACHED_TOKEN_CHARACTERS = 16_384

export type Claims = Record<string, unknown>

/** Makes and checks tokens that are signed with an access key. */
export interface KeyTokens {
  /** The claims of a token whose signature and times are good; who it is for is the caller's question. */
  verify(token: string): Promise<{ claims: Claims } | { fault: TokenFault }>
  /** Whether it was verified before. */
  knows(token: string): boolean
  /** Signs with the primary key; claims are sent as given. */
  sign(claims: Claims): Promise<string>
  clear(): void
}

/**
 * strict: HS256 by one of the keys. lenient: any JWT. Both: `exp` is there and has not passed, `nbf` has, give
 * or take five minutes.
 * @param keys primary first; their UTF-8 bytes are the secret
 */
export function createKeyTokens(keys: readonly string[], clock: Clock, auth: AuthMode): KeyTokens {
  const secrets = keys.map((key) => createSecretKey(Buffer.from(key)))
  const cache = new Map<string, Claims>()

  async function read(token: string): Promise<Claims | TokenFault> {
    const claims = decode(token)
    if (typeof claims === 'string') return claims
    if (auth === 'strict' && !(await isSigned(token, secrets))) return 'signature'
    if (token.length > CACHED_TOKEN_CHARACTERS) return claims
    if (cache.size >= CACHED_TOKENS) cache.delete(cache.keys().next().value!)
    cache.set(token, claims)
    return claims
  }

  return {
    async verify(token) {
      const claims = cache.get(token) ?? (await read(token))
      if (typeof claims === 'string') return { fault: claims }
      const fault = timeFault(claims, clock.now())
      return fault ? { fault } : { claims }
    },
    sign: (claims) =>
      new SignJWT(claims).setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' }).sign(secrets[0]!),
    knows: (token) => cache.has(token),
    clear: () => cache.clear()
  }
}

/** Whether a token claims to be signed with an access key; Entra's are not. */
export function isKeyToken(token: string): boolean {
  try {
    return decodeProtectedHeader(token).alg?.startsWith('HS') ?? false
  } catch {
    return true // no JWT at all: whoever verifies it says so
  }
}

async function isSigned(token: string, secrets: readonly KeyObject[]): Promise<boolean> {
  for (const secret of secrets) {
    try {
      await compactVerify(token, secret, { algorithms: [ALGORITHM] })
      return true
    } catch (error) {
      if (!(error instanceof jose.JOSEError)) throw error
    }
  }
  return false
}

function decode(token: string): Claims | TokenFault {
  try {
    const claims: Claims = decodeJwt(token)
    if (typeof claims.exp !== 'number') return 'malformed'
    if (claims.nbf !== undefined && typeof claims.nbf !== 'number') return 'malformed'
    return claims
  } catch (error) {
    if (error instanceof jose.JOSEError) return 'malformed'
    throw error
  }
}

function timeFault({ exp, nbf }: Claims, nowMs: number): TokenFault | undefined {
  if (nowMs >= Number(exp) * 1000 + SKEW_MS) return 'expired'
  if (nbf !== undefined && nowMs < Number(nbf) * 1000 - SKEW_MS) return 'not-yet-valid'
  return undefined
}
