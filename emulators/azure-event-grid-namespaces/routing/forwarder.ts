import type { Clock, SinkEvent, Sinks } from '@fogbank/core'
import type { Log } from '@fogbank/personality'

/** When an event that could not be delivered is tried again; the last one repeats. */
const RETRY_SECONDS = [10, 30, 60, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200]
/** Events that wait for a retry; later ones are dropped, and the log says so. */
const WAITING_MAXIMUM = 10_000

/** Takes events to a topic of the suite, and goes on trying where that may help. */
export interface Forwarder {
  /** Resolves when the event is stored, dropped, or waits for its next try. Never rejects. */
  forward(sink: string, event: SinkEvent): Promise<void>
  close(): void
}

/** `what` stands in the log: `default: routing`. */
export function createForwarder(
  what: string,
  { sinks, clock, log }: { sinks: Sinks; clock: Clock; log: Log }
): Forwarder {
  const waiting = new Set<() => void>()

  async function attempt(sink: string, event: SinkEvent, attempts: number): Promise<void> {
    try {
      await sinks.deliver(sink, [event])
    } catch (error) {
      const failed = `${what} to ${sink} failed: ${(error as Error).message}`
      // As the service does: a topic that is not there is not waited for.
      if (!sinks.has(sink) || waiting.size >= WAITING_MAXIMUM) {
        return log.warn(`${failed}; the message is dropped`)
      }
      const seconds = RETRY_SECONDS[Math.min(attempts, RETRY_SECONDS.length - 1)]!
      log.warn(`${failed}; next try in ${seconds} s`)
      const cancel = clock.after(seconds * 1000, () => {
        waiting.delete(cancel)
        void attempt(sink, event, attempts + 1)
      })
      waiting.add(cancel)
    }
  }

  return {
    forward: (sink, event) => attempt(sink, event, 0),
    close() {
      for (const cancel of waiting) cancel()
      waiting.clear()
    }
  }
}
