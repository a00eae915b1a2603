import msgpack from 'msgpack-lite'
import type { Clock } from './clock.ts'
import { fromKeptProperties, toKeptProperties, type KeptProperties } from './kept.ts'
import { fromWire, toWire, type Message, type QoS } from './message.ts'
import type { Position, Queues, Sent } from './queues.ts'
import { add, noMembers } from './sparse.ts'
import type { Connection, Settled } from './session/connection.ts'
import type { Address, ClientSession, SessionEntry, Subscription, Will } from './session/entry.ts'
import type { OfflineQueue } from './session/policy.ts'
import type { DisconnectCause, Peer } from './session/session.ts'
import type { Store, StorePart, WriteOperation } from './store.ts'
import type { Subscriptions } from './subscriptions.ts'

/** What the sessions of a space need of it. */
export interface SessionsContext {
  store: Store
  part: StorePart
  clock: Clock
  queues: Queues
  subscriptions: Subscriptions
  /**
   * Publishes a will; the connection is there unless the process that had it is gone.
   * @param alongside writes that are committed with the message, or not at all
   */
  publishWill(
    entry: SessionEntry,
    will: Message,
    connection: Connection | undefined,
    alongside: WriteOperation[]
  ): Promise<void>
  expired(client: ClientSession): void
  /** Its client was away, and its queue was full. */
  overflowed(client: ClientSession): void
  failed(error: unknown, what: string): void
}

/** What a CONNECT found. */
export interface Opened {
  entry: SessionEntry
  sessionPresent: boolean
  /** Deliveries that an earlier connection began. */
  begun: Map<Position, Sent> | undefined
}

/** The sessions of a space, and all that has to outlive a connection or the process. */
export interface Sessions {
  get(id: string): SessionEntry | undefined
  all(): Iterable<SessionEntry>
  /**
   * Finds or makes the session of a CONNECT and stores it; runs after whoever held it before is gone.
   * What is returned counts once `settled.packet` is answered.
   */
  open(settled: Settled): Opened | Promise<Opened>
  /** The connection is over. */
  leave(entry: SessionEntry, connection: Connection, cause: DisconnectCause): void
  /** Stores the session as it stands; at once when nothing of it is to be kept. */
  save(entry: SessionEntry): Promise<void>
  subscribe(entry: SessionEntry, subscriptions: readonly Subscription[]): Promise<void>
  /** Takes effect at once; resolves when it is stored. */
  unsubscribe(entry: SessionEntry, filters: readonly string[]): Promise<void>
  /** A QoS 2 publish of the client begins; the writes join the commit of the message. */
  take(entry: SessionEntry, messageId: number): WriteOperation[]
  /** The same of one that somebody else has taken for good; resolves when it is stored. */
  noteTaken(entry: SessionEntry, messageId: number): Promise<void>
  /** Whether it has begun and was not released; resolves when that is stored. */
  hasTaken(entry: SessionEntry, messageId: number): Promise<boolean>
  /** It was released: its id may mean another message from here on. */
  release(entry: SessionEntry, messageId: number): Promise<void>
  /** Forgets a session that has no connection; its delayed will is published, or suppressed. */
  end(entry: SessionEntry, will: 'publish' | 'suppress'): Promise<void>
  /** Ends a session whose queue is full, its client's connection too. */
  overflow(entry: SessionEntry): Promise<void>
  describe(entry: SessionEntry): ClientSession
  /** Takes up the waits that an earlier process left: expiries, delayed wills, wills of lost clients. */
  resume(): void
  /**
   * Ends every wait and notes who was connected until now: their time and their wills are for the next
   * process. Nothing is stored any more.
   */
  close(): Promise<void>
}

const PREFIX = 'session:'
const keyOf = (id: string) => PREFIX + encodeURIComponent(id)
const SUBSCRIPTION = 'subscription:'
const INCOMING = 'incoming:'
const underId = (kind: string, id: string) => `${kind}${encodeURIComponent(id)}:`
/** Everything under a prefix that ends in a colon: `;` is the next character. */
const rangeOf = (prefix: string) => ({ gte: prefix, lt: `${prefix.slice(0, -1)};` })
/** What the encoded id of a key under `kind` stands for, and the rest of the key. */
function splitKey(kind: string, key: string): [id: string, rest: string] {
  const end = key.indexOf(':', kind.length)
  return [decodeURIComponent(key.slice(kind.length, end)), key.slice(end + 1)]
}

/** A session as it stands in the store; `null` for what JSON-like forms have no word for. */
interface Kept {
  personality: string
  clientId: string
  version: 3 | 4 | 5
  owner: string | null
  offlineQueue: OfflineQueue | null
  cleanStart: boolean
  /** null: never. */
  expirySeconds: number | null
  connectedAtMs: number
  disconnectedAtMs: number | null
  keepAliveSeconds: number
  peer: SessionEntry['peer']
  will: { topic: string; payload: Buffer; qos: QoS; retain: boolean; delaySeconds: number } | null
  willProperties: KeptProperties | null
}

/** MQTT 5 "Quota exceeded". */
const QUOTA_EXCEEDED = 0x97

/** MQTT 5's largest interval says "never". */
const NEVER_SECONDS = 0xffffffff

function toAddress({ address, port, localAddress, localPort, transport }: Peer): Address {
  return {
    address,
    port,
    transport,
    ...(localAddress !== undefined ? { localAddress } : {}),
    ...(localPort !== undefined ? { localPort } : {})
  }
}

/** Brings back every session, and what was due meanwhile. */
export async function openSessions(context: SessionsContext): Promise<Sessions> {
  const { store, part, clock, queues, subscriptions } = context
  const entries = new Map<string, SessionEntry>()
  /** Sessions that are being removed from the store; the next of the same id waits. */
  const endings = new Map<string, Promise<unknown>>()
  let closed = false

  const toRecord = (entry: SessionEntry): WriteOperation => {
    const value = msgpack.encode(toKept(entry))
    return { type: 'put', key: keyOf(entry.id), value, sublevel: part }
  }
  const put = (entry: SessionEntry) => store.commit([toRecord(entry)])
  const failing = (what: string) => (error: unknown) => context.failed(error, what)

  function create(id: string, from: Omit<Kept, 'will' | 'willProperties'>): SessionEntry {
    return {
      id,
      personality: from.personality,
      clientId: from.clientId,
      version: from.version,
      owner: from.owner ?? undefined,
      offlineQueue: from.offlineQueue ?? undefined,
      cleanStart: from.cleanStart,
      connection: undefined,
      expirySeconds: from.expirySeconds ?? Infinity,
      connectedAtMs: from.connectedAtMs,
      disconnectedAtMs: from.disconnectedAtMs ?? undefined,
      keepAliveSeconds: from.keepAliveSeconds,
      peer: from.peer,
      subscriptions: new Map(),
      groups: noMembers(),
      will: undefined,
      incoming: noMembers(),
      cancelExpiry: undefined,
      cancelWill: undefined,
      queueFull: false,
      stored: false,
      routeNumber: 0,
      routeIndex: 0
    }
  }

  const isKept = (entry: SessionEntry) =>
    entry.expirySeconds > 0 || (entry.connection !== undefined && entry.will !== undefined)

  function toKept(entry: SessionEntry): Kept {
    const { will } = entry
    const properties = toWire(will?.message.properties)
    return {
      personality: entry.personality,
      clientId: entry.clientId,
      version: entry.version,
      owner: entry.owner ?? null,
      offlineQueue: entry.offlineQueue ?? null,
      cleanStart: entry.cleanStart,
      expirySeconds: entry.expirySeconds === Infinity ? null : entry.expirySeconds,
      connectedAtMs: entry.connectedAtMs,
      disconnectedAtMs: entry.disconnectedAtMs ?? null,
      keepAliveSeconds: entry.keepAliveSeconds,
      peer: entry.peer,
      will: will
        ? {
            topic: will.message.topic,
            payload: will.message.payload,
            qos: will.message.qos,
            retain: will.message.retain,
            delaySeconds: will.delaySeconds
          }
        : null,
      willProperties: properties ? toKeptProperties(properties) : null
    }
  }

  async function save(entry: SessionEntry): Promise<void> {
    if (closed || entries.get(entry.id) !== entry || !isKept(entry)) return
    await put(entry)
  }

  /**
   * Removes what is stored of a session once `before` is done; the next session of its id waits for that.
   * The queue goes first and the rest at once: a process that dies in between leaves a session, which its
   * successor ends or gives back, but nothing that a later session of the same id would inherit.
   */
  function forget(entry: SessionEntry, before: () => Promise<void>): Promise<void> {
    const { id } = entry
    const forgetting = (async () => {
      await before()
      if (queues.size(id).messages > 0) await queues.clear(id)
      if (entry.stored) await store.commit(await removals(id))
    })()
    const done: Promise<unknown> = forgetting
      .catch(failing(`session ${id}`))
      .finally(() => endings.get(id) === done && endings.delete(id))
    endings.set(id, done)
    return forgetting
  }

  async function removals(id: string): Promise<WriteOperation[]> {
    await store.commit([]) // what is still on its way in is to go, too
    const keys = [keyOf(id)]
    for (const kind of [SUBSCRIPTION, INCOMING]) {
      for await (const key of part.keys(rangeOf(underId(kind, id)))) keys.push(key)
    }
    return keys.map((key) => ({ type: 'del', key, sublevel: part }))
  }

  function cancelWaits(entry: SessionEntry): void {
    entry.cancelExpiry?.()
    entry.cancelWill?.()
    entry.cancelExpiry = entry.cancelWill = undefined
  }

  /** Its record is without it in the same commit, or a process that dies then would publish it again. */
  async function takeWill(entry: SessionEntry, connection: Connection | undefined): Promise<void> {
    const { will } = entry
    if (!will) return
    entry.will = undefined
    const alongside = entry.stored ? [toRecord(entry)] : []
    await context.publishWill(entry, will.message, connection, alongside)
  }

  /** Of a session that goes on. */
  function publishWill(entry: SessionEntry, connection: Connection | undefined): void {
    takeWill(entry, connection).catch(failing(`will of session ${entry.id}`))
  }

  function removeSubscriptions(entry: SessionEntry): void {
    for (const subscription of entry.subscriptions.values()) {
      subscriptions.remove(entry, subscription)
    }
    entry.subscriptions.clear()
  }

  /** Takes the session out of the space; what it leaves in the store is the caller's to remove. */
  function drop(entry: SessionEntry): void {
    cancelWaits(entry)
    if (entries.get(entry.id) === entry) entries.delete(entry.id)
    removeSubscriptions(entry)
  }

  function end(
    entry: SessionEntry,
    fate: 'publish' | 'suppress',
    connection?: Connection
  ): Promise<void> {
    drop(entry)
    if (fate === 'suppress') entry.will = undefined
    // [MQTT-3.1.2-8]: no later than the session's end.
    return forget(entry, () => takeWill(entry, connection))
  }

  function expire(entry: SessionEntry): void {
    const client = { ...describe(entry), subscriptions: new Map(entry.subscriptions) }
    end(entry, 'publish').then(
      () => context.expired(client),
      () => {} // said in the log where it failed
    )
  }

  /** Counts from the end of the connection, whichever process saw it. */
  function waitForEnd(entry: SessionEntry, connection: Connection | undefined): void {
    const since = entry.disconnectedAtMs!
    const leftMs = (seconds: number) => since + seconds * 1000 - clock.now()
    if (entry.expirySeconds < NEVER_SECONDS) {
      const ms = leftMs(entry.expirySeconds)
      if (ms <= 0) return expire(entry)
      entry.cancelExpiry = clock.after(ms, () => expire(entry))
    }
    if (!entry.will) return
    const ms = leftMs(Math.min(entry.will.delaySeconds, entry.expirySeconds))
    if (ms <= 0) publishWill(entry, connection)
    else entry.cancelWill = clock.after(ms, () => publishWill(entry, connection))
  }

  function describe(entry: SessionEntry): ClientSession {
    const { messages, bytes } = queues.size(entry.id)
    const ends = entry.disconnectedAtMs !== undefined && entry.expirySeconds < NEVER_SECONDS
    return {
      personality: entry.personality,
      clientId: entry.clientId,
      version: entry.version,
      owner: entry.owner,
      session: entry.connection,
      cleanStart: entry.cleanStart,
      connectedAtMs: entry.connectedAtMs,
      disconnectedAtMs: entry.disconnectedAtMs,
      expiresAtMs: ends ? entry.disconnectedAtMs! + entry.expirySeconds * 1000 : undefined,
      sessionExpirySeconds: entry.expirySeconds >= NEVER_SECONDS ? Infinity : entry.expirySeconds,
      keepAliveSeconds: entry.keepAliveSeconds,
      peer: entry.peer,
      subscriptions: entry.subscriptions,
      queuedMessages: messages,
      queuedBytes: bytes
    }
  }

  function toWill(settled: Settled): Will | undefined {
    if (!settled.will) return undefined
    const { delaySeconds, ...message } = settled.will
    return { message, delaySeconds }
  }

  /** The entry as this CONNECT wants it. */
  function refresh(entry: SessionEntry, settled: Settled): void {
    cancelWaits(entry)
    entry.version = settled.version
    entry.owner = settled.owner
    entry.offlineQueue = settled.policy.offlineQueue
    entry.cleanStart = settled.cleanStart
    entry.expirySeconds = settled.sessionExpirySeconds
    entry.connectedAtMs = settled.connectedAtMs
    entry.disconnectedAtMs = undefined
    entry.keepAliveSeconds = settled.keepAliveSeconds
    entry.peer = toAddress(settled.peer)
    entry.will = toWill(settled)
    entry.queueFull = false
    entries.set(entry.id, entry)
  }

  function fresh(settled: Settled): SessionEntry {
    return create(settled.id, {
      personality: settled.policy.personality,
      clientId: settled.clientId,
      version: settled.version,
      owner: settled.owner ?? null,
      offlineQueue: settled.policy.offlineQueue ?? null,
      cleanStart: settled.cleanStart,
      expirySeconds: settled.sessionExpirySeconds,
      connectedAtMs: settled.connectedAtMs,
      disconnectedAtMs: null,
      keepAliveSeconds: settled.keepAliveSeconds,
      peer: toAddress(settled.peer)
    })
  }

  async function openStored(
    settled: Settled,
    existing: SessionEntry | undefined,
    resumes: boolean
  ): Promise<Opened> {
    if (existing && resumes) cancelWaits(existing) // its client is back: its time is not over any more
    await endings.get(settled.id)
    if (existing && !resumes) await end(existing, 'publish')
    const entry = existing && resumes ? existing : fresh(settled)
    const begun = resumes ? await queues.sent(entry.id) : undefined
    refresh(entry, settled)
    // A resumed session that is to end with this connection is still that session until then.
    if (entry.expirySeconds > 0 || entry.will || resumes) {
      entry.stored = true
      await put(entry)
    }
    return { entry, sessionPresent: resumes, begun }
  }

  function take(entry: SessionEntry, messageId: number): WriteOperation[] {
    entry.incoming = add(entry.incoming, messageId)
    if (entry.expirySeconds === 0) return []
    const key = underId(INCOMING, entry.id) + messageId
    return [{ type: 'put', key, value: Buffer.alloc(0), sublevel: part }]
  }

  async function load(): Promise<void> {
    const seenAtMs = clock.now()
    const lost: SessionEntry[] = []
    for await (const [key, value] of part.iterator(rangeOf(PREFIX))) {
      const kept = msgpack.decode(value) as Kept
      const entry = create(decodeURIComponent(key.slice(PREFIX.length)), kept)
      entry.stored = true
      if (kept.will) {
        const { delaySeconds, ...message } = kept.will
        const { willProperties } = kept
        const properties = willProperties ? fromWire(fromKeptProperties(willProperties)) : undefined
        entry.will = {
          message: { ...message, ...(properties ? { properties } : {}) },
          delaySeconds
        }
      }
      // It was connected when the process died: the connection ends now, as far as anybody saw.
      if (entry.disconnectedAtMs === undefined) {
        entry.disconnectedAtMs = seenAtMs
        lost.push(entry)
      }
      entries.set(entry.id, entry)
    }
    for await (const [key, value] of part.iterator(rangeOf(SUBSCRIPTION))) {
      const entry = entries.get(splitKey(SUBSCRIPTION, key)[0])
      if (!entry) continue
      const subscription = msgpack.decode(value) as Subscription
      entry.subscriptions.set(subscription.filter, subscription)
      subscriptions.add(entry, subscription)
    }
    for await (const key of part.keys(rangeOf(INCOMING))) {
      const [id, messageId] = splitKey(INCOMING, key)
      const entry = entries.get(id)
      if (entry) entry.incoming = add(entry.incoming, Number(messageId))
    }
    for (const entry of lost) await put(entry)
    await purge()
  }

  /** Removes what an earlier process left of sessions and groups that are gone: a later one of that id began with it. */
  async function purge(): Promise<void> {
    const owners = new Set(entries.keys())
    for (const { id } of subscriptions.groups()) owners.add(id)
    for (const owner of [...queues.owners()]) if (!owners.has(owner)) await queues.clear(owner)
    const orphans: WriteOperation[] = []
    for (const kind of [SUBSCRIPTION, INCOMING]) {
      for await (const key of part.keys(rangeOf(kind))) {
        const isOrphan = !entries.has(splitKey(kind, key)[0])
        if (isOrphan) orphans.push({ type: 'del', key, sublevel: part })
      }
    }
    if (orphans.length > 0) await store.commit(orphans)
  }

  await load()
  return {
    get: (id) => entries.get(id),
    all: () => entries.values(),
    open(settled) {
      const existing = entries.get(settled.id)
      const resumes = existing !== undefined && !settled.cleanStart
      const isPlain = settled.sessionExpirySeconds === 0 && !settled.will
      if (isPlain && !existing && !endings.has(settled.id)) {
        const entry = fresh(settled)
        entries.set(entry.id, entry)
        return { entry, sessionPresent: false, begun: undefined }
      }
      return openStored(settled, existing, resumes)
    },
    leave(entry, connection, cause) {
      if (closed || entry.connection !== connection) return
      entry.connection = undefined
      entry.disconnectedAtMs = clock.now()
      if (connection.discardsWill) entry.will = undefined
      // Whoever takes the session over cancels a will that still has its delay [MQTT-3.1.3-9].
      if (cause.by === 'takeover') {
        if (entry.expirySeconds > 0) {
          if (entry.will?.delaySeconds === 0) publishWill(entry, connection)
          return
        }
      }
      if (entry.expirySeconds > 0) {
        waitForEnd(entry, connection)
        save(entry).catch(failing(`session ${entry.id}`))
        return
      }
      end(entry, 'publish', connection).catch(() => {}) // said in the log where it failed
    },
    save,
    async subscribe(entry, added) {
      for (const subscription of added) {
        const known = entry.subscriptions.get(subscription.filter)
        entry.subscriptions.set(subscription.filter, subscription)
        if (known) subscriptions.replace(entry, known, subscription)
        else subscriptions.add(entry, subscription)
      }
      if (entry.expirySeconds === 0) return
      const prefix = underId(SUBSCRIPTION, entry.id)
      await store.commit(
        added.map((subscription) => ({
          type: 'put',
          key: prefix + subscription.filter,
          value: msgpack.encode(subscription),
          sublevel: part
        }))
      )
    },
    async unsubscribe(entry, filters) {
      for (const filter of filters) {
        const known = entry.subscriptions.get(filter)
        if (!known) continue
        entry.subscriptions.delete(filter)
        subscriptions.remove(entry, known)
      }
      if (entry.expirySeconds === 0) return
      const prefix = underId(SUBSCRIPTION, entry.id)
      await store.commit(
        filters.map((filter) => ({ type: 'del', key: prefix + filter, sublevel: part }))
      )
    },
    take,
    noteTaken: (entry, messageId) => store.commit(take(entry, messageId)),
    async hasTaken(entry, messageId) {
      if (!entry.incoming.has(messageId)) return false
      await store.commit([])
      return true
    },
    async release(entry, messageId) {
      if (!entry.incoming.has(messageId)) return
      if (entry.expirySeconds > 0) {
        const key = underId(INCOMING, entry.id) + messageId
        await store.commit([{ type: 'del', key, sublevel: part }])
      }
      entry.incoming.delete(messageId)
    },
    end,
    async overflow(entry) {
      if (entry.connection) {
        await entry.connection.endWith({ rule: 'SessionOverflow', reasonCode: QUOTA_EXCEEDED })
        if (entries.get(entry.id) === entry && !entry.connection) await end(entry, 'publish')
        return
      }
      const client = { ...describe(entry), subscriptions: new Map(entry.subscriptions) }
      await end(entry, 'publish')
      context.overflowed(client)
    },
    describe,
    resume() {
      for (const entry of [...entries.values()]) {
        if (entry.connection) continue
        if (entry.expirySeconds > 0) waitForEnd(entry, undefined)
        else {
          // A clean session's record is there for its will alone.
          end(entry, 'publish').catch(() => {}) // said in the log where it failed
        }
      }
    },
    async close() {
      closed = true
      const left: Promise<void>[] = []
      for (const entry of entries.values()) {
        cancelWaits(entry)
        if (!entry.connection || !isKept(entry)) continue
        entry.disconnectedAtMs = clock.now()
        if (entry.connection.discardsWill) entry.will = undefined
        left.push(put(entry).catch(failing(`session ${entry.id}`)))
      }
      await Promise.all([...left, ...endings.values()])
    }
  }
}
