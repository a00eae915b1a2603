import type {
  Admission,
  ConnectRequest,
  Message,
  MqttPolicy,
  Refusal,
  UserProperty
} from '@fogbank/core'
import { refusedBy, toRefusal } from '@fogbank/personality'
import type { ClientPrincipal } from './client-auth.ts'
import { errors } from './errors.ts'
import type { Hub } from './hub.ts'
import { limits } from './limits.ts'
import { toOwner, type MqttConnection } from './mqtt-connection.ts'
import { eventOf } from './mqtt-events.ts'
import { isServiceTopic } from './mqtt-message.ts'
import { createConnection } from './mqtt-sessions.ts'
import { isGroupName } from './names.ts'
import { PERSONALITY, type State } from './state.ts'

const CLIENT_ID = /^[0-9a-zA-Z]*$/
/** How long a session is kept; the support page promises nothing beyond. */
const SESSION_EXPIRY_MAXIMUM_SECONDS = 30
const KEEP_ALIVE_REASON = 'No packet has been received for 1.5 times the Keepalive time.'

/** The rules for clients of `/clients/mqtt/hubs/{hub}`. */
export function mqtt(state: State): MqttPolicy<MqttConnection> {
  const { keepAliveSeconds, messageBytes } = limits
  /** What the handler wants said in the CONNACK. */
  const greetings = new WeakMap<MqttConnection, readonly UserProperty[]>()

  async function authenticate(
    request: ConnectRequest
  ): Promise<Admission<MqttConnection> | Refusal> {
    const refusal = refusedBy(() => checkConnect(request))
    if (refusal) return refusal
    const principal = request.peer.principal as ClientPrincipal
    const hub = await state.hubs.get(principal.hub)
    const clientId = request.clientId || state.mqttSide.newId()
    const kept = request.cleanStart ? undefined : keptSession(hub, clientId)
    const decided = await state.mqttSide.events.connect(request, {
      clientId,
      principal,
      connection: kept
    })
    if ('rule' in decided) return decided
    const identity =
      kept ?? createConnection(hub, state.mqttSide, { clientId, principal: decided.principal })
    const admission: Admission<MqttConnection> = {
      space: hub.space.name,
      identity,
      owner: toOwner(identity),
      assignedClientId: clientId
    }
    if (decided.userProperties) greetings.set(identity, decided.userProperties)
    return admission
  }

  return {
    personality: PERSONALITY,
    versions: [4, 5],
    maximumQoS: 2,
    subscribeAboveMaximumQoS: 'grant-maximum',
    retainAvailable: false,
    retainUnavailable: 'clear-before-mqtt-5',
    disconnectsOnInvalidTopic: true,
    explainsDisconnects: true,
    wildcardSubscriptionAvailable: false,
    subscriptionIdentifiersAvailable: true,
    sharedSubscriptionAvailable: false,
    topicAliasMaximum: 0,
    maximumPacketSize: messageBytes.value,
    keepAlive: {
      minimumSeconds: 1,
      maximumSeconds: keepAliveSeconds.value,
      zero: 'maximum',
      timeoutReason: KEEP_ALIVE_REASON
    },
    sessionExpiryMaximumSeconds: SESSION_EXPIRY_MAXIMUM_SECONDS,
    announceDefaults: false,
    authenticate,

    checkPublish(client, message) {
      if ('delaySeconds' in message) return refusedBy(() => checkWill(message))
      const { topic, qos } = message
      if (!isGroupName(topic)) return toRefusal(topicError(topic), 'disconnect')
      if (mayPublish(client.identity, topic)) return undefined
      // MQTT 3.1.1 has no way to say no: the publish is acknowledged in `take`, and goes nowhere.
      if (client.version < 5 && qos > 0) return undefined
      return toRefusal(errors.SendNotPermitted({}, { detail: `topic=${topic}` }))
    },

    checkSubscribe(client, { filter }) {
      if (!isGroupName(filter)) {
        return toRefusal(
          errors.FilterTopicInvalid({}, { detail: `filterCharacters=${filter.length}` })
        )
      }
      if (isServiceTopic(filter) || client.identity.permissions.allows('joinLeaveGroup', filter)) {
        return undefined
      }
      return toRefusal(errors.JoinNotPermitted({}, { detail: `filter=${filter}` }))
    },

    checkUnsubscribe(client, filter) {
      if (isServiceTopic(filter) || client.identity.permissions.allows('joinLeaveGroup', filter)) {
        return undefined
      }
      return toRefusal(errors.LeaveNotPermitted({}, { detail: `filter=${filter}` }))
    },

    /** Events of clients, wills without permission, and what MQTT 3.1.1 cannot be told of. */
    take({ identity, clientId }, message) {
      const event = eventOf(message.topic)
      if (event !== undefined) return state.mqttSide.events.publish(identity, event, message)
      if (mayPublish(identity, message.topic)) return undefined
      state.log.info(
        `${PERSONALITY} ${clientId} publish 0x87 SendNotPermitted topic=${message.topic} dropped`
      )
      return Promise.resolve()
    },

    connackProperties({ identity }) {
      const userProperties = greetings.get(identity)
      if (!userProperties) return {}
      greetings.delete(identity)
      return { userProperties: userProperties.map(([name, value]) => ({ [name]: value })) }
    }
  }
}

/** Form of a CONNECT, less its will's topic and payload. @throws ProviderError */
function checkConnect({
  version,
  clientId,
  keepAliveSeconds,
  will,
  ...rest
}: ConnectRequest): void {
  limits.clientIdCharacters.check(clientId.length)
  if (!CLIENT_ID.test(clientId) || (clientId === '' && version < 5)) {
    throw errors.ClientIdInvalid({}, { detail: `clientId=${clientId.slice(0, 200)}` })
  }
  if (rest.authenticationMethod !== undefined) throw errors.AuthenticationMethodUnsupported()
  if (version === 5) return
  const { keepAliveSeconds: limit } = limits
  if (keepAliveSeconds < 1) throw limit.exceeded(keepAliveSeconds)
  limit.check(keepAliveSeconds)
  if (will?.retain) throw errors.WillRetained()
}

/** Whether it may be sent is asked when it is. @throws ProviderError */
function checkWill({ topic, payload }: Message): void {
  if (!isGroupName(topic)) {
    throw errors.WillTopicInvalid({}, { detail: `topicCharacters=${topic.length}` })
  }
  limits.willBytes.check(payload.length)
}

function topicError(topic: string) {
  return errors.TopicInvalid({}, { detail: `topicCharacters=${topic.length}` })
}

/** Events are open to all; the service's other topics to nobody. */
function mayPublish({ permissions }: MqttConnection, topic: string): boolean {
  if (isServiceTopic(topic)) return eventOf(topic) !== undefined
  return permissions.allows('sendToGroup', topic)
}

function keptSession({ space, get }: Hub, clientId: string): MqttConnection | undefined {
  if (!space.clients.get(PERSONALITY, clientId)) return undefined
  const connection = get(clientId)
  return connection?.brokered ? (connection as MqttConnection) : undefined
}
