import type { Resource } from '../resources.ts'
import { toAttributes, type Attributes, type DeliveryAttributeMapping } from './attributes.ts'
import {
  deliverySchemaOf,
  type DeliverySchema,
  type EventSubscriptionProperties
} from './definition.ts'
import type { PublishedEvent } from '../events.ts'
import { compileMatcher, type Matcher } from './matching.ts'
import { toFiltered } from './output.ts'

/** What a subscription belongs to: a whole topic or domain, or one topic of a domain. */
export interface Scope {
  resource: Resource
  domainTopic: string | undefined
}

/** An event subscription, ready to be asked and served. */
export interface Subscription {
  /** Its place in the store, and what it is found by. */
  key: string
  /** Full resource id. */
  id: string
  name: string
  scope: Scope
  properties: EventSubscriptionProperties
  schema: DeliverySchema
  matches: Matcher
  maxDeliveryAttempts: number
  timeToLiveMs: number
  /** Of one request; 1: no batching. */
  maxEventsPerBatch: number
  /** A single event may be larger. */
  preferredBatchBytes: number
  /** Not somebody's webhook: no handshake, other waits. */
  azureResource: boolean
  attributesOf(event: PublishedEvent): Attributes
}

const MINUTE_MS = 60_000
export const DEFAULT_RETRY_POLICY = { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 }
const MAXIMUM_EVENTS_PER_BATCH = 5000
export const DEFAULT_BATCH_KILOBYTES = 64

/** `topics/orders//to-function`, in lower case and escaped. */
export function toKey({ resource, domainTopic }: Scope, name: string): string {
  return [resource.kind, resource.name, domainTopic ?? '', name]
    .map((part) => encodeURIComponent(part.toLowerCase()))
    .join('/')
}

/** The resource id of what a subscription belongs to. */
export function toScopeId({ resource, domainTopic }: Scope): string {
  return domainTopic === undefined ? resource.id : `${resource.id}/topics/${domainTopic}`
}

/** Takes properties that checkProperties has nothing against. */
export function createSubscription(
  scope: Scope,
  name: string,
  properties: EventSubscriptionProperties
): Subscription {
  const { destination, filter } = properties
  const retryPolicy = { ...DEFAULT_RETRY_POLICY, ...properties.retryPolicy }
  const isWebHook = destination.endpointType === 'WebHook'
  const { maxEventsPerBatch, preferredBatchSizeInKilobytes } = isWebHook
    ? destination.properties
    : { maxEventsPerBatch: 1, preferredBatchSizeInKilobytes: undefined }
  const isBatched = maxEventsPerBatch !== undefined || preferredBatchSizeInKilobytes !== undefined
  const mappings: readonly DeliveryAttributeMapping[] =
    'deliveryAttributeMappings' in destination.properties
      ? (destination.properties.deliveryAttributeMappings ?? [])
      : []
  return {
    key: toKey(scope, name),
    id: `${toScopeId(scope)}/providers/Microsoft.EventGrid/eventSubscriptions/${name}`,
    name,
    scope,
    properties,
    schema: deliverySchemaOf(properties, scope.resource),
    matches: compileMatcher(filter),
    maxDeliveryAttempts: retryPolicy.maxDeliveryAttempts,
    timeToLiveMs: retryPolicy.eventTimeToLiveInMinutes * MINUTE_MS,
    maxEventsPerBatch: isBatched ? (maxEventsPerBatch ?? MAXIMUM_EVENTS_PER_BATCH) : 1,
    preferredBatchBytes: (preferredBatchSizeInKilobytes ?? DEFAULT_BATCH_KILOBYTES) * 1024,
    azureResource: !isWebHook,
    attributesOf: (event) =>
      mappings.length === 0 ? {} : toAttributes(mappings, toFiltered(event))
  }
}
