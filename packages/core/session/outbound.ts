import { add } from '../sparse.ts'
import type { Connection } from './connection.ts'
import type { Refusal } from './policy.ts'
import type { WirePacket } from './wire.ts'

/** MQTT 5 "Session taken over". */
const SESSION_TAKEN_OVER = 0x8e

const STORE_FAILED: Refusal = { rule: 'StoreFailed', reasonCode: 0x80 }

export function outbound(connection: Connection, packet: WirePacket): void {
  const { settled } = connection
  if (connection.farewelled) return
  switch (packet.cmd) {
    case 'puback':
      // aedes acknowledges before it stores; ours goes out in `stored`.
      return
    case 'pubrec':
      return pubrec(connection, packet)
    case 'connack':
      return greet(connection, { ...packet, sessionPresent: settled.sessionPresent ?? false })
    case 'disconnect':
      return disconnect(connection, packet)
    default:
      return connection.write(packet)
  }
}

function greet(connection: Connection, packet: WirePacket): void {
  const { version } = connection
  connection.write(version === 5 ? toConnack(connection, packet) : packet)
  connection.greeted = true
  connection.joined(connection)
  connection.outgoing.open()
}

function toConnack(connection: Connection, packet: WirePacket): WirePacket {
  const { policy, settled } = connection
  const all = policy.announceDefaults
  const properties: Record<string, unknown> = {}
  if (settled.sessionExpiryChanged) properties.sessionExpiryInterval = settled.sessionExpirySeconds
  if (policy.receiveMaximum) properties.receiveMaximum = policy.receiveMaximum
  if (policy.maximumQoS < 2) properties.maximumQoS = policy.maximumQoS
  if (all || !settled.retainAvailable) properties.retainAvailable = settled.retainAvailable
  if (policy.maximumPacketSize) properties.maximumPacketSize = policy.maximumPacketSize
  if (settled.assigned) properties.assignedClientIdentifier = settled.clientId
  if (policy.topicAliasMaximum > 0) properties.topicAliasMaximum = policy.topicAliasMaximum
  if (all || !policy.wildcardSubscriptionAvailable) {
    properties.wildcardSubscriptionAvailable = policy.wildcardSubscriptionAvailable
  }
  if (all || !policy.subscriptionIdentifiersAvailable) {
    properties.subscriptionIdentifiersAvailable = policy.subscriptionIdentifiersAvailable
  }
  if (all || !policy.sharedSubscriptionAvailable) {
    properties.sharedSubscriptionAvailable = policy.sharedSubscriptionAvailable
  }
  if (settled.keepAliveChanged) properties.serverKeepAlive = settled.keepAliveSeconds
  if (settled.authenticationMethod !== undefined) {
    properties.authenticationMethod = settled.authenticationMethod // [MQTT-4.12.0-5]
    if (settled.authenticationData) properties.authenticationData = settled.authenticationData
  }
  if (settled.requestResponseInformation) {
    const responseInformation = policy.responseInformation?.(connection)
    if (responseInformation !== undefined) properties.responseInformation = responseInformation
  }
  Object.assign(properties, policy.connackProperties?.(connection))
  return { ...packet, properties }
}

function pubrec(connection: Connection, packet: WirePacket): void {
  const { version } = connection
  if (!connection.notStoredIds.delete(packet.messageId)) return connection.write(packet)
  if (version !== 5) return connection.refuse(STORE_FAILED)
  connection.write({ ...packet, reasonCode: STORE_FAILED.reasonCode })
}

function disconnect(connection: Connection, packet: WirePacket): void {
  const reasonCode: number = packet.reasonCode ?? 0
  // What our own rules ended was logged where it was refused; the rest is the broker's doing.
  if (connection.cause?.by !== 'server') {
    const takenOver = reasonCode === SESSION_TAKEN_OVER
    const rule = takenOver ? 'SessionTakenOver' : 'ServerShuttingDown'
    connection.cause = takenOver ? { by: 'takeover' } : { by: 'server', reasonCode, rule }
    connection.logRefusal('disconnect', { rule, reasonCode })
  }
  connection.farewelled = true
  connection.write(packet)
}

export function stored(connection: Connection, packet: WirePacket): void {
  if (packet.cmd === 'publish' && packet.qos === 1 && !connection.client.closed) {
    connection.write({ cmd: 'puback', messageId: packet.messageId, reasonCode: 0 })
  }
}

export function notStored(connection: Connection, packet: WirePacket): void {
  const { version } = connection
  if (packet.qos === 2) {
    connection.notStoredIds = add(connection.notStoredIds, packet.messageId)
    // The client begins anew, with an id that may be the same [MQTT-4.3.3-9].
    connection.entry.incoming.delete(packet.messageId)
  }
  if (packet.qos !== 1) return
  if (version !== 5) return connection.refuse(STORE_FAILED)
  connection.logRefusal('publish', STORE_FAILED)
  connection.write({
    cmd: 'puback',
    messageId: packet.messageId,
    reasonCode: STORE_FAILED.reasonCode
  })
}
