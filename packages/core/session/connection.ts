import type { Duplex } from 'node:stream'
import type { BrokerClient } from '../broker.ts'
import type { Bounds } from '../bounds.ts'
import type { Clock } from '../clock.ts'
import { toWire, type Message } from '../message.ts'
import type { CoreLog } from '../core.ts'
import type { Position, Queues, Sent } from '../queues.ts'
import type { Sessions } from '../sessions.ts'
import type { SpaceListener } from '../space.ts'
import type { StorePart } from '../store.ts'
import type { SessionEntry } from './entry.ts'
import { endGently } from './farewell.ts'
import { createInbound } from './inbound.ts'
import { watchKeepAlive } from './keep-alive.ts'
import { createOutbound } from './outbound.ts'
import { Outgoing } from './outgoing.ts'
import type { MqttPolicy, ProtocolVersion, Refusal } from './policy.ts'
import type { DisconnectCause, Peer, Session } from './session.ts'
import { createWriter, WireFault, type Writer, type StrictParser, type WirePacket } from './wire.ts'

/** MQTT 5 "Keep Alive timeout". */
const KEEP_ALIVE_TIMEOUT = 0x8d

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
  /** `{personality}:{clientId}`, unique in the space. */
  id: string
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
  /** Infinity: the session never ends by itself. */
  sessionExpirySeconds: number
  sessionExpiryChanged: boolean
  cleanStart: boolean
  requestProblemInformation: boolean
  requestResponseInformation: boolean
  /** Its topic is the space's. */
  will: (Message & { delaySeconds: number }) | undefined
  /** See Admission. */
  owner: string | undefined
  /** What the client can take. */
  client: ClientLimits
  authenticationMethod: string | undefined
  authenticationData: Buffer | undefined
  /** Found when the session was opened. */
  sessionPresent?: boolean
  begun?: Map<Position, Sent> | undefined
  /** AUTH packets behind the CONNECT that were answered before there was a session. */
  authPackets?: number
  /** The CONNECT as the broker gets it. */
  packet: WirePacket
}

/** What a connection needs of its space. */
export interface ConnectionContext {
  sessions: Sessions
  queues: Queues
  part: StorePart
  clock: Clock
  log: CoreLog
  bounds: Bounds
  listeners: Iterable<SpaceListener>
}

/** A connection whose CONNECT was accepted: the packets between the wire and the broker. */
export interface Connection extends Session, ConnectionContext {
  readonly settled: Settled
  readonly entry: SessionEntry
  readonly stream: Duplex
  readonly client: BrokerClient
  readonly writer: Writer
  readonly outgoing: Outgoing
  identity: unknown
  /** Ids of the client's QoS 1 and 2 publishes that we have not acknowledged for good. */
  readonly unacknowledged: Set<number>
  cause: DisconnectCause | undefined
  /** The CONNACK has gone out. */
  greeted: boolean
  /** The DISCONNECT has gone out; nothing may follow it [MQTT-3.14.4-1]. */
  farewelled: boolean
  /** The client said goodbye in the way that drops its will [MQTT-3.14.4-3]. */
  discardsWill: boolean
  /** A packet to the broker, past every check. */
  toBroker(packet: WirePacket): void
  /** A packet from the broker to the client. */
  outbound(packet: WirePacket): void
  /** Straight onto the wire. */
  write(packet: WirePacket): void
  /** Whether a message of this topic reaches the client. */
  wants(spaceTopic: string): boolean
  /** The client's publish is committed; or it is not, and never will be. */
  stored(packet: WirePacket): void
  notStored(packet: WirePacket): void
  /** A packet came from the client. */
  heard(): void
  /** Nothing more will go out or come in. */
  ended(): void
  /** Ends the connection; resolves when it is gone. */
  endWith(refusal: Refusal): Promise<void>
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
  entry: SessionEntry
  /** Told at the CONNACK. */
  joined(connection: Connection): void
  /** Told when nothing more is read; the peer may still be reading. */
  left(connection: Connection): void
  context: ConnectionContext
}): Connection {
  const { settled, entry, stream, parser, context } = options
  const { log, clock } = context
  const { policy, version } = settled
  const writer = createWriter(stream, version)
  const unacknowledged = new Set<number>()

  const keepAlive = watchKeepAlive(clock, settled.keepAliveSeconds, timeOut)
  let isGone = () => {}
  const gone = new Promise<void>((resolve) => (isGone = resolve))

  const connection: Connection = {
    ...context,
    settled,
    entry,
    stream,
    outgoing: undefined as unknown as Outgoing,
    client: undefined as unknown as BrokerClient,
    cause: undefined,
    greeted: false,
    farewelled: false,
    discardsWill: false,
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
    subscriptions: entry.subscriptions,
    outbound: () => {},
    stored: () => {},
    notStored: () => {},
    toBroker: () => {},
    writer,
    unacknowledged,
    write(packet) {
      if (endsInbound(packet)) unacknowledged.delete(packet.messageId)
      writer.writeBytes(writer.encode(packet))
    },
    wants: (topic) =>
      !policy.toClientTopic || policy.toClientTopic(connection, topic) !== undefined,
    heard: keepAlive.heard,
    ended() {
      keepAlive.end()
      connection.outgoing.close()
      isGone()
    },
    endWith(refusal) {
      connection.refuse(refusal)
      return gone
    },
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
      // aedes would close without the DISCONNECT before it is ready itself, and knows no properties of it.
      if (connection.greeted) sendLastWord(connection, refusal)
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
  entry.connection = connection
  ;(connection as { outgoing: Outgoing }).outgoing = new Outgoing(connection)
  Object.assign(connection, createOutbound(connection, options.joined))

  stream.connection = connection
  stream.destroy = leave
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

  /** aedes destroys the stream when it is done with a client. */
  function leave(error?: Error): typeof stream {
    delete (stream as Partial<Duplex>).destroy
    if (error || stream.readableEnded) return stream.destroy(error)
    endGently(stream)
    options.left(connection)
    return stream
  }

  function timeOut(): void {
    connection.cause ??= { by: 'keep-alive' }
    const { timeoutReason: reasonString } = policy.keepAlive
    const refusal: Refusal = { rule: 'KeepAliveTimeout', reasonCode: KEEP_ALIVE_TIMEOUT }
    if (reasonString !== undefined) refusal.reasonString = reasonString
    connection.logRefusal('disconnect', refusal)
    sendLastWord(connection, refusal)
    client.close()
  }
}

/** Whether a packet of ours ends a publish of the client's [MQTT-4.9.0-1]. */
function endsInbound({ cmd, reasonCode }: WirePacket): boolean {
  return cmd === 'puback' || cmd === 'pubcomp' || (cmd === 'pubrec' && reasonCode >= 0x80)
}

/** Tells an MQTT 5 client why; older clients just see the connection close. */
function sendLastWord(connection: Connection, refusal: Refusal): void {
  if (connection.version !== 5 || connection.farewelled || connection.stream.destroyed) return
  const { reasonCode, serverReference } = refusal
  const { policy, settled } = connection
  const isExplained = policy.explainsDisconnects === true && settled.requestProblemInformation
  const packet: WirePacket = { cmd: 'disconnect', reasonCode }
  const properties = {
    ...refusalProperties(refusal, isExplained),
    ...(serverReference ? { serverReference } : {})
  }
  if (Object.keys(properties).length > 0) packet.properties = properties
  connection.write(packet)
  connection.farewelled = true
}

/** Reason string and user properties, unless the client asked for none [MQTT-3.1.2-29]. */
export function refusalProperties(
  { reasonString, userProperties }: Refusal,
  isWanted: boolean
): Record<string, unknown> {
  if (!isWanted) return {}
  return {
    ...(reasonString ? { reasonString } : {}),
    ...(userProperties ? toWire({ userProperties }) : {})
  }
}
