import type { Clock } from '@fogbank/core'
import type { Log } from '@fogbank/personality'
import type { PublishedEvent } from '../events.ts'
import { createBurial } from './burial.ts'
import type { DeadLetter } from './dead-letters.ts'
import { createDeliveredLines } from './delivered-lines.ts'
import { createFifo, createHeap } from './order.ts'
import type { Pending, PendingStore } from './pending.ts'
import { probationAfter } from './probation.ts'
import {
  finalReasonOf,
  outcomeOf,
  waitAfter,
  type Attempt,
  type DeadLetterReason,
  type Jitter
} from './retry.ts'
import type { Subscription } from './subscription.ts'

/** What a queue works with. */
export interface QueueDeps {
  subscription: Subscription
  store: PendingStore
  clock: Clock
  log: Log
  jitter: Jitter
  /** Multiplies every wait. */
  timeScale: number
  deadLetterDelayMs: number
  /** Leaves an endpoint alone for a while after it has failed. */
  probation: boolean
  deliver(events: readonly PublishedEvent[], deliveryCount: number): Promise<Attempt>
  /** undefined: what cannot be delivered is dropped. Rejects when they were not written. */
  writeDeadLetters: ((letters: readonly DeadLetter[]) => Promise<void>) | undefined
}

/** The events of one subscription on their way, in any order, as the service has it. */
export interface Queue {
  readonly size: number
  /** Takes what is stored already; those that come together may go out together. */
  push(pending: readonly Pending[]): void
  /** Delivers an event that nobody has stored; false: it was not, and has to be. */
  deliverNow(event: PublishedEvent): Promise<boolean>
  /** Lets deliveries go out, at most so many requests a minute. */
  open(ratePerMinute: number): void
  /** Takes up nothing more; resolves when what is in hand has ended. */
  stop(): Promise<void>
  /** Forgets what is in hand, whatever becomes of it. */
  close(): void
}

/** Requests under way at once; a receiver that hangs takes no more than these, and nobody else's. */
const MAXIMUM_REQUESTS = 16
const MINUTE_MS = 60_000

export function createQueue(deps: QueueDeps): Queue {
  const { subscription, store, clock, log } = deps
  const waiting = createHeap<Pending>((pending) => pending.dueMs)
  const ready = createFifo<Pending>()
  const burial = createBurial(deps, { finish, postpone, isClosed: () => closed, done: run })
  const lines = createDeliveredLines(clock, log, subscription.name)
  /** Sequence numbers of all that are here, so that none is here twice. */
  const known = new Set<number>()
  let requests = 0
  let isOpen = false
  let stopped = false
  let closed = false
  let ended = () => {}
  /** Between two requests, as the receiver asked. */
  let spacingMs = 0
  /** For the sake of the spacing, or of a probation. */
  let notBeforeMs = 0
  let timer: { dueMs: number; cancel: () => void } | undefined

  /** Wakes at the earliest thing to do. */
  function arm(dueMs: number): void {
    if (stopped || (timer && timer.dueMs <= dueMs)) return
    timer?.cancel()
    const cancel = clock.after(dueMs - clock.now(), () => {
      timer = undefined
      run()
    })
    timer = { dueMs, cancel }
  }

  const settle = () => void (requests === 0 && !burial.isBusy && ended())

  function run(): void {
    if (stopped) return settle()
    const now = clock.now()
    for (;;) {
      const next = waiting.peek()
      if (!next || next.dueMs > now) break
      place(waiting.pop()!)
    }
    const next = waiting.peek()
    if (next) arm(next.dueMs)
    watch(burial.run())
    while (isOpen && ready.size > 0 && requests < MAXIMUM_REQUESTS) {
      if (notBeforeMs > now) return arm(notBeforeMs)
      notBeforeMs = now + spacingMs
      watch(attempt(takeBatch()))
    }
  }

  const place = (pending: Pending) => (pending.reason ? burial : ready).push(pending)

  /** Those with as many attempts behind them as the first one; how many bytes fit is seen later. */
  function takeBatch(): Pending[] {
    const first = ready.shift()!
    const batch = [first]
    while (
      batch.length < subscription.maxEventsPerBatch &&
      ready.peek()?.attempts === first.attempts
    ) {
      batch.push(ready.shift()!)
    }
    return batch
  }

  /** Nothing here may fail but the store; what it fails with waits there for the next start. */
  function watch(work: Promise<void> | undefined): void {
    work?.catch((error: unknown) => {
      if (closed) return
      log.error(error, `azure-event-grid-topics: ${subscription.id} could not go on`)
    })
  }

  async function attempt(batch: Pending[]): Promise<void> {
    requests++
    try {
      const events = await load(batch)
      if (events.length === 0) return
      const attempted = events.map(({ pending }) => pending)
      const startedMs = clock.now()
      const result = await deps.deliver(
        events.map(({ event }) => event),
        attempted[0]!.attempts
      )
      // Cut short by our own end, an attempt counts for nothing.
      if (closed) return
      if (outcomeOf(result) !== 'Delivered') return await fail(attempted, result, startedMs)
      await finish(attempted)
      lines.count(attempted.length)
    } finally {
      requests--
      run()
    }
  }

  /** The events that may still be delivered, as many as fit one request. */
  async function load(batch: Pending[]) {
    const events: { pending: Pending; event: PublishedEvent }[] = []
    let bytes = 0
    for (const [index, pending] of batch.entries()) {
      // Time to live is looked at when an attempt is due, and at no other moment.
      if (clock.now() - pending.publishedAtMs >= subscription.timeToLiveMs * deps.timeScale) {
        if (deps.probation) pending.lastOutcome ??= 'Probation'
        await bury([pending], 'EventTimeToLiveExpired')
        continue
      }
      const event = await store.event(pending.sequence)
      if (!event) {
        log.warn(`azure-event-grid-topics: ${subscription.id}: an event of a topic that is no more`)
        await finish([pending])
        continue
      }
      bytes += event.json.length
      if (events.length > 0 && bytes > subscription.preferredBatchBytes) {
        ready.putBack(batch.slice(index))
        run()
        break
      }
      events.push({ pending, event })
    }
    return events
  }

  async function finish(batch: readonly Pending[]): Promise<void> {
    for (const { sequence } of batch) known.delete(sequence)
    await store.commit(batch.flatMap(({ sequence }) => store.toFinish(subscription.key, sequence)))
  }

  async function fail(
    batch: readonly Pending[],
    result: Attempt,
    startedMs: number
  ): Promise<void> {
    const outcome = outcomeOf(result)
    if (deps.probation) {
      const freeMs = clock.now() + Math.round(probationAfter(outcome) * deps.timeScale)
      notBeforeMs = Math.max(notBeforeMs, freeMs)
    }
    for (const pending of batch) {
      pending.attempts++
      pending.lastOutcome = outcome
      pending.lastAttemptMs = startedMs
    }
    const final = finalReasonOf(result, subscription)
    if (final) return bury(batch, final, result)
    const isSpent = ({ attempts }: Pending) => attempts >= subscription.maxDeliveryAttempts
    const spent = batch.filter(isSpent)
    if (spent.length > 0) await bury(spent, 'MaxDeliveryAttemptsExceeded', result)
    const rest = batch.filter((pending) => !isSpent(pending))
    if (rest.length === 0) return
    // All of a batch have failed as often.
    const waitMs = deps.jitter(waitAfter(rest[0]!.attempts, result, subscription))
    const dueMs = clock.now() + Math.round(waitMs * deps.timeScale)
    for (const pending of rest) pending.dueMs = dueMs
    await postpone(rest)
    say(rest, result, `next in ${(dueMs - clock.now()) / 1000} s`)
  }

  /** Gives events up: to the dead letters after a while, or to nobody. */
  async function bury(
    batch: readonly Pending[],
    reason: DeadLetterReason,
    result?: Attempt
  ): Promise<void> {
    if (!deps.writeDeadLetters) {
      await finish(batch)
      return say(batch, result, `${reason}, dropped for want of a deadLetterDestination`)
    }
    const now = clock.now()
    for (const pending of batch) {
      pending.reason = reason
      pending.deadSinceMs = now
      pending.dueMs = now + Math.round(deps.deadLetterDelayMs * deps.timeScale)
    }
    await postpone(batch)
    say(batch, result, `${reason}, a dead letter`)
  }

  /** One line per attempt that failed or was not made any more. */
  function say(batch: readonly Pending[], result: Attempt | undefined, what: string): void {
    const how = !result ? 'late' : 'status' in result ? result.status : result.failure
    const { attempts } = batch[0]!
    log.warn(
      `azure-event-grid-topics delivery ${subscription.name} ${how} events=${batch.length} attempts=${attempts}: ${what}`
    )
  }

  async function postpone(batch: readonly Pending[]): Promise<void> {
    if (batch.length === 0) return
    await store.commit(batch.map((pending) => store.toSave(subscription.key, pending)))
    for (const pending of batch) waiting.push(pending)
    arm(waiting.peek()!.dueMs)
  }

  return {
    get size() {
      return known.size
    },
    async deliverNow(event) {
      const isFree = known.size === 0 && requests < MAXIMUM_REQUESTS && notBeforeMs <= clock.now()
      if (!isOpen || stopped || !isFree) return false
      requests++
      try {
        if (outcomeOf(await deps.deliver([event], 0)) !== 'Delivered') return false
        lines.count(1)
        return true
      } finally {
        requests--
        run()
      }
    },
    push(all) {
      for (const pending of all) {
        if (known.has(pending.sequence)) continue
        known.add(pending.sequence)
        if (pending.dueMs > clock.now()) waiting.push(pending)
        else place(pending)
      }
      run()
    },
    open(ratePerMinute) {
      isOpen = true
      spacingMs = Number.isFinite(ratePerMinute) ? MINUTE_MS / ratePerMinute : 0
      run()
    },
    stop() {
      stopped = true
      timer?.cancel()
      return new Promise((resolve) => {
        ended = resolve
        settle()
      })
    },
    close() {
      closed = stopped = true
      timer?.cancel()
      lines.end()
    }
  }
}
