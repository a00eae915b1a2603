import { matchesFilter } from '../topic.ts'
import type { Connection } from './connection.ts'
import type { WirePacket } from './wire.ts'

/** Bytes that may wait for a client that does not read; above it QoS 0 is dropped, the rest ends it. */
const OUTBOUND_BYTES = 8 * 1024 * 1024
/** Publishes that may wait for a client that does not acknowledge; one more ends the connection. */
const HELD_PUBLISHES = 10_000

/** MQTT 5 "Quota exceeded". */
const QUOTA_EXCEEDED = 0x97

/** What a client's own subscriptions make of a message. */
interface Match {
  qos: number
  retainAsPublished: boolean
  identifiers: number[]
}

/** The last stretch of a PUBLISH: shaped for this client, within what it said it can take. */
export interface Deliverer {
  publish(packet: WirePacket): void
  /** A delivery is over: acknowledged, or refused. */
  release(messageId: number): void
}

export function createDeliverer(connection: Connection): Deliverer {
  const { policy, stream, held, settled } = connection
  const { receiveMaximum, maximumPacketBytes, topicAliasMaximum } = settled.client
  const inFlight = new Set<number>()
  const waiting: WirePacket[] = []
  const aliases = new Map<string, number>()

  function publish(packet: WirePacket): void {
    if (stream.writableLength > OUTBOUND_BYTES) return overflow(packet)
    // The broker asked `wants` a moment ago; a SUBSCRIBE or UNSUBSCRIBE may have come in between.
    if (!connection.wants(packet.topic)) return forget(packet)
    const shaped = shape(packet)
    if (shaped.qos === 0 || inFlight.has(shaped.messageId)) return send(shaped)
    // [MQTT-3.3.4-9]: what the client has not room for waits its turn.
    if (inFlight.size >= receiveMaximum) return hold(shaped)
    inFlight.add(shaped.messageId)
    send(shaped)
  }

  function hold(packet: WirePacket): void {
    if (waiting.length < HELD_PUBLISHES) {
      waiting.push(packet)
      return
    }
    const detail = `unacknowledged=${waiting.length}`
    connection.refuse({ rule: 'SlowClient', reasonCode: QUOTA_EXCEEDED, detail })
  }

  function release(messageId: number): void {
    if (!inFlight.delete(messageId)) return
    const next = waiting.shift()
    if (!next) return
    inFlight.add(next.messageId)
    send(next)
  }

  function shape(packet: WirePacket): WirePacket {
    const topic = policy.toClientTopic?.(connection, packet.topic) ?? packet.topic
    const match = matchOf(packet)
    const qos = match ? Math.min(packet.qos, match.qos) : packet.qos
    // aedes clears the flag of live messages, but not of queued ones, which come before it is connected.
    const queued = !connection.client.connected
    const retain = packet.retain && !(queued && match && !match.retainAsPublished) // [MQTT-3.3.1-12]
    if (match?.identifiers.length) {
      const subscriptionIdentifier =
        match.identifiers.length === 1 ? match.identifiers[0] : match.identifiers
      const properties = { ...packet.properties, subscriptionIdentifier } // [MQTT-3.3.4-4]
      return { ...packet, topic, qos, retain, properties }
    }
    if (topic === packet.topic && qos === packet.qos && retain === packet.retain) return packet
    return { ...packet, topic, qos, retain }
  }

  /** undefined when the packet is right as it is, or comes of no subscription at all. */
  function matchOf(packet: WirePacket): Match | undefined {
    if (packet.qos === 0 && !packet.retain && !connection.hasIdentifiers) return undefined
    let match: Match | undefined
    for (const subscription of held.values()) {
      if (!subscription.spaceFilters.some((filter) => matchesFilter(filter, packet.topic))) continue
      match ??= { qos: 0, retainAsPublished: false, identifiers: [] }
      // aedes lowers for literal filters only; a wildcard's grant counts as well [MQTT-3.8.4-8].
      match.qos = Math.max(match.qos, subscription.qos)
      match.retainAsPublished ||= subscription.retainAsPublished
      if (subscription.identifier !== undefined) match.identifiers.push(subscription.identifier)
    }
    return match
  }

  function send(packet: WirePacket): void {
    const aliased = topicAliasMaximum > 0 ? withAlias(packet) : packet
    const bytes = connection.writer.encode(aliased)
    if (bytes.length <= maximumPacketBytes) return connection.writer.writeBytes(bytes)
    // [MQTT-3.1.2-25]: as if it had been sent; the queue has to forget it.
    connection.logRefusal('deliver', {
      rule: 'ClientMaximumPacketSize',
      reasonCode: 0x95,
      detail: `packetBytes=${bytes.length}`
    })
    // An alias that was to be introduced here is not known to the client.
    if (aliased.topic !== '' && aliased !== packet) aliases.delete(packet.topic)
    forget(packet)
    if (packet.qos > 0) release(packet.messageId)
  }

  /** For the broker it is as if the client had taken it. */
  function forget(packet: WirePacket): void {
    if (packet.qos === 0) return
    connection.toBroker({
      cmd: packet.qos === 1 ? 'puback' : 'pubcomp',
      messageId: packet.messageId
    })
  }

  /** The first topics of a connection get short names, as many as the client allows. */
  function withAlias(packet: WirePacket): WirePacket {
    const known = aliases.get(packet.topic)
    if (known !== undefined) {
      return { ...packet, topic: '', properties: { ...packet.properties, topicAlias: known } }
    }
    if (aliases.size >= topicAliasMaximum) return packet
    const topicAlias = aliases.size + 1
    aliases.set(packet.topic, topicAlias)
    return { ...packet, properties: { ...packet.properties, topicAlias } }
  }

  function overflow(packet: WirePacket): void {
    const detail = `waitingBytes=${stream.writableLength}`
    const refusal = { rule: 'SlowClient', reasonCode: QUOTA_EXCEEDED, detail }
    if (packet.qos > 0) return connection.refuse(refusal)
    connection.logRefusal('deliver', refusal)
  }

  return { publish, release }
}
