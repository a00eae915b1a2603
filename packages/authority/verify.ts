import { compactVerify, decodeJwt, errors as jose } from 'jose'
import type { Clock } from '@fogbank/core'
import type { AuthMode, TokenFault, TokenVerifier, VerifiedToken } from '@fogbank/personality'
import { ALGORITHM, type SigningKey } from './keys.ts'

/** Verified tokens that are remembered; the oldest makes room. */
const CACHED_TOKENS = 1_000
/** Longer ones are verified every time. */
const CACHED_TOKEN_CHARACTERS = 16_384

/** `https://HOST/TENANT/v2.0`. Which host does not matter: the signature has to be by our key anyway. */
const ISSUER = /^https?:\/\/[^/]+\/([^/]+)\/v2\.0$/

type Claims = Record<string, unknown>

/** A verifier that remembers; `clear` makes it forget. */
export interface CachingVerifier extends TokenVerifier {
  clear(): void
}

/**
 * Checks bearer tokens: signature and issuer once, audience and times on every call.
 *
 * strict: signed by `key`, RS256 only, an issuer of our form, an audience of the list. lenient: any
 * JWT that has not expired, whoever signed it.
 */
export function createVerifier(options: {
  key(): Promise<SigningKey>
  clock: Clock
  auth: AuthMode
}): CachingVerifier {
  const { clock, auth } = options
  const cache = new Map<string, Claims>()

  async function readClaims(token: string): Promise<Claims | TokenFault> {
    const claims = auth === 'lenient' ? decode(token) : await readSigned(token, await options.key())
    if (typeof claims === 'string' || token.length > CACHED_TOKEN_CHARACTERS) return claims
    if (cache.size >= CACHED_TOKENS) cache.delete(cache.keys().next().value!)
    cache.set(token, claims)
    return claims
  }

  return {
    async verify(token, audiences) {
      const claims = cache.get(token) ?? (await readClaims(token))
      if (typeof claims === 'string') return { fault: claims }
      if (auth === 'strict' && !isFor(claims, audiences)) return { fault: 'audience' }
      return judgeTimes(claims, clock.now())
    },
    clear: () => cache.clear()
  }
}

async function readSigned(token: string, key: SigningKey): Promise<Claims | TokenFault> {
  const claims = decode(token)
  if (typeof claims === 'string') return claims
  if (typeof claims.exp !== 'number') return 'malformed'
  try {
    await compactVerify(token, key.publicKey, { algorithms: [ALGORITHM] })
  } catch (error) {
    if (error instanceof jose.JOSEError) return 'signature'
    throw error
  }
  return isOurIssuer(claims) ? claims : 'issuer'
}

function decode(token: string): Claims | TokenFault {
  try {
    const claims: Claims = decodeJwt(token)
    for (const name of ['exp', 'nbf']) {
      if (claims[name] !== undefined && typeof claims[name] !== 'number') return 'malformed'
    }
    return claims
  } catch (error) {
    if (error instanceof jose.JOSEError) return 'malformed'
    throw error
  }
}

function isOurIssuer({ iss, tid }: Claims): boolean {
  const tenant = typeof iss === 'string' ? tenantOfIssuer(iss) : undefined
  return tenant !== undefined && tenant === tid
}

/** The tenant of an issuer of our form; undefined for any other text. */
export function tenantOfIssuer(issuer: string): string | undefined {
  return ISSUER.exec(issuer)?.[1]
}

function isFor({ aud }: Claims, audiences: readonly string[]): boolean {
  const named = Array.isArray(aud) ? aud : [aud]
  return named.some((audience) => audiences.includes(audience))
}

function judgeTimes(claims: Claims, nowMs: number): VerifiedToken | { fault: TokenFault } {
  const expiresAtMs = claims.exp === undefined ? Infinity : Number(claims.exp) * 1000
  if (nowMs >= expiresAtMs) return { fault: 'expired' }
  if (claims.nbf !== undefined && nowMs < Number(claims.nbf) * 1000) {
    return { fault: 'not-yet-valid' }
  }
  return { claims, expiresAtMs }
}
