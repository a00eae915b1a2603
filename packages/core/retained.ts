import msgpack from 'msgpack-lite'
import type { Clock } from './clock.ts'
import { fromWire, type RetainedMessage, type WireProperties } from './message.ts'
import type { StorePart } from './store.ts'
import { isWildcard, matchesFilter } from './topic.ts'

/** Keys of retained messages, as aedes-persistence-level writes them. */
const PREFIX = 'retained:'

/** A retained packet as the broker stored it; `storedAtMs` is ours. */
export interface StoredPacket {
  topic: string
  payload: Buffer
  qos: 0 | 1 | 2
  properties?: WireProperties
  /** Absolute, milliseconds since 1970. */
  messageExpiry?: number
  storedAtMs?: number
}

/** Range of keys that a filter can reach: everything under its literal prefix. */
function keyRange(filter: string, after: string | undefined) {
  const wildcard = filter.search(/[+#]/)
  const literal = wildcard < 0 ? filter : filter.slice(0, wildcard)
  // `x/#` also means `x` itself, which sorts before `x/`.
  const start =
    filter.endsWith('/#') && wildcard === filter.length - 1 ? literal.slice(0, -1) : literal
  const gte = `${PREFIX}${start}`
  // The prefix ends in `/` (or in `:` when it is empty); the next character bounds all that it begins.
  const lt = literal === '' ? `${PREFIX.slice(0, -1)};` : `${PREFIX}${literal.slice(0, -1)}0`
  return after !== undefined && PREFIX + after >= gte ? { gt: PREFIX + after, lt } : { gte, lt }
}

/**
 * Stored packets under a filter, in key order; the key is tested before the value is decoded.
 *
 * Costs what lies under the filter's literal prefix, not what is stored in all.
 */
export async function* readStored(
  part: StorePart,
  filter: string,
  after?: string
): AsyncGenerator<StoredPacket> {
  if (!isWildcard(filter)) {
    const value = await part.get(PREFIX + filter)
    if (value) yield msgpack.decode(value) as StoredPacket
    return
  }
  for await (const [key, value] of part.iterator(keyRange(filter, after))) {
    if (!matchesFilter(filter, key.slice(PREFIX.length))) continue
    yield msgpack.decode(value) as StoredPacket
  }
}

/** Every stored packet, `$…` topics included. */
export async function* readAllStored(
  part: StorePart,
  after?: string
): AsyncGenerator<StoredPacket> {
  for await (const [, value] of part.iterator(keyRange('', after))) {
    yield msgpack.decode(value) as StoredPacket
  }
}

/** The message as readers see it; undefined once it has expired. */
export function toRetainedMessage(packet: StoredPacket, clock: Clock): RetainedMessage | undefined {
  const properties = fromWire(packet.properties)
  if (packet.messageExpiry !== undefined) {
    const leftMs = packet.messageExpiry - clock.now()
    if (leftMs <= 0) return undefined
    if (properties) properties.messageExpiryInterval = Math.ceil(leftMs / 1000)
  }
  const message: RetainedMessage = {
    topic: packet.topic,
    payload: packet.payload,
    qos: packet.qos,
    retain: true,
    storedAtMs: packet.storedAtMs ?? 0
  }
  if (properties) message.properties = properties
  return message
}
