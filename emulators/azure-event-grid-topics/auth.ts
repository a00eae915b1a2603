import { AUDIENCES, WELL_KNOWN_PRINCIPAL } from '@fogbank/authority'
import { isSameSecret, rawPath, type Call } from '@fogbank/personality'
import { EVENTS_PATH, findResource, VALIDATION_PATH } from './addressing.ts'
import { decodeBase64 } from './base64.ts'
import { errors } from './errors.ts'
import type { State } from './handlers.ts'
import { toUpperHost, toUri } from './render.ts'
import type { Resource } from './resources.ts'
import { coversPath, isSignedBy, parseSasToken } from './sas.ts'
import type { RoleAssignment } from './settings.ts'

/** Who calls, and whose endpoint. */
export interface Principal {
  resource: Resource
  by: 'key' | 'sas' | 'token'
}

type TopicsCall = Call<State, Principal>

const SENDER = 'EventGrid Data Sender'
const AUDIENCE = [AUDIENCES.eventGrid, `${AUDIENCES.eventGrid}/`]
const AUTHORIZATION = /^(\S+)(?: +(.*))?$/s

/** Proves who calls: a key before a SAS token before Authorization, as the service has it. */
export async function authenticate(call: TopicsCall): Promise<void> {
  // Its token is the credential, and it belongs to no topic.
  if (call.operation?.path === VALIDATION_PATH) return
  const resource = findResource(call.request, call.state.resources)
  if (!resource) throw errors.NotFound({ uri: toUri(call) })
  const host = toUpperHost(call)
  const ip = call.request.peer.address
  if (!resource.ipFilter(ip)) throw errors.ClientIpRejected({ host, ip })
  call.principal = { resource, by: await identify(call, resource, host) }
}

async function identify(
  call: TopicsCall,
  resource: Resource,
  host: string
): Promise<Principal['by']> {
  // A raw base64 key in a query loses its plus signs to spaces.
  const key = call.header('aeg-sas-key') ?? call.query['aeg-sas-key']?.replaceAll(' ', '+')
  if (key !== undefined) {
    checkKey(call, resource, key, host)
    return 'key'
  }
  const token = call.header('aeg-sas-token')
  if (token !== undefined) {
    checkSasToken(call, resource, token, host)
    return 'sas'
  }
  const authorization = call.header('authorization')
  if (authorization === undefined) throw errors.CredentialMissing()
  const [, scheme = '', value = ''] = AUTHORIZATION.exec(authorization) ?? []
  switch (scheme.toLowerCase()) {
    case 'sharedaccesssignature':
      checkSasToken(call, resource, value, host)
      return 'sas'
    case 'bearer':
      await checkBearer(call, value.trim(), host)
      return 'token'
    default:
      throw errors.AuthorizationSchemeUnsupported()
  }
}

function checkKey({ state }: TopicsCall, resource: Resource, key: string, host: string): void {
  if (key === '') throw errors.KeyEmpty()
  if (resource.disableLocalAuth) throw errors.LocalAuthDisabled({ host })
  const decoded = decodeBase64(key)
  if ('fault' in decoded) {
    throw decoded.fault === 'length'
      ? errors.KeyLengthInvalid({ host })
      : errors.KeyNotBase64({ host })
  }
  if (state.lenient) return
  // Both are compared, however the first came out.
  const [one, two] = resource.secrets.map((secret) => isSameSecret(secret, decoded.bytes))
  if (!one && !two) throw errors.KeyWrong({ host })
}

function checkSasToken(call: TopicsCall, resource: Resource, text: string, host: string): void {
  const { state, request } = call
  const token = parseSasToken(text)
  if (!token) throw errors.SasMalformed({ value: text })
  if (resource.disableLocalAuth) throw errors.LocalAuthDisabled({ host })
  if (!state.lenient && !resource.secrets.some((secret) => isSignedBy(token, secret))) {
    throw errors.SasSignatureInvalid({ host })
  }
  if (token.expiresAtMs <= state.clock.now()) throw errors.SasExpired({ host })
  if (state.lenient) return
  // Made for the cloud's host, a token names the path without our name in front.
  const paths = [rawPath(request.target).replace(/\/$/, ''), EVENTS_PATH]
  if (!paths.some((path) => coversPath(token.resource, path))) {
    throw errors.SasResourceForeign({ host }, { detail: `resource=${token.resource}` })
  }
}

async function checkBearer({ state }: TopicsCall, token: string, host: string): Promise<void> {
  const verified = await state.tokens.verify(token, AUDIENCE)
  if ('fault' in verified) {
    throw verified.fault === 'malformed'
      ? errors.TokenUnreadable()
      : errors.TokenRejected({ host }, { detail: verified.fault })
  }
  const { oid, sub, appid, roles } = verified.claims
  const principal = String(oid ?? sub ?? appid ?? '')
  if (state.senders.holds(principal, Array.isArray(roles) ? roles : undefined)) return
  throw errors.RoleMissing({ principal, role: SENDER, host })
}

/** Who holds the role that publishing takes. */
export interface Senders {
  /** A `roles` claim, which the local authority makes on request, takes the place of the assignments. */
  holds(principal: string, roles: readonly unknown[] | undefined): boolean
}

/** lenient: a principal nobody assigned a role to holds it. */
export function createSenders(
  assignments: readonly RoleAssignment[] = [
    { principalId: WELL_KNOWN_PRINCIPAL.oid, role: SENDER }
  ],
  lenient: boolean
): Senders {
  const known = new Set(assignments.map(({ principalId }) => principalId.toLowerCase()))
  const senders = new Set(
    assignments
      .filter(({ role }) => role === SENDER)
      .map(({ principalId }) => principalId.toLowerCase())
  )
  return {
    holds(principal, roles) {
      if (roles) return roles.includes(SENDER)
      const name = principal.toLowerCase()
      return senders.has(name) || (lenient && !known.has(name))
    }
  }
}
