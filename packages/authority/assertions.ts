import {
  compactVerify,
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  errors as jose
} from 'jose'
import type { JSONWebKeySet, JWTPayload, ProtectedHeaderParameters } from 'jose'
import { errors } from './errors.ts'
import type { ClientApplication } from './principals.ts'
import type { FederatedIdentityCredential } from './settings.ts'
import { tenantOfIssuer, type CachingVerifier } from './verify.ts'
import { AUDIENCES } from './well-known.ts'

/** [RFC 7523 2.2] */
export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** The clocks of two machines may differ by so much. */
const SKEW_SECONDS = 300
const CLIENT_ALGORITHMS = ['RS256', 'PS256']
const FEDERATED_ALGORITHMS = ['RS256']
/** The real authority's name: assertions that are made for it are good here as well. */
const ENTRA = 'https://login.microsoftonline.com'
/** What the audience of an assertion may be called after `https://HOST/TENANT`. */
const ENDPOINTS = /^\/[^/]+\/(?:v2\.0|v2|oauth2\/v2\.0\/token|oauth2\/token)?\/?$/

interface AssertionContext {
  client: ClientApplication
  /** First segment of the path that was asked. */
  segment: string
  baseUrl: string
  nowMs: number
  lenient: boolean
  /** Knows the tokens of this authority, which may be assertions themselves. */
  own: CachingVerifier
}

/**
 * Checks a client's signed JWT: by a key registered for it, or from an issuer it is federated with.
 *
 * lenient: any well-formed JWT that has not expired. That one was used before is not noticed, as by
 * the vendor.
 * @throws ProviderError
 */
export async function checkAssertion(assertion: string, context: AssertionContext): Promise<void> {
  const { header, claims } = decode(assertion)
  checkTimes(claims, context.nowMs)
  if (context.lenient) return
  const { client } = context
  const isOwn = isSame(claims.iss, client.clientId) || isSame(claims.sub, client.clientId)
  if (!isOwn && client.federated.length > 0) return checkFederated(assertion, claims, context)
  if (!isSame(claims.iss, client.clientId) || !isSame(claims.sub, client.clientId)) {
    throw errors.AssertionOfAnother()
  }
  if (!toList(claims.aud).some((audience) => isForUs(audience, context))) {
    throw errors.AssertionAudience()
  }
  await checkSignature(assertion, header, context)
}

function decode(assertion: string): { header: ProtectedHeaderParameters; claims: JWTPayload } {
  try {
    const claims = decodeJwt(assertion)
    const times = [claims.exp, claims.nbf ?? 0]
    if (times.some((time) => typeof time !== 'number')) throw errors.AssertionMalformed()
    return { header: decodeProtectedHeader(assertion), claims }
  } catch (error) {
    if (error instanceof jose.JOSEError || error instanceof TypeError) {
      throw errors.AssertionMalformed()
    }
    throw error
  }
}

function checkTimes({ exp = 0, nbf, iat }: JWTPayload, nowMs: number): void {
  const nowSeconds = nowMs / 1000
  const from = nbf ?? (typeof iat === 'number' ? iat : 0)
  if (nowSeconds < exp + SKEW_SECONDS && nowSeconds >= from - SKEW_SECONDS) return
  const toText = (seconds: number) => {
    const date = new Date(seconds * 1000)
    return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString()
  }
  throw errors.AssertionTimes({
    now: toText(nowSeconds),
    from: toText(from),
    until: toText(exp)
  })
}

/** Whether an audience means this authority: its token endpoint, or the issuer of the tenant. */
function isForUs(audience: string, { baseUrl, segment, client }: AssertionContext): boolean {
  if (!URL.canParse(audience)) return false
  const { origin, pathname } = new URL(audience)
  const tenant = pathname.split('/')[1]!.toLowerCase()
  const isTenant = tenant === segment.toLowerCase() || tenant === client.tenantId
  return (origin === baseUrl || origin === ENTRA) && isTenant && ENDPOINTS.test(pathname)
}

async function checkSignature(
  assertion: string,
  header: ProtectedHeaderParameters,
  { client, nowMs }: AssertionContext
): Promise<void> {
  const given = [header['x5t#S256'], header.x5t, header.kid].filter(
    (name) => typeof name === 'string'
  )
  const thumbprint = given[0] ?? ''
  const named = [...given, ...given.map(toBase64url)]
  const candidates = client.keys.filter(
    ({ names }) => named.length === 0 || named.some((name) => names.has(name))
  )
  if (candidates.length === 0) {
    throw errors.AssertionSignature({ reason: 'The key was not found.', thumbprint })
  }
  for (const { key, expiresAtMs } of candidates) {
    if (!(await isSignedBy(assertion, key, CLIENT_ALGORITHMS))) continue
    if (nowMs < expiresAtMs) return
    throw errors.AssertionSignature({ reason: 'The key used is expired.', thumbprint })
  }
  throw errors.AssertionSignature({
    reason: 'The provided signature value did not match the expected signature value.',
    thumbprint
  })
}

/** MSAL for Python pads its thumbprints, and others use plain base64. */
function toBase64url(name: string): string {
  return name.replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_')
}

async function isSignedBy(
  assertion: string,
  key: Parameters<typeof compactVerify>[1] | ReturnType<typeof createLocalJWKSet>,
  algorithms: string[]
): Promise<boolean> {
  try {
    await compactVerify(assertion, key as Parameters<typeof compactVerify>[1], { algorithms })
    return true
  } catch (error) {
    // A TypeError says that a key of this kind has nothing to do with the algorithm.
    if (error instanceof jose.JOSEError || error instanceof TypeError) return false
    throw error
  }
}

async function checkFederated(
  assertion: string,
  claims: JWTPayload,
  { client, own }: AssertionContext
): Promise<void> {
  const { iss = '', sub = '' } = claims
  const audiences = toList(claims.aud)
  const byIssuer = client.federated.filter(({ issuer }) => isSameIssuer(issuer, iss))
  if (byIssuer.length === 0) throw errors.FederatedIssuer({ issuer: iss })
  const bySubject = byIssuer.filter(({ subject }) => subject === sub)
  if (bySubject.length === 0) throw errors.FederatedSubject({ subject: sub })
  const credential = bySubject.find(({ audiences: wanted = [AUDIENCES.tokenExchange] }) =>
    audiences.some((audience) => wanted.includes(audience))
  )
  if (!credential) throw errors.FederatedAudience({ audience: audiences.join(' ') })
  if (await isSignedByIssuer(assertion, audiences, credential, own)) return
  throw errors.AssertionSignature({
    reason: 'The provided signature value did not match the expected signature value.',
    thumbprint: ''
  })
}

async function isSignedByIssuer(
  assertion: string,
  audiences: string[],
  { jwks, issuer }: FederatedIdentityCredential,
  own: CachingVerifier
): Promise<boolean> {
  if (jwks) {
    const keys = createLocalJWKSet(jwks as unknown as JSONWebKeySet)
    return isSignedBy(assertion, keys, FEDERATED_ALGORITHMS)
  }
  if (tenantOfIssuer(issuer) === undefined) return false
  return 'claims' in (await own.verify(assertion, audiences))
}

/** Where both are issuers of this authority's form, the tenant counts and not the host. */
function isSameIssuer(wanted: string, presented: string): boolean {
  if (wanted === presented) return true
  const tenant = tenantOfIssuer(wanted)
  return tenant !== undefined && tenant === tenantOfIssuer(presented)
}

function isSame(claim: unknown, clientId: string): boolean {
  return typeof claim === 'string' && claim.toLowerCase() === clientId.toLowerCase()
}

function toList(audience: unknown): string[] {
  const list: unknown[] = Array.isArray(audience) ? audience : [audience]
  return list.filter((one) => typeof one === 'string')
}
