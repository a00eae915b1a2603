import type { Clock } from './clock.ts'
import { CoreError } from './error.ts'
import { toStoreError } from './store.ts'

interface Entry {
  ready: boolean
  error: unknown
  emit: () => void
  fail: (error: unknown) => void
}

/** Keeps emission in the order of arrival while the stores before it overlap. */
export interface Sequencer {
  /**
   * Queues one publish. When `stored` is fulfilled (absent: at once) and everything before it has
   * gone, `emit` runs; when it is rejected or takes too long, `fail` runs and the publish is skipped.
   */
  push(stored: Promise<unknown> | undefined, emit: () => void, fail: (error: unknown) => void): void
}

/**
 * Plain aedes emits when its stores happen to finish, and its subscribers drop what comes with a lower
 * counter than the last: half of a mixed retained and QoS burst was lost. Ordered emission loses none.
 */
export function createSequencer(clock: Clock, storeTimeoutMs: number): Sequencer {
  const entries: Entry[] = []
  let head = 0

  function drain(): void {
    while (head < entries.length) {
      const entry = entries[head]!
      if (!entry.ready) break
      head++
      if (entry.error === undefined) entry.emit()
      else entry.fail(entry.error)
    }
    if (head === entries.length) {
      entries.length = 0
      head = 0
    } else if (head > 1024) {
      entries.splice(0, head)
      head = 0
    }
  }

  return {
    push(stored, emit, fail) {
      if (!stored && entries.length === 0) return emit()
      const entry: Entry = { ready: !stored, error: undefined, emit, fail }
      entries.push(entry)
      if (!stored) return
      const settle = (error: unknown) => {
        if (entry.ready) return
        cancel()
        entry.ready = true
        entry.error = error
        drain()
      }
      const cancel = clock.after(storeTimeoutMs, () =>
        settle(
          new CoreError('store-timeout', `the store did not answer within ${storeTimeoutMs} ms`)
        )
      )
      stored.then(
        () => settle(undefined),
        (cause: unknown) => settle(toStoreError(cause))
      )
    }
  }
}
