import type { Clock } from '@fogbank/core'
import type { Log } from '@fogbank/personality'

/** The log lines of what was delivered: one each, until they come too thick. */
export interface DeliveredLines {
  count(events: number): void
  /** Says what was not said yet. */
  end(): void
}

const SECOND_MS = 1_000
/** Lines of one subscription in a second; what is delivered beyond them is summed up at its end. */
export const LINES_PER_SECOND = 100

/** A line for each request would cost a busy topic as much as the delivery itself. */
export function createDeliveredLines(clock: Clock, log: Log, name: string): DeliveredLines {
  let lines = 0
  let requests = 0
  let events = 0
  let cancel: (() => void) | undefined

  function sum(): void {
    if (requests > 0) {
      log.info(
        `azure-event-grid-topics delivery ${name} delivered events=${events} in ${requests} more requests`
      )
    }
    lines = requests = events = 0
    cancel = undefined
  }

  return {
    count(delivered) {
      cancel ??= clock.after(SECOND_MS, sum)
      if (lines < LINES_PER_SECOND) {
        lines++
        log.info(`azure-event-grid-topics delivery ${name} delivered events=${delivered}`)
      } else {
        requests++
        events += delivered
      }
    },
    end() {
      cancel?.()
      sum()
    }
  }
}
