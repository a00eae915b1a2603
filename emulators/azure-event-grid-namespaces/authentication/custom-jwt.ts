import type { KeyObject, X509Certificate } from 'node:crypto'
import { compactVerify, decodeJwt, decodeProtectedHeader, errors as jose } from 'jose'
import { SettingsError, type TokenFault } from '@fogbank/personality'
import type { ClientPrincipal } from '../auth.ts'
import { errors } from '../errors.ts'
import { limits } from '../limits.ts'
import { toAttributes } from './attributes.ts'
import { isInTime, readCertificate } from './certificates.ts'
import type { CustomJwtSettings } from './settings.ts'

const ALGORITHM = 'RS256'
/** jose takes no shorter ones. */
const MINIMUM_KEY_BITS = 2048
/** Claims of the standard; every other one can become an attribute. */
const STANDARD_CLAIMS = ['iss', 'sub', 'aud', 'exp', 'nbf']

/** Tokens of an issuer that is not Entra. */
export interface CustomJwt {
  /** Whose token it is, and until when. @throws ProviderError */
  identify(token: string, nowMs: number): Promise<ClientPrincipal>
}

interface Issuer {
  /** Absent: tried with every token. */
  kid?: string
  certificate: X509Certificate
}

type Claims = Record<string, unknown>
type Subject = Claims & { sub: string; exp: number; nbf: number }

/**
 * Checks tokens by the namespace's settings.
 *
 * @param hosts one of them has to be in the audience
 * @param lenient any token with a subject that has not expired will do
 * @throws SettingsError
 */
export function createCustomJwt(
  settings: CustomJwtSettings,
  hosts: readonly string[],
  lenient: boolean
): CustomJwt {
  const { tokenIssuer } = settings
  const issuers = toIssuers(settings)

  /** Certificates are exchanged one by one; a token may name its own. */
  async function isSigned(token: string, nowMs: number): Promise<boolean> {
    const { kid } = decodeProtectedHeader(token)
    const keys = issuers
      .filter((issuer) => issuer.kid === undefined || kid === undefined || issuer.kid === kid)
      .filter(({ certificate }) => isInTime(certificate, nowMs))
    for (const { certificate } of keys)
      if (await verifies(token, certificate.publicKey)) return true
    return false
  }

  async function findFault(
    token: string,
    { iss, aud }: Claims,
    nowMs: number
  ): Promise<TokenFault | undefined> {
    if (!(await isSigned(token, nowMs))) return 'signature'
    if (iss !== tokenIssuer) return 'issuer'
    const audiences: unknown[] = Array.isArray(aud) ? aud : [aud]
    // One of the vendor's pages has the host with a slash behind it.
    const isOurs = audiences.some((one) => hosts.some((host) => one === host || one === `${host}/`))
    return isOurs ? undefined : 'audience'
  }

  return {
    async identify(token, nowMs) {
      const claims = readClaims(token, lenient)
      if (!claims) throw errors.TokenInvalid({}, { detail: 'malformed' })
      const fault = lenient ? undefined : await findFault(token, claims, nowMs)
      if (fault) {
        const expected = fault === 'audience' ? ` expected=${hosts.join()}` : ''
        throw errors.TokenInvalid({}, { detail: `${fault}${expected}` })
      }
      const { sub, exp, nbf } = claims
      if (nowMs >= exp * 1000) throw errors.TokenExpired()
      if (nowMs < nbf * 1000) throw errors.TokenInvalid({}, { detail: 'not-yet-valid' })
      limits.nameCharacters.check(sub.length)
      const own = Object.entries(claims).filter(([name]) => !STANDARD_CLAIMS.includes(name))
      return {
        kind: 'client',
        authenticationName: sub,
        attributes: toAttributes(Object.fromEntries(own)),
        byToken: true,
        expiresAtMs: exp * 1000
      }
    }
  }
}

/** undefined: it is no token, or lacks a claim that has to be there. */
function readClaims(token: string, lenient: boolean): Subject | undefined {
  try {
    const claims: Claims = decodeJwt(token)
    const {
      iss,
      sub,
      aud,
      exp = lenient ? Infinity : undefined,
      nbf = lenient ? 0 : undefined
    } = claims
    if (typeof sub !== 'string' || sub === '') return undefined
    if (typeof exp !== 'number' || typeof nbf !== 'number') return undefined
    const isWhole = typeof iss === 'string' && aud !== undefined
    return isWhole || lenient ? { ...claims, sub, exp, nbf } : undefined
  } catch (error) {
    if (error instanceof jose.JOSEError) return undefined
    throw error
  }
}

async function verifies(token: string, key: KeyObject): Promise<boolean> {
  try {
    await compactVerify(token, key, { algorithms: [ALGORITHM] })
    return true
  } catch (error) {
    if (error instanceof jose.JOSEError) return false
    throw error
  }
}

const PLACE = 'topicSpacesConfiguration/clientAuthentication/customJwtAuthentication'

/** @throws SettingsError */
function toIssuers(settings: CustomJwtSettings): Issuer[] {
  const { issuerCertificates = [], encodedIssuerCertificates = [] } = settings
  const fromVault = issuerCertificates.map(({ encodedCertificate }, index): Issuer => {
    const place = `${PLACE}/issuerCertificates/${index}`
    if (encodedCertificate !== undefined) {
      return { certificate: readIssuer(encodedCertificate, `${place}/encodedCertificate`) }
    }
    throw new SettingsError(
      `${place}: there is no Key Vault here; put what certificateUrl leads to into encodedCertificate, as PEM`
    )
  })
  const own = encodedIssuerCertificates.map(({ kid, encodedCertificate }, index): Issuer => {
    const place = `${PLACE}/encodedIssuerCertificates/${index}/encodedCertificate`
    return { kid, certificate: readIssuer(encodedCertificate, place) }
  })
  const all = [...fromVault, ...own]
  if (all.length > 0) return all
  throw new SettingsError(
    `${PLACE} has no certificate to check tokens with; give it issuerCertificates or encodedIssuerCertificates`
  )
}

/** @throws SettingsError */
function readIssuer(encoded: string, place: string): X509Certificate {
  const certificate = readCertificate(encoded, place)
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey
  const bits = asymmetricKeyDetails?.modulusLength ?? 0
  if (asymmetricKeyType === 'rsa' && bits >= MINIMUM_KEY_BITS) return certificate
  throw new SettingsError(`${place} has no RSA key of ${MINIMUM_KEY_BITS} bits, which RS256 needs`)
}
