import type { Duplex } from 'node:stream'
import type { BrokerClient } from '../broker.ts'
import { toMessage, type PublishLike } from '../message.ts'
import type { CoreLog } from '../core.ts'
import type { SpaceListener } from '../space.ts'
import { createInbound } from './inbound.ts'
import { createOutbound } from './outbound.ts'
import type { MqttPolicy, ProtocolVersion, Refusal, SubscriptionRequest } from './policy.ts'
import type { DisconnectCause, Peer, Session } from './session.ts'
import { createWriter, WireFault, type Writer, type StrictParser, type WirePacket } from './wire.ts'

/** Limits that a client set us in its CONNECT; Infinity where it set none. */
export interface ClientLimits {
  /** QoS 1 and 2 publishes on the way to it. */
  receiveMaximum: number
  maximumPacketBytes: number
  /** 0: none may be used towards it. */
  topicAliasMaximum: number
}

/** What CONNECT settled, before there is a session. */
export interface Settled {
  policy: MqttPolicy<any>
  identity: unknown
  space: string
  clientId: string
  assigned: boolean
  connectionId: string
  version: ProtocolVersion
  peer: Peer
  connectedAtMs: number
  keepAliveSeconds: number
  /** As asked for in CONNECT, where the policy changed it. */
  keepAliveChanged: boolean
  sessionExpirySeconds: number
  sessionExpiryChanged: boolean
  cleanStart: boolean
  requestProblemInformation: boolean
  /** What the client can take. */
  client: ClientLimits
  authenticationMethod: string | undefined
  authenticationData: Buffer | undefined
  /** The CONNECT as the broker gets it. */
  packet: WirePacket
}

/** One subscription of a connection and the filters of the space that stand for it. */
export interface HeldSubscription extends SubscriptionRequest {
  spaceFilters: string[]
  retainAsPublished: boolean
  identifier: number | undefined
}

/** A connection whose CONNECT was accepted: the packets between the wire and the broker. */
export interface Connection extends Session {
  readonly settled: Settled
  readonly stream: Duplex
  readonly client: BrokerClient
  readonly held: Map<string, HeldSubscription>
  /** Whether any subscription ever had an identifier. */
  hasIdentifiers: boolean
  readonly writer: Writer
  /** Ids of the client's QoS 1 and 2 publishes that we have not acknowledged for good. */
  readonly unacknowledged: Set<number>
  readonly log: CoreLog
  readonly listeners: Iterable<SpaceListener>
  cause: DisconnectCause | undefined
  /** The CONNACK has gone out. */
  greeted: boolean
  /** The DISCONNECT has gone out; nothing may follow it [MQTT-3.14.4-1]. */
  farewelled: boolean
  /** A packet to the broker, past every check. */
  toBroker(packet: WirePacket): void
  /** A delivery to the client is over: acknowledged, or refused. */
  released(messageId: number): void
  /** A packet from the broker to the client. */
  outbound(packet: WirePacket): void
  /** The broker's SUBACK or UNSUBACK in terms of the client's own filters. */
  toSubscribeAck(packet: WirePacket): WirePacket
  /** Straight onto the wire. */
  write(packet: WirePacket): void
  /** Whether a message of this topic reaches the client. */
  wants(spaceTopic: string): boolean
  /** The client's publish is committed; or it is not, and never will be. */
  stored(packet: WirePacket): void
  notStored(packet: WirePacket): void
  /** Whether the policy takes this will, as it takes publishes; absent: it is an ordinary message. */
  takeWill(will: PublishLike): Promise<unknown> | undefined
  /** The broker or the stream found an error. */
  failed(error: unknown): void
  /** Ends the connection for a rule that was broken. */
  refuse(refusal: Refusal): void
  /** Ours to log: what was refused, by which rule, with which value. */
  logRefusal(packet: string, refusal: Refusal): void
}

/**
 * Puts the session layer between a stream and its broker client.
 *
 * aedes' own parser is replaced by a stricter one and its listener by ours; both private touch points are
 * here, and a test fails when aedes changes under them.
 */
export function createConnection(options: {
  settled: Settled
  stream: Duplex & { connection?: Connection }
  parser: StrictParser
  handle(stream: Duplex): BrokerClient
  /** Told at the CONNACK. */
  joined(connection: Connection): void
  log: CoreLog
  listeners: Iterable<SpaceListener>
}): Connection {
  const { settled, stream, parser, log, listeners } = options
  const { policy, version } = settled
  const held = new Map<string, HeldSubscription>()
  const writer = createWriter(stream, version)
  const unacknowledged = new Set<number>()

  const connection: Connection = {
    settled,
    stream,
    held,
    log,
    listeners,
    client: undefined as unknown as BrokerClient,
    cause: undefined,
    greeted: false,
    farewelled: false,
    policy,
    identity: settled.identity,
    clientId: settled.clientId,
    connectionId: settled.connectionId,
    version,
    peer: settled.peer,
    space: settled.space,
    connectedAtMs: settled.connectedAtMs,
    keepAliveSeconds: settled.keepAliveSeconds,
    sessionExpirySeconds: settled.sessionExpirySeconds,
    cleanStart: settled.cleanStart,
    subscriptions: held,
    outbound: () => {},
    stored: () => {},
    notStored: () => {},
    toSubscribeAck: (packet) => packet,
    released: () => {},
    toBroker: () => {},
    hasIdentifiers: false,
    writer,
    unacknowledged,
    write(packet) {
      if (endsInbound(packet)) unacknowledged.delete(packet.messageId)
      writer.writeBytes(writer.encode(packet))
    },
    wants: (topic) =>
      !policy.toClientTopic || policy.toClientTopic(connection, topic) !== undefined,
    takeWill: (will) => policy.take?.(connection, toMessage(will)),
    failed(error) {
      if (error instanceof WireFault) {
        connection.refuse({ rule: error.rule, reasonCode: error.reasonCode, detail: error.message })
      } else if (!connection.cause && connection.client.connected) {
        log.info(`${policy.personality} ${connection.clientId} ${(error as Error).message}`)
      }
    },
    refuse(refusal) {
      connection.logRefusal('disconnect', refusal)
      connection.cause ??= { by: 'server', reasonCode: refusal.reasonCode, rule: refusal.rule }
      if (client.connected || version !== 5) {
        client.disconnect({ reasonCode: refusal.reasonCode })
        return
      }
      // Between CONNACK and its own readiness aedes would close without the DISCONNECT.
      if (connection.greeted) sendLastWord(connection, refusal.reasonCode)
      client.close()
    },
    disconnect: (reasonCode, rule) => connection.refuse({ reasonCode, rule }),
    logRefusal(packet, refusal) {
      const code = `0x${refusal.reasonCode.toString(16).padStart(2, '0')}`
      const detail = refusal.detail ? ` ${refusal.detail}` : ''
      const who = `${policy.personality} ${connection.clientId}`
      log.info(`${who} ${packet} ${code} ${refusal.rule}${detail}`)
    }
  }
  Object.assign(connection, createOutbound(connection, options.joined))

  stream.connection = connection
  const client = options.handle(stream)
  ;(connection as { client: BrokerClient }).client = client
  const [enqueue] = client._parser.listeners('packet') as ((packet: WirePacket) => void)[]
  if (!enqueue) throw new Error('aedes has changed: its parser has no packet listener')
  client._parser.removeAllListeners()
  connection.toBroker = (packet) => enqueue.call(client._parser, packet)
  const inbound = createInbound(connection)
  parser.on('packet', inbound.receive)
  parser.on('error', (error: Error) => {
    if (error instanceof WireFault) return connection.failed(error)
    connection.failed(new WireFault(0x81, 'MalformedPacket', error.message))
  })
  client._parser = Object.assign(parser, { client, _queue: [] })
  client.once('connected', inbound.open)
  return connection
}

/** Whether a packet of ours ends a publish of the client's [MQTT-4.9.0-1]. */
function endsInbound({ cmd, reasonCode }: WirePacket): boolean {
  return cmd === 'puback' || cmd === 'pubcomp' || (cmd === 'pubrec' && reasonCode >= 0x80)
}

/** Tells an MQTT 5 client why before aedes destroys the socket; older clients just see it close. */
export function sendLastWord(connection: Connection, reasonCode: number): void {
  if (connection.version !== 5 || connection.farewelled || connection.stream.destroyed) return
  connection.farewelled = true
  connection.write({ cmd: 'disconnect', reasonCode })
  // aedes destroys the stream in this very tick, and what is corked would be lost.
  connection.stream.uncork()
}
