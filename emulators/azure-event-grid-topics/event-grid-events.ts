import { compileSchema } from '@fogbank/personality'
import { toDomainTopic, toDomainTopicId } from './domain-topics.ts'
import { errors } from './errors.ts'
import type { PublishedEvent } from './events.ts'
import type { JsonObject } from './json.ts'
import type { Reading } from './read-events.ts'
import { eventGridEvent } from './schemas.ts'
import { isBlank, isTime } from './values.ts'

const PROPERTIES = new Set(Object.keys(eventGridEvent.properties))
/** In the order in which the service reports them. */
const REQUIRED = ['subject', 'id', 'eventType', 'eventTime'] as const

const validate = compileSchema(eventGridEvent)

/** Unknown keys, required keys, then values. @throws ProviderError */
export function checkEventGridEvent(event: JsonObject, { schema, resource }: Reading): void {
  for (const property in event) {
    if (!PROPERTIES.has(property)) throw errors.UnexpectedProperty({ schema, property })
  }
  for (const property of REQUIRED) {
    if (isBlank(event[property])) throw errors.PropertyMissing({ schema, property })
  }
  if (resource.kind === 'domains' && isBlank(event.topic)) {
    throw errors.PropertyMissing({ schema, property: 'topic' })
  }
  const fault = validate(event)
  if (fault) {
    throw errors.JsonNonConforming({ schema }, { detail: `${fault.path} ${fault.sentence}` })
  }
  const { eventTime, dataVersion, metadataVersion } = event
  if (!isTime(String(eventTime))) {
    throw errors.JsonNonConforming({ schema }, { detail: `eventTime=${String(eventTime)}` })
  }
  if (dataVersion !== undefined && dataVersion !== null && isBlank(dataVersion)) {
    throw errors.PropertyMissing({ schema, property: 'dataVersion' })
  }
  if (
    metadataVersion !== undefined &&
    metadataVersion !== null &&
    String(metadataVersion) !== '1'
  ) {
    throw errors.MetadataVersionInvalid({ value: String(metadataVersion) })
  }
}

/** The event with what the service stamps on it. @throws ProviderError for a topic that is not its own */
export function toPublishedEvent(
  event: JsonObject,
  json: string,
  { resource, host, channel, nowMs }: Reading
): PublishedEvent {
  const named = isBlank(event.topic) ? undefined : String(event.topic)
  let domainTopic: string | undefined
  if (resource.kind === 'domains') domainTopic = toDomainTopic(named ?? '', resource, host)
  else if (named !== undefined && named.toLowerCase() !== resource.id.toLowerCase()) {
    throw errors.TopicForeign({ host, value: named })
  }
  return {
    resource,
    domainTopic,
    channel,
    json,
    event,
    id: String(event.id),
    topic: domainTopic === undefined ? resource.id : toDomainTopicId(resource, domainTopic),
    subject: String(event.subject),
    eventType: String(event.eventType),
    eventTime: String(event.eventTime),
    dataVersion: String(event.dataVersion ?? ''),
    data: event.data,
    publishedAtMs: nowMs
  }
}
