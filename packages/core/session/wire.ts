import { isUtf8 } from 'node:buffer'
import type { Duplex } from 'node:stream'
import { BufferList } from 'bl'
import mqttPacket from 'mqtt-packet'
import Parser from 'mqtt-packet/parser.js'
import type { WireProperties } from '../message.ts'
import type { Connection } from './connection.ts'
import { outbound } from './outbound.ts'

/** What mqtt-packet reads from the wire and writes to it. */
export type WirePacket = { cmd: string } & Record<string, any>

/** Why bytes could not be read; the code is what an MQTT 5 DISCONNECT or CONNACK says. */
export class WireFault extends Error {
  readonly reasonCode: number
  readonly rule: string
  constructor(reasonCode: number, rule: string, message: string) {
    super(message)
    this.name = 'WireFault'
    this.reasonCode = reasonCode
    this.rule = rule
  }
}

/** Properties that may stand in a packet more than once. */
const REPEATABLE = new Set(['userProperties', 'subscriptionIdentifier'])

/**
 * mqtt-packet's parser, stricter and complete: user properties keep their order and repetition,
 * text must be UTF-8, a property may not stand twice, and a packet that is too large is refused at its
 * header, before it is gathered in memory.
 */
/** mqtt-packet's steps through a packet, once for all parsers. */
const STATES = ['_parseHeader', '_parseLength', '_parsePayload', '_newPacket']

export class StrictParser extends Parser {
  /** Whole packet in bytes; 0: no limit. */
  readonly maximumPacketBytes: number
  #pairs: Record<string, string>[] = []

  constructor(maximumPacketBytes: number) {
    super()
    this.maximumPacketBytes = maximumPacketBytes
    this.parser()
    this._states = STATES
  }

  /** mqtt-packet's own list is a stream as well, of twenty times the weight, which nothing here needs. */
  protected override _resetState(): void {
    super._resetState()
    this._list = new BufferList()
  }

  protected override _parseLength(): boolean {
    const complete = super._parseLength()
    if (complete && this.maximumPacketBytes > 0) {
      const bytes = wireSize(this.packet.length)
      if (bytes > this.maximumPacketBytes) {
        this._emitError(
          new WireFault(0x95, 'PacketTooLarge', `packetBytes=${bytes}`) // [MQTT-3.2.2-15]
        )
        return false
      }
    }
    return complete
  }

  protected override _parseString(): string | null {
    const start = this._pos + 2
    const text = super._parseString()
    // Invalid bytes were replaced by U+FFFD; only then is it worth looking at them again.
    if (text?.includes('\ufffd') && !isUtf8(this._list.slice(start, this._pos))) {
      this._emitError(new WireFault(0x81, 'MalformedPacket', 'text is not UTF-8')) // [MQTT-1.5.4-1]
      return null
    }
    return text
  }

  protected override _parseStringPair(): { name: string | null; value: string | null } {
    const pair = super._parseStringPair()
    if (pair.name !== null && pair.value !== null) {
      this.#pairs.push({ [pair.name]: pair.value })
    } else if (!this.error) {
      this._emitError(new WireFault(0x81, 'MalformedPacket', 'a user property is cut short'))
    }
    return pair
  }

  protected override _parseProperties(): Record<string, unknown> | false {
    this.#pairs = []
    const properties = super._parseProperties()
    if (!properties) return properties
    for (const name in properties) {
      if (Array.isArray(properties[name]) && !REPEATABLE.has(name)) {
        this._emitError(new WireFault(0x82, 'PropertyRepeated', `property=${name}`)) // [MQTT-3.1.2-11]
        return false
      }
    }
    if (this.#pairs.length > 0) properties.userProperties = this.#pairs
    return properties
  }
}

/** Whole size of a packet from its remaining length [MQTT-2.2.3]. */
export function wireSize(remainingLength: number): number {
  if (remainingLength < 128) return remainingLength + 2
  if (remainingLength < 16384) return remainingLength + 3
  if (remainingLength < 2097152) return remainingLength + 4
  return remainingLength + 5
}

/** The bytes of one packet. */
export function encode(packet: WirePacket, protocolVersion: number): Buffer {
  const bytes = mqttPacket.generate(packet as never, { protocolVersion })
  if (protocolVersion !== 5 || bytes.length !== LONG_FORMS[packet.cmd]) return bytes
  // The length of no properties may be left out at the end [MQTT-3.4.2.2.1], [MQTT-3.14.2.2.1].
  bytes[1]!--
  return bytes.subarray(0, -1)
}

/** Bytes of packets that end with a reason code and the length of no properties. */
const LONG_FORMS: Record<string, number> = {
  puback: 6,
  pubrec: 6,
  pubrel: 6,
  pubcomp: 6,
  disconnect: 4
}

/** What differs between clients who get the same message. */
export interface Manner {
  qos: 0 | 1 | 2
  retain: boolean
  identifiers: readonly number[]
}

interface PublishForm {
  version: number
  /** The client's. */
  topic: string
  /** Left until the message expires; absent: for ever. */
  expirySeconds: number | undefined
  manner: Manner
}

/** The bytes of one PUBLISH and what they were made for; only the packet id may be exchanged in them. */
export interface PublishTemplate extends PublishForm {
  bytes: Buffer
  idOffset: number
}

interface PublishSource {
  payload: Buffer
  properties?: WireProperties
  /** More than one client gets it: its bytes are worth keeping. */
  isShared?: boolean
  template?: PublishTemplate
}

/**
 * The bytes of a PUBLISH; what goes out to many in the same form is encoded once.
 *
 * Each delivery passes here: the form comes as single values, so that none is made only to be compared.
 */
export function encodePublish(
  message: PublishSource,
  version: number,
  topic: string,
  expirySeconds: number | undefined,
  manner: Manner,
  messageId: number | undefined
): Buffer {
  const { template } = message
  if (
    template === undefined ||
    template.version !== version ||
    template.topic !== topic ||
    template.expirySeconds !== expirySeconds ||
    !isSameManner(template.manner, manner)
  ) {
    const form = { version, topic, expirySeconds, manner }
    const bytes = encodeForm(message, form, messageId, false, undefined)
    if (message.isShared) message.template = { ...form, bytes, idOffset: idOffsetOf(bytes) }
    return bytes
  }
  if (messageId === undefined) return template.bytes
  const bytes = Buffer.from(template.bytes)
  bytes[template.idOffset] = messageId >> 8
  bytes[template.idOffset + 1] = messageId & 0xff
  return bytes
}

function isSameManner(a: Manner, b: Manner): boolean {
  return (
    a === b ||
    (a.qos === b.qos &&
      a.retain === b.retain &&
      (a.identifiers === b.identifiers || a.identifiers.length + b.identifiers.length === 0))
  )
}

/** The bytes of a PUBLISH for one client alone: repeated, or with an alias. */
export function encodeForm(
  { payload, properties }: PublishSource,
  form: PublishForm,
  messageId: number | undefined,
  dup: boolean,
  alias: { alias: number; isNew: boolean } | undefined
): Buffer {
  const { version, manner } = form
  const topic = alias && !alias.isNew ? '' : form.topic
  const { qos, retain } = manner
  const packet: WirePacket = { cmd: 'publish', topic, payload, qos, retain, dup }
  if (messageId !== undefined) packet.messageId = messageId
  if (version === 5) packet.properties = toClientProperties(properties, form, alias?.alias)
  return encode(packet, version)
}

function toClientProperties(
  properties: WireProperties | undefined,
  { manner, expirySeconds }: PublishForm,
  topicAlias: number | undefined
): WireProperties | undefined {
  const { identifiers } = manner
  if (identifiers.length === 0 && expirySeconds === undefined && !topicAlias) return properties
  const own: WireProperties = { ...properties }
  if (expirySeconds !== undefined) own.messageExpiryInterval = expirySeconds
  // [MQTT-3.3.4-3], [MQTT-3.3.4-4]
  if (identifiers.length === 1) own.subscriptionIdentifier = identifiers[0]!
  else if (identifiers.length > 1) own.subscriptionIdentifier = [...identifiers]
  if (topicAlias) own.topicAlias = topicAlias
  return own
}

/** Behind the fixed header and the topic. */
function idOffsetOf(bytes: Buffer): number {
  let topic = 2
  while (bytes[topic - 1]! & 0x80) topic++
  return topic + 2 + bytes.readUInt16BE(topic)
}

/** Streams that were written to in this turn of the event loop. */
let corked: Duplex[] = []

function flush(): void {
  const streams = corked
  corked = []
  for (const stream of streams) stream.uncork()
}

/**
 * Writes bytes of one packet; all of one turn of the event loop go out together.
 *
 * mqtt-packet's own writer would make several small writes of a packet and flush after each.
 */
export function writeBytes(stream: Duplex, bytes: Buffer): void {
  if (!stream.writable) return
  if (stream.writableCorked === 0) {
    stream.cork()
    if (corked.push(stream) === 1) setImmediate(flush)
  }
  stream.write(bytes)
}

const writeToStream = mqttPacket.writeToStream

// aedes calls writeToStream as a property of the shared CommonJS module: the one place where every packet
// it sends can be seen as an object. Streams that carry no session of ours go straight through.
mqttPacket.writeToStream = ((packet: WirePacket, stream: Duplex, options: never) => {
  const { connection } = stream as { connection?: Connection }
  if (!connection) return writeToStream(packet as never, stream as never, options)
  outbound(connection, packet)
  return true
}) as typeof writeToStream
