import type { Call, TokenFault, VerifiedToken } from '@fogbank/personality'
import { AUDIENCES } from '@fogbank/authority'
import { errors } from './errors.ts'
import type { State } from './handlers.ts'

/** Who calls: a principal of Entra by its token, or a client by its certificate. */
export type Principal = EntraPrincipal | ClientPrincipal

export interface EntraPrincipal {
  kind: 'entra'
  oid: string
  /** Present: in place of the configured role assignments. */
  roles: readonly string[] | undefined
  expiresAtMs: number
}

export interface ClientPrincipal {
  kind: 'client'
  authenticationName: string
  attributes?: Record<string, string | number | readonly string[]>
}

const BEARER = /^Bearer +(\S+) *$/i

/** Proves who calls by the bearer token. @throws ProviderError */
export async function authenticate(call: Call<State, Principal>): Promise<void> {
  // MQTT's CONNECT says who comes over a WebSocket, and nothing under /topics is emulated yet.
  if (call.request.upgrade || call.path.startsWith('/topics/')) return
  const token = BEARER.exec(call.header('authorization') ?? '')?.[1]
  if (token === undefined) throw errors.AuthorizationMissing()
  call.principal = await identify(call.state, token, call.header('host'))
}

/**
 * The principal of a token that is meant for Event Grid, or for this very host.
 * @throws ProviderError
 */
export async function identify(
  { tokens, audiences }: State,
  token: string,
  host: string | undefined
): Promise<EntraPrincipal> {
  const verified = await tokens.verify(token, audiences(host))
  if ('fault' in verified) throw toError(verified.fault)
  return toPrincipal(verified)
}

/** The audiences that are taken from a caller who knows us by this Host. */
export type Audiences = (host: string | undefined) => readonly string[]

/** The resource with and without a slash, and the host's own name: the vendor's pages know all three. */
export function createAudiences(hostname: string | undefined): Audiences {
  const fixed: string[] = [AUDIENCES.eventGrid, `${AUDIENCES.eventGrid}/`]
  if (hostname !== undefined) fixed.push(`https://${hostname}`)
  let last = { host: '', audiences: fixed }
  return (host) => {
    if (!host) return fixed
    if (last.host !== host) {
      const own = [`https://${host}`, `https://${host.replace(/:\d+$/, '')}`]
      last = { host, audiences: [...fixed, ...own] }
    }
    return last.audiences
  }
}

function toError(fault: TokenFault) {
  return fault === 'expired' ? errors.TokenExpired() : errors.TokenInvalid({}, { detail: fault })
}

function toPrincipal({ claims, expiresAtMs }: VerifiedToken): EntraPrincipal {
  const oid = claims.oid ?? claims.sub ?? claims.appid
  if (typeof oid !== 'string') throw errors.TokenInvalid({}, { detail: 'no oid, sub or appid' })
  const roles = Array.isArray(claims.roles) ? claims.roles.map(String) : undefined
  return { kind: 'entra', oid, roles, expiresAtMs }
}

/** The name a principal is known by: its object id, or the client's authentication name. */
export function nameOf(principal: Principal): string {
  return principal.kind === 'entra' ? principal.oid : principal.authenticationName
}
