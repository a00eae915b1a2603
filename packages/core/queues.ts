import msgpack from 'msgpack-lite'
import { pack, unpack } from './kept.ts'
import type { WireProperties } from './message.ts'
import type { Store, StorePart, WriteOperation } from './store.ts'

/** A message on its way to one session or one shared group, as it is kept. */
export interface QueuedMessage {
  topic: string
  payload: Buffer
  qos: 1 | 2
  retain: boolean
  properties?: WireProperties
  /** Of the subscriptions that it matched. */
  identifiers?: readonly number[]
  /** Absolute, milliseconds since 1970. Absent: never. */
  expiresAtMs?: number
}

/** Where a message stands in its queue: positions compare as the messages were published. */
export type Position = string

export interface QueueEntry {
  position: Position
  message: QueuedMessage
}

/** How far the delivery of an entry has come. */
export interface Sent {
  messageId: number
  /** QoS 2: the client has it, the PUBREL has gone out. */
  released: boolean
  /** When it went out first; absent in what an older version has kept. Milliseconds since 1970. */
  sentAtMs?: number
}

/** The durable queues of a space; an owner is a session or a shared group. */
export interface Queues {
  /** Messages in the queue, and bytes as kept. */
  size(owner: string): { messages: number; bytes: number }
  /** The write that appends; it joins the commit of the publish. */
  append(owner: string, position: Position, message: QueuedMessage): WriteOperation
  /** Entries behind a position (absent: from the first), in order. */
  read(owner: string, after: Position | undefined, limit: number): Promise<QueueEntry[]>
  get(owner: string, position: Position): Promise<QueuedMessage | undefined>
  /** Deliveries that have begun, of this connection or an earlier one. */
  sent(owner: string): Promise<Map<Position, Sent>>
  markSent(owner: string, position: Position, sent: Sent): Promise<void>
  /** Gives an entry to another owner, with its delivery begun there. */
  move(
    from: string,
    to: string,
    position: Position,
    message: QueuedMessage,
    sent: Sent
  ): Promise<void>
  remove(owner: string, position: Position): Promise<void>
  /** Forgets what is there now; what is appended from here on stays. */
  clear(owner: string): Promise<void>
  /** Whoever has messages. */
  owners(): Iterable<string>
}

interface Size {
  messages: number
  bytes: number
  first: Position
  last: Position
}

const EMPTY = { messages: 0, bytes: 0 }

const QUEUE = 'queue:'
const SENT = 'sent:'

// An encoded owner holds no colon, so one owner's range never reaches into another's.
const prefixOf = (kind: string, owner: string) => `${kind}${encodeURIComponent(owner)}:`
/** Everything under a prefix that ends in a colon: `;` is the next character. */
const rangeOf = (prefix: string) => ({ gte: prefix, lt: `${prefix.slice(0, -1)};` })

/** Opens the queues; reads every key once, to know how long they are. */
export async function openQueues(store: Store, part: StorePart): Promise<Queues> {
  const sizes = new Map<string, Size>()

  function grow(owner: string, position: Position, bytes: number): void {
    const size = sizes.get(owner)
    if (!size) {
      sizes.set(owner, { messages: 1, bytes, first: position, last: position })
      return
    }
    size.messages++
    size.bytes += bytes
    if (position < size.first) size.first = position
    if (position > size.last) size.last = position
  }

  // What is not the last message is worth its average: the bytes of each entry are not kept apart.
  function shrink(owner: string, position: Position): void {
    const size = sizes.get(owner)
    // What is on its way to a client may outlast the queue that it was in.
    if (!size || position < size.first) return
    if (size.messages <= 1) sizes.delete(owner)
    else {
      size.bytes -= size.bytes / size.messages
      size.messages--
    }
  }

  for await (const [key, value] of part.iterator(rangeOf(QUEUE))) {
    const end = key.indexOf(':', QUEUE.length)
    grow(decodeURIComponent(key.slice(QUEUE.length, end)), key.slice(end + 1), value.length)
  }

  const put = (key: string, value: Buffer): WriteOperation & { type: 'put' } => ({
    type: 'put',
    key,
    value,
    sublevel: part
  })
  const putMessage = (owner: string, position: Position, message: QueuedMessage) =>
    put(prefixOf(QUEUE, owner) + position, pack(message))
  const putSent = (owner: string, position: Position, sent: Sent) =>
    put(prefixOf(SENT, owner) + position, msgpack.encode(sent))
  const del = (key: string): WriteOperation => ({ type: 'del', key, sublevel: part })

  return {
    size: (owner) => sizes.get(owner) ?? EMPTY,
    owners: () => sizes.keys(),
    append(owner, position, message) {
      const operation = putMessage(owner, position, message)
      grow(owner, position, operation.value.length)
      return operation
    },
    async read(owner, after, limit) {
      const prefix = prefixOf(QUEUE, owner)
      const range = rangeOf(prefix)
      const bounds = after === undefined ? range : { gt: prefix + after, lt: range.lt }
      const entries: QueueEntry[] = []
      for await (const [key, value] of part.iterator({ ...bounds, limit })) {
        entries.push({ position: key.slice(prefix.length), message: unpack(value) })
      }
      return entries
    },
    async get(owner, position) {
      const value = await part.get(prefixOf(QUEUE, owner) + position)
      return value && unpack<QueuedMessage>(value)
    },
    async sent(owner) {
      const prefix = prefixOf(SENT, owner)
      const sent = new Map<Position, Sent>()
      for await (const [key, value] of part.iterator(rangeOf(prefix))) {
        sent.set(key.slice(prefix.length), msgpack.decode(value) as Sent)
      }
      return sent
    },
    markSent: (owner, position, sent) => store.commit([putSent(owner, position, sent)]),
    move(from, to, position, message, sent) {
      shrink(from, position)
      grow(to, position, message.payload.length)
      return store.commit([
        del(prefixOf(QUEUE, from) + position),
        putMessage(to, position, message),
        putSent(to, position, sent)
      ])
    },
    remove(owner, position) {
      shrink(owner, position)
      return store.commit([
        del(prefixOf(QUEUE, owner) + position),
        del(prefixOf(SENT, owner) + position)
      ])
    },
    async clear(owner) {
      const size = sizes.get(owner)
      if (!size) return
      sizes.delete(owner)
      const upTo = (prefix: string) => ({ gte: prefix, lte: prefix + size.last })
      await store.commit([]) // what is still on its way in is to go, too
      // Begun deliveries before their messages, or a process that dies here leaves the one without the other.
      await part.clear(upTo(prefixOf(SENT, owner)))
      await part.clear(upTo(prefixOf(QUEUE, owner)))
    }
  }
}
