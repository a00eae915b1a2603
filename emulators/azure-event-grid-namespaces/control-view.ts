import type { ClientSession } from '@fogbank/core'
import type { Caller } from './namespace.ts'
import { nameOf } from './auth.ts'
import type {
  DeliveryAttribute,
  EventSubscriptionSettings,
  TopicSettings
} from './topics/settings.ts'

/** A topic as the control port shows it, its secrets hidden. */
export function showTopic(topic: TopicSettings): TopicSettings {
  const { eventSubscriptions } = topic
  if (!eventSubscriptions) return topic
  return { ...topic, eventSubscriptions: eventSubscriptions.map(showSubscription) }
}

/** A subscription as the service shows it: what a delivery attribute keeps secret is not there. */
export function showSubscription(
  subscription: EventSubscriptionSettings
): EventSubscriptionSettings {
  const { deliveryConfiguration } = subscription
  const push = deliveryConfiguration?.push
  const mappings = push?.destination?.properties.deliveryAttributeMappings
  if (!mappings) return subscription
  const properties = {
    ...push.destination!.properties,
    deliveryAttributeMappings: mappings.map(showAttribute)
  }
  return {
    ...subscription,
    deliveryConfiguration: {
      ...deliveryConfiguration,
      push: { ...push, destination: { ...push.destination!, properties } }
    }
  }
}

function showAttribute(attribute: DeliveryAttribute): DeliveryAttribute {
  if (!attribute.properties.isSecret) return attribute
  return { ...attribute, properties: { ...attribute.properties, value: 'Hidden' } }
}

/** A session of an MQTT client, in the names of its lifecycle events. */
export function showSession(session: ClientSession): object {
  const { clientId, session: connection, expiresAtMs, subscriptions } = session
  const identity = connection?.identity as Caller | undefined
  return {
    clientSessionName: clientId,
    // Whoever is away is known by the name that is compared.
    clientAuthenticationName: identity ? nameOf(identity.principal) : session.owner,
    connected: connection !== undefined,
    connectedAt: new Date(session.connectedAtMs).toISOString(),
    ...(expiresAtMs === undefined ? {} : { expiresAt: new Date(expiresAtMs).toISOString() }),
    subscriptions: [...subscriptions.keys()],
    queuedMessages: session.queuedMessages
  }
}
