import type { Published, QoS, RetainedMessage } from '@fogbank/core'
import { fromSpaceName, toMatcher, type Topic } from './topics.ts'

/** The latest message of one topic. */
export interface LastMessage {
  topic: string
  payload: Buffer
  qos: QoS
  retained: boolean
  /** 0: it was there before we were. */
  sequence: number
}

const NOTHING = Buffer.alloc(0)

interface Entry extends LastMessage {
  retainedSequence: number
  newer: Entry | undefined
  older: Entry | undefined
}

/** The last message of every topic, retained or not; what a plain GET answers. */
export interface LastMessages {
  record(published: Published): void
  /** Takes a message that was retained before the start; those are given oldest first. */
  seed(message: RetainedMessage): void
  /** The message with the highest sequence number among the topics that match; read it at once. */
  latest(topic: Topic): LastMessage | undefined
  /** Sequence number of a topic's last retained publish; 0: not known. */
  retainedSequence(topic: string): number
  readonly size: number
  clear(): void
}

/** Holds at most `maximumTopics`; the one that was quiet for longest goes first. */
export function createLastMessages(maximumTopics: number): LastMessages {
  const entries = new Map<string, Entry>()
  let newest: Entry | undefined
  let oldest: Entry | undefined

  function unlink(entry: Entry): void {
    if (entry.newer) entry.newer.older = entry.older
    else newest = entry.older
    if (entry.older) entry.older.newer = entry.newer
    else oldest = entry.newer
  }

  function put(spaceTopic: string, payload: Buffer, qos: QoS, retained: boolean, sequence: number) {
    const topic = fromSpaceName(spaceTopic)
    if (topic === undefined) return
    const known = entries.get(topic)
    if (known) unlink(known)
    // The record of a busy topic is written over rather than made anew with every message.
    const entry = known ?? add(topic)
    entry.payload = detach(payload)
    entry.qos = qos
    entry.retained = retained
    entry.sequence = sequence
    if (retained) entry.retainedSequence = sequence
    entry.newer = undefined
    entry.older = newest
    if (newest) newest.newer = entry
    else oldest = entry
    newest = entry
  }

  function add(topic: string): Entry {
    if (entries.size >= maximumTopics && oldest) {
      entries.delete(oldest.topic)
      unlink(oldest)
    }
    const entry: Entry = {
      topic,
      payload: NOTHING,
      qos: 0,
      retained: false,
      sequence: 0,
      retainedSequence: 0,
      newer: undefined,
      older: undefined
    }
    entries.set(topic, entry)
    return entry
  }

  return {
    record({ message: { topic, payload, qos, retain }, sequence }) {
      put(topic, payload, qos, retain, sequence)
    },
    seed({ topic, payload, qos }) {
      put(topic, payload, qos, true, 0)
    },
    latest(topic) {
      if (!topic.wildcard) return entries.get(topic.name)
      const matches = toMatcher(topic)
      for (let entry = newest; entry; entry = entry.older) if (matches(entry.topic)) return entry
      return undefined
    },
    retainedSequence: (topic) => entries.get(topic)?.retainedSequence ?? 0,
    get size() {
      return entries.size
    },
    clear() {
      entries.clear()
      newest = oldest = undefined
    }
  }
}

/** A payload may be a window on a whole network read, which would be kept with it. */
function detach(payload: Buffer): Buffer {
  return payload.length * 2 < payload.buffer.byteLength ? Buffer.from(payload) : payload
}
