import { BATCH_MEDIA_TYPE, STRUCTURED_MEDIA_TYPE } from '@fogbank/cloudevents'
import type { SinkEvent, Sinks } from '@fogbank/core'
import { SettingsError, type HttpOut, type Log } from '@fogbank/personality'
import { toRouteSink } from '../../routing/route-sink.ts'
import type { Delivery } from '../queue.ts'
import type { EventSubscriptionSettings } from '../settings.ts'
import { compileAttributes } from './attributes.ts'
import type { Attempt } from './retry.ts'

/** Who we say we are; what receivers that protect themselves have to allow. */
export const ORIGIN = 'eventgrid.azure.net'

const DEFAULT_BATCH_KILOBYTES = 64

/** Where a subscription's events go. */
export interface Destination {
  /** What its owner has to allow before anything is sent; absent: nobody is asked. */
  readonly url?: string
  /** Whether it is a resource of the cloud rather than somebody's web hook. */
  readonly azureResource: boolean
  readonly maxEventsPerBatch: number
  readonly preferredBatchBytes: number
  /** One attempt for all of them; whatever it throws is an attempt that failed. */
  send(deliveries: readonly Delivery[]): Promise<Attempt>
}

/** What a destination is told of the subscription it belongs to. */
export interface DestinationContext {
  http: HttpOut
  sinks: Sinks
  log: Log
}

/** `path` is `namespace/topic/subscription`; the settings are as checkDestination found good. */
export function createDestination(
  path: string,
  settings: EventSubscriptionSettings,
  { http, sinks, log }: DestinationContext
): Destination {
  const destination = settings.deliveryConfiguration!.push!.destination!
  const { maxEventsPerBatch = 1, preferredBatchSizeInKilobytes = DEFAULT_BATCH_KILOBYTES } =
    destination.properties
  const common = { maxEventsPerBatch, preferredBatchBytes: preferredBatchSizeInKilobytes * 1024 }
  if (destination.endpointType === 'NamespaceTopic') {
    const { sink } = toRouteSink(destination.properties.resourceId!, path.split('/')[0]!)!
    return { ...common, azureResource: true, send: toSink(sinks, sink, log) }
  }
  const url = destination.properties.endpointUrl!
  const { deliveryAttributeMappings } = destination.properties
  const toHeaders = compileAttributes(deliveryAttributeMappings, path)
  return {
    ...common,
    url,
    azureResource: false,
    async send(deliveries) {
      const [first] = deliveries
      // One event goes as an object, unless batching was asked for.
      const isSingle = maxEventsPerBatch === 1
      const answer = await http.send({
        method: 'POST',
        url,
        headers: {
          'Content-Type': `${isSingle ? STRUCTURED_MEDIA_TYPE : BATCH_MEDIA_TYPE}; charset=utf-8`,
          'aeg-event-type': 'Notification',
          'aeg-subscription-name': settings.name.toUpperCase(),
          // Attempts made before.
          'aeg-delivery-count': String(first!.deliveryCount - 1),
          'aeg-metadata-version': '1.0',
          'WebHook-Request-Origin': ORIGIN,
          ...toHeaders(JSON.parse(first!.json) as SinkEvent)
        },
        body: isSingle ? first!.json : `[${deliveries.map(({ json }) => json).join(',')}]`
      })
      return 'failure' in answer ? answer : { status: answer.status }
    }
  }
}

/** Into another topic of the suite, by the name it is known under. */
function toSink(sinks: Sinks, sink: string, log: Log): Destination['send'] {
  return async (deliveries) => {
    if (!sinks.has(sink)) return { status: 404 }
    try {
      const events = deliveries.map(({ json }) => JSON.parse(json) as SinkEvent)
      await sinks.deliver(sink, events)
      return { status: 200 }
    } catch (error) {
      log.warn(`pushing to ${sink} failed: ${(error as Error).message}`)
      return { status: 503 }
    }
  }
}

/**
 * What the schema cannot say of a destination.
 *
 * `place` is how the subscription is called in the sentence, `topics` all of the namespace.
 * @throws SettingsError naming the key
 */
export function checkDestination(
  path: string,
  { deliveryConfiguration }: EventSubscriptionSettings,
  { place: own, topics }: { place: string; topics: readonly { name: string }[] }
): void {
  const destination = deliveryConfiguration?.push?.destination
  const place = `${own}/deliveryConfiguration/push/destination`
  if (!destination) throw new SettingsError(`${place} is missing, but delivery mode Push needs it`)
  const { endpointUrl, resourceId, deliveryAttributeMappings } = destination.properties
  if (destination.endpointType === 'WebHook') {
    if (endpointUrl === undefined || !isUsable(endpointUrl)) {
      throw new SettingsError(`${place}/properties/endpointUrl must be an http or https URL`)
    }
    compileAttributes(deliveryAttributeMappings, `${place}/properties/deliveryAttributeMappings`)
    return
  }
  const [namespace = '', topic] = path.split('/')
  const route = resourceId === undefined ? undefined : toRouteSink(resourceId, namespace)
  if (!route?.sink.startsWith('namespace-topic:')) {
    throw new SettingsError(`${place}/properties/resourceId must be that of a namespace topic`)
  }
  const { ownTopic } = route
  if (ownTopic !== undefined && !topics.some(({ name }) => name === ownTopic)) {
    throw new SettingsError(`${place}/properties/resourceId: there is no topic ${resourceId}`)
  }
  if (ownTopic === topic) {
    throw new SettingsError(`${place}/properties/resourceId is the subscription's own topic`)
  }
}

function isUsable(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url !== undefined && /^https?:$/.test(url.protocol) && !url.username && !url.hash
}
