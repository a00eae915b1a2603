import type { Call, ProviderError, RawRequest } from '@fogbank/personality'
import { isAudienceFor } from './audience.ts'
import { errors } from './errors.ts'
import { isGroupName, toHubName } from './names.ts'
import type { State } from './state.ts'
import type { Claims } from './tokens.ts'

/** Who comes through a client endpoint, as the HTTP stage found out. */
export interface ClientPrincipal {
  /** Folded. */
  hub: string
  /** null: anonymous. */
  userId: string | null
  roles: string[]
  groups: string[]
  /** The token's claims; empty for who came without one. */
  claims: Claims
  /** Of an MQTT client's upgrade, for its `connect` handler. */
  headers?: RawRequest['headers']
}

const BEARER = /^Bearer +(\S+) *$/i

/**
 * Proves who connects to `/client/hubs/{hub}` or `/clients/mqtt/hubs/{hub}`, by the token in the query
 * or, without one there, in the header.
 * @param path of the endpoint in the form that audiences have: `/client/hubs/chat`
 * @throws ProviderError
 */
export async function identifyClient(
  call: Call<State>,
  hubName: string | undefined,
  path: (hub: string) => string
): Promise<ClientPrincipal> {
  const hub = toClientHub(hubName)
  const token = tokenOf(call)
  if (token === undefined) {
    if (call.state.hubSettings.get(hub).anonymousConnectPolicy !== 'allow') {
      throw errors.ClientTokenMissing()
    }
    return { hub, userId: null, roles: [], groups: [], claims: {} }
  }
  const verified = await call.state.keyTokens.verify(token)
  if ('fault' in verified) throw errors.ClientTokenInvalid({}, { detail: verified.fault })
  const { claims } = verified
  const resource = `${call.header('host') ?? ''}${path(hub)}`
  if (call.state.auth === 'strict' && !isAudienceFor(claims.aud, resource)) {
    throw errors.ClientTokenInvalid({}, { detail: `audience=${String(claims.aud).slice(0, 200)}` })
  }
  return { hub, ...readClaims(claims), claims }
}

function toClientHub(name: string | undefined): string {
  try {
    return toHubName(name ?? '')
  } catch (error) {
    throw errors.ClientHubInvalid({}, { detail: (error as ProviderError).detail ?? 'no hub' })
  }
}

function tokenOf(call: Call<State>): string | undefined {
  for (const [name, value] of Object.entries(call.query)) {
    if (name.toLowerCase() === 'access_token') return value
  }
  return BEARER.exec(call.header('authorization') ?? '')?.[1]
}

function readClaims(claims: Claims): Pick<ClientPrincipal, 'userId' | 'roles' | 'groups'> {
  const { sub, role } = claims
  // The SDK writes webpubsub.group for MQTT too; the MQTT page calls it group.
  const groups = listOf(claims['webpubsub.group'] ?? claims.group)
  if (!groups.every(isGroupName)) throw errors.TokenGroupInvalid()
  return { userId: typeof sub === 'string' ? sub : null, roles: listOf(role), groups }
}

const listOf = (claim: unknown): string[] =>
  (Array.isArray(claim) ? claim : claim === undefined || claim === null ? [] : [claim]).map(String)
