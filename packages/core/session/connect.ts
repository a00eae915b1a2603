import type { Core } from '../core.ts'
import { toMessage } from '../message.ts'
import type { Space } from '../space.ts'
import { topicNameFault } from '../topic.ts'
import type { ClientLimits, Settled } from './connection.ts'
import type {
  Admission,
  Client,
  ConnectRequest,
  MqttPolicy,
  ProtocolVersion,
  Refusal
} from './policy.ts'
import type { Peer } from './session.ts'
import type { WirePacket } from './wire.ts'

/** What becomes of a CONNECT. */
export type Decision = { refusal: Refusal } | { space: Space; settled: Settled }

/** Sends an AUTH to a client that is at its CONNECT, and resolves with the data of its answer. */
export type ChallengeClient = (data: Buffer | undefined) => Promise<Buffer | undefined>

const CONNECTIONS_EXCEEDED: Refusal = {
  rule: 'ConnectionsExceeded',
  reasonCode: 0x97,
  returnCode: 3
}

/** MQTT 3.1 allows client ids of at most 23 characters. */
const MQTT_3_1_CLIENT_ID_CHARACTERS = 23

const refused = (rule: string, reasonCode: number, returnCode = 2, detail?: string): Decision => ({
  refusal: { rule, reasonCode, returnCode, ...(detail ? { detail } : {}) }
})

/** Checks a CONNECT by the standard, then by the policy; settles what the two sides agreed on. */
export async function decideConnect(
  door: { core: Core; policy: MqttPolicy<any>; peer: Peer },
  packet: WirePacket,
  challenge: ChallengeClient
): Promise<Decision> {
  const { core, policy } = door
  const version = packet.protocolVersion as ProtocolVersion
  if (!policy.versions.includes(version)) {
    return refused('UnsupportedProtocolVersion', 0x84, 1, `version=${version}`)
  }
  const fault = connectFault(packet, version)
  if (fault) return fault
  const request = toRequest(packet, version, door)
  const admission = await admit(policy.authenticate(request), challenge)
  if ('rule' in admission) return { refusal: admission }

  const assigned = packet.clientId === ''
  const clientId: string = assigned
    ? (admission.assignedClientId ?? core.ids.uuid())
    : packet.clientId
  const client: Client = { clientId, version, identity: admission.identity }
  const will = request.will
  if (will) {
    const refusal = willRefusal(policy, client, will, isRetainAvailable(policy, admission))
    if (refusal) return { refusal }
  }
  const space = await core.space(admission.space)
  if (!space.hasRoom()) return { refusal: CONNECTIONS_EXCEEDED }
  if (policy.checkSession) {
    const kept = space.clients.get(policy.personality, clientId)
    const refusal = policy.checkSession(client, kept, request.cleanStart)
    if (refusal) return { refusal }
  }
  return { space, settled: settle(door, packet, request, admission, { clientId, assigned }) }
}

/** Asks for further steps until the policy has decided. */
async function admit(
  first: ReturnType<MqttPolicy<any>['authenticate']>,
  challenge: ChallengeClient
): Promise<Admission<unknown> | Refusal> {
  let outcome = await first
  while ('respond' in outcome) {
    outcome = await outcome.respond(await challenge(outcome.authenticationData))
  }
  return outcome
}

/** Faults by the standard alone. */
function connectFault(packet: WirePacket, version: ProtocolVersion): Decision | undefined {
  const { clientId, clean, properties = {} } = packet
  if (clientId.includes('\0') || !clientId.isWellFormed()) {
    return refused('ClientIdentifierNotValid', 0x85)
  }
  if (version < 5 && clientId === '' && !clean) {
    return refused('ClientIdentifierNotValid', 0x85) // [MQTT-3.1.3-8]
  }
  if (version === 3 && clientId.length > MQTT_3_1_CLIENT_ID_CHARACTERS) {
    return refused('ClientIdentifierNotValid', 0x85, 2, `clientIdCharacters=${clientId.length}`)
  }
  if (properties.receiveMaximum === 0) {
    return refused('ProtocolError', 0x82, 2, 'receiveMaximum=0') // [MQTT-3.1.2-22]
  }
  if (properties.maximumPacketSize === 0) {
    return refused('ProtocolError', 0x82, 2, 'maximumPacketSize=0') // [MQTT-3.1.2-24]
  }
  if (
    properties.authenticationData !== undefined &&
    properties.authenticationMethod === undefined
  ) {
    return refused('ProtocolError', 0x82, 2, 'authentication data without a method')
  }
  return undefined
}

function toRequest(
  packet: WirePacket,
  version: ProtocolVersion,
  { policy, peer }: { policy: MqttPolicy<any>; peer: Peer }
): ConnectRequest {
  const { properties = {}, will } = packet
  const request: ConnectRequest = {
    version,
    clientId: packet.clientId,
    cleanStart: packet.clean,
    keepAliveSeconds: packet.keepalive ?? 0,
    sessionExpirySeconds:
      version === 5 ? (properties.sessionExpiryInterval ?? 0) : packet.clean ? 0 : Infinity,
    peer
  }
  if (packet.username !== undefined) request.username = String(packet.username)
  if (packet.password !== undefined) request.password = packet.password
  if (properties.authenticationMethod !== undefined) {
    request.authenticationMethod = properties.authenticationMethod
  }
  if (properties.authenticationData !== undefined) {
    request.authenticationData = properties.authenticationData
  }
  if (properties.userProperties) request.userProperties = properties.userProperties
  if (will) {
    const wanted = will.properties?.willDelayInterval ?? 0
    request.will = { ...toMessage(will), delaySeconds: policy.delaysWills === false ? 0 : wanted }
  }
  return request
}

/** A will is a publish to come: it has to pass the same checks, and CONNACK is the place to say so. */
function willRefusal(
  policy: MqttPolicy<any>,
  client: Client,
  will: NonNullable<ConnectRequest['will']>,
  retainAvailable: boolean
): Refusal | undefined {
  will.topic = policy.toSpaceTopic?.(will.topic, client) ?? will.topic
  const fault = topicNameFault(will.topic)
  if (fault) return { rule: 'TopicNameInvalid', reasonCode: 0x90, detail: `will ${fault}` }
  if (will.qos > policy.maximumQoS) {
    return { rule: 'QoSNotSupported', reasonCode: 0x9b, detail: `will qos=${will.qos}` } // [MQTT-3.2.2-12]
  }
  if (will.retain && !retainAvailable) {
    return { rule: 'RetainNotSupported', reasonCode: 0x9a, detail: 'will retain=1' } // [MQTT-3.2.2-13]
  }
  return policy.checkPublish?.(client, will)
}

function isRetainAvailable(
  policy: MqttPolicy<any>,
  { retainAvailable = true }: Admission<unknown>
): boolean {
  return policy.retainAvailable && retainAvailable
}

function settle(
  { core, policy, peer }: { core: Core; policy: MqttPolicy<any>; peer: Peer },
  packet: WirePacket,
  request: ConnectRequest,
  admission: Admission<unknown>,
  { clientId, assigned }: { clientId: string; assigned: boolean }
): Settled {
  const { version } = request
  const keepAliveSeconds = effectiveKeepAlive(policy, request.keepAliveSeconds)
  const sessionExpiryMaximumSeconds = Math.min(
    admission.sessionExpiryMaximumSeconds ?? Infinity,
    policy.sessionExpiryMaximumSeconds
  )
  const sessionExpirySeconds = Math.min(request.sessionExpirySeconds, sessionExpiryMaximumSeconds)
  const temporary = sessionExpiryMaximumSeconds === 0
  const { authenticationMethod } = packet.properties ?? {}
  // Two providers' devices are two devices, even in one space.
  const id = `${policy.personality}:${clientId}`
  return {
    id,
    policy,
    identity: admission.identity,
    space: admission.space,
    clientId,
    assigned,
    connectionId: core.ids.uuid(),
    version,
    peer,
    connectedAtMs: core.clock.now(),
    keepAliveSeconds,
    keepAliveChanged: keepAliveSeconds !== request.keepAliveSeconds,
    sessionExpirySeconds,
    sessionExpiryMaximumSeconds,
    sessionExpiryChanged: version === 5 && sessionExpirySeconds !== request.sessionExpirySeconds,
    cleanStart: request.cleanStart || temporary,
    retainAvailable: isRetainAvailable(policy, admission),
    requestProblemInformation: packet.properties?.requestProblemInformation !== false,
    requestResponseInformation: packet.properties?.requestResponseInformation === true,
    will: request.will,
    owner: admission.owner,
    client: toClientLimits(policy, version, packet.properties),
    authenticationMethod,
    authenticationData: admission.authenticationData,
    // For the broker every session ends with its connection, has no will and takes its time.
    packet: { ...packet, clientId: id, clean: true, keepalive: 0, will: undefined, properties: {} }
  }
}

/** Older versions have no such limits, and no way to say them. */
function toClientLimits(
  policy: MqttPolicy<any>,
  version: ProtocolVersion,
  properties: Record<string, number> = {}
): ClientLimits {
  const said = version === 5 ? properties : {}
  return {
    receiveMaximum: said.receiveMaximum ?? Infinity,
    maximumPacketBytes: said.maximumPacketSize ?? Infinity,
    topicAliasMaximum: policy.assignsTopicAliases ? (said.topicAliasMaximum ?? 0) : 0
  }
}

/** Moves a keep-alive into the policy's range. */
function effectiveKeepAlive({ keepAlive }: MqttPolicy<any>, asked: number): number {
  if (asked === 0) return keepAlive.zero === 'maximum' ? keepAlive.maximumSeconds : 0
  return Math.min(Math.max(asked, keepAlive.minimumSeconds), keepAlive.maximumSeconds)
}
