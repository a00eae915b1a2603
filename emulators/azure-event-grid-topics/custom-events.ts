import { toDomainTopic, toDomainTopicId } from './domain-topics.ts'
import { errors } from './errors.ts'
import type { PublishedEvent } from './events.ts'
import type { JsonObject } from './json.ts'
import type { Reading } from './read-events.ts'
import type { FieldWithDefault, InputSchemaMapping } from './settings.ts'
import { isBlank, isTime } from './values.ts'

type Target = keyof InputSchemaMapping

/**
 * Fills the envelope of Event Grid from a custom event by the topic's mapping; its `data` is the whole event.
 *
 * An id that is not mapped is a fresh one, a time that is not mapped is now.
 * @throws ProviderError PropertyMissing for a target with neither field nor default
 */
export function toPublishedCustomEvent(
  event: JsonObject,
  json: string,
  reading: Reading
): PublishedEvent {
  const { schema, resource, host, channel, nowMs, ids } = reading
  const mapping = resource.inputSchemaMapping ?? {}

  function read(target: Target): string | undefined {
    const { sourceField, defaultValue } = (mapping[target] ?? {}) as FieldWithDefault
    const found = sourceField === undefined ? undefined : findField(event, sourceField)
    const value = isBlank(found) ? defaultValue : found
    if (typeof value === 'object') {
      throw errors.JsonNonConforming({ schema }, { detail: `${sourceField} is no text` })
    }
    return value === undefined ? undefined : String(value)
  }

  function demand(target: Target): string {
    const value = read(target)
    if (value === undefined) throw errors.PropertyMissing({ schema, property: target })
    return value
  }

  const subject = demand('subject')
  const id = mapping.id ? demand('id') : ids.uuid()
  const eventType = demand('eventType')
  const eventTime = mapping.eventTime ? demand('eventTime') : new Date(nowMs).toISOString()
  if (!isTime(eventTime)) {
    throw errors.JsonNonConforming({ schema }, { detail: `eventTime=${eventTime}` })
  }
  const dataVersion = mapping.dataVersion ? demand('dataVersion') : ''
  const domainTopic =
    resource.kind === 'domains' ? toDomainTopic(demand('topic'), resource, host) : undefined
  return {
    resource,
    domainTopic,
    channel,
    json,
    event,
    id,
    topic: domainTopic === undefined ? resource.id : toDomainTopicId(resource, domainTopic),
    subject,
    eventType,
    eventTime,
    dataVersion,
    data: event,
    publishedAtMs: nowMs
  }
}

/** The field of this name, else the first that differs only by case. */
function findField(event: JsonObject, name: string): unknown {
  if (Object.hasOwn(event, name)) return event[name]
  const lower = name.toLowerCase()
  const found = Object.keys(event).find((key) => key.toLowerCase() === lower)
  return found === undefined ? undefined : event[found]
}
