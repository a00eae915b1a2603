import type { RecordChange, Records } from '@fogbank/core'
import type { PublishedEvent } from '../events.ts'
import type { Resources } from '../resources.ts'
import type { DeadLetterReason, Outcome } from './retry.ts'

/** What is still to be done about one event for one subscription. */
export interface Pending {
  sequence: number
  /** Attempts that failed. */
  attempts: number
  /** When the next step is due: milliseconds since 1970. */
  dueMs: number
  publishedAtMs: number
  lastOutcome?: Outcome
  lastAttemptMs?: number
  /** A dead letter, for this reason. */
  reason?: DeadLetterReason
  /** When it became one. */
  deadSinceMs?: number
}

/** The events that somebody still has to get, and who: all of it durable. */
export interface PendingStore {
  /** Numbers an event and keeps it until that many subscriptions are done with it; nothing is written yet. */
  add(event: PublishedEvent, subscriptions: number): { sequence: number; change: RecordChange }
  /** Writes; resolves when it would survive a crash. */
  commit(changes: readonly RecordChange[]): Promise<void>
  /** What `save` and `finish` would write. */
  toSave(key: string, pending: Pending): RecordChange
  toFinish(key: string, sequence: number): RecordChange[]
  /** The event itself; undefined when it is not there or belongs to a topic that is no more. */
  event(sequence: number): Promise<PublishedEvent | undefined>
  /** Everything that an earlier run left, by subscription. */
  recover(): Promise<Map<string, Pending[]>>
  /** What the store has for one subscription. */
  pendingOf(key: string): Promise<Pending[]>
  /** Forgets what it knows; the records are emptied by the core. */
  clear(): void
}

interface Kept {
  /** Subscriptions that are not done with it. */
  open: number
  /** Absent: on disk only. */
  event?: PublishedEvent
  bytes: number
}

/** An event as it stands in the store, beside its own JSON text. */
type Envelope = Omit<PublishedEvent, 'resource' | 'json' | 'event' | 'data'> & { resource: string }

const EVENT = 'e/'
const PENDING = 'p/'
/** Events above this many bytes are read back from the store when their turn comes. */
const MAXIMUM_KEPT_BYTES = 64 * 1024 * 1024
/** Hexadecimal digits of a sequence number, so that keys sort as numbers do. */
const DIGITS = 13

export function createPendingStore(records: Records, resources: Resources): PendingStore {
  const kept = new Map<number, Kept>()
  let keptBytes = 0
  let next = 1

  function forget(sequence: number): void {
    const one = kept.get(sequence)
    if (one?.event) keptBytes -= one.bytes
    kept.delete(sequence)
  }

  function parse(value: Buffer): PublishedEvent | undefined {
    const end = value.indexOf(0x0a)
    const envelope = JSON.parse(value.subarray(0, end).toString()) as Envelope
    const resource = resources.byName(envelope.resource)
    if (!resource) return undefined
    const json = value.subarray(end + 1).toString()
    const event = JSON.parse(json) as Record<string, unknown>
    const data = resource.inputSchema === 'CustomEventSchema' ? event : event.data
    return { ...envelope, resource, json, event, data } as PublishedEvent
  }

  return {
    add(event, subscriptions) {
      const sequence = next++
      const value = toValue(event)
      const isKept = keptBytes + value.length <= MAXIMUM_KEPT_BYTES
      if (isKept) keptBytes += value.length
      kept.set(sequence, {
        open: subscriptions,
        bytes: value.length,
        ...(isKept ? { event } : {})
      })
      return { sequence, change: { put: EVENT + toDigits(sequence), value } }
    },
    commit: (changes) => records.commit(changes),
    toSave: (key, pending) => ({
      put: toPendingKey(key, pending.sequence),
      value: Buffer.from(JSON.stringify(pending))
    }),
    toFinish(key, sequence) {
      const changes: RecordChange[] = [{ del: toPendingKey(key, sequence) }]
      const one = kept.get(sequence)
      if (one && --one.open > 0) return changes
      forget(sequence)
      changes.push({ del: EVENT + toDigits(sequence) })
      return changes
    },
    async event(sequence) {
      const one = kept.get(sequence)
      if (one?.event) return one.event
      const value = await records.get(EVENT + toDigits(sequence))
      return value && parse(value)
    },
    async recover() {
      const left = new Map<string, Pending[]>()
      for await (const [key, value] of records.range({ gte: PENDING, lt: after(PENDING) })) {
        const subscription = key.slice(PENDING.length, -DIGITS - 1)
        const pending = JSON.parse(value.toString()) as Pending
        const list = left.get(subscription) ?? []
        left.set(subscription, list)
        list.push(pending)
        const one = kept.get(pending.sequence)
        if (one) one.open++
        else kept.set(pending.sequence, { open: 1, bytes: 0 })
      }
      for await (const [key] of records.range({
        gte: EVENT,
        lt: after(EVENT),
        reverse: true,
        limit: 1
      })) {
        next = parseInt(key.slice(EVENT.length), 16) + 1
      }
      return left
    },
    async pendingOf(key) {
      const prefix = `${PENDING}${key}/`
      const found: Pending[] = []
      for await (const [, value] of records.range({ gte: prefix, lt: after(prefix) })) {
        found.push(JSON.parse(value.toString()) as Pending)
      }
      return found
    },
    clear() {
      kept.clear()
      keptBytes = 0
    }
  }
}

function toValue({ resource, json, event: _event, data: _data, ...rest }: PublishedEvent): Buffer {
  const envelope: Envelope = { ...rest, resource: resource.name }
  return Buffer.from(`${JSON.stringify(envelope)}\n${json}`)
}

const toDigits = (sequence: number) => sequence.toString(16).padStart(DIGITS, '0')
const toPendingKey = (key: string, sequence: number) => `${PENDING}${key}/${toDigits(sequence)}`
/** The first key behind all that begin so. */
const after = (prefix: string) => `${prefix.slice(0, -1)}0`
