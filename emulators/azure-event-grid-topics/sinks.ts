import type { Clock, Ids, SinkEvent, Sinks } from '@fogbank/core'
import { checkCloudEvent, toPublishedCloudEvent } from './cloud-events.ts'
import type { Delivery } from './events.ts'
import type { Resources } from './resources.ts'
import { SCHEMA_NAMES } from './schema-names.ts'

/**
 * Lets other personalities route to the topics, as `custom-topic:NAME`; the returned function ends it.
 *
 * A routed event is checked as a published one. Only topics that take CloudEvents can be routed to, so the
 * others refuse.
 */
export function registerSinks(
  sinks: Sinks,
  deps: { resources: Resources; delivery: Delivery; clock: Clock; ids: Ids }
): () => void {
  const { resources, delivery, clock, ids } = deps
  const ends = resources.all
    .filter(({ kind }) => kind === 'topics')
    .map((resource) =>
      sinks.register(`custom-topic:${resource.name}`, async (events: readonly SinkEvent[]) => {
        if (resource.inputSchema !== 'CloudEventSchemaV1_0') {
          throw new Error(
            `custom topic ${resource.name} takes ${resource.inputSchema}; set its inputSchema to CloudEventSchemaV1_0 to route to it`
          )
        }
        const reading = {
          resource,
          schema: SCHEMA_NAMES[resource.inputSchema],
          host: resource.name.toUpperCase(),
          channel: undefined,
          nowMs: clock.now(),
          ids
        }
        for (const event of events) checkCloudEvent(event, reading)
        await delivery.accept(
          events.map((event) => toPublishedCloudEvent(event, JSON.stringify(event), reading))
        )
      })
    )
  return () => {
    for (const end of ends) end()
  }
}
