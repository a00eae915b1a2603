import type { Core } from '@fogbank/core'
import type { PublishedEvent } from '../events.ts'
import { loadClient } from './clients.ts'
import type { HttpOut } from '@fogbank/personality'
import { CONTENT_TYPES, toCloudEvent, toJson } from './output.ts'
import type { Attempt } from './retry.ts'
import type { Subscription } from './subscription.ts'
import { postEvents, toAegHeaders } from './webhook.ts'

/** Where the events of a subscription go. */
export interface Target {
  /** One attempt for all of them; whatever it throws is an attempt that failed. */
  deliver(events: readonly PublishedEvent[], deliveryCount: number): Promise<Attempt>
  close(): Promise<void>
}

type Deliver = Target['deliver']

const PERSONALITY = 'azure-event-grid-topics'
const DELIVERED: Attempt = { status: 200 }
const NOTHING_TO_CLOSE = async () => {}

/** @throws SettingsError when the destination wants a client that is not installed */
export async function createTarget(
  subscription: Subscription,
  { core, http }: { core: Core; http: HttpOut }
): Promise<Target> {
  const { destination } = subscription.properties
  switch (destination.endpointType) {
    case 'WebHook':
      return only((events, count) => postEvents(http, subscription, events, count))
    case 'MqttTopic':
      return only(await toMqttTopic(core, subscription, destination.properties))
    case 'NamespaceTopic':
      return only(toNamespaceTopic(core, destination.properties.resourceId))
    case 'StorageQueue': {
      const { connectionString, queueName, queueMessageTimeToLiveInSeconds } =
        destination.properties
      const module = await loadClient('@azure/storage-queue', 'a destination StorageQueue')
      const queue =
        module.QueueServiceClient.fromConnectionString(connectionString).getQueueClient(queueName)
      const options =
        queueMessageTimeToLiveInSeconds === undefined
          ? {}
          : { messageTimeToLive: queueMessageTimeToLiveInSeconds }
      return only(async ([event]) => {
        const text = Buffer.from(toJson(event!, subscription.schema)).toString('base64')
        await queue.sendMessage(text, options)
        return DELIVERED
      })
    }
    case 'EventHub': {
      const { connectionString, eventHubName } = destination.properties
      const module = await loadClient('@azure/event-hubs', 'a destination EventHub')
      const hub = new module.EventHubProducerClient(connectionString, eventHubName)
      return {
        async deliver([event], count) {
          const { PartitionKey, ...properties } = toProperties(subscription, event!, count)
          const body = JSON.parse(`[${toJson(event!, subscription.schema)}]`) as unknown
          const options = PartitionKey === undefined ? {} : { partitionKey: PartitionKey }
          await hub.sendBatch([{ body, properties, contentType: 'application/json' }], options)
          return DELIVERED
        },
        close: () => hub.close()
      }
    }
    case 'ServiceBusQueue':
      return toServiceBus(
        subscription,
        destination.properties.connectionString,
        destination.properties.queueName
      )
    case 'ServiceBusTopic':
      return toServiceBus(
        subscription,
        destination.properties.connectionString,
        destination.properties.topicName
      )
  }
}

const only = (deliver: Deliver): Target => ({ deliver, close: NOTHING_TO_CLOSE })

/** Into the space that devices and the other personalities are in; the content type says the schema. */
async function toMqttTopic(
  core: Core,
  { schema }: Subscription,
  { topic, qos = 1, retain = false }: { topic: string; qos?: 0 | 1; retain?: boolean }
): Promise<Deliver> {
  const space = await core.space('main')
  const properties = { contentType: CONTENT_TYPES[schema].single, payloadFormatIndicator: true }
  return async (events) => {
    for (const event of events) {
      const payload = Buffer.from(toJson(event, schema))
      await space.publish(
        { topic, payload, qos, retain, properties },
        { personality: PERSONALITY, clientId: event.resource.name }
      )
    }
    return DELIVERED
  }
}

/** By the topic's name, the last part of its id, to whoever keeps namespace topics. */
function toNamespaceTopic(core: Core, resourceId: string): Deliver {
  const name = `namespace-topic:${resourceId.split('/').at(-1)}`
  return async (events) => {
    if (!core.sinks.has(name)) return { status: 404 }
    await core.sinks.deliver(name, events.map(toCloudEvent))
    return DELIVERED
  }
}

/** Attributes of these names are the message's own; the others are application properties. */
const MESSAGE_PROPERTIES: Record<string, string> = {
  MessageId: 'messageId',
  PartitionKey: 'partitionKey',
  SessionId: 'sessionId',
  CorrelationId: 'correlationId',
  Label: 'subject',
  ReplyTo: 'replyTo',
  ReplyToSessionId: 'replyToSessionId',
  To: 'to',
  ViaPartitionKey: 'viaPartitionKey'
}

async function toServiceBus(
  subscription: Subscription,
  connectionString: string,
  queueOrTopic: string
): Promise<Target> {
  const module = await loadClient('@azure/service-bus', 'a destination of Service Bus')
  const client = new module.ServiceBusClient(connectionString)
  const sender = client.createSender(queueOrTopic)
  return {
    async deliver([event], count) {
      const own: Record<string, string> = { messageId: event!.id }
      const applicationProperties: Record<string, string> = {}
      for (const [name, value] of Object.entries(toProperties(subscription, event!, count))) {
        const known = MESSAGE_PROPERTIES[name]
        if (known) own[known] = value
        else applicationProperties[name] = value
      }
      await sender.sendMessages({
        ...own,
        body: JSON.parse(toJson(event!, subscription.schema)) as unknown,
        contentType: 'application/json',
        applicationProperties
      })
      return DELIVERED
    },
    close: () => client.close()
  }
}

/** What webhooks get as headers. */
function toProperties(
  subscription: Subscription,
  event: PublishedEvent,
  deliveryCount: number
): Record<string, string> {
  const isCloudEvents = subscription.schema === 'CloudEventSchemaV1_0'
  return {
    ...toAegHeaders(subscription, {
      eventType: 'Notification',
      deliveryCount,
      dataVersion: isCloudEvents ? undefined : (event.dataVersion ?? ''),
      metadataVersion: isCloudEvents ? '1.0' : '1'
    }),
    'aeg-output-event-id': event.id,
    ...subscription.attributesOf(event)
  }
}
