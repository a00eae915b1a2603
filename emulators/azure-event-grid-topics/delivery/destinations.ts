import type { Core } from '@fogbank/core'
import type { PublishedEvent } from '../events.ts'
import { toEventHub, toServiceBus } from './amqp.ts'
import { connect, loadClient, STORAGE_OPTIONS, storageTimeout } from './clients.ts'
import type { HttpOut } from '@fogbank/personality'
import { CONTENT_TYPES, toCloudEvent, toJson } from './output.ts'
import type { Attempt } from './retry.ts'
import type { Subscription } from './subscription.ts'
import { postEvents } from './webhook.ts'

/** Where the events of a subscription go. */
export interface Target {
  /** One attempt for all of them; whatever it throws is an attempt that failed. */
  deliver(events: readonly PublishedEvent[], deliveryCount: number): Promise<Attempt>
  /** The core takes them, and stores what it takes: nobody else has to until then. */
  readonly local?: boolean
  close(): Promise<void>
}

type Deliver = Target['deliver']

const PERSONALITY = 'azure-event-grid-topics'
const DELIVERED: Attempt = { status: 200 }
const NOTHING_TO_CLOSE = async () => {}

/** @throws SettingsError when the destination wants a client that is not installed, or one that does not take its connection string */
export async function createTarget(
  subscription: Subscription,
  { core, http }: { core: Core; http: HttpOut }
): Promise<Target> {
  const { destination } = subscription.properties
  switch (destination.endpointType) {
    case 'WebHook':
      return only((events, count) => postEvents(http, subscription, events, count))
    case 'MqttTopic':
      return { ...only(await toMqttTopic(core, subscription, destination.properties)), local: true }
    case 'NamespaceTopic':
      return only(toNamespaceTopic(core, destination.properties.resourceId))
    case 'StorageQueue': {
      const { connectionString, queueName, queueMessageTimeToLiveInSeconds } =
        destination.properties
      const module = await loadClient('@azure/storage-queue', 'a destination StorageQueue')
      const service = connect(`${subscription.name}: destination`, () =>
        module.QueueServiceClient.fromConnectionString(connectionString, STORAGE_OPTIONS)
      )
      const queue = service.getQueueClient(queueName)
      const options =
        queueMessageTimeToLiveInSeconds === undefined
          ? {}
          : { messageTimeToLive: queueMessageTimeToLiveInSeconds }
      return only(async ([event]) => {
        const text = Buffer.from(toJson(event!, subscription.schema)).toString('base64')
        await queue.sendMessage(text, { ...options, ...storageTimeout() })
        return DELIVERED
      })
    }
    case 'EventHub':
      return toEventHub(subscription, destination.properties)
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
