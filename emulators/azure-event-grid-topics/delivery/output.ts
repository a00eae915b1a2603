import type { PublishedEvent } from '../events.ts'
import type { DeliverySchema } from './definition.ts'

/** The content type of one event, and of several in one request. */
export const CONTENT_TYPES: Record<DeliverySchema, { single: string; batch: string }> = {
  EventGridSchema: {
    single: 'application/json; charset=utf-8',
    batch: 'application/json; charset=utf-8'
  },
  CustomInputSchema: {
    single: 'application/json; charset=utf-8',
    batch: 'application/json; charset=utf-8'
  },
  CloudEventSchemaV1_0: {
    single: 'application/cloudevents+json; charset=utf-8',
    batch: 'application/cloudevents-batch+json; charset=utf-8'
  }
}

/** The event as JSON text in the schema of a subscription. */
export function toJson(event: PublishedEvent, schema: DeliverySchema): string {
  switch (schema) {
    case 'CustomInputSchema':
      return event.json
    case 'CloudEventSchemaV1_0':
      return isCloudEvent(event) ? event.json : JSON.stringify(toCloudEvent(event))
    case 'EventGridSchema':
      return JSON.stringify(toEventGridEvent(event))
  }
}

/** The event as an object with CloudEvents attributes. */
export function toCloudEvent(event: PublishedEvent): Record<string, unknown> {
  if (isCloudEvent(event)) return { ...event.event }
  const { eventType, topic, id, eventTime, subject, dataVersion = '', data } = event
  return {
    specversion: '1.0',
    type: eventType,
    source: topic,
    id,
    time: eventTime,
    subject,
    dataschema: `#${dataVersion}`,
    data
  }
}

/** The envelope that the service sends, in its order. */
export function toEventGridEvent(event: PublishedEvent): Record<string, unknown> {
  const { id, topic, subject, data, eventType, eventTime, dataVersion = '' } = event
  return {
    id,
    topic,
    subject,
    data,
    eventType,
    eventTime: eventTime && trimTime(eventTime),
    dataVersion,
    metadataVersion: '1'
  }
}

/** What filters and dynamic attributes look keys up in. */
export function toFiltered(event: PublishedEvent): Readonly<Record<string, unknown>> {
  if (isCloudEvent(event)) return event.event
  const { id, topic, subject, eventType, eventTime, dataVersion, data } = event
  return { id, topic, subject, eventType, eventTime, dataVersion, data }
}

export const isCloudEvent = ({ resource }: PublishedEvent) =>
  resource.inputSchema === 'CloudEventSchemaV1_0'

/** .NET writes a time without the zeros that end its fraction; other offsets were not seen, and stay. */
function trimTime(time: string): string {
  return time.replace(
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d*?)0*Z$/,
    (_, whole: string, part: string) => (part === '.' ? `${whole}Z` : `${whole}${part}Z`)
  )
}
