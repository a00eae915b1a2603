import type { Resource } from './resources.ts'

/**
 * An event that has passed every check, in the form that whoever delivers it takes.
 *
 * The envelope is that of Event Grid schema, whatever came in: a CloudEvent's `type` is its eventType and
 * its `source` its topic; a custom event has been mapped.
 */
export interface PublishedEvent {
  /** Where it was published. */
  resource: Resource
  /** The domain topic, bare; undefined but on domains. */
  domainTopic: string | undefined
  /** The channel of a partner namespace (`aeg-channel-name`). */
  channel: string | undefined
  /** JSON text of the event as it was sent; of an event in binary mode, its structured form. */
  json: string
  /** The same, parsed. */
  event: Readonly<Record<string, unknown>>
  id: string
  /** Full resource id of the topic or domain topic; CloudEvents: `source` as it was sent. */
  topic: string
  /** CloudEvents: undefined when the event has none. */
  subject: string | undefined
  eventType: string
  /** As it was sent; CloudEvents: undefined when the event has none. */
  eventTime: string | undefined
  /** Empty when nobody gave one; CloudEvents: undefined. */
  dataVersion: string | undefined
  /** Custom events: the whole original object. CloudEvents with `data_base64`: undefined. */
  data: unknown
  /** Milliseconds since 1970, when it came. */
  publishedAtMs: number
}

/** Takes events for good: resolves once they are stored, then 200 is answered. */
export interface Delivery {
  accept(events: readonly PublishedEvent[]): Promise<void>
}
