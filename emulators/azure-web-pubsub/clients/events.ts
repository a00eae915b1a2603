import { isSuccess, toReply, toUserEvent, type Upstream } from '../upstream/events.ts'
import { UpstreamFault } from '../upstream/post.ts'
import type { EventSource } from '../upstream/source.ts'
import { clientErrors } from './errors.ts'
import type { Payload } from './requests.ts'

/**
 * Sends a client's event to its handler; resolves to what the client is sent in return.
 * @throws ProviderError EventFailed when nobody took it
 */
export type RaiseEvent = (event: string, payload: Payload) => Promise<Payload | undefined>

export function createRaiseEvent(upstream: Upstream, source: EventSource): RaiseEvent {
  return async (event, payload) => {
    const outcome = await upstream.send(source, toUserEvent(event, payload))
    if ('unhandled' in outcome) {
      throw clientErrors.EventFailed({}, { detail: `no handler of hub ${source.hub} for ${event}` })
    }
    if ('fault' in outcome) throw clientErrors.EventFailed({}, { detail: outcome.fault })
    const { answer } = outcome
    if (!isSuccess(answer)) {
      throw clientErrors.EventFailed({}, { detail: `the handler answered ${answer.status}` })
    }
    try {
      return toReply(answer)
    } catch (error) {
      if (!(error instanceof UpstreamFault)) throw error
      throw clientErrors.EventFailed({}, { detail: error.message })
    }
  }
}
