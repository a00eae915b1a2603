import { AUDIENCES, WELL_KNOWN_PRINCIPAL } from '@fogbank/authority'
import type { Call, TokenFault } from '@fogbank/personality'
import { isAudienceFor } from './audience.ts'
import { errors } from './errors.ts'
import { checkShape } from './shape.ts'
import type { State } from './state.ts'
import { isKeyToken } from './tokens.ts'

/** Who calls the REST API: whoever holds an access key, or a principal of Entra. */
export type Principal = 'access-key' | 'entra'

const BEARER = /^Bearer +(\S+) *$/i
const ROLE = 'Web PubSub Service Owner'
const ENTRA_AUDIENCES = [AUDIENCES.webPubSub, `${AUDIENCES.webPubSub}/`]
/** Operations that nobody has to sign in for, and the doors that look at tokens of another kind. */
const OPEN = new Set(['HealthApi_GetServiceStatus'])

/** The request's form, then who sends it: the service checks them in this order. @throws ProviderError */
export async function authenticate(call: Call<State, unknown>): Promise<void> {
  const { operationName, request } = call
  if (request.upgrade || !call.path.startsWith('/api/')) return
  checkShape(call)
  if (OPEN.has(operationName)) return
  const token = BEARER.exec(call.header('authorization') ?? '')?.[1]
  if (token === undefined) throw errors.AuthorizationMissing()
  const isOurs = call.state.keyTokens.knows(token) || isKeyToken(token)
  call.principal = isOurs ? await checkKey(call, token) : await checkEntra(call, token)
}

async function checkKey(call: Call<State, unknown>, token: string): Promise<Principal> {
  const { keyTokens, auth } = call.state
  const verified = await keyTokens.verify(token)
  if ('fault' in verified) throw toError(verified.fault)
  const { aud } = verified.claims
  if (auth === 'strict' && !isAudienceFor(aud, resourceOf(call))) {
    throw errors.AudienceMismatch({}, { detail: `audience=${String(aud).slice(0, 200)}` })
  }
  return 'access-key'
}

/** Host and decoded path. */
function resourceOf(call: Call<State, unknown>): string {
  return `${call.header('host') ?? ''}${decodeURIComponent(call.path)}`
}

async function checkEntra(call: Call<State, unknown>, token: string): Promise<Principal> {
  const { tokens, auth } = call.state
  const verified = await tokens.verify(token, ENTRA_AUDIENCES)
  if ('fault' in verified) throw toError(verified.fault)
  const { oid, roles } = verified.claims
  const held = Array.isArray(roles) ? roles.includes(ROLE) : oid === WELL_KNOWN_PRINCIPAL.oid
  if (auth === 'strict' && !held) {
    throw errors.RoleMissing({ principal: String(oid), role: ROLE })
  }
  return 'entra'
}

function toError(fault: TokenFault) {
  if (fault === 'expired') return errors.TokenExpired()
  if (fault === 'audience') return errors.AudienceMismatch()
  return errors.TokenInvalid({}, { detail: fault })
}
