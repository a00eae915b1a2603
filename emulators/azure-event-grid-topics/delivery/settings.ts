import { SettingsError, type JsonSchema } from '@fogbank/personality'
import type { Resource } from '../resources.ts'
import { checkName, checkProperties, type EventSubscriptionProperties } from './definition.ts'
import { toKey, type Scope } from './subscription.ts'

/** An event subscription in the configuration: its ARM properties, and its name. */
export interface EventSubscriptionSettings extends EventSubscriptionProperties {
  name: string
}

/** What topics, domains and partner namespaces have of this side. */
export interface SubscribedSettings {
  eventSubscriptions?: EventSubscriptionSettings[]
  /** Domains only: domain topics that have subscriptions of their own. */
  topics?: { name: string; eventSubscriptions: EventSubscriptionSettings[] }[]
}

/** How deliveries go; nothing of it is the cloud's. */
export interface DeliverySettings {
  /** Moves waits by up to a tenth, so that not everybody comes back at once. @default true */
  jitter?: boolean
  /** Multiplies every wait of the retry schedule, time to live and dead lettering. @default 1 */
  timeScale?: number
  /** Between giving up and the dead letter. @default 300 */
  deadLetterDelaySeconds?: number
  /** Leaves an endpoint that failed alone for a while, as the service does. @default false */
  probation?: boolean
  /** Events of one subscription that are under way; those past it are dead letters at once. @default 100000 */
  maximumPendingEvents?: number
}

// The rules of a subscription are checked by definition.ts, for both doors that they come in by.
const SUBSCRIPTIONS = { type: 'array', items: { type: 'object' } }

export const eventSubscriptionsSchema: JsonSchema = {
  ...SUBSCRIPTIONS,
  maxItems: 500,
  description: 'Event subscriptions: a name, and the properties of the ARM resource.'
}

export const domainTopicsSchema: JsonSchema = {
  type: 'array',
  description: 'Domain topics that have event subscriptions of their own.',
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['name', 'eventSubscriptions'],
    properties: {
      name: { type: 'string', minLength: 3, maxLength: 50, pattern: '^[A-Za-z0-9-]+$' },
      eventSubscriptions: SUBSCRIPTIONS
    }
  }
}

export const deliverySchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  description: 'How deliveries go here; the cloud has nothing of it.',
  properties: {
    jitter: { type: 'boolean' },
    timeScale: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
    deadLetterDelaySeconds: { type: 'integer', minimum: 0 },
    probation: { type: 'boolean' },
    maximumPendingEvents: { type: 'integer', minimum: 1, maximum: 1_000_000 }
  }
}

/** A subscription that is to be. */
export interface Definition {
  scope: Scope
  name: string
  properties: EventSubscriptionProperties
}

/** Subscriptions of a domain itself, by the quotas of the service; a topic has as many as a domain topic. */
const MAXIMUM_DOMAIN_SUBSCRIPTIONS = 50

/**
 * The event subscriptions of a resource.
 *
 * @throws SettingsError naming the key (`topics.0.eventSubscriptions.1.destination.properties.endpointUrl`)
 */
export function readDefinitions(
  resource: Resource,
  settings: SubscribedSettings,
  path: string
): Definition[] {
  const { eventSubscriptions = [], topics = [] } = settings
  if (resource.kind === 'domains' && eventSubscriptions.length > MAXIMUM_DOMAIN_SUBSCRIPTIONS) {
    throw new SettingsError(
      `${path}.eventSubscriptions has ${eventSubscriptions.length} entries, but a domain takes at most ${MAXIMUM_DOMAIN_SUBSCRIPTIONS}`
    )
  }
  const own = read({ resource, domainTopic: undefined }, eventSubscriptions, path)
  const others = topics.flatMap((topic, index) =>
    read({ resource, domainTopic: topic.name }, topic.eventSubscriptions, `${path}.topics.${index}`)
  )
  const all = [...own, ...others]
  const seen = new Set<string>()
  for (const { scope, name } of all) {
    const key = toKey(scope, name)
    if (seen.has(key)) {
      throw new SettingsError(`${path}: there are two event subscriptions ${name} of one scope`)
    }
    seen.add(key)
  }
  return all
}

function read(
  scope: Scope,
  list: readonly EventSubscriptionSettings[],
  path: string
): Definition[] {
  return list.map(({ name, ...properties }, index) => {
    const own = `${path}.eventSubscriptions.${index}`
    return {
      scope,
      name: checkName(name, `${own}.name`),
      properties: checkProperties(properties, own, scope.resource)
    }
  })
}
