import type { RecordChange, Records } from '@fogbank/core'

/** Bodies kept in memory besides the store, so that an event received soon after its publish is not read again. */
const CACHED_BYTES = 32 * 1024 * 1024

/** How often an event was handed out, and whether somebody or a delay holds it. */
export interface DeliveryState {
  deliveryCount: number
  /** Milliseconds since 1970; absent: nobody holds it. */
  heldUntilMs?: number
  /** The lock's id in hex; absent: held by a delay, not by a receiver. */
  lock?: string
  /** When the lock was given out, before any renewal. */
  lockedAtMs?: number
  /** When the last attempt was made, for a dead letter. */
  attemptedAtMs?: number
}

/** One event waiting in one subscription, as the store has it. */
export interface StoredEntry {
  sequence: number
  publishedAtMs: number
  /** Of its JSON. */
  bytes: number
  state: DeliveryState | undefined
}

/** Where the events of all subscriptions are kept, each under its subscription's path. */
export interface EventStore {
  /** Rises with every event, also over a restart. */
  nextSequence(): number
  /** What an earlier run left under a path, in the order of publishing; the second call finds nothing. */
  takeLoaded(path: string): StoredEntry[]
  /** Paths that an earlier run left events under and nobody has taken. */
  leftovers(): string[]
  put(path: string, sequence: number, publishedAtMs: number, json: string): RecordChange
  putState(path: string, sequence: number, state: DeliveryState): RecordChange
  /** Forgets the event and its state. */
  remove(path: string, sequence: number): RecordChange[]
  /** All or nothing; resolves once it is kept. */
  commit(changes: readonly RecordChange[]): Promise<void>
  /** The event's JSON. @throws Error when it is not there */
  read(path: string, sequence: number): Promise<string>
  /** Forgets a path and everything under it. */
  clear(path: string): Promise<void>
  /** After the records were emptied by somebody else. */
  forget(): void
}

/** Events live under `e/PATH/SEQUENCE`, their delivery states under `s/PATH/SEQUENCE`. */
export async function openEventStore(records: Records): Promise<EventStore> {
  const loaded = new Map<string, StoredEntry[]>()
  const cache = createCache(CACHED_BYTES)
  let sequence = 0

  const states = new Map<string, DeliveryState>()
  for await (const [key, value] of records.range({ gt: 's/', lt: 's0' })) {
    states.set(key.slice(2), JSON.parse(value.toString()) as DeliveryState)
  }
  for await (const [key, value] of records.range({ gt: 'e/', lt: 'e0' })) {
    const slash = key.lastIndexOf('/')
    const path = key.slice(2, slash)
    const entry: StoredEntry = {
      sequence: Number(key.slice(slash + 1)),
      publishedAtMs: value.readDoubleBE(0),
      bytes: value.length - 8,
      state: states.get(key.slice(2))
    }
    sequence = Math.max(sequence, entry.sequence)
    const entries = loaded.get(path)
    if (entries) entries.push(entry)
    else loaded.set(path, [entry])
  }

  return {
    nextSequence: () => ++sequence,
    takeLoaded(path) {
      const entries = loaded.get(path) ?? []
      loaded.delete(path)
      return entries
    },
    leftovers: () => [...loaded.keys()],
    put(path, number, publishedAtMs, json) {
      const key = toKey('e', path, number)
      const value = Buffer.allocUnsafe(8 + Buffer.byteLength(json))
      value.writeDoubleBE(publishedAtMs, 0)
      value.write(json, 8)
      cache.set(key, json)
      return { put: key, value }
    },
    putState: (path, number, state) => ({
      put: toKey('s', path, number),
      value: Buffer.from(JSON.stringify(state))
    }),
    remove(path, number) {
      const key = toKey('e', path, number)
      cache.delete(key)
      return [{ del: key }, { del: toKey('s', path, number) }]
    },
    commit: (changes) => records.commit(changes),
    async read(path, number) {
      const key = toKey('e', path, number)
      const cached = cache.get(key)
      if (cached !== undefined) return cached
      const value = await records.get(key)
      if (!value) throw new Error(`event ${key} is not in the store`)
      return value.toString('utf8', 8)
    },
    async clear(path) {
      await records.commit([]) // what is still on its way in is to go, too
      const changes: RecordChange[] = []
      for (const kind of ['e', 's']) {
        const range = { gt: `${kind}/${path}/`, lt: `${kind}/${path}0` }
        for await (const [key] of records.range(range)) {
          cache.delete(key)
          changes.push({ del: key })
        }
      }
      await records.commit(changes)
    },
    forget() {
      loaded.clear()
      cache.clear()
    }
  }
}

/** Sixteen digits, so that the order of keys is the order of numbers. */
function toKey(kind: 'e' | 's', path: string, sequence: number): string {
  return `${kind}/${path}/${String(sequence).padStart(16, '0')}`
}

/** Texts up to so many characters in all; the oldest makes room. */
function createCache(maximum: number) {
  const texts = new Map<string, string>()
  let size = 0
  function remove(key: string): void {
    const text = texts.get(key)
    if (text === undefined) return
    texts.delete(key)
    size -= text.length
  }
  return {
    get: (key: string) => texts.get(key),
    set(key: string, text: string) {
      texts.set(key, text)
      size += text.length
      while (size > maximum) remove(texts.keys().next().value!)
    },
    delete: remove,
    clear() {
      texts.clear()
      size = 0
    }
  }
}
