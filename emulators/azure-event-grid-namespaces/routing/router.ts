import type { Ids, Message, SinkEvent } from '@fogbank/core'
import { nameOf, type Principal } from '../auth.ts'
import type { Resources } from '../namespace.ts'
import { createForwarder, type ForwarderContext } from './forwarder.ts'
import { toRoutedEvent } from './routed-event.ts'

/** Takes what is published to a namespace on to its route topic. */
export interface Router {
  /** Resolves when the event is stored; rejects when it cannot be. Nothing happens without a route. */
  route(message: Message, principal: Principal): Promise<void>
  /**
   * Does that and goes on trying; resolves when the event is stored, dropped, or kept for its next try.
   * undefined: there is no route.
   */
  routeLater(message: Message, principal: Principal): Promise<void> | undefined
  close(): void
}

export interface RouterContext extends ForwarderContext {
  namespace: string
  ids: Ids
  /** What the settings come to now. */
  resources(): Resources
}

export async function createRouter(context: RouterContext): Promise<Router> {
  const { sinks, clock, ids, namespace } = context
  const forwarder = await createForwarder(`${namespace}/routing`, context)

  function toEvent(message: Message, principal: Principal): SinkEvent {
    const arrival = { id: ids.uuid(), timeMs: clock.now(), source: namespace }
    const attributes = principal.kind === 'client' ? (principal.attributes ?? {}) : {}
    const source = { authenticationName: nameOf(principal), attributes, message }
    return { ...toRoutedEvent(message, arrival), ...context.resources().enrich(source) }
  }

  return {
    async route(message, principal) {
      const { routeSink } = context.resources()
      if (routeSink !== undefined) await sinks.deliver(routeSink, [toEvent(message, principal)])
    },
    routeLater(message, principal) {
      const { routeSink } = context.resources()
      if (routeSink === undefined) return undefined
      return forwarder.forward(routeSink, toEvent(message, principal))
    },
    close: forwarder.close
  }
}
