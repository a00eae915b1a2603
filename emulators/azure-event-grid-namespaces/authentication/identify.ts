import type { ConnectRequest, Session } from '@fogbank/core'
import { identify, nameOf, type Principal } from '../auth.ts'
import { errors } from '../errors.ts'
import { limits } from '../limits.ts'
import type { Caller, Namespace } from '../namespace.ts'
import { toRenewalRequest, toWebhookRequest } from './webhook-request.ts'

/** Authentication methods of MQTT 5 that name who has issued the token. */
const ENTRA = 'OAUTH2-JWT'
const CUSTOM = 'CUSTOM-JWT'

/**
 * Who a client is: as the namespace's web hook says, where there is one; else by token when its CONNECT
 * names a method, and by certificate when it names none.
 * @throws ProviderError
 */
export async function identifyClient(
  namespace: Namespace,
  connect: ConnectRequest
): Promise<Principal> {
  const { authenticationMethod, authenticationData, peer } = connect
  const { current, clock, webhooks } = namespace
  if (current.webhook) {
    if (authenticationData) limits.authenticationDataBytes.check(authenticationData.length)
    return webhooks.ask(current.webhook, toWebhookRequest(connect), clock.now())
  }
  if (authenticationMethod !== undefined) {
    return identifyByMethod(namespace, authenticationMethod, authenticationData, peer.host)
  }
  return current.clients.identify(peer.certificate, connect.username, clock.now())
}

/**
 * Who a connected client is by the token of its AUTH, which has to be the one it was.
 * @throws ProviderError
 */
export async function identifyAgain(
  session: Session<Caller>,
  method: string,
  data: Buffer | undefined
): Promise<Principal> {
  const { identity, peer } = session
  const { current, clock, webhooks } = identity.namespace
  if (data) limits.authenticationDataBytes.check(data.length)
  const principal = current.webhook
    ? await webhooks.ask(current.webhook, toRenewalRequest(session, method, data), clock.now())
    : await identifyByMethod(identity.namespace, method, data, peer.host)
  // Names are compared without regard to case.
  if (nameOf(principal).toLowerCase() === nameOf(identity.principal).toLowerCase()) return principal
  throw errors.TokenInvalid({}, { detail: 'the token is of another principal' })
}

async function identifyByMethod(
  namespace: Namespace,
  method: string,
  data: Buffer | undefined,
  host: string | undefined
): Promise<Principal> {
  const { customJwt } = namespace.current
  const isKnown = method === ENTRA || (method === CUSTOM && customJwt !== undefined)
  if (!isKnown) throw errors.AuthenticationMethodUnknown({ method })
  if (!data) throw errors.CredentialMissing()
  limits.authenticationDataBytes.check(data.length)
  const token = data.toString()
  return customJwt && method === CUSTOM
    ? customJwt.identify(token, namespace.clock.now())
    : identify(namespace, token, host)
}
