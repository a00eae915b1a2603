import { randomBytes, randomFillSync, randomUUID } from 'node:crypto'

/** Time as the whole suite sees it; tests put their own in and move it by hand. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Runs `task` once after `delayMs`; the returned function cancels it. Never keeps a process alive. */
  after(delayMs: number, task: () => void): () => void
}

/** Where ids come from, so that a test can foresee them. */
export interface Ids {
  /** A lower-case 8-4-4-4-12 identifier. */
  uuid(): string
  bytes(length: number): Buffer
}

/** setTimeout fires at once above this delay, so longer waits are taken in steps. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, task) {
    let timer: NodeJS.Timeout
    const arm = (remainingMs: number) => {
      const step = Math.min(remainingMs, MAX_TIMEOUT_MS)
      timer = setTimeout(() => (remainingMs > step ? arm(remainingMs - step) : task()), step)
      timer.unref()
    }
    arm(Math.max(0, delayMs))
    return () => clearTimeout(timer)
  }
}

const POOL_BYTES = 4096

/** Draws from the system many bytes at a time: a call for each lock token costs more than all else of it. */
function createRandomBytes(): (length: number) => Buffer {
  const pool = Buffer.alloc(POOL_BYTES)
  let used = POOL_BYTES
  return (length) => {
    if (length > POOL_BYTES) return randomBytes(length)
    if (used + length > POOL_BYTES) {
      randomFillSync(pool)
      used = 0
    }
    const bytes = Buffer.from(pool.subarray(used, used + length))
    // What was handed out once is in nobody's reach here.
    pool.fill(0, used, used + length)
    used += length
    return bytes
  }
}

export const systemIds: Ids = { uuid: randomUUID, bytes: createRandomBytes() }

/** A clock that stands still until it is told to move. */
export interface ManualClock extends Clock {
  /** Moves time on and runs, in order, every task that falls due on the way. */
  advance(ms: number): void
}

export function createManualClock(startMs = Date.UTC(2026, 0, 2, 3, 4, 5)): ManualClock {
  let nowMs = startMs
  let tasks: { dueMs: number; task: () => void }[] = []
  return {
    now: () => nowMs,
    after(delayMs, task) {
      const entry = { dueMs: nowMs + Math.max(0, delayMs), task }
      tasks.push(entry)
      return () => {
        tasks = tasks.filter((other) => other !== entry)
      }
    },
    advance(ms) {
      const endMs = nowMs + ms
      for (;;) {
        const next = tasks.filter((t) => t.dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs)[0]
        if (!next) break
        tasks = tasks.filter((other) => other !== next)
        nowMs = next.dueMs
        next.task()
      }
      nowMs = endMs
    }
  }
}
