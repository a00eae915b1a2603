import type { Clock, Ids } from '@fogbank/core'
import { readBody, type Call, type Log, type Reply, type TokenVerifier } from '@fogbank/personality'
import type { Principal, Senders } from './auth.ts'
import type { EventDelivery } from './delivery/index.ts'
import { errors } from './errors.ts'
import type { SizeLimits } from './limits.ts'
import type { Metrics } from './metrics.ts'
import { readEvents, type Rules } from './read-events.ts'
import { toUri, VERSIONS } from './render.ts'
import type { Resources } from './resources.ts'
import { SCHEMA_NAMES } from './schema-names.ts'

export const PERSONALITY = 'azure-event-grid-topics'

export interface State {
  clock: Clock
  ids: Ids
  log: Log
  tokens: TokenVerifier
  /** Any well-formed, unexpired credential will do. */
  lenient: boolean
  resources: Resources
  senders: Senders
  sizes: SizeLimits
  rules: Rules
  delivery: EventDelivery
  metrics: Metrics
  /** The region that resources show. */
  location: string
  /** Where others reach us, once the port is open: `http://localhost:4630`. */
  url: string
  close(): Promise<void>
}

type TopicsCall = Call<State, Principal>

/** Takes one request's events, all or none: 200 once they are stored, whoever subscribes. */
export async function publishEvents(call: TopicsCall): Promise<Reply> {
  const { state, principal } = call
  await readBody(call, state.sizes.request)
  const { resource } = principal
  const { events, operations } = readEvents(call, resource)
  await state.delivery.accept(events)
  state.metrics.count(resource, events.length, operations)
  if (operations > events.length) {
    state.log.info(
      `${PERSONALITY} PublishEvents ${resource.name} events=${events.length} operations=${operations}`
    )
  }
  return { status: 200, headers: { ...VERSIONS } }
}

/** Tells the input schema of a topic. */
export function getInputSchema({ principal: { resource } }: TopicsCall): Reply {
  return {
    status: 200,
    headers: {
      Allow: 'POST,OPTIONS',
      ...VERSIONS,
      'aeg-input-event-schema': SCHEMA_NAMES[resource.inputSchema]
    }
  }
}

/** The owner of a webhook says yes to it, by calling the URL that it was sent. */
export function validateEventSubscription(call: TopicsCall): Reply {
  const { id = '', token = '' } = call.query
  if (!call.state.delivery.confirm(id, token)) throw errors.NotFound({ uri: toUri(call) })
  return {
    status: 200,
    headers: { 'Content-Type': 'text/plain; charset=utf-8' },
    body: 'Webhook successfully validated as a subscription endpoint.'
  }
}
