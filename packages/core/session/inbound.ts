import { fromWire, toMessage, toWire, type Message, type PublishLike } from '../message.ts'
import { add, noEntries, noMembers, put } from '../sparse.ts'
import { topicNameFault, type TopicFault } from '../topic.ts'
import { Reauthenticator } from './authenticate.ts'
import { refusalProperties, type Connection } from './connection.ts'
import type { Refusal } from './policy.ts'
import { subscribe, unsubscribe } from './subscribe.ts'
import type { WirePacket } from './wire.ts'

/** Packets kept back until the broker is ready; reading stops above it, so it bounds memory. */
const HELD_PACKETS = 64

/** What a topic name that the standard forbids is answered with. */
function topicRefusal(fault: TopicFault, disconnects: boolean | undefined): Refusal {
  const malformed = fault === 'null-character' || fault === 'lone-surrogate'
  if (malformed) {
    return { rule: 'MalformedPacket', reasonCode: 0x81, detail: fault, answer: 'disconnect' }
  }
  const refusal: Refusal = { rule: 'TopicNameInvalid', reasonCode: 0x90, detail: fault }
  if (disconnects) refusal.answer = 'disconnect'
  return refusal
}

/** The way from the wire to the broker: checks every packet of a client by the standard and by the policy. */
export class Inbound {
  readonly #connection: Connection
  /** AUTH packets behind the CONNECT that were answered before there was a session. */
  #authPackets: number
  #reauthenticator: Reauthenticator | undefined
  #aliases: Map<number, string> = noEntries()
  /** Ids of QoS 2 publishes that the policy is taking. */
  #taking: Set<number> = noMembers()
  #state: 'connecting' | 'held' | 'open' = 'connecting'
  #waiting: WirePacket[] = []

  constructor(connection: Connection) {
    this.#connection = connection
    this.#authPackets = connection.settled.authPackets ?? 0
  }

  /** A packet from the client. */
  receive(packet: WirePacket): void {
    const connection = this.#connection
    const { settled } = connection
    connection.heard()
    if (connection.cause) return // being disconnected: what is still on the way is not for anybody
    if (this.#state === 'connecting') {
      // The CONNECT was read and answered for before; the broker gets it as it was settled.
      this.#state = 'held'
      connection.toBroker(settled.packet!)
      settled.packet = undefined
    } else if (this.#state === 'held') {
      // aedes answers protocol errors properly only once its client is wholly connected.
      this.#waiting.push(packet)
      if (this.#waiting.length >= HELD_PACKETS) connection.client.pause()
    } else {
      this.#handle(packet)
    }
  }

  /** The broker is ready for more than CONNECT. */
  open(): void {
    const connection = this.#connection
    this.#state = 'open'
    const packets = this.#waiting
    this.#waiting = []
    for (const packet of packets) if (!connection.client.closed) this.#handle(packet)
    if (packets.length >= HELD_PACKETS) connection.client.resume()
  }

  /** What a personality's check fails with is one client's affair, and no end of the process. */
  #handle(packet: WirePacket): void {
    const connection = this.#connection
    try {
      this.#dispatch(packet)
    } catch (error) {
      const { clientId, log, policy } = connection
      log.error(error, `${policy.personality} ${clientId} could not handle a ${packet.cmd}`)
      connection.refuse({ rule: 'Internal', reasonCode: 0x80 })
    }
  }

  #dispatch(packet: WirePacket): void {
    const connection = this.#connection
    const { outgoing, policy, version } = connection
    if (version === 5) {
      const refusal = policy.checkPacket?.(connection, {
        cmd: packet.cmd,
        reasonCode: packet.reasonCode ?? 0,
        hasUserProperties: packet.properties?.userProperties !== undefined
      })
      if (refusal) return connection.refuse(refusal)
    }
    switch (packet.cmd) {
      case 'publish':
        return this.#publish(packet)
      case 'subscribe':
        return subscribe(connection, packet)
      case 'unsubscribe':
        return unsubscribe(connection, packet)
      case 'disconnect':
        return this.#disconnect(packet)
      case 'puback':
        return outgoing.puback(packet.messageId)
      case 'pubrec':
        return outgoing.pubrec(packet.messageId, packet.reasonCode ?? 0)
      case 'pubcomp':
        return outgoing.pubcomp(packet.messageId)
      case 'auth':
        if (this.#authPackets-- > 0) return
        this.#reauthenticator ??= new Reauthenticator(connection)
        return this.#reauthenticator.receive(packet)
      case 'pubrel':
      case 'pingreq':
        return connection.toBroker(packet)
      default:
        // A second CONNECT [MQTT-3.1.0-2], an AUTH nobody asked for [MQTT-4.12.0-6], or a server's packet.
        return connection.refuse({
          rule: 'ProtocolError',
          reasonCode: 0x82,
          detail: `packet=${packet.cmd}`
        })
    }
  }

  #publish(packet: WirePacket): void {
    const connection = this.#connection
    const { policy, version } = connection
    if (!this.#hasRoomFor(packet) || !this.#resolveAlias(packet)) return
    const message = toMessage(packet as unknown as PublishLike)
    message.topic = policy.toSpaceTopic?.(packet.topic, connection) ?? packet.topic
    if (policy.retainUnavailable === 'clear-before-mqtt-5' && version < 5) {
      message.retain = packet.retain = false
    }
    const refusal = this.#refusalOf(message)
    if (refusal) return this.#refusePublish(packet, refusal)
    if (packet.qos === 2 && this.#isRepeated(packet)) return
    const taken = policy.take?.(connection, message)
    if (taken) return this.#acknowledgeWhen(packet, this.#noted(packet, taken))
    packet.topic = message.topic
    if (packet.properties) packet.properties = toWire(message.properties)
    connection.toBroker(packet)
  }

  #refusalOf(message: Message): Refusal | undefined {
    const connection = this.#connection
    const { policy, settled } = connection
    const fault = topicNameFault(message.topic)
    if (fault) return topicRefusal(fault, policy.disconnectsOnInvalidTopic)
    if (message.qos > policy.maximumQoS) {
      // [MQTT-3.2.2-11]
      return {
        rule: 'QoSNotSupported',
        reasonCode: 0x9b,
        detail: `qos=${message.qos}`,
        answer: 'disconnect'
      }
    }
    if (message.retain && !settled.retainAvailable) {
      // [MQTT-3.2.2-14]
      return {
        rule: 'RetainNotSupported',
        reasonCode: 0x9a,
        detail: 'retain=1',
        answer: 'disconnect'
      }
    }
    const responseTopic = message.properties?.responseTopic
    if (responseTopic !== undefined && topicNameFault(responseTopic)) {
      // [MQTT-3.3.2-14]
      return { rule: 'ResponseTopicInvalid', reasonCode: 0x82, answer: 'disconnect' }
    }
    return policy.checkPublish?.(connection, message)
  }

  /** Counts a QoS 1 or 2 publish; false when the connection was ended for one too many. */
  #hasRoomFor(packet: WirePacket): boolean {
    const connection = this.#connection
    const { policy, version } = connection
    if (packet.qos === 0) return true
    const unacknowledged = add(connection.unacknowledged, packet.messageId)
    connection.unacknowledged = unacknowledged
    const maximum = policy.receiveMaximum
    if (version !== 5 || maximum === undefined || unacknowledged.size <= maximum) return true
    // [MQTT-3.3.4-7]
    const detail = `unacknowledged=${unacknowledged.size}`
    connection.refuse({ rule: 'ReceiveMaximumExceeded', reasonCode: 0x93, detail })
    return false
  }

  /** Puts the topic of an alias in its place; false when the connection was ended for it. */
  #resolveAlias(packet: WirePacket): boolean {
    const connection = this.#connection
    const { policy } = connection
    const alias: number | undefined = packet.properties?.topicAlias
    if (alias === undefined) {
      // [MQTT-3.3.2-8]: the empty name below is then a Protocol Error of its own.
      return true
    }
    const known = packet.topic.length > 0 ? packet.topic : this.#aliases.get(alias)
    if (alias < 1 || alias > policy.topicAliasMaximum || known === undefined) {
      connection.refuse({
        rule: 'TopicAliasInvalid',
        reasonCode: 0x94,
        detail: `topicAlias=${alias}`
      })
      return false
    }
    this.#aliases = put(this.#aliases, alias, known)
    packet.topic = known
    return true
  }

  #refusePublish(packet: WirePacket, refusal: Refusal): void {
    const connection = this.#connection
    const { version } = connection
    for (const listener of connection.listeners) {
      listener.session?.({
        type: 'refused',
        session: connection,
        packet: 'publish',
        topic: packet.topic,
        rule: refusal.rule
      })
    }
    const canAcknowledge = version === 5 && packet.qos > 0
    const answer = refusal.answer ?? (canAcknowledge ? 'acknowledge' : 'disconnect')
    if (
      answer === 'disconnect' ||
      (answer === 'acknowledge' && !canAcknowledge && packet.qos > 0)
    ) {
      return connection.refuse(refusal)
    }
    connection.logRefusal('publish', refusal)
    if (answer === 'acknowledge' && packet.qos > 0) this.#acknowledge(packet, refusal)
  }

  #acknowledge(packet: WirePacket, refusal?: Refusal): void {
    const connection = this.#connection
    const { settled } = connection
    if (packet.qos === 0) return
    const ack: WirePacket = {
      cmd: packet.qos === 1 ? 'puback' : 'pubrec',
      messageId: packet.messageId,
      reasonCode: refusal?.reasonCode ?? 0
    }
    const properties = refusal ? refusalProperties(refusal, settled.requestProblemInformation) : {}
    if (Object.keys(properties).length > 0) ack.properties = properties
    connection.write(ack)
  }

  /** Whether a QoS 2 publish that the policy took comes again; it is answered again [MQTT-4.3.3-10]. */
  #isRepeated(packet: WirePacket): boolean {
    const { entry, policy, sessions } = this.#connection
    if (this.#taking.has(packet.messageId)) return true // the answer to the first is on its way
    if (!policy.take || !entry.incoming.has(packet.messageId)) return false
    const known = sessions.hasTaken(entry, packet.messageId)
    this.#acknowledgeWhen(
      packet,
      known.then(() => undefined)
    )
    return true
  }

  /** Remembers a QoS 2 publish that was taken until the client releases it. */
  async #noted(packet: WirePacket, taken: Promise<Refusal | void>): Promise<Refusal | void> {
    if (packet.qos !== 2) return taken
    const { entry, sessions } = this.#connection
    this.#taking = add(this.#taking, packet.messageId)
    try {
      const refusal = await taken
      if (!refusal) await sessions.noteTaken(entry, packet.messageId)
      return refusal
    } finally {
      this.#taking.delete(packet.messageId)
    }
  }

  #acknowledgeWhen(packet: WirePacket, taken: Promise<Refusal | void>): void {
    const connection = this.#connection
    const { policy } = connection
    taken.then(
      (refusal) => (refusal ? this.#refusePublish(packet, refusal) : this.#acknowledge(packet)),
      (error: unknown) => {
        connection.log.error(
          error,
          `${policy.personality} could not take a publish to ${packet.topic}`
        )
        this.#refusePublish(packet, { rule: 'Internal', reasonCode: 0x80 })
      }
    )
  }

  #disconnect(packet: WirePacket): void {
    const connection = this.#connection
    const { settled, version } = connection
    const reasonCode: number = packet.reasonCode ?? 0
    const asked: number | undefined = packet.properties?.sessionExpiryInterval
    if (asked !== undefined) {
      if (asked > 0 && settled.sessionExpirySeconds === 0) {
        // [MQTT-3.1.2-23]: a session that was to end with its connection does.
        const detail = `sessionExpiryInterval=${asked}`
        return connection.refuse({ rule: 'ProtocolError', reasonCode: 0x82, detail })
      }
      connection.entry.expirySeconds = Math.min(asked, settled.sessionExpiryMaximumSeconds)
    }
    const { userProperties } = fromWire(packet.properties) ?? {}
    connection.cause = { by: 'client', reasonCode, ...(userProperties ? { userProperties } : {}) }
    connection.discardsWill = version !== 5 || reasonCode === 0
    connection.endWhenDone()
  }
}
