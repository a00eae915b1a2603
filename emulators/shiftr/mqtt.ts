import {
  matchesFilter,
  type Admission,
  type Client,
  type ConnectRequest,
  type Message,
  type MqttPolicy,
  type Refusal,
  type Session
} from '@fogbank/core'
import { ProviderError, refusedBy, toRefusal } from '@fogbank/personality'
import { errors } from './errors.ts'
import type { Identity } from './events.ts'
import { KEEP_ALIVE, limits } from './limits.ts'
import type { Realm } from './realm.ts'
import { realmOf, shownSecret, type State } from './state.ts'
import { describeInstance, triggerAction } from './system.ts'
import {
  ACTION,
  checkName,
  checkPublishable,
  EVENTS,
  eventsTopic,
  fromSpaceName,
  fromUncheckedSpaceName,
  INFO,
  infoTopic,
  normalize,
  parseTopic,
  toSpaceName,
  toSpaceNames,
  toUncheckedSpaceName
} from './topics.ts'

/** An identity and the instance it belongs to. */
interface Member extends Identity {
  realm: Realm
}

const ACTION_TOPIC = toSpaceName(ACTION)
/** MQTT 5; the code of a topic name is none that a SUBACK may carry. */
const TOPIC_FILTER_INVALID = 0x8f
const DOLLAR = 0x24
const SLASH = 0x2f

/** MQTT as shiftr.io has it: a subset of 3.1.1, with temporary sessions. */
export function mqtt(state: State): MqttPolicy<Member> {
  const { lenient } = state
  let sawVersion5 = false

  function admit(connect: ConnectRequest): Admission<Member> | Refusal {
    const { clientId, username, password, peer, version } = connect
    if (clientId.length > limits.clientIdCharacters.value) {
      const refusal = refusedBy(() =>
        state.onBreach(limits.clientIdCharacters.exceeded(clientId.length))
      )
      if (refusal) return refusal
    }
    const pair =
      username === undefined ? undefined : { username, password: password?.toString() ?? '' }
    const principal = state.authenticator.ofPair(pair, peer.host)
    if (!principal) return toRefusal(errors.Unauthorized({}, { detail: `username=${username}` }))
    if (version === 5 && !sawVersion5) {
      sawVersion5 = true
      state.log.warn(
        'shiftr lets an MQTT 5 client in; that is newer than shiftr.io, which has 3.1.1'
      )
    }
    const { instance, readOnly } = principal
    const identity: Member = {
      instance: instance.name,
      realm: realmOf(state, instance),
      readOnly,
      id: state.makeId(),
      watching: false,
      rootSlash: false
    }
    return { space: instance.space.name, identity }
  }

  function checkPublish({ identity }: Client<Member>, message: Message): Refusal | undefined {
    if (identity.readOnly) return toRefusal(errors.TokenReadOnly())
    const name = fromUncheckedSpaceName(message.topic)
    return refusedBy(() => {
      if (name.includes('*')) throw errors.TopicWildcard({}, { detail: `topic=${name}` })
      const wildcard = checkName(name, state.onBreach)
      checkPublishable({ name, wildcard, rootSlash: false })
      const { length } = message.payload
      if (length > limits.payloadBytes.value) state.onBreach(limits.payloadBytes.exceeded(length))
    }, 'disconnect')
  }

  return {
    personality: 'shiftr',
    versions: [3, 4, 5],
    credentialHint: `use username ${state.instances.first.name} and password ${shownSecret(state)}, or start with --auth lenient`,
    maximumQoS: 2,
    subscribeAboveMaximumQoS: 'grant-maximum',
    retainAvailable: true,
    wildcardSubscriptionAvailable: true,
    subscriptionIdentifiersAvailable: true,
    sharedSubscriptionAvailable: false,
    topicAliasMaximum: 0,
    keepAlive: lenient
      ? { minimumSeconds: 0, maximumSeconds: 65_535, zero: 'unlimited' }
      : { ...KEEP_ALIVE, zero: 'maximum' },
    sessionExpiryMaximumSeconds: 0,
    announceDefaults: false,
    ...(lenient
      ? {}
      : {
          subscriptionsPerConnection: {
            maximum: limits.subscriptionsPerConnection.value,
            refusal: toRefusal(
              errors.TooManySubscriptions({ limit: limits.subscriptionsPerConnection.value })
            )
          }
        }),

    authenticate: async (connect) => admit(connect),
    checkPublish,
    checkSubscribe(_client, { filter }) {
      const refusal = refusedBy(() => void parseTopic(filter, state.onBreach))
      return refusal && { ...refusal, reasonCode: TOPIC_FILTER_INVALID }
    },
    take: (session, { topic, payload }) =>
      topic === ACTION_TOPIC ? act(session, payload) : undefined,
    toSpaceTopic: toUncheckedSpaceName,
    toSpaceFilters(filter, { identity }) {
      const name = normalize(filter)
      if (name === EVENTS) return [eventsTopic(identity.instance)]
      return name === INFO ? [infoTopic(identity.id)] : toSpaceNames(name)
    },
    toClientTopic,
    async subscribed(session, subscriptions) {
      if (!subscriptions.some(({ filter }) => normalize(filter) === INFO)) return
      const { realm, id } = session.identity
      const info = await describeInstance(realm, state.clock.now())
      const payload = Buffer.from(JSON.stringify(info))
      await realm.instance.space.publish({ topic: infoTopic(id), payload, qos: 0, retain: false })
    }
  }
}

/** A refused action is told under `$events`; the publish itself was in order. */
async function act({ identity }: Session<Member>, payload: Buffer): Promise<void> {
  const { realm, id } = identity
  try {
    triggerAction(realm, payload, { id })
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    const { code } = error.row
    realm.feed.emit({ type: 'errored', error: { code, topic: ACTION, connection_id: id } })
  }
}

/** Runs for every message and client, so the common case is quick: no slashes, nobody watching. */
function toClientTopic(session: Session<Member>, spaceTopic: string): string | undefined {
  const { identity } = session
  const first = spaceTopic.charCodeAt(0)
  if (identity.watching) {
    return first === DOLLAR && spaceTopic === eventsTopic(identity.instance) ? EVENTS : undefined
  }
  if (first === DOLLAR && spaceTopic === infoTopic(identity.id)) return INFO
  const name = fromSpaceName(spaceTopic)
  if (name === undefined || (first !== SLASH && !identity.rootSlash)) return name
  let reached: string | undefined
  for (const filter of session.subscriptions.keys()) {
    if (!matchesFilter(normalize(filter), name)) continue
    if (filter.charCodeAt(0) !== SLASH) return name
    reached = `/${name}`
  }
  return reached
}
