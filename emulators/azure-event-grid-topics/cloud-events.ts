import {
  BATCH_MEDIA_TYPE,
  cloudEventSchema,
  hasBinaryHeaders,
  mediaTypeOf,
  readBinaryAttributes,
  REQUIRED_ATTRIBUTES,
  STRUCTURED_MEDIA_TYPE
} from '@fogbank/cloudevents'
import { compileSchema, type Call } from '@fogbank/personality'
import { toBatch, type Batch } from './batch.ts'
import { toDomainTopic } from './domain-topics.ts'
import { errors } from './errors.ts'
import type { PublishedEvent } from './events.ts'
import { parseJson, type JsonObject } from './json.ts'
import type { Reading } from './read-events.ts'
import { isBlank, isTime } from './values.ts'

const JSON_MEDIA_TYPE = 'application/json'

const validate = compileSchema(cloudEventSchema)

/** Takes a request apart by its mode: batch, structured or binary. @throws ProviderError */
export function readCloudEvents(call: Call<any>, schema: string): Batch {
  const header = (name: string) => call.header(name)
  const mediaType = mediaTypeOf(header('content-type'))
  const isCloudEvents = mediaType === BATCH_MEDIA_TYPE || mediaType === STRUCTURED_MEDIA_TYPE
  if (hasBinaryHeaders(header)) {
    if (isCloudEvents) throw errors.BinaryContentTypeConflict()
    return readBinary(call, mediaType, schema)
  }
  if (!isCloudEvents && mediaType !== JSON_MEDIA_TYPE) throw errors.ContentTypeUnacceptable()
  const json = parseJson(call.body, schema)
  const isArray = Array.isArray(json.value)
  if (mediaType === BATCH_MEDIA_TYPE) {
    if (!isArray) throw errors.JsonNonConforming({ schema }, { detail: 'a batch is an array' })
  } else if (isArray) throw errors.ArrayInPlaceOfObject({ schema })
  return toBatch(json, schema)
}

/** The attributes are headers, the data is the body. */
function readBinary(call: Call<any>, mediaType: string | undefined, schema: string): Batch {
  const attributes = readBinaryAttributes(call.request.headers)
  for (const name of REQUIRED_ATTRIBUTES) {
    const header = `ce-${name}`
    if (attributes[name] === undefined) throw errors.CloudEventHeaderMissing({ header })
    if (isBlank(attributes[name])) throw errors.CloudEventHeaderEmpty({ header })
  }
  if (mediaType !== JSON_MEDIA_TYPE) throw errors.ContentTypeUnacceptable()
  const { text, value } = parseJson(call.body, schema)
  const structured = `${JSON.stringify(attributes).slice(0, -1)},"data":${text.trim()}}`
  return {
    ...toBatch({ text: structured, value: { ...attributes, data: value } }, schema)
  }
}

/** Required attributes, then values. @throws ProviderError */
export function checkCloudEvent(event: JsonObject, { schema }: Reading): void {
  for (const attribute of REQUIRED_ATTRIBUTES) {
    if (!isBlank(event[attribute])) continue
    // The service calls it by Event Grid's name.
    const property = attribute === 'type' ? 'eventType' : attribute
    throw errors.PropertyMissing({ schema, property })
  }
  const fault = validate(event)
  if (fault) {
    throw errors.JsonNonConforming({ schema }, { detail: `${fault.path} ${fault.sentence}` })
  }
  const { time } = event
  if (typeof time === 'string' && !isTime(time)) {
    throw errors.JsonNonConforming({ schema }, { detail: `time=${time}` })
  }
}

/** On a domain, `source` names the domain topic, or the attribute that its mapping says. @throws ProviderError */
export function toPublishedCloudEvent(
  event: JsonObject,
  json: string,
  { schema, resource, host, channel, nowMs }: Reading
): PublishedEvent {
  const field = resource.inputSchemaMapping?.topic?.sourceField ?? 'source'
  let domainTopic: string | undefined
  if (resource.kind === 'domains') {
    const named = event[field]
    if (isBlank(named)) throw errors.PropertyMissing({ schema, property: 'topic' })
    domainTopic = toDomainTopic(String(named), resource, host)
  }
  const text = (name: string) => (event[name] == null ? undefined : String(event[name]))
  return {
    resource,
    domainTopic,
    channel,
    json,
    event,
    id: String(event.id),
    topic: String(event.source),
    subject: text('subject'),
    eventType: String(event.type),
    eventTime: text('time'),
    dataVersion: undefined,
    data: event.data,
    publishedAtMs: nowMs
  }
}
