import type { Ids } from '@fogbank/core'
import type { Call } from '@fogbank/personality'
import { countOperations, toBatch, type Batch } from './batch.ts'
import { checkCloudEvent, readCloudEvents, toPublishedCloudEvent } from './cloud-events.ts'
import { toPublishedCustomEvent } from './custom-events.ts'
import { errors } from './errors.ts'
import { checkEventGridEvent, toPublishedEvent } from './event-grid-events.ts'
import type { PublishedEvent } from './events.ts'
import type { State } from './handlers.ts'
import { isObject, parseJson, type JsonObject } from './json.ts'
import { toUpperHost } from './render.ts'
import type { Resource } from './resources.ts'
import { SCHEMA_NAMES } from './schema-names.ts'
import type { InputSchema } from './settings.ts'

/** What the settings leave open. */
export interface Rules {
  /** A bare object counts as an array of one. */
  acceptsSingleEvent: boolean
}

/** What every event of a request is read with. */
export interface Reading {
  resource: Resource
  /** The input schema as refusals name it. */
  schema: string
  host: string
  channel: string | undefined
  nowMs: number
  ids: Ids
}

/** How the events of one input schema are read. */
interface Reader {
  batch(call: Call<any>, schema: string, rules: Rules): Batch
  check(event: JsonObject, reading: Reading): void
  /** The last step: the topic that an event names is looked at when all events have passed. */
  publish(event: JsonObject, json: string, reading: Reading): PublishedEvent
}

const READERS: Record<InputSchema, Reader> = {
  EventGridSchema: {
    batch: readArray,
    check: checkEventGridEvent,
    publish: toPublishedEvent
  },
  CloudEventSchemaV1_0: {
    batch: readCloudEvents,
    check: checkCloudEvent,
    publish: toPublishedCloudEvent
  },
  CustomEventSchema: {
    batch: readArray,
    check: () => {}, // a custom event has no rules but those of its mapping
    publish: toPublishedCustomEvent
  }
}

/**
 * The events of a request whose body has been read, or the first refusal: shape, sizes, then event by event.
 *
 * `operations` is what they would be billed as.
 * @throws ProviderError
 */
export function readEvents(
  call: Call<State, any>,
  resource: Resource
): { events: PublishedEvent[]; operations: number } {
  const { clock, ids, rules, sizes } = call.state
  const { batch, check, publish } = READERS[resource.inputSchema]
  const schema = SCHEMA_NAMES[resource.inputSchema]
  const reading: Reading = {
    resource,
    schema,
    host: toUpperHost(call),
    channel: call.header('aeg-channel-name'),
    nowMs: clock.now(),
    ids
  }
  const { events, texts } = batch(call, schema, rules)
  const operations = countOperations({ events, texts }, sizes.event)
  for (const event of events) check(event, reading)
  return { events: events.map((event, at) => publish(event, texts[at]!, reading)), operations }
}

/** Whatever the Content-Type says: the documentation's own curl line calls it a form. */
function readArray(call: Call<any>, schema: string, { acceptsSingleEvent }: Rules): Batch {
  const json = parseJson(call.body, schema)
  if (isObject(json.value) && !acceptsSingleEvent) throw errors.ObjectInPlaceOfArray()
  return toBatch(json, schema)
}
