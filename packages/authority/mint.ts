import { createHash } from 'node:crypto'
import { SignJWT } from 'jose'
import type { Clock, Ids } from '@fogbank/core'
import { ALGORITHM, type SigningKey } from './keys.ts'
import { AUDIENCES, WELL_KNOWN_PRINCIPAL } from './well-known.ts'

/** What a token shall say; everything has a default. */
export interface TokenRequest {
  /** @default the well-known client */
  clientId?: string
  /** @default the well-known principal's for the well-known client, else one derived from the client id */
  oid?: string
  /**
   * Role names for the `roles` claim. Personalities take them, when they are there, in place of the
   * role assignments of their configuration; absent: no such claim.
   */
  roles?: readonly string[]
  /** @default https://eventgrid.azure.net */
  audience?: string
  /** @default the well-known tenant */
  tenantId?: string
  /** How the client proved who it is, in the words of `azpacr`: 1 a secret, 2 an assertion. @default 1 */
  clientAuthentication?: '1' | '2'
  /** Negative: a token that has expired that long ago. @default 3600 */
  expiresInSeconds?: number
}

export const TOKEN_LIFETIME_SECONDS = 3600

/** Signs a token with the claims an app-only token of Entra carries. */
export async function signToken(
  request: TokenRequest,
  context: { baseUrl: string; clock: Clock; ids: Ids; key: SigningKey }
): Promise<string> {
  const {
    clientId = WELL_KNOWN_PRINCIPAL.clientId,
    tenantId = WELL_KNOWN_PRINCIPAL.tenantId,
    audience = AUDIENCES.eventGrid,
    clientAuthentication = '1',
    expiresInSeconds = TOKEN_LIFETIME_SECONDS
  } = request
  const oid = request.oid ?? toObjectId(tenantId, clientId)
  const nowSeconds = Math.floor(context.clock.now() / 1000)
  const issuedAt = Math.min(nowSeconds, nowSeconds + expiresInSeconds)
  return new SignJWT({
    aud: audience,
    iss: `${context.baseUrl}/${tenantId}/v2.0`,
    iat: issuedAt,
    nbf: issuedAt,
    exp: nowSeconds + expiresInSeconds,
    appid: clientId,
    azp: clientId,
    azpacr: clientAuthentication,
    idtyp: 'app',
    oid,
    ...(request.roles ? { roles: [...request.roles] } : {}),
    sub: oid,
    tid: tenantId,
    uti: context.ids.bytes(16).toString('base64url'),
    ver: '2.0'
  })
    .setProtectedHeader({ typ: 'JWT', alg: ALGORITHM, kid: context.key.kid })
    .sign(context.key.privateKey)
}

/** The same client of the same tenant is the same object, today and on the next start. */
export function toObjectId(tenantId: string, clientId: string): string {
  if (clientId.toLowerCase() === WELL_KNOWN_PRINCIPAL.clientId) return WELL_KNOWN_PRINCIPAL.oid
  const hash = createHash('sha256').update(`${tenantId}/${clientId}`).digest()
  hash[6] = (hash[6]! & 0x0f) | 0x80 // version 8, a hash of one's own choice [RFC 9562 5.8]
  hash[8] = (hash[8]! & 0x3f) | 0x80
  const hex = hash.toString('hex', 0, 16)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20)
  ].join('-')
}
