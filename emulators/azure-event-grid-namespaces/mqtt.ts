import type { Admission, ConnectRequest, MqttPolicy, Peer, Refusal } from '@fogbank/core'
import { ProviderError, rawPath, refusedBy, toRefusal } from '@fogbank/personality'
import { nameOf } from './auth.ts'
import { identifyAgain, identifyClient } from './authentication/identify.ts'
import { errors } from './errors.ts'
import { checkMessage, checkSubscription } from './handlers.ts'
import { limits } from './limits.ts'
import { PERSONALITY } from './name.ts'
import type { Caller, Namespace } from './namespace.ts'
import type { State } from './state.ts'

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
    checkPublish: ({ identity, clientId }, message) =>
      refusedBy(() => {
        checkMessage(identity, message)
        identity.namespace.quotas.takePublish(clientId, message.payload.length)
      }),
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
  namespace.quotas.takeConnect()
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
