import type { Clock, Ids, Message, Sinks, SinkEvent } from '@fogbank/core'
import type { Log } from '@fogbank/personality'
import { nameOf, type Principal } from '../auth.ts'
import type { Resources } from '../namespace.ts'
import { toRoutedEvent } from './routed-event.ts'

/** When a message that could not be routed is tried again; the last one repeats. */
const RETRY_SECONDS = [10, 30, 60, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200]
/** Messages that wait for a retry; later ones are dropped, and the log says so. */
const WAITING_MAXIMUM = 10_000

/** Takes what is published to a namespace on to its route topic. */
export interface Router {
  /** Resolves when the event is stored; rejects when it cannot be. Nothing happens without a route. */
  route(message: Message, principal: Principal): Promise<void>
  /** Does that without anybody waiting, and goes on trying. */
  routeLater(message: Message, principal: Principal): void
  close(): void
}

export interface RouterContext {
  namespace: string
  sinks: Sinks
  clock: Clock
  ids: Ids
  log: Log
  /** What the settings come to now. */
  resources(): Resources
}

export function createRouter(context: RouterContext): Router {
  const { sinks, clock, ids, log, namespace } = context
  const waiting = new Set<() => void>()

  function toEvent(message: Message, principal: Principal): SinkEvent {
    const arrival = { id: ids.uuid(), timeMs: clock.now(), source: namespace }
    const attributes = principal.kind === 'client' ? (principal.attributes ?? {}) : {}
    const source = { authenticationName: nameOf(principal), attributes, message }
    return { ...toRoutedEvent(message, arrival), ...context.resources().enrich(source) }
  }

  function attempt(sink: string, event: SinkEvent, attempts: number): void {
    sinks.deliver(sink, [event]).catch((error: Error) => {
      const what = `${namespace}: routing to ${sink} failed: ${error.message}`
      // As the service does: a topic that is not there is not waited for.
      if (!sinks.has(sink) || waiting.size >= WAITING_MAXIMUM) {
        return log.warn(`${what}; the message is dropped`)
      }
      const seconds = RETRY_SECONDS[Math.min(attempts, RETRY_SECONDS.length - 1)]!
      log.warn(`${what}; next try in ${seconds} s`)
      const cancel = clock.after(seconds * 1000, () => {
        waiting.delete(cancel)
        attempt(sink, event, attempts + 1)
      })
      waiting.add(cancel)
    })
  }

  return {
    async route(message, principal) {
      const { routeSink } = context.resources()
      if (routeSink !== undefined) await sinks.deliver(routeSink, [toEvent(message, principal)])
    },
    routeLater(message, principal) {
      const { routeSink } = context.resources()
      if (routeSink !== undefined) attempt(routeSink, toEvent(message, principal), 0)
    },
    close() {
      for (const cancel of waiting) cancel()
      waiting.clear()
    }
  }
}
