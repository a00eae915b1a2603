import { findFilterFault, type AdvancedFilter } from '@fogbank/cloudevents'
import { compileSchema, SettingsError, type JsonSchema, type Validator } from '@fogbank/personality'
import type { Resource } from '../resources.ts'
import type { InputSchema } from '../settings.ts'
import { findMappingFault, type DeliveryAttributeMapping } from './attributes.ts'

/** What a subscription hands out. */
export type DeliverySchema = 'EventGridSchema' | 'CloudEventSchemaV1_0' | 'CustomInputSchema'

/** An event subscription as the management API has it under `properties`; the configuration adds its name. */
export interface EventSubscriptionProperties {
  destination: Destination
  filter?: SubscriptionFilter
  /** @default the input schema; custom: EventGridSchema */
  eventDeliverySchema?: DeliverySchema
  retryPolicy?: {
    /** @default 30 */
    maxDeliveryAttempts?: number
    /** @default 1440 */
    eventTimeToLiveInMinutes?: number
  }
  deadLetterDestination?: DeadLetterDestination
  labels?: string[] | null
}

export interface SubscriptionFilter {
  includedEventTypes?: string[]
  subjectBeginsWith?: string
  subjectEndsWith?: string
  /** @default false */
  isSubjectCaseSensitive?: boolean
  /** @default false */
  enableAdvancedFilteringOnArrays?: boolean
  advancedFilters?: AdvancedFilter[]
}

/** Where events go. `MqttTopic` is ours; `connectionString` stands where the cloud has a `resourceId`. */
export type Destination =
  | { endpointType: 'WebHook'; properties: WebHookProperties }
  | { endpointType: 'MqttTopic'; properties: { topic: string; qos?: 0 | 1; retain?: boolean } }
  | { endpointType: 'NamespaceTopic'; properties: { resourceId: string } }
  | {
      endpointType: 'StorageQueue'
      properties: {
        connectionString: string
        queueName: string
        queueMessageTimeToLiveInSeconds?: number
      }
    }
  | {
      endpointType: 'EventHub'
      properties: { connectionString: string; eventHubName: string } & Mapped
    }
  | {
      endpointType: 'ServiceBusQueue'
      properties: { connectionString: string; queueName: string } & Mapped
    }
  | {
      endpointType: 'ServiceBusTopic'
      properties: { connectionString: string; topicName: string } & Mapped
    }

interface Mapped {
  deliveryAttributeMappings?: DeliveryAttributeMapping[]
}

export interface WebHookProperties extends Mapped {
  endpointUrl: string
  maxEventsPerBatch?: number
  preferredBatchSizeInKilobytes?: number
}

/** `LocalFolder` is ours: the same names and bytes, in files. */
export type DeadLetterDestination =
  | {
      endpointType: 'StorageBlob'
      properties: { connectionString: string; blobContainerName: string }
    }
  | { endpointType: 'LocalFolder'; properties: { path: string } }

const NOT_EMPTY = { type: 'string', minLength: 1 }
const MAPPINGS = { type: 'array', maxItems: 10, items: { type: 'object' } }

const toObject = (properties: Record<string, JsonSchema>, required: readonly string[]) => ({
  type: 'object',
  additionalProperties: false,
  required,
  properties
})
const withConnection = (name: string, more: Record<string, JsonSchema> = {}) =>
  toObject({ connectionString: NOT_EMPTY, [name]: NOT_EMPTY, ...more }, ['connectionString', name])

const DESTINATIONS: Record<string, JsonSchema> = {
  WebHook: toObject(
    {
      endpointUrl: NOT_EMPTY,
      maxEventsPerBatch: { type: 'integer', minimum: 1, maximum: 5000 },
      preferredBatchSizeInKilobytes: { type: 'integer', minimum: 1, maximum: 1024 },
      deliveryAttributeMappings: MAPPINGS
    },
    ['endpointUrl']
  ),
  MqttTopic: toObject({ topic: NOT_EMPTY, qos: { enum: [0, 1] }, retain: { type: 'boolean' } }, [
    'topic'
  ]),
  NamespaceTopic: toObject({ resourceId: NOT_EMPTY }, ['resourceId']),
  StorageQueue: withConnection('queueName', {
    queueMessageTimeToLiveInSeconds: { type: 'integer', minimum: 1 }
  }),
  EventHub: withConnection('eventHubName', { deliveryAttributeMappings: MAPPINGS }),
  ServiceBusQueue: withConnection('queueName', { deliveryAttributeMappings: MAPPINGS }),
  ServiceBusTopic: withConnection('topicName', { deliveryAttributeMappings: MAPPINGS })
}

const DEAD_LETTER_DESTINATIONS: Record<string, JsonSchema> = {
  StorageBlob: withConnection('blobContainerName'),
  LocalFolder: toObject({ path: NOT_EMPTY }, ['path'])
}

const toEndpoint = (known: Record<string, JsonSchema>) =>
  toObject(
    {
      endpointType: { type: 'string', enum: Object.keys(known) },
      properties: { type: 'object' }
    },
    ['endpointType', 'properties']
  )

/** Everything of a subscription but the properties of its destinations, which depend on their type. */
const SUBSCRIPTION = toObject(
  {
    destination: toEndpoint(DESTINATIONS),
    filter: {
      type: 'object',
      additionalProperties: false,
      properties: {
        includedEventTypes: { type: ['array', 'null'], items: { type: 'string' } },
        subjectBeginsWith: { type: 'string' },
        subjectEndsWith: { type: 'string' },
        isSubjectCaseSensitive: { type: 'boolean' },
        enableAdvancedFilteringOnArrays: { type: 'boolean' },
        advancedFilters: { type: 'array' }
      }
    },
    eventDeliverySchema: {
      type: 'string',
      enum: ['EventGridSchema', 'CloudEventSchemaV1_0', 'CustomInputSchema']
    },
    retryPolicy: {
      type: 'object',
      additionalProperties: false,
      properties: {
        maxDeliveryAttempts: { type: 'integer', minimum: 1, maximum: 30 },
        eventTimeToLiveInMinutes: { type: 'integer', minimum: 1, maximum: 1440 }
      }
    },
    deadLetterDestination: toEndpoint(DEAD_LETTER_DESTINATIONS),
    labels: { type: ['array', 'null'], items: { type: 'string' } }
  },
  ['destination']
)

const compileAll = (schemas: Record<string, JsonSchema>): Record<string, Validator> =>
  Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, compileSchema(schema)]))
const subscription = compileSchema(SUBSCRIPTION)
const destinations = compileAll(DESTINATIONS)
const deadLetterDestinations = compileAll(DEAD_LETTER_DESTINATIONS)

/** Event Grid's own rule for the names of event subscriptions. */
const NAME = /^[A-Za-z0-9-]{3,64}$/

/** What a topic of each input schema may hand out; the first is the default. */
const COMPATIBLE: Record<InputSchema, readonly DeliverySchema[]> = {
  EventGridSchema: ['EventGridSchema', 'CloudEventSchemaV1_0'],
  CloudEventSchemaV1_0: ['CloudEventSchemaV1_0'],
  CustomEventSchema: ['EventGridSchema', 'CloudEventSchemaV1_0', 'CustomInputSchema']
}

/** The schema events are delivered in. */
export function deliverySchemaOf(
  { eventDeliverySchema }: EventSubscriptionProperties,
  { inputSchema }: Resource
): DeliverySchema {
  return eventDeliverySchema ?? COMPATIBLE[inputSchema][0]!
}

/** @throws SettingsError naming the key and the rule */
export function checkName(name: unknown, path: string): string {
  if (typeof name === 'string' && NAME.test(name)) return name
  throw fault(path, name, 'must have 3 to 64 letters, digits and dashes')
}

/**
 * Refuses what Event Grid would not create.
 *
 * @throws SettingsError naming the key (`topics.0.eventSubscriptions.1.filter.advancedFilters.0.key`),
 * its value and the rule
 */
export function checkProperties(
  value: unknown,
  path: string,
  resource: Resource
): EventSubscriptionProperties {
  checkShape(subscription, value, path)
  const properties = value as EventSubscriptionProperties
  const { destination, deadLetterDestination, filter, eventDeliverySchema } = properties
  const own = `${path}.destination.properties`
  checkShape(destinations[destination.endpointType]!, destination.properties, own)
  if (deadLetterDestination) {
    const { endpointType, properties: inner } = deadLetterDestination
    checkShape(
      deadLetterDestinations[endpointType]!,
      inner,
      `${path}.deadLetterDestination.properties`
    )
  }
  if (destination.endpointType === 'WebHook') checkUrl(destination.properties.endpointUrl, own)
  if (destination.endpointType === 'MqttTopic') checkTopic(destination.properties.topic, own)
  if ('deliveryAttributeMappings' in destination.properties) {
    const mappings = destination.properties.deliveryAttributeMappings ?? []
    const where = `${own}.deliveryAttributeMappings`
    const found = findMappingFault(mappings)
    if (found) throw new SettingsError(`${where}.${found.path} ${found.sentence}`)
    const has = (wanted: string) => mappings.some(({ name }) => name === wanted)
    if (destination.endpointType.startsWith('ServiceBus') && has('SessionId') && has('MessageId')) {
      throw new SettingsError(`${where} has SessionId and MessageId, but may have only one of them`)
    }
  }
  const found = findFilterFault(filter?.advancedFilters ?? [])
  if (found) {
    const where = [`${path}.filter.advancedFilters`, ...(found.path ? [found.path] : [])].join('.')
    throw new SettingsError(`${where} ${found.sentence}`)
  }
  const possible = COMPATIBLE[resource.inputSchema]
  if (eventDeliverySchema && !possible.includes(eventDeliverySchema)) {
    const rule = `must be ${possible.join(' or ')}, since events come in as ${resource.inputSchema}`
    throw fault(`${path}.eventDeliverySchema`, eventDeliverySchema, rule)
  }
  return properties
}

function checkUrl(text: string, path: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url && ['http:', 'https:'].includes(url.protocol) && !url.username && !url.hash) return
  throw fault(`${path}.endpointUrl`, text, 'must be a whole http or https URL')
}

function checkTopic(topic: string, path: string): void {
  if (!/[+#\0]/.test(topic) && Buffer.byteLength(topic) <= 65_535) return
  throw fault(`${path}.topic`, topic, 'must be an MQTT topic without wildcards')
}

function checkShape(validate: Validator, value: unknown, path: string): void {
  const found = validate(value)
  if (!found) return
  const steps = found.path.split('/').slice(1)
  let at: unknown = value
  for (const step of steps) at = (at as Record<string, unknown> | undefined)?.[step]
  const where = [path, ...steps].join('.')
  if (found.keyword === 'required') throw new SettingsError(`${where} lacks ${found.property}`)
  if (found.keyword === 'additionalProperties') {
    throw new SettingsError(`${where} has an unknown key ${found.property}`)
  }
  const choices = found.choices ? `: ${found.choices.join(', ')}` : ''
  throw fault(where, at, `${found.sentence}${choices}`)
}

function fault(path: string, value: unknown, rule: string): SettingsError {
  const shown = JSON.stringify(value)?.slice(0, 80) ?? 'missing'
  return new SettingsError(`${path} is ${shown}, but ${rule}`)
}
