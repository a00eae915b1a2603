import type {
  Admission,
  Client,
  ConnectRequest,
  MqttPolicy,
  Peer,
  ProtocolVersion,
  Refusal
} from '@fogbank/core'
import { ProviderError, rawPath, refusedBy, toRefusal } from '@fogbank/personality'
import { nameOf, type Principal } from './auth.ts'
import { identifyAgain, identifyClient } from './authentication/identify.ts'
import { errors } from './errors.ts'
import { checkMessage, checkSubscription } from './handlers.ts'
import { limits } from './limits.ts'
import { PERSONALITY } from './name.ts'
import type { Caller } from './namespace.ts'
import type { State } from './state.ts'

const MAXIMUM_WILL_DELAY_SECONDS = 300
/** No namespace lets a session live longer: eight hours. */
const MAXIMUM_SESSION_SECONDS = 28_800
const DEFAULT_SESSION_HOURS = 1
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
    credentialHint:
      'use MQTT 5 and a token of the local authority for https://eventgrid.azure.net (OAUTH2-JWT), or a certificate that fogbank cert --client NAME issues, which the namespace knows',
    maximumQoS: 1,
    subscribeAboveMaximumQoS: 'grant-maximum',
    retainAvailable: true,
    wildcardSubscriptionAvailable: true,
    subscriptionIdentifiersAvailable: false,
    sharedSubscriptionAvailable: false,
    topicAliasMaximum: 10,
    maximumPacketSize: limits.payloadBytes.value,
    keepAlive: { minimumSeconds: 1, maximumSeconds: 1160, zero: 'maximum' },
    sessionExpiryMaximumSeconds: MAXIMUM_SESSION_SECONDS,
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
        if (error instanceof ProviderError) return toRefusal(error, answerTo(error, connect))
        state.log.error(error, `${PERSONALITY} could not decide a CONNECT`)
        return toRefusal(errors.ServiceUnavailable({}, { detail: 'see the stack above' }))
      }
    },
    inFlightMaximum: MAXIMUM_IN_FLIGHT,
    offlineQueue: { messages: 100, bytes: 1_048_576, whenFull: 'end-session' },
    checkSession: (client) => refusedBy(() => takeSession(client)),
    async reauthenticate(session, { authenticationMethod, authenticationData }) {
      const { identity, subscriptions } = session
      try {
        const principal = await identifyAgain(session, authenticationMethod, authenticationData)
        // A token may give less than the one before it.
        for (const filter of subscriptions.keys()) {
          checkSubscription({ ...identity, principal }, filter)
        }
        identity.principal = principal
        state.watchExpiry(session)
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
    checkPublish: ({ identity, clientId, version }, message) =>
      refusedBy(() => checkMessage(identity, message)) ??
      overQuota(version, () =>
        identity.namespace.quotas.takePublish(clientId, message.payload.length)
      ),
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
  namespace.current.ipFilter(connect.peer.address)
  namespace.quotas.takeConnect()
  const principal = await identifyClient(namespace, connect)
  if (connect.will) {
    connect.will.delaySeconds = Math.min(connect.will.delaySeconds, MAXIMUM_WILL_DELAY_SECONDS)
  }
  const { retain = true, topicSpacesConfiguration = {} } = namespace.current.settings
  if (connect.will?.retain && !retain) throw errors.RetainNotSupported({}, { detail: 'will' })
  const { maximumSessionExpiryInHours: hours = DEFAULT_SESSION_HOURS } = topicSpacesConfiguration
  return {
    space: namespace.space.name,
    identity: { namespace, principal },
    owner: ownerOf(principal),
    sessionExpiryMaximumSeconds: hours * 3600,
    retainAvailable: retain
  }
}

/** A will with a retain flag had the connection closed before MQTT 5, without a word. */
function answerTo({ key }: ProviderError, { version }: ConnectRequest): Refusal['answer'] {
  return key === errors.RetainNotSupported.key && version < 5 ? 'drop' : undefined
}

/** What stands before `/mqtt` in the path of a WebSocket. */
function prefixOf({ url }: Peer): string {
  return url === undefined ? '' : rawPath(url).replace(/\/mqtt$/, '')
}

/** Names are compared without regard to case. */
function ownerOf(principal: Principal): string {
  return nameOf(principal).toLowerCase()
}

/** A session for the client, of those that its name and the namespace can have. @throws ProviderError */
function takeSession({ clientId, identity: { namespace, principal } }: Client<Caller>): void {
  const { sessions, quotas, current } = namespace
  const owner = ownerOf(principal)
  if ((sessions.ownerOf(clientId) ?? owner) !== owner) {
    throw errors.SessionNameTaken({}, { detail: `clientId=${clientId}` })
  }
  const { maximumClientSessionsPerAuthenticationName: limit = DEFAULT_SESSIONS } =
    current.settings.topicSpacesConfiguration ?? {}
  if (sessions.count(owner, clientId) >= limit) throw errors.TooManySessions({ limit })
  quotas.takeSession(clientId)
  sessions.reserve(owner, clientId)
}

/**
 * A message too many is refused, and only who does not stop is disconnected; in MQTT 3.1.1, which knows no
 * refusal, whoever sends one.
 */
function overQuota(version: ProtocolVersion, take: () => void): Refusal | undefined {
  const refusal = refusedBy(take)
  if (!refusal || version < 5) return refusal
  const isFinal = refusal.rule === errors.MessageRateTooHigh.key
  return { ...refusal, answer: isFinal ? 'disconnect' : 'acknowledge' }
}
