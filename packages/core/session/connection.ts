import type { Duplex } from 'node:stream'
import type { BrokerClient } from '../broker.ts'
import type { Bounds } from '../bounds.ts'
import type { Clock } from '../clock.ts'
import { toWire, type Message } from '../message.ts'
import type { CoreLog } from '../core.ts'
import type { Position, Queues, Sent } from '../queues.ts'
import type { Sessions } from '../sessions.ts'
import type { SpaceListener } from '../space.ts'
import { noMembers } from '../sparse.ts'
import type { StorePart } from '../store.ts'
import type { SessionEntry, Subscription } from './entry.ts'
import { endGently } from './farewell.ts'
import { Inbound } from './inbound.ts'
import { KeepAlive } from './keep-alive.ts'
import { Outgoing } from './outgoing.ts'
import type { MqttPolicy, ProtocolVersion, Refusal } from './policy.ts'
import type { DisconnectCause, Peer, Session } from './session.ts'
import { encode, WireFault, writeBytes, type StrictParser, type WirePacket } from './wire.ts'

/** MQTT 5 "Keep Alive timeout". */
const KEEP_ALIVE_TIMEOUT = 0x8d
/** MQTT 5 "Unspecified error". */
const UNSPECIFIED_ERROR = 0x80
/** Codes that stand in other packets only: what a CONNECT or an AUTH was refused with [MQTT5 3.14.2.1]. */
const NOT_OF_DISCONNECT = new Set([0x84, 0x85, 0x86, 0x88, 0x8a, 0x8c, 0x91, 0x92])

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
  /** What a DISCONNECT may still ask for. */
  sessionExpiryMaximumSeconds: number
  sessionExpiryChanged: boolean
  cleanStart: boolean
  retainAvailable: boolean
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
  /** The CONNECT as the broker gets it; let go when it has it. */
  packet: WirePacket | undefined
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
  /** Told at the CONNACK. */
  joined(connection: Connection): void
  /** Told when nothing more is read; the peer may still be reading. May be told twice. */
  left(connection: Connection): void
}

/**
 * A connection whose CONNECT was accepted: the packets between the wire and the broker.
 *
 * aedes' own parser is replaced by a stricter one, its listener and its way to close by ours. Those private
 * touch points are here, and a test fails when aedes changes under them.
 */
export class Connection implements Session, ConnectionContext {
  readonly sessions: Sessions
  readonly queues: Queues
  readonly part: StorePart
  readonly clock: Clock
  readonly log: CoreLog
  readonly bounds: Bounds
  readonly listeners: Iterable<SpaceListener>
  readonly joined: (connection: Connection) => void
  readonly left: (connection: Connection) => void

  readonly settled: Settled
  readonly policy: MqttPolicy<any>
  identity: unknown
  readonly version: ProtocolVersion
  readonly entry: SessionEntry
  readonly stream: ConnectionStream
  readonly client: BrokerClient
  readonly outgoing: Outgoing
  /** Ids of the client's QoS 1 and 2 publishes that we have not acknowledged for good. */
  unacknowledged: Set<number> = noMembers()
  /** Ids of its QoS 2 publishes whose PUBREC has to say that they were not stored. */
  notStoredIds: Set<number> = noMembers()
  cause: DisconnectCause | undefined
  /** The CONNACK has gone out. */
  greeted = false
  /** The DISCONNECT has gone out; nothing may follow it [MQTT-3.14.4-1]. */
  farewelled = false
  /** The client said goodbye in the way that drops its will [MQTT-3.14.4-3]. */
  discardsWill = false
  readonly #keepAlive: KeepAlive | undefined
  readonly #toBroker: (packet: WirePacket) => void
  #whenGone: (() => void)[] = []
  #isGone = false

  constructor(options: {
    settled: Settled
    stream: ConnectionStream
    parser: StrictParser
    /** Gives aedes the stream. */
    handle(stream: Duplex): BrokerClient
    entry: SessionEntry
    context: ConnectionContext
  }) {
    const { settled, entry, stream, parser, context } = options
    this.sessions = context.sessions
    this.queues = context.queues
    this.part = context.part
    this.clock = context.clock
    this.log = context.log
    this.bounds = context.bounds
    this.listeners = context.listeners
    this.joined = context.joined
    this.left = context.left
    this.settled = settled
    this.policy = settled.policy
    this.identity = settled.identity
    this.version = settled.version
    this.entry = entry
    this.stream = stream
    const { keepAliveSeconds } = settled
    if (keepAliveSeconds > 0) {
      this.#keepAlive = new KeepAlive(this.clock, keepAliveSeconds, () => this.#timeOut())
    }
    entry.connection = this
    this.outgoing = new Outgoing(this)

    stream.connection = this
    this.client = options.handle(stream)
    this.client.close = close
    const { _parser: replaced } = this.client
    const [enqueue] = replaced.listeners('packet') as ((packet: WirePacket) => void)[]
    if (!enqueue) throw new Error('aedes has changed: its parser has no packet listener')
    replaced.removeAllListeners()
    this.#toBroker = enqueue
    const inbound = new Inbound(this)
    parser.on('packet', (packet: WirePacket) => inbound.receive(packet))
    parser.on('error', (error: Error) => {
      if (error instanceof WireFault) return this.failed(error)
      this.failed(new WireFault(0x81, 'MalformedPacket', error.message))
    })
    this.client._parser = Object.assign(parser, { client: this.client, _queue: [] })
    this.client.once('connected', () => inbound.open())
  }

  get clientId(): string {
    return this.settled.clientId
  }

  get connectionId(): string {
    return this.settled.connectionId
  }

  get peer(): Peer {
    return this.settled.peer
  }

  get space(): string {
    return this.settled.space
  }

  get connectedAtMs(): number {
    return this.settled.connectedAtMs
  }

  get keepAliveSeconds(): number {
    return this.settled.keepAliveSeconds
  }

  get sessionExpirySeconds(): number {
    return this.settled.sessionExpirySeconds
  }

  get cleanStart(): boolean {
    return this.settled.cleanStart
  }

  get subscriptions(): ReadonlyMap<string, Subscription> {
    return this.entry.subscriptions
  }

  /** A packet to the broker, past every check. */
  toBroker(packet: WirePacket): void {
    this.#toBroker.call(this.client._parser, packet)
  }

  /** Straight onto the wire. */
  write(packet: WirePacket): void {
    if (endsInbound(packet)) this.unacknowledged.delete(packet.messageId)
    writeBytes(this.stream, encode(packet, this.version))
  }

  /** Whether a message of this topic reaches the client. */
  wants(spaceTopic: string): boolean {
    return !this.policy.toClientTopic || this.policy.toClientTopic(this, spaceTopic) !== undefined
  }

  /** A packet came from the client. */
  heard(): void {
    this.#keepAlive?.heard()
  }

  /** Nothing more will go out or come in. */
  ended(): void {
    this.#keepAlive?.end()
    this.outgoing.close()
    this.#isGone = true
    for (const tell of this.#whenGone.splice(0)) tell()
  }

  /** The client has said goodbye: ends the connection once the broker has dealt with what came before. */
  endWhenDone(): void {
    this.stream.destroy = part
    this.toBroker({ cmd: 'disconnect', reasonCode: 0 })
  }

  /** Ends the connection; resolves when it is gone. */
  async endWith(refusal: Refusal): Promise<void> {
    this.refuse(refusal)
    if (!this.#isGone) await new Promise<void>((resolve) => this.#whenGone.push(resolve))
  }

  /** The broker or the stream found an error. */
  failed(error: unknown): void {
    if (this.cause) return // being disconnected: the rest of what came is not for anybody
    if (error instanceof WireFault) {
      this.refuse({ rule: error.rule, reasonCode: error.reasonCode, detail: error.message })
    } else if (this.client.connected) {
      this.log.info(`${this.policy.personality} ${this.clientId} ${(error as Error).message}`)
    }
  }

  /** Ends the connection for a rule that was broken. */
  refuse(refusal: Refusal): void {
    this.logRefusal('disconnect', refusal)
    this.cause ??= { by: 'server', reasonCode: refusal.reasonCode, rule: refusal.rule }
    // aedes would close without the DISCONNECT before it is ready itself, and knows no properties of it.
    if (this.greeted) this.#sendLastWord(refusal)
    this.client.close()
  }

  disconnect(reasonCode: number, rule: string): void {
    this.refuse({ reasonCode, rule })
  }

  /** Ours to log: what was refused, by which rule, with which value. */
  logRefusal(packet: string, refusal: Refusal): void {
    const code = `0x${refusal.reasonCode.toString(16).padStart(2, '0')}`
    const detail = refusal.detail ? ` ${refusal.detail}` : ''
    const who = `${this.policy.personality} ${this.clientId}`
    this.log.info(`${who} ${packet} ${code} ${refusal.rule}${detail}`)
  }

  #timeOut(): void {
    this.cause ??= { by: 'keep-alive' }
    const { timeoutReason: reasonString } = this.policy.keepAlive
    const refusal: Refusal = { rule: 'KeepAliveTimeout', reasonCode: KEEP_ALIVE_TIMEOUT }
    if (reasonString !== undefined) refusal.reasonString = reasonString
    this.logRefusal('disconnect', refusal)
    this.#sendLastWord(refusal)
    this.client.close()
  }

  /** Tells an MQTT 5 client why; older clients just see the connection close. */
  #sendLastWord(refusal: Refusal): void {
    if (this.version !== 5 || this.farewelled || this.stream.destroyed) return
    const { serverReference } = refusal
    const isOther = NOT_OF_DISCONNECT.has(refusal.reasonCode)
    const reasonCode = isOther ? UNSPECIFIED_ERROR : refusal.reasonCode
    const isExplained =
      this.policy.explainsDisconnects === true && this.settled.requestProblemInformation
    const packet: WirePacket = { cmd: 'disconnect', reasonCode }
    const properties = {
      ...refusalProperties(refusal, isExplained),
      ...(serverReference ? { serverReference } : {})
    }
    if (Object.keys(properties).length > 0) packet.properties = properties
    this.write(packet)
    this.farewelled = true
  }
}

/** A stream with a session behind it. */
export type ConnectionStream = Duplex & { connection?: Connection }

/** Stands in for aedes' own, which destroys the stream without another look. */
function close(this: BrokerClient, done?: () => void): void {
  if (!this.closed) this.conn.destroy = leave
  Object.getPrototypeOf(this).close.call(this, done)
}

/** Of a stream whose client said goodbye: aedes destroys it, and over TLS the client's own end is still to come. */
function part(this: ConnectionStream, error?: Error): ConnectionStream {
  delete (this as Partial<Duplex>).destroy
  if (error) return this.destroy(error)
  this.connection!.client.close()
  return this
}

/** Of a stream that aedes is done with; the next call of `destroy` is the stream's own again. */
function leave(this: ConnectionStream, error?: Error): ConnectionStream {
  delete (this as Partial<Duplex>).destroy
  if (error || this.readableEnded) return this.destroy(error)
  endGently(this)
  this.connection!.left(this.connection!)
  return this
}

/** Whether a packet of ours ends a publish of the client's [MQTT-4.9.0-1]. */
function endsInbound({ cmd, reasonCode }: WirePacket): boolean {
  return cmd === 'puback' || cmd === 'pubcomp' || (cmd === 'pubrec' && reasonCode >= 0x80)
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
