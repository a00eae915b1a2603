import type { PublishedEvent } from '../events.ts'
import type { HttpOut, OutgoingRequest } from '@fogbank/personality'
import { fitsHeader } from './attributes.ts'
import { CONTENT_TYPES, toJson } from './output.ts'
import type { Attempt } from './retry.ts'
import type { Subscription } from './subscription.ts'

/** Who we say we are; what receivers that protect themselves have to allow. */
export const ORIGIN = 'eventgrid.azure.net'

export type EventType = 'Notification' | 'SubscriptionValidation' | 'SubscriptionDeletion'

/** What a request about a subscription says of itself. */
export interface AegHeaders {
  eventType: EventType
  /** Attempts made before. */
  deliveryCount: number
  /** undefined: CloudEvents have none. */
  dataVersion: string | undefined
  metadataVersion: string
}

/** Posts events to a subscription's URL; resolves with what became of it. */
export async function postEvents(
  http: HttpOut,
  subscription: Subscription,
  events: readonly PublishedEvent[],
  deliveryCount: number
): Promise<Attempt> {
  const answer = await http.send(toRequest(subscription, events, deliveryCount))
  return 'failure' in answer ? answer : { status: answer.status }
}

export function toRequest(
  subscription: Subscription,
  events: readonly PublishedEvent[],
  deliveryCount: number
): OutgoingRequest {
  const { schema, maxEventsPerBatch } = subscription
  const first = events[0]!
  const isCloudEvents = schema === 'CloudEventSchemaV1_0'
  // CloudEvents go one by one as objects, unless batching was asked for.
  const isSingle = isCloudEvents && maxEventsPerBatch === 1
  const texts = events.map((event) => toJson(event, schema))
  const headers: Record<string, string> = {
    'Content-Type': CONTENT_TYPES[schema][isSingle ? 'single' : 'batch'],
    ...toAegHeaders(subscription, {
      eventType: 'Notification',
      deliveryCount,
      dataVersion: isCloudEvents ? undefined : (first.dataVersion ?? ''),
      metadataVersion: isCloudEvents ? '1.0' : '1'
    }),
    ...(isCloudEvents ? { 'WebHook-Request-Origin': ORIGIN } : {}),
    ...subscription.attributesOf(first)
  }
  const body = isSingle ? texts[0]! : `[${texts.join(',')}]`
  return { method: 'POST', url: urlOf(subscription), headers, body }
}

export function toAegHeaders({ name }: Subscription, about: AegHeaders): Record<string, string> {
  return {
    'aeg-event-type': about.eventType,
    'aeg-subscription-name': name.toUpperCase(),
    'aeg-delivery-count': String(about.deliveryCount),
    ...(isSendable(about.dataVersion) ? { 'aeg-data-version': about.dataVersion } : {}),
    'aeg-metadata-version': about.metadataVersion
  }
}

/** Its publisher may have put anything in it; the event itself has it whole. */
const isSendable = (dataVersion: string | undefined): dataVersion is string =>
  dataVersion !== undefined && fitsHeader(dataVersion)

/** @throws Error when the subscription goes elsewhere */
export function urlOf({ name, properties: { destination } }: Subscription): string {
  if (destination.endpointType !== 'WebHook') throw new Error(`${name} is no webhook`)
  return destination.properties.endpointUrl
}
