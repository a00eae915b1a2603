import type { DeadLetter } from './dead-letters.ts'
import { createFifo } from './order.ts'
import type { Pending } from './pending.ts'
import type { QueueDeps } from './queue.ts'

/** The dead letters of one subscription on their way to where they are kept. */
export interface Burial {
  /** Some are being written. */
  readonly isBusy: boolean
  push(pending: Pending): void
  /** Writes those that are there, unless some are being written; undefined: nothing to do. */
  run(): Promise<void> | undefined
}

const MAXIMUM_LETTERS_AT_ONCE = 100
/** The service looks again for a container that is not there, for four hours. */
const RETRY_MS = 5 * 60_000
const LIFETIME_MS = 4 * 60 * 60_000

/** @param queue what it owes to the queue that the events come from */
export function createBurial(
  deps: QueueDeps,
  queue: {
    finish(batch: readonly Pending[]): Promise<void>
    /** They come back when they are due. */
    postpone(batch: readonly Pending[]): Promise<void>
    isClosed(): boolean
    /** Some have been written, or not. */
    done(): void
  }
): Burial {
  const { subscription, store, clock, log } = deps
  const dead = createFifo<Pending>()
  let isBusy = false

  async function write(): Promise<void> {
    isBusy = true
    const batch: Pending[] = []
    while (dead.size > 0 && batch.length < MAXIMUM_LETTERS_AT_ONCE) batch.push(dead.shift()!)
    try {
      if (!deps.writeDeadLetters) return await queue.finish(batch)
      const letters = (await Promise.all(batch.map(toLetter))).filter((one) => one !== undefined)
      try {
        if (letters.length > 0) await deps.writeDeadLetters(letters)
        await queue.finish(batch)
        log.info(
          `azure-event-grid-topics ${letters.length} dead letters of ${subscription.name} written`
        )
      } catch (error) {
        await writeLater(batch, error)
      }
    } finally {
      isBusy = false
      queue.done()
    }
  }

  async function writeLater(batch: readonly Pending[], error: unknown): Promise<void> {
    if (queue.isClosed()) return
    log.error(error, `azure-event-grid-topics: dead letters of ${subscription.id} are not written`)
    const now = clock.now()
    const isOver = ({ deadSinceMs = now }: Pending) =>
      now - deadSinceMs >= LIFETIME_MS * deps.timeScale
    const over = batch.filter(isOver)
    if (over.length > 0) {
      log.warn(`azure-event-grid-topics: ${over.length} dead letters of ${subscription.id} dropped`)
      await queue.finish(over)
    }
    const rest = batch.filter((pending) => !isOver(pending))
    for (const pending of rest) pending.dueMs = now + Math.round(RETRY_MS * deps.timeScale)
    await queue.postpone(rest)
    if (rest.length > 0) {
      log.warn(`azure-event-grid-topics: ${rest.length} dead letters wait for ${subscription.id}`)
    }
  }

  async function toLetter(pending: Pending): Promise<DeadLetter | undefined> {
    const event = await store.event(pending.sequence)
    if (!event) return undefined
    const { reason, attempts, lastOutcome = 'Aborted', lastAttemptMs } = pending
    return { event, reason: reason!, attempts, lastOutcome, lastAttemptMs }
  }

  return {
    get isBusy() {
      return isBusy
    },
    push: (pending) => dead.push(pending),
    run: () => (dead.size > 0 && !isBusy ? write() : undefined)
  }
}
