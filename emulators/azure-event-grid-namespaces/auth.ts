import type { Call, TokenFault, VerifiedToken } from '@fogbank/personality'
import { AUDIENCES } from '@fogbank/authority'
import { errors } from './errors.ts'
import type { Caller, EventCaller, Namespace } from './namespace.ts'
import type { State } from './state.ts'
import { authenticateEvents } from './topics/credentials.ts'

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
  /** Its attributes came with it, in a token or from a web hook; the registry does not know it. */
  byToken?: true
  /** Absent: as long as the connection lasts. */
  expiresAtMs?: number
}

const BEARER = /^Bearer +(\S+) *$/i

/** Proves who calls, and which namespace: by a token, or on its topics by a key too. @throws ProviderError */
export async function authenticate(call: Call<State, EventCaller | Caller>): Promise<void> {
  // MQTT's CONNECT says who comes over a WebSocket.
  if (call.request.upgrade) return
  // The token in its URL says that it is the one that was asked.
  if (call.params.validatedSubscriptionName !== undefined) return
  const namespace = call.state.find(call.params.prefix ?? '', call.header('host'))
  if (!namespace) throw errors.NotFound({}, { detail: `path=${call.path.slice(0, 200)}` })
  namespace.current.ipFilter(call.request.peer.address)
  if (call.params.topicName === undefined) {
    call.principal = { namespace, principal: await identifyBearer(namespace, call) }
  } else {
    await authenticateEvents(namespace, call)
    call.principal = { namespace }
  }
}

/** The principal of the bearer token in the Authorization header. @throws ProviderError */
export async function identifyBearer(
  namespace: Namespace,
  call: Call<State, unknown>
): Promise<EntraPrincipal> {
  const token = BEARER.exec(call.header('authorization') ?? '')?.[1]
  if (token === undefined) throw errors.AuthorizationMissing()
  return identify(namespace, token, call.header('host'))
}

/**
 * The principal of a token that is meant for Event Grid, or for this very host.
 * @throws ProviderError
 */
export async function identify(
  { tokens, current: { audiences } }: Namespace,
  token: string,
  host: string | undefined
): Promise<EntraPrincipal> {
  const verified = await tokens.verify(token, audiences(host))
  if ('fault' in verified) throw toError(verified.fault)
  return toPrincipal(verified)
}

/** The audiences that are taken from a caller who knows us by this Host. */
export type Audiences = (host: string | undefined) => readonly string[]

/** What any namespace of this machine can be called by. */
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']
/** A namespace's own in the cloud: `labns.westeurope-1.ts.eventgrid.azure.net`. */
const CLOUD_HOST = /^([^.]+)\.[^.]+\.(?:ts\.)?eventgrid\.azure\.net$/

/**
 * The resource with and without a slash, and the name of the namespace's host: the vendor's pages know all
 * three. A host that the namespace does not have, whatever the caller calls it by, is none of them.
 */
export function createAudiences(namespace: string, hostnames: readonly string[]): Audiences {
  const names = new Set(
    [...LOOPBACK, `${namespace}.localhost`, ...hostnames].map((name) => name.toLowerCase())
  )
  const fixed: string[] = [AUDIENCES.eventGrid, `${AUDIENCES.eventGrid}/`]
  for (const name of names) fixed.push(`https://${name}`)
  let last = { host: '', audiences: fixed }
  return (host) => {
    if (!host) return fixed
    if (last.host !== host) {
      const name = host.replace(/:\d+$/, '').toLowerCase()
      const isOwn = names.has(name) || CLOUD_HOST.exec(name)?.[1] === namespace.toLowerCase()
      const own = isOwn ? [`https://${name}`, `https://${host.toLowerCase()}`] : []
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
