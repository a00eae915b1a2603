import type { Connection } from './connection.ts'
import { createDeliverer } from './deliver.ts'
import type { Refusal } from './policy.ts'
import type { WirePacket } from './wire.ts'

/** MQTT 5 "Session taken over". */
const SESSION_TAKEN_OVER = 0x8e

const STORE_FAILED: Refusal = { rule: 'StoreFailed', reasonCode: 0x80 }

/** The way from the broker to the wire. */
export function createOutbound(
  connection: Connection,
  joined: (connection: Connection) => void
): Pick<Connection, 'outbound' | 'stored' | 'notStored' | 'released'> {
  const { policy, version, settled, held } = connection
  const deliverer = createDeliverer(connection)
  const notStoredIds = new Set<number>()

  function outbound(packet: WirePacket): void {
    if (connection.farewelled) return
    switch (packet.cmd) {
      case 'publish':
        return deliverer.publish(packet)
      case 'puback':
        // aedes acknowledges before it stores; ours goes out in `stored`.
        return
      case 'pubrec':
        return pubrec(packet)
      case 'connack':
        greet()
        return connection.write(version === 5 ? toConnack(packet) : packet)
      case 'suback':
      case 'unsuback':
        return connection.write(connection.toSubscribeAck(packet))
      case 'disconnect':
        return disconnect(packet)
      default:
        return connection.write(packet)
    }
  }

  /** Before the CONNACK the broker has restored what a resumed session was subscribed to. */
  function greet(): void {
    connection.greeted = true
    for (const [filter, restored] of Object.entries(connection.client.subscriptions)) {
      const { qos, rap: retainAsPublished = false, si: identifier } = restored
      held.set(filter, { filter, qos, spaceFilters: [filter], retainAsPublished, identifier })
      connection.hasIdentifiers ||= identifier !== undefined
    }
    joined(connection)
  }

  function toConnack(packet: WirePacket): WirePacket {
    const all = policy.announceDefaults
    const properties: Record<string, unknown> = {}
    if (settled.sessionExpiryChanged)
      properties.sessionExpiryInterval = settled.sessionExpirySeconds
    if (policy.receiveMaximum) properties.receiveMaximum = policy.receiveMaximum
    if (policy.maximumQoS < 2) properties.maximumQoS = policy.maximumQoS
    if (all || !policy.retainAvailable) properties.retainAvailable = policy.retainAvailable
    if (policy.maximumPacketSize) properties.maximumPacketSize = policy.maximumPacketSize
    if (settled.assigned) properties.assignedClientIdentifier = settled.clientId
    if (policy.topicAliasMaximum > 0) properties.topicAliasMaximum = policy.topicAliasMaximum
    if (all || !policy.wildcardSubscriptionAvailable) {
      properties.wildcardSubscriptionAvailable = policy.wildcardSubscriptionAvailable
    }
    if (all || !policy.subscriptionIdentifiersAvailable) {
      properties.subscriptionIdentifiersAvailable = policy.subscriptionIdentifiersAvailable
    }
    // Not built yet: it would be a lie to announce them, whatever the provider does.
    properties.sharedSubscriptionAvailable = false
    if (settled.keepAliveChanged) properties.serverKeepAlive = settled.keepAliveSeconds
    if (settled.authenticationMethod !== undefined) {
      properties.authenticationMethod = settled.authenticationMethod // [MQTT-4.12.0-5]
      if (settled.authenticationData) properties.authenticationData = settled.authenticationData
    }
    Object.assign(properties, policy.connackProperties?.(connection))
    return { ...packet, properties }
  }

  function pubrec(packet: WirePacket): void {
    if (!notStoredIds.delete(packet.messageId)) return connection.write(packet)
    if (version !== 5) return connection.refuse(STORE_FAILED)
    connection.write({ ...packet, reasonCode: STORE_FAILED.reasonCode })
  }

  function disconnect(packet: WirePacket): void {
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

  return {
    outbound,
    released: deliverer.release,
    stored(packet) {
      if (packet.cmd === 'publish' && packet.qos === 1 && !connection.client.closed) {
        connection.write({ cmd: 'puback', messageId: packet.messageId, reasonCode: 0 })
      }
    },
    notStored(packet) {
      if (packet.qos === 2) notStoredIds.add(packet.messageId)
      if (packet.qos !== 1) return
      if (version !== 5) return connection.refuse(STORE_FAILED)
      connection.logRefusal('publish', STORE_FAILED)
      connection.write({
        cmd: 'puback',
        messageId: packet.messageId,
        reasonCode: STORE_FAILED.reasonCode
      })
    }
  }
}
