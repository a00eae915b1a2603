import { createHash } from 'node:crypto'
import type { PublishedEvent } from '../events.ts'
import { AMQP_OPTIONS, connect, loadClient } from './clients.ts'
import { toJson } from './output.ts'
import type { Attempt, Outcome } from './retry.ts'
import type { Subscription } from './subscription.ts'
import type { Target } from './destinations.ts'
import { toAegHeaders } from './webhook.ts'

const DELIVERED: Attempt = { status: 200 }
/** What Service Bus takes for an id. */
const MAXIMUM_MESSAGE_ID = 128

/** Attributes of these names are the message's own; the others are application properties. */
const MESSAGE_PROPERTIES = new Map([
  ['MessageId', 'messageId'],
  ['PartitionKey', 'partitionKey'],
  ['SessionId', 'sessionId'],
  ['CorrelationId', 'correlationId'],
  ['Label', 'subject'],
  ['ReplyTo', 'replyTo'],
  ['ReplyToSessionId', 'replyToSessionId'],
  ['To', 'to']
])

/** Sends each event as an array of one. @throws SettingsError when the client is not installed */
export async function toEventHub(
  subscription: Subscription,
  { connectionString, eventHubName }: { connectionString: string; eventHubName: string }
): Promise<Target> {
  const module = await loadClient('@azure/event-hubs', 'a destination EventHub')
  const hub = connect(
    `${subscription.name}: destination`,
    () => new module.EventHubProducerClient(connectionString, eventHubName, AMQP_OPTIONS)
  )
  return {
    deliver: ([event], count) =>
      attempt(async () => {
        const { PartitionKey, ...properties } = toProperties(subscription, event!, count)
        // As bytes: parsed and written again, long numbers would lose their digits.
        const body = Buffer.from(`[${toJson(event!, subscription.schema)}]`)
        const options = PartitionKey === undefined ? {} : { partitionKey: PartitionKey }
        await hub.sendBatch([{ body, properties, contentType: 'application/json' }], options)
      }),
    close: () => hub.close()
  }
}

/** Sends each event as a message. @throws SettingsError when the client is not installed */
export async function toServiceBus(
  subscription: Subscription,
  connectionString: string,
  queueOrTopic: string
): Promise<Target> {
  const module = await loadClient('@azure/service-bus', 'a destination of Service Bus')
  const client = connect(
    `${subscription.name}: destination`,
    () => new module.ServiceBusClient(connectionString, AMQP_OPTIONS)
  )
  const sender = client.createSender(queueOrTopic)
  return {
    deliver: ([event], count) =>
      attempt(async () => {
        const own: Record<string, string> = { messageId: toMessageId(event!.id) }
        const applicationProperties: Record<string, string> = {}
        for (const [name, value] of Object.entries(toProperties(subscription, event!, count))) {
          const known = MESSAGE_PROPERTIES.get(name)
          if (known) own[known] = value
          else applicationProperties[name] = value
        }
        await sender.sendMessages({
          ...own,
          body: Buffer.from(toJson(event!, subscription.schema)),
          contentType: 'application/json',
          applicationProperties
        })
      }),
    close: () => client.close()
  }
}

/** The same at every attempt, so that a queue which looks for duplicates finds them. */
function toMessageId(eventId: string): string {
  if (eventId.length <= MAXIMUM_MESSAGE_ID) return eventId
  return createHash('sha256').update(eventId).digest('hex')
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

/** What the two clients call an error (the one of Event Hubs, then that of Service Bus), as an attempt. */
const ATTEMPTS: Readonly<Record<string, Attempt>> = {
  MessagingEntityNotFoundError: { status: 404 },
  MessagingEntityNotFound: { status: 404 },
  UnauthorizedError: { status: 401 },
  UnauthorizedAccess: { status: 401 },
  MessageTooLargeError: { status: 413 },
  MessageSizeExceeded: { status: 413 },
  ServerBusyError: { status: 503 },
  ServiceBusy: { status: 503 },
  MessagingEntityDisabledError: { failure: 'Disabled' },
  MessagingEntityDisabled: { failure: 'Disabled' },
  QuotaExceededError: { failure: 'Full' },
  QuotaExceeded: { failure: 'Full' },
  OperationTimeoutError: { failure: 'TimedOut' },
  ServiceUnavailableError: { failure: 'TimedOut' },
  ServiceTimeout: { failure: 'TimedOut' }
}

/** Of those who cannot be reached; Service Bus has the code at the beginning of its message. */
const UNREACHED: Readonly<Record<string, Outcome>> = {
  ECONNREFUSED: 'SocketError',
  ECONNRESET: 'SocketError',
  EPIPE: 'SocketError',
  ENOTFOUND: 'ResolutionError',
  EAI_AGAIN: 'ResolutionError'
}

/** @throws Error what has no word of Event Grid's */
async function attempt(send: () => Promise<void>): Promise<Attempt> {
  try {
    await send()
    return DELIVERED
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string }
    const known = ATTEMPTS[code]
    if (known) return known
    const failure = UNREACHED[code] ?? UNREACHED[/^E[A-Z_]+/.exec(message)?.[0] ?? '']
    if (failure) return { failure }
    throw error
  }
}
