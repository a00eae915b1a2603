import type { Clock } from './clock.ts'
import { pack, unpack } from './kept.ts'
import { fromWire, type RetainedMessage, type WireProperties } from './message.ts'
import { toStoreError, type Store, type StorePart, type WriteOperation } from './store.ts'
import { isWildcard, matchesFilter } from './topic.ts'

/** Keys of retained messages. */
const PREFIX = 'retained:'
/** When they expire, and which: `expiring:{milliseconds}:{topic}`. */
const EXPIRY = 'expiring:'

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

/** The retained messages of a space, for readers. @throws CoreError 'store-failed' */
export interface Retained {
  /** The message kept under exactly this topic; expired ones are not there. Remaining expiry is filled in. */
  get(topic: string): Promise<RetainedMessage | undefined>
  /**
   * Messages matching `filter` (absent: all, `$…` too), by topic in UTF-8 order, starting behind `after`.
   * Costs what the filter's literal prefix covers. `next` is the last topic when there may be more.
   */
  list(query: {
    filter?: string
    after?: string
    limit: number
  }): Promise<{ messages: RetainedMessage[]; next?: string }>
}

export function createRetained(part: StorePart, clock: Clock): Retained {
  return {
    async get(topic) {
      try {
        for await (const packet of readStored(part, topic)) {
          return packet && toRetainedMessage(packet, clock)
        }
        return undefined
      } catch (error) {
        throw toStoreError(error)
      }
    },
    async list({ filter, after, limit }) {
      const messages: RetainedMessage[] = []
      try {
        const stored =
          filter === undefined ? readAllStored(part, after) : readStored(part, filter, after)
        for await (const packet of stored) {
          const message = packet && toRetainedMessage(packet, clock)
          if (!message) continue
          if (messages.length === limit) {
            return { messages, next: messages[messages.length - 1]!.topic }
          }
          messages.push(message)
        }
        return { messages }
      } catch (error) {
        throw toStoreError(error)
      }
    }
  }
}

/** Writes retained messages, and removes those whose time is over. */
export interface RetainedWriter {
  /** Keeps a packet under its topic; an empty payload removes the one kept [MQTT-3.3.1-6]. */
  write(packet: StoredPacket): WriteOperation[]
  /** Removes what has expired; costs what has expired, not what is kept. */
  sweep(): Promise<void>
}

export function createRetainedWriter(store: Store, part: StorePart, clock: Clock): RetainedWriter {
  /** Topics written while a sweep is under way: what it read of them is not true any more. */
  let touched: Set<string> | undefined

  const expiryKey = (expiresAtMs: number, topic: string) =>
    `${EXPIRY}${String(expiresAtMs).padStart(16, '0')}:${topic}`

  return {
    write(packet) {
      const { topic, payload, qos, properties, messageExpiry } = packet
      touched?.add(topic)
      const key = PREFIX + topic
      if (payload.length === 0) return [{ type: 'del', key, sublevel: part }]
      const kept: StoredPacket = { topic, payload, qos, storedAtMs: clock.now() }
      if (properties) kept.properties = properties
      if (messageExpiry !== undefined) kept.messageExpiry = messageExpiry
      const put: WriteOperation = { type: 'put', key, value: pack(kept), sublevel: part }
      if (messageExpiry === undefined) return [put]
      const expiry = expiryKey(messageExpiry, topic)
      return [put, { type: 'put', key: expiry, value: Buffer.alloc(0), sublevel: part }]
    },
    async sweep() {
      touched = new Set()
      try {
        await store.commit([]) // what was written before that is on its way in
        const writes: WriteOperation[] = []
        const expired: string[] = []
        const due = { gte: EXPIRY, lte: expiryKey(clock.now(), '\u{10ffff}') }
        for await (const key of part.keys(due)) {
          writes.push({ type: 'del', key, sublevel: part })
          const topic = key.slice(EXPIRY.length + 17)
          const kept = await part.get(PREFIX + topic)
          const { messageExpiry } = kept ? unpack<StoredPacket>(kept) : {}
          if (messageExpiry !== undefined && messageExpiry <= clock.now()) expired.push(topic)
        }
        for (const topic of expired) {
          if (!touched.has(topic)) writes.push({ type: 'del', key: PREFIX + topic, sublevel: part })
        }
        if (writes.length > 0) await store.commit(writes)
      } finally {
        touched = undefined
      }
    }
  }
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
 * Stored packets under a filter, in key order; the key is tested before the value is decoded. Undefined for one
 * that does not match: whoever reads may have enough of it.
 *
 * Costs what lies under the filter's literal prefix, not what is stored in all.
 */
export async function* readStored(
  part: StorePart,
  filter: string,
  after?: string
): AsyncGenerator<StoredPacket | undefined> {
  if (!isWildcard(filter)) {
    const value = await part.get(PREFIX + filter)
    if (value) yield unpack(value)
    return
  }
  for await (const [key, value] of part.iterator(keyRange(filter, after))) {
    yield matchesFilter(filter, key.slice(PREFIX.length)) ? unpack(value) : undefined
  }
}

/** Every stored packet, `$…` topics included. */
export async function* readAllStored(
  part: StorePart,
  after?: string
): AsyncGenerator<StoredPacket> {
  for await (const [, value] of part.iterator(keyRange('', after))) {
    yield unpack(value)
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
