import type { Admission, ConnectRequest, Message, MqttPolicy, Refusal } from '@fogbank/core'
import { refusedBy, toRefusal } from '@fogbank/personality'
import { isKeyPair, type Principal } from './auth.ts'
import { errors } from './errors.ts'
import type { State } from './handlers.ts'
import { limits } from './limits.ts'
import { checkProperties, clampMessageExpiry } from './properties.ts'
import { checkFilter, checkPublishTopic, isReached, isReserved } from './topics.ts'

const NOT_AUTHORIZED = 0x87

/** The device gateway's MQTT: what its CONNACK was seen to say and what its guide says it refuses. */
export function mqtt(state: State): MqttPolicy<Principal> {
  return {
    personality: 'aws-iot',
    versions: [4, 5],
    maximumQoS: 1,
    subscribeAboveMaximumQoS: 'disconnect',
    retainAvailable: true,
    retainedForWildcards: false,
    noSubscriptionReasonCode: 0,
    wildcardSubscriptionAvailable: true,
    subscriptionIdentifiersAvailable: false,
    sharedSubscriptionAvailable: true,
    receiveMaximum: 100,
    topicAliasMaximum: 8,
    maximumPacketSize: 149_504,
    keepAlive: { minimumSeconds: 30, maximumSeconds: 1200, zero: 'maximum' },
    sessionExpiryMaximumSeconds: state.sessionExpiryMaximumSeconds,
    announceDefaults: true,
    filtersPerSubscribe: {
      maximum: limits.filtersPerSubscribe.value,
      refusal: toRefusal(errors.TooManyFilters(), 'disconnect')
    },
    subscriptionsPerConnection: {
      maximum: limits.subscriptionsPerConnection.value,
      refusal: toRefusal(errors.TooManySubscriptions())
    },

    authenticate: async (connect) => admit(state, connect),
    checkPublish: (_client, message) => checkMessage(message),
    checkSubscribe({ version }, { filter }) {
      const refusal = refusedBy(() => checkFilter(filter))
      // Older clients are not told that they may not; they are put out.
      const putOut = version < 5 && refusal?.reasonCode === NOT_AUTHORIZED
      return putOut ? { ...refusal, answer: 'disconnect' } : refusal
    },
    take: (_session, { topic }) => (isReserved(topic) ? Promise.resolve() : undefined),
    toClientTopic: ({ subscriptions }, topic) =>
      isReached(subscriptions, topic) ? topic : undefined,
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

function admit(state: State, connect: ConnectRequest): Admission<Principal> | Refusal {
  const { clientId } = connect
  const bytes = Buffer.byteLength(clientId)
  if (bytes > limits.clientIdBytes.value) return toRefusal(limits.clientIdBytes.exceeded(bytes))
  if (isReserved(clientId))
    return toRefusal(errors.ClientIdInvalid({}, { detail: 'begins with $' }))
  const identity = identify(state, connect)
  return 'rule' in identity ? identity : { space: state.space.name, identity }
}

/** Who connects: the upgrade's signer, a certificate's owner, or a key pair as username and password. */
function identify(
  { accessKeys, lenient }: State,
  { peer, username, password }: ConnectRequest
): Principal | Refusal {
  if (peer.principal) return peer.principal as Principal
  const { certificate } = peer
  if (certificate && (certificate.trusted || lenient)) {
    return { kind: 'certificate', der: certificate.der }
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
  return { kind: 'access-key', accessKeyId, service: 'iotdevicegateway' }
}
