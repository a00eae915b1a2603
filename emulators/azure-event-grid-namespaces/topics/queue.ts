import type { Clock, Ids, RecordChange } from '@fogbank/core'
import type { DeliveryState, EventStore } from './event-store.ts'

/** A renewal is honoured only this long after the lock was given out. */
const RENEWAL_WINDOW_MS = 3_600_000
const LOCK_ID_BYTES = 16

/** What decides how long an event lives in a subscription and how often it is tried. */
export interface QueueSettings {
  /** How long a receiver holds an event. */
  lockMs: number
  maxDeliveryCount: number
  timeToLiveMs: number
  /** An event's end is looked at when an attempt is due, and at no other moment, as of pushed events. */
  endsAtAttempt?: boolean
}

/** Why an event left the queue without having been taken care of. */
export type DeadLetterReason =
  'rejected' | 'max-delivery-count' | 'time-to-live' | 'push-refused' | 'push-attempts'

/** An event that is handed out under a lock. */
export interface Delivery {
  /** The lock's id in hex. */
  lock: string
  deliveryCount: number
  publishedAtMs: number
  json: string
}

/** An event that nobody gets any more. */
export interface DeadEvent {
  reason: DeadLetterReason
  deliveryCount: number
  publishedAtMs: number
  attemptedAtMs: number | undefined
  json: string
}

/** The events that wait in one subscription. */
export interface Queue {
  /** Events that were not settled, held ones included. */
  readonly size: number
  /** Changes that store one event here; `admit` makes it visible once they are committed. */
  offer(json: string): { changes: RecordChange[]; admit(): void }
  /**
   * Hands out up to `maxEvents` events, as many as fit `maxBytes` but at least one; waits for the first
   * one at most `maxWaitMs`. Resolves once the locks are stored. `whenGone` is given a function that ends
   * the wait.
   */
  receive(
    maxEvents: number,
    maxWaitMs: number,
    whenGone?: (leave: () => void) => void,
    maxBytes?: number
  ): Promise<Delivery[]>
  /** Each answers the locks that were not lost, once what became of them is stored. */
  acknowledge(locks: readonly string[]): Promise<Set<string>>
  release(locks: readonly string[], delayMs: number, spent?: DeadLetterReason): Promise<Set<string>>
  reject(locks: readonly string[], reason?: DeadLetterReason): Promise<Set<string>>
  renew(locks: readonly string[]): Promise<Set<string>>
  configure(settings: QueueSettings): void
  /** Answers whoever waits with nothing, from now on at once. */
  drain(): void
  /** Does that too, and ends its timers. */
  close(): void
}

interface Entry {
  readonly sequence: number
  readonly publishedAtMs: number
  readonly bytes: number
  state: DeliveryState
  /** The list of holds it stands in. */
  holds: Map<number, Entry> | undefined
}

interface Waiter {
  maxEvents: number
  maxBytes: number
  resolve(deliveries: Promise<Delivery[]> | Delivery[]): void
  cancel(): void
}

export interface QueueOptions {
  path: string
  store: EventStore
  clock: Clock
  ids: Ids
  settings: QueueSettings
  /**
   * Whether a lock of an earlier run still holds. Where the suite itself is the receiver, what it had in
   * hand counts as not tried. @default true
   */
  locksSurvive?: boolean
  /** Changes that keep a dead letter; they are committed with the event's removal. */
  bury(event: DeadEvent): RecordChange[]
  /** Whether a dead letter wants the event's JSON; reading it costs. */
  buries(): boolean
  failed(error: unknown, what: string): void
}

/**
 * A queue over the store: what an answer promises is stored before the answer.
 *
 * In memory stands one small entry an event; the bodies are in the store. Holds of one duration end in
 * the order they began, so each duration has a list of its own and nothing is ever sorted.
 */
export function createQueue(options: QueueOptions): Queue {
  const { path, store, clock, ids, locksSurvive = true } = options
  let { settings } = options
  /** In the order of publishing, hence of their end. */
  const entries = new Map<number, Entry>()
  const ready = new Map<number, Entry>()
  const held = new Map<number, Map<number, Entry>>()
  const byLock = new Map<string, Entry>()
  const waiters = new Set<Waiter>()
  let closed = false
  let draining = false
  let timer: { dueMs: number; cancel(): void } | undefined

  function restore(): void {
    const nowMs = clock.now()
    const stillHeld: Entry[] = []
    for (const { sequence, publishedAtMs, bytes, state } of store.takeLoaded(path)) {
      const entry: Entry = {
        ...{ sequence, publishedAtMs, bytes, holds: undefined },
        state: state ?? { deliveryCount: 0 }
      }
      entries.set(sequence, entry)
      if (!locksSurvive && state?.lock !== undefined) {
        entry.state = { deliveryCount: state.deliveryCount - 1 }
      }
      if ((entry.state.heldUntilMs ?? 0) > nowMs) stillHeld.push(entry)
      else ready.set(sequence, entry)
    }
    stillHeld.sort((one, other) => one.state.heldUntilMs! - other.state.heldUntilMs!)
    for (const entry of stillHeld) hold(entry, entry.state, -1)
    // Locks that lapsed while nobody ran.
    const lapsed = [...ready.values()].filter(({ state }) => state.heldUntilMs !== undefined)
    for (const entry of lapsed) lapse(entry)
    arm()
  }

  /** `kind` names the list: the duration, or -1 for what an earlier run left. */
  function hold(entry: Entry, state: DeliveryState, kind: number): void {
    free(entry)
    ready.delete(entry.sequence)
    entry.state = state
    let list = held.get(kind)
    if (!list) held.set(kind, (list = new Map()))
    list.set(entry.sequence, entry)
    entry.holds = list
    if (state.lock !== undefined) byLock.set(state.lock, entry)
    arm()
  }

  /** Out of its list of holds; its lock is worth nothing any more. */
  function free(entry: Entry): void {
    entry.holds?.delete(entry.sequence)
    entry.holds = undefined
    if (entry.state.lock !== undefined) byLock.delete(entry.state.lock)
  }

  function drop(entry: Entry): RecordChange[] {
    free(entry)
    ready.delete(entry.sequence)
    entries.delete(entry.sequence)
    return store.remove(path, entry.sequence)
  }

  function makeReady(entry: Entry): void {
    free(entry)
    const { deliveryCount, attemptedAtMs } = entry.state
    entry.state = { deliveryCount, ...(attemptedAtMs === undefined ? {} : { attemptedAtMs }) }
    ready.set(entry.sequence, entry)
  }

  const endOf = ({ publishedAtMs }: Entry) => publishedAtMs + settings.timeToLiveMs

  /** A hold is over: the event goes back, or has been tried often enough. */
  function lapse(entry: Entry): void {
    const wasLocked = entry.state.lock !== undefined
    makeReady(entry)
    if (wasLocked && entry.state.deliveryCount >= settings.maxDeliveryCount) {
      buryLater(entry, 'max-delivery-count')
    }
  }

  /** Nobody waits for this, so its failure is only told; the next start finds the event again. */
  function buryLater(entry: Entry, reason: DeadLetterReason): void {
    settle([entry], reason).catch((error: unknown) => {
      options.failed(error, `${path}: an event could not be taken out`)
    })
  }

  /** Takes entries out of the queue, to the dead letters when there is a reason. */
  async function settle(gone: readonly Entry[], reason?: DeadLetterReason): Promise<void> {
    const wanted = reason !== undefined && options.buries()
    const bodies = wanted ? gone.map(({ sequence }) => store.read(path, sequence)) : []
    const changes = gone.flatMap(drop)
    try {
      const texts = await Promise.all(bodies)
      for (const [index, json] of texts.entries()) {
        const { publishedAtMs, state } = gone[index]!
        const { deliveryCount, attemptedAtMs } = state
        changes.push(
          ...options.bury({ reason: reason!, deliveryCount, publishedAtMs, attemptedAtMs, json })
        )
      }
      await store.commit(changes)
    } catch (error) {
      for (const entry of gone) {
        entries.set(entry.sequence, entry)
        makeReady(entry)
      }
      throw error
    }
  }

  /** One timer for whatever ends first. */
  function arm(): void {
    if (closed) return
    let dueMs = Infinity
    for (const list of held.values()) {
      for (const { state } of list.values()) {
        dueMs = Math.min(dueMs, state.heldUntilMs!)
        break
      }
    }
    for (const entry of entries.values()) {
      // One that is past its end and still here is locked; its lock's end comes first.
      if (endOf(entry) > clock.now()) dueMs = Math.min(dueMs, endOf(entry))
      break
    }
    if (dueMs === Infinity || (timer && timer.dueMs <= dueMs)) return
    timer?.cancel()
    timer = { dueMs, cancel: clock.after(Math.max(0, dueMs - clock.now()), tick) }
  }

  function tick(): void {
    timer = undefined
    const nowMs = clock.now()
    for (const list of held.values()) {
      for (const entry of list.values()) {
        if (entry.state.heldUntilMs! > nowMs) break
        lapse(entry)
      }
    }
    for (const entry of entries.values()) {
      if (endOf(entry) > nowMs) break
      // Whoever has its lock may still finish.
      if (entry.state.lock !== undefined) continue
      if (settings.endsAtAttempt && entry.holds) continue
      buryLater(entry, 'time-to-live')
    }
    serve()
    arm()
  }

  function hasReady(): boolean {
    const nowMs = clock.now()
    for (const entry of ready.values()) {
      if (endOf(entry) > nowMs) return true
      buryLater(entry, 'time-to-live')
    }
    return false
  }

  /** Hands what is ready to whoever has waited longest. */
  function serve(): void {
    for (const waiter of waiters) {
      if (!hasReady()) return
      waiter.cancel()
      waiter.resolve(take(waiter.maxEvents, waiter.maxBytes))
    }
  }

  async function take(maxEvents: number, maxBytes: number): Promise<Delivery[]> {
    const nowMs = clock.now()
    const taken: Entry[] = []
    let bytes = 0
    for (const entry of ready.values()) {
      if (taken.length === maxEvents) break
      if (endOf(entry) <= nowMs) continue
      bytes += entry.bytes
      if (taken.length > 0 && bytes > maxBytes) break
      taken.push(entry)
    }
    const earlier = taken.map(({ state }) => state)
    const changes = taken.map((entry) => {
      const state: DeliveryState = {
        deliveryCount: entry.state.deliveryCount + 1,
        heldUntilMs: nowMs + settings.lockMs,
        lock: ids.bytes(LOCK_ID_BYTES).toString('hex'),
        lockedAtMs: nowMs,
        attemptedAtMs: nowMs
      }
      hold(entry, state, settings.lockMs)
      return store.putState(path, entry.sequence, state)
    })
    const states = taken.map(({ state }) => state)
    try {
      const [texts] = await Promise.all([
        Promise.all(taken.map(({ sequence }) => store.read(path, sequence))),
        store.commit(changes)
      ])
      return texts.map((json, index) => ({
        lock: states[index]!.lock!,
        deliveryCount: states[index]!.deliveryCount,
        publishedAtMs: taken[index]!.publishedAtMs,
        json
      }))
    } catch (error) {
      for (const [index, entry] of taken.entries()) {
        free(entry)
        entry.state = earlier[index]!
        ready.set(entry.sequence, entry)
      }
      throw error
    }
  }

  function drain(): void {
    draining = true
    for (const waiter of waiters) {
      waiter.cancel()
      waiter.resolve([])
    }
  }

  /** The entries of those locks that still hold, each once. */
  function findHeld(locks: readonly string[]): Map<string, Entry> {
    const nowMs = clock.now()
    const found = new Map<string, Entry>()
    for (const lock of locks) {
      const entry = byLock.get(lock)
      if (entry && entry.state.heldUntilMs! > nowMs) found.set(lock, entry)
    }
    return found
  }

  restore()
  return {
    get size() {
      return entries.size
    },
    offer(json) {
      const sequence = store.nextSequence()
      const publishedAtMs = clock.now()
      return {
        changes: [store.put(path, sequence, publishedAtMs, json)],
        admit() {
          if (closed) return
          const state = { deliveryCount: 0 }
          const bytes = json.length
          const entry: Entry = { sequence, publishedAtMs, bytes, state, holds: undefined }
          entries.set(sequence, entry)
          ready.set(sequence, entry)
          if (entries.size === 1) arm()
          // All events of one publish are there before anybody is served.
          queueMicrotask(serve)
        }
      }
    },
    receive(maxEvents, maxWaitMs, whenGone, maxBytes = Infinity) {
      if (closed) return Promise.resolve([])
      if (hasReady()) return take(maxEvents, maxBytes)
      if (maxWaitMs === 0 || draining) return Promise.resolve([])
      return new Promise((resolve) => {
        const isLimited = maxWaitMs < Infinity
        const cancelTimer = isLimited ? clock.after(maxWaitMs, () => leave()) : () => {}
        const waiter: Waiter = {
          maxEvents,
          maxBytes,
          resolve,
          cancel() {
            cancelTimer()
            waiters.delete(waiter)
          }
        }
        const leave = () => {
          if (!waiters.has(waiter)) return
          waiter.cancel()
          resolve([])
        }
        waiters.add(waiter)
        whenGone?.(leave)
      })
    },
    async acknowledge(locks) {
      const found = findHeld(locks)
      await settle([...found.values()])
      return new Set(found.keys())
    },
    async reject(locks, reason = 'rejected') {
      const found = findHeld(locks)
      await settle([...found.values()], reason)
      return new Set(found.keys())
    },
    async release(locks, delayMs, spentFor = 'max-delivery-count') {
      const found = findHeld(locks)
      const changes: RecordChange[] = []
      const spent: Entry[] = []
      for (const entry of found.values()) {
        if (entry.state.deliveryCount >= settings.maxDeliveryCount) {
          spent.push(entry)
          continue
        }
        const { deliveryCount, attemptedAtMs } = entry.state
        const state: DeliveryState = {
          deliveryCount,
          heldUntilMs: clock.now() + delayMs,
          ...(attemptedAtMs === undefined ? {} : { attemptedAtMs })
        }
        changes.push(store.putState(path, entry.sequence, state))
        if (delayMs > 0) hold(entry, state, delayMs)
        else makeReady(entry)
      }
      await Promise.all([store.commit(changes), settle(spent, spentFor)])
      serve()
      return new Set(found.keys())
    },
    async renew(locks) {
      const nowMs = clock.now()
      const found = findHeld(locks)
      const changes: RecordChange[] = []
      for (const [lock, entry] of found) {
        if (nowMs - entry.state.lockedAtMs! > RENEWAL_WINDOW_MS) {
          found.delete(lock)
          continue
        }
        const state = { ...entry.state, heldUntilMs: nowMs + settings.lockMs }
        changes.push(store.putState(path, entry.sequence, state))
        hold(entry, state, settings.lockMs)
      }
      await store.commit(changes)
      return new Set(found.keys())
    },
    configure(changed) {
      settings = changed
      arm()
    },
    drain,
    close() {
      closed = true
      timer?.cancel()
      drain()
    }
  }
}
