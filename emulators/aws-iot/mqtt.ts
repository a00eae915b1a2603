import type {
  Admission,
  Client,
  ConnectRequest,
  Message,
  MqttPolicy,
  Peer,
  Refusal,
  Session
} from '@fogbank/core'
import { refusedBy, toRefusal } from '@fogbank/personality'
import { deniedTo, domainOf, isKeyPair, type Principal } from './auth.ts'
import { errors } from './errors.ts'
import { serve, type State } from './handlers.ts'
import { limits } from './limits.ts'
import { WELL_KNOWN } from './state.ts'
import type { Circumstances } from './policy/access.ts'
import { toText, type Wish } from './policy/actions.ts'
import { checkProperties, clampMessageExpiry } from './properties.ts'
import { checkFilter, checkPublishTopic, isReserved, withoutParent } from './topics.ts'

const NOT_AUTHORIZED = 0x87
/** QoS 1 publishes on their way, in either direction. */
const UNACKNOWLEDGED_MAXIMUM = 100

function describeCredentials({ accessKeys: [first = WELL_KNOWN] }: State): string {
  return `use access key ${first.accessKeyId} and its secret as username and password, or in the signature of a WebSocket's URL; or a certificate that fogbank cert --thing NAME issues`
}

/** The device gateway's MQTT: what its CONNACK was seen to say and what its guide says it refuses. */
export function mqtt(state: State): MqttPolicy<Principal> {
  return {
    personality: 'aws-iot',
    versions: [4, 5],
    credentialHint: describeCredentials(state),
    maximumQoS: 1,
    subscribeAboveMaximumQoS: 'disconnect',
    retainAvailable: true,
    retainedForWildcards: false,
    noSubscriptionReasonCode: 0,
    wildcardSubscriptionAvailable: true,
    subscriptionIdentifiersAvailable: false,
    sharedSubscriptionAvailable: true,
    receiveMaximum: UNACKNOWLEDGED_MAXIMUM,
    inFlightMaximum: UNACKNOWLEDGED_MAXIMUM,
    givesUpAfterSeconds: 3600,
    marksRepeats: false,
    topicAliasMaximum: 8,
    maximumPacketSize: 149_504,
    keepAlive: { minimumSeconds: 30, maximumSeconds: 1200, zero: 'maximum' },
    sessionExpiryMaximumSeconds: state.sessionExpiryMaximumSeconds,
    announceDefaults: true,
    closingFrameDisconnects: true,
    // Will Delay Interval is not among the properties that the service knows.
    delaysWills: false,
    filtersPerSubscribe: {
      maximum: limits.filtersPerSubscribe.value,
      refusal: toRefusal(errors.TooManyFilters(), 'disconnect')
    },
    subscriptionsPerConnection: {
      maximum: limits.subscriptionsPerConnection.value,
      refusal: toRefusal(errors.TooManySubscriptions())
    },

    authenticate: async (connect) => admit(state, connect),
    checkPublish: (client, message) =>
      checkMessage(message) ?? refusedBy(() => checkPermission(state, client, message)),
    checkSubscribe(client, { filter }) {
      const refusal = refusedBy(() => {
        checkFilter(filter)
        demand(state, client, [{ action: 'iot:Subscribe', resource: `topicfilter/${filter}` }])
      })
      // Older clients are not told that they may not; they are put out.
      const putOut = client.version < 5 && refusal?.reasonCode === NOT_AUTHORIZED
      return putOut ? { ...refusal, answer: 'disconnect' } : refusal
    },
    take: ({ connectionId }, message) =>
      isReserved(message.topic) ? serve(state, message, connectionId) : undefined,
    toSpaceFilters: (filter) => [withoutParent(filter)],
    toClientTopic: (session, topic) => (mayReceive(state, session, topic) ? topic : undefined),
    // Said even when it is what the client asked for.
    connackProperties: (session) => ({ serverKeepAlive: session.keepAliveSeconds })
  }
}

function checkMessage(message: Message): Refusal | undefined {
  const { topic, payload, retain, properties } = message
  if (payload.length > limits.payloadBytes.value) {
    return toRefusal(limits.payloadBytes.exceeded(payload.length), 'disconnect')
  }
  if (properties?.messageExpiryInterval !== undefined) {
    properties.messageExpiryInterval = clampMessageExpiry(properties.messageExpiryInterval)
  }
  return refusedBy(() => {
    checkPublishTopic(topic, retain)
    if (properties) checkProperties(properties)
  })
}

/** Permission and rate of a publish; a will's is asked for at its CONNECT. */
function checkPermission(state: State, client: Client<Principal>, message: Message): void {
  demand(state, client, publishWishes(message))
  if ('connectionId' in client) state.rates.checkPublish((client as Session).connectionId)
}

function publishWishes({ topic, retain }: Message): Wish[] {
  const resource = `topic/${topic}`
  const wishes = [{ action: 'iot:Publish', resource }]
  if (retain) wishes.push({ action: 'iot:RetainPublish', resource })
  return wishes
}

/** Asked for every message on its way to a client. */
function mayReceive(state: State, session: Session<Principal>, topic: string): boolean {
  const wishes = [{ action: 'iot:Receive', resource: `topic/${topic}` }]
  return state.access.allows(session.identity, wishes, () => circumstancesOf(session))
}

function demand(state: State, client: Client<Principal>, wishes: readonly Wish[]): void {
  const { identity } = client
  if (state.access.allows(identity, wishes, () => circumstancesOf(client))) return
  throw deniedTo(identity)({}, { detail: wishes.map(toText).join(' ') })
}

function circumstancesOf(client: Client<Principal> & { peer?: Peer }): Circumstances {
  const { clientId, peer } = client
  return { clientId, ...(peer ? { sourceIp: peer.address, ...domainOf(peer.host) } : {}) }
}

function admit(state: State, connect: ConnectRequest): Admission<Principal> | Refusal {
  const { clientId, peer } = connect
  const bytes = Buffer.byteLength(clientId)
  if (bytes > limits.clientIdBytes.value) return toRefusal(limits.clientIdBytes.exceeded(bytes))
  if (isReserved(clientId))
    return toRefusal(errors.ClientIdInvalid({}, { detail: 'begins with $' }))
  const identity = identify(state, connect)
  if ('rule' in identity) return identity
  const refusal =
    refusedBy(() => state.rates.checkConnect(clientId)) ?? checkConnect(state, connect, identity)
  if (!refusal) return { space: state.space.name, identity }
  if (refusal.reasonCode === NOT_AUTHORIZED) {
    state.lifecycle.connectFailed({ clientId, principal: identity, ipAddress: peer.address })
  }
  return refusal
}

/** Whether a caller may connect so, and publish his will. */
function checkConnect(
  state: State,
  { clientId, peer, will, sessionExpirySeconds }: ConnectRequest,
  identity: Principal
): Refusal | undefined {
  const connectAttributes: string[] = []
  if (sessionExpirySeconds > 0) connectAttributes.push('PersistentConnect')
  if (will) connectAttributes.push('LastWill')
  const wishes = [{ action: 'iot:Connect', resource: `client/${clientId}` }]
  const circumstances = { clientId, sourceIp: peer.address, ...domainOf(peer.host) }
  const may =
    state.access.allows(identity, wishes, () => ({ ...circumstances, connectAttributes })) &&
    (!will || state.access.allows(identity, publishWishes(will), () => circumstances))
  if (may) return undefined
  const detail = [...wishes, ...(will ? publishWishes(will) : [])].map(toText).join(' ')
  return toRefusal(deniedTo(identity)({}, { detail }))
}

/** Who connects: the upgrade's signer, a certificate's owner, or a key pair as username and password. */
function identify(
  { accessKeys, certificates, lenient, region }: State,
  { peer, username, password }: ConnectRequest
): Principal | Refusal {
  if (peer.principal) return peer.principal as Principal
  const { certificate } = peer
  if (certificate && (certificate.trusted || lenient)) {
    const principal = certificates.principalOf(certificate.der)
    if (certificates.isActive(principal)) return principal
    return toRefusal(errors.PolicyDenied({}, { detail: `${principal.certificateId} is inactive` }))
  }
  // deviation: the service takes no username and password without a custom authorizer.
  if (username === undefined || password === undefined) {
    return toRefusal(errors.MissingAuthenticationToken())
  }
  // AWS's SDKs append what they are: `name?SDK=JSv2&Version=1`.
  const [accessKeyId = ''] = username.split('?')
  if (!lenient && !isKeyPair(accessKeys, accessKeyId, password.toString())) {
    return toRefusal(errors.SecurityTokenInvalid({}, { detail: `username=${username}` }))
  }
  return { kind: 'access-key', accessKeyId, service: 'iotdevicegateway', region }
}
