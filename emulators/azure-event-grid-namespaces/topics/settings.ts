import type { FiltersConfiguration } from './filters.ts'

/** A namespace topic, in the names of its ARM resource. */
export interface TopicSettings {
  name: string
  publisherType?: 'Custom'
  inputSchema?: 'CloudEventSchemaV1_0'
  /** @default 1 */
  eventRetentionInDays?: number
  eventSubscriptions?: EventSubscriptionSettings[]
}

export interface EventSubscriptionSettings {
  name: string
  eventDeliverySchema?: 'CloudEventSchemaV1_0'
  deliveryConfiguration?: DeliveryConfiguration
  filtersConfiguration?: FiltersConfiguration
}

export interface DeliveryConfiguration {
  /** @default Queue */
  deliveryMode?: 'Queue' | 'Push'
  queue?: {
    /** @default 60 */
    receiveLockDurationInSeconds?: number
    /** @default 10 */
    maxDeliveryCount?: number
    /** ISO 8601. @default the topic's retention */
    eventTimeToLive?: string
    deadLetterDestinationWithResourceIdentity?: DeadLetterDestination
  }
  push?: {
    /** @default 10 */
    maxDeliveryCount?: number
    /** ISO 8601. @default the topic's retention */
    eventTimeToLive?: string
    destination?: PushDestination
    deadLetterDestinationWithResourceIdentity?: DeadLetterDestination
  }
}

/** Blob storage in Azure; here the path that the blob would have is kept beside its content. */
export interface DeadLetterDestination {
  identity?: Record<string, unknown>
  deadLetterDestination: {
    endpointType: 'StorageBlob'
    properties?: { resourceId?: string; blobContainerName?: string }
  }
}

export interface PushDestination {
  endpointType: 'WebHook' | 'NamespaceTopic'
  properties: {
    /** Of a web hook. */
    endpointUrl?: string
    /** Of a namespace topic. */
    resourceId?: string
    /** @default 1 */
    maxEventsPerBatch?: number
    /** @default 64 */
    preferredBatchSizeInKilobytes?: number
    deliveryAttributeMappings?: DeliveryAttribute[]
  }
}

export interface DeliveryAttribute {
  name: string
  type: 'Static' | 'Dynamic'
  properties: { value?: string; isSecret?: boolean; sourceField?: string }
}
