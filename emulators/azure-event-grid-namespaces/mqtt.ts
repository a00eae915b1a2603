import type { Admission, ConnectRequest, MqttPolicy, Peer, Refusal } from '@fogbank/core'
import { ProviderError, rawPath, refusedBy, toRefusal } from '@fogbank/personality'
import { identify, nameOf, type Principal } from './auth.ts'
import { errors } from './errors.ts'
import { checkMessage, checkSubscription } from './handlers.ts'
import { limits } from './limits.ts'
import { PERSONALITY } from './name.ts'
import type { Caller, Namespace } from './namespace.ts'
import type { State } from './state.ts'

const JWT_METHOD = 'OAUTH2-JWT'
const MAXIMUM_WILL_DELAY_SECONDS = 300
/** Unacknowledged messages on the way to a client. */
const MAXIMUM_IN_FLIGHT = 16
/** Sessions of one authentication name. */
const DEFAULT_SESSIONS = 1
/** MQTT 5 reason codes from here on are errors. */
const FAILURE = 0x80

/** The MQTT broker of a namespace: its feature table, its limits and its outcome codes. */
export function mqtt(state: State): MqttPolicy<Caller> {
  return {
    personality: PERSONALITY,
    versions: [4, 5],
    maximumQoS: 1,
    subscribeAboveMaximumQoS: 'grant-maximum',
    retainAvailable: true,
    wildcardSubscriptionAvailable: true,
    subscriptionIdentifiersAvailable: false,
    sharedSubscriptionAvailable: false,
    topicAliasMaximum: 10,
    maximumPacketSize: limits.payloadBytes.value,
    keepAlive: { minimumSeconds: 1, maximumSeconds: 1160, zero: 'maximum' },
    sessionExpiryMaximumSeconds: state.sessionExpiryMaximumSeconds,
    announceDefaults: true,
    filtersPerSubscribe: {
      maximum: limits.filtersPerSubscribe.value,
      refusal: toRefusal(errors.TooManyFilters({ limit: limits.filtersPerSubscribe.value }))
    },
    subscriptionsPerConnection: {
      maximum: limits.subscriptionsPerSession.value,
      refusal: toRefusal(
        errors.TooManySubscriptions({ limit: limits.subscriptionsPerSession.value })
      )
    },

    async authenticate(connect) {
      try {
        return await admit(state, connect)
      } catch (error) {
        if (error instanceof ProviderError) return toRefusal(error)
        throw error
      }
    },
    inFlightMaximum: MAXIMUM_IN_FLIGHT,
    offlineQueue: { messages: 100, bytes: 1_048_576, whenFull: 'end-session' },
    checkSession({ clientId, identity: { principal } }, kept) {
      // Names are compared without regard to case.
      if (kept.owner === nameOf(principal).toLowerCase()) return undefined
      return toRefusal(errors.SessionNameTaken({}, { detail: `clientId=${clientId}` }))
    },
    async reauthenticate({ identity, peer }, { authenticationData }) {
      try {
        const principal = await identifyToken(identity.namespace, authenticationData, peer.host)
        if (!isSame(principal, identity.principal)) {
          throw errors.TokenInvalid({}, { detail: 'the token is of another principal' })
        }
        identity.principal = principal
        return {}
      } catch (error) {
        if (error instanceof ProviderError) return toRefusal(error)
        throw error
      }
    },
    checkPacket(_session, { cmd, reasonCode, hasUserProperties }) {
      if (hasUserProperties && cmd !== 'publish') {
        return toRefusal(errors.UserPropertiesMisplaced({}, { detail: `packet=${cmd}` }))
      }
      if (cmd === 'puback' && reasonCode >= FAILURE) {
        return toRefusal(errors.NegativeAcknowledgement({}, { detail: `code=${reasonCode}` }))
      }
      return undefined
    },
    checkPublish: ({ identity }, message) => refusedBy(() => checkMessage(identity, message)),
    checkSubscribe: ({ identity }, { filter }) =>
      refusedBy(() => checkSubscription(identity, filter))
  }
}

async function admit(state: State, connect: ConnectRequest): Promise<Admission<Caller> | Refusal> {
  if (connect.userProperties) {
    throw errors.UserPropertiesMisplaced({}, { detail: 'packet=connect' })
  }
  limits.nameCharacters.check(connect.clientId.length)
  const namespace = state.find(prefixOf(connect.peer), connect.peer.host)
  if (!namespace) throw errors.NotFound({}, { detail: `path=${connect.peer.url}` })
  const principal = await identifyClient(namespace, connect)
  const { space } = namespace
  const owner = nameOf(principal).toLowerCase()
  checkSessionCount(namespace, owner, connect.clientId)
  if (connect.will) {
    connect.will.delaySeconds = Math.min(connect.will.delaySeconds, MAXIMUM_WILL_DELAY_SECONDS)
  }
  return { space: space.name, identity: { namespace, principal }, owner }
}

/** What stands before `/mqtt` in the path of a WebSocket. */
function prefixOf({ url }: Peer): string {
  return url === undefined ? '' : rawPath(url).replace(/\/mqtt$/, '')
}

/** By token when an authentication method is named, else by certificate. */
async function identifyClient(namespace: Namespace, connect: ConnectRequest): Promise<Principal> {
  const { authenticationMethod, authenticationData, peer } = connect
  if (authenticationMethod === undefined) {
    const { current, clock } = namespace
    return current.clients.identify(peer.certificate, connect.username, clock.now())
  }
  if (authenticationMethod !== JWT_METHOD) {
    throw errors.AuthenticationMethodUnknown({ method: authenticationMethod })
  }
  return identifyToken(namespace, authenticationData, peer.host)
}

async function identifyToken(
  namespace: Namespace,
  token: Buffer | undefined,
  host: string | undefined
): Promise<Principal> {
  if (!token) throw errors.CredentialMissing()
  limits.authenticationDataBytes.check(token.length)
  return identify(namespace, token.toString(), host)
}

/** Sessions whose clients are away count too. @throws ProviderError */
function checkSessionCount(
  { sessions, current }: Namespace,
  owner: string,
  clientId: string
): void {
  const { maximumClientSessionsPerAuthenticationName: limit = DEFAULT_SESSIONS } =
    current.settings.topicSpacesConfiguration ?? {}
  if (sessions.count(owner, clientId) >= limit) throw errors.TooManySessions({ limit })
}

/** Names are compared without regard to case. */
function isSame(one: Principal, other: Principal): boolean {
  return nameOf(one).toLowerCase() === nameOf(other).toLowerCase()
}
