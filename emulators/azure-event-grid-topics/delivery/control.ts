import { Hono, type Context } from 'hono'
import { SettingsError } from '@fogbank/personality'
import type { Resources } from '../resources.ts'
import { hideSecrets, type DeliveryAttributeMapping } from './attributes.ts'
import {
  checkName,
  checkProperties,
  deliverySchemaOf,
  type DeadLetterDestination,
  type Destination,
  type SubscriptionFilter
} from './definition.ts'
import type { EventDelivery, Serving } from './index.ts'
import {
  DEFAULT_BATCH_KILOBYTES,
  DEFAULT_RETRY_POLICY,
  toScopeId,
  type Scope
} from './subscription.ts'

/** What a path of the management API names. */
interface Place {
  scope: Scope
  /** Absent: the list of them. */
  name: string | undefined
  /** What is done with it beyond reading and writing: `getFullUrl`. */
  action: string | undefined
}

const TYPE = 'Microsoft.EventGrid/eventSubscriptions'
const MAXIMUM_BODY_BYTES = 256 * 1024

/** With or without the subscription and resource group in front, nested or as an extension. */
const PATH = new RegExp(
  [
    '^(?:/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\\.EventGrid)?',
    '/(topics|domains|partnerNamespaces)/([^/]+)(?:/topics/([^/]+))?',
    '(?:/providers/Microsoft\\.EventGrid)?/eventSubscriptions(?:/([^/]+)(?:/([A-Za-z]+))?)?/?$'
  ].join(''),
  'i'
)

/** Event subscriptions as the management API has them, for the control port. */
export function createSubscriptionControl(
  delivery: EventDelivery,
  resources: Resources,
  base: string
): Hono {
  const app = new Hono()

  function find(c: Context): Place | undefined {
    const path = c.req.path.startsWith(base) ? c.req.path.slice(base.length) : c.req.path
    const [, kind = '', owner = '', domainTopic, name, action] = PATH.exec(path) ?? []
    const resource = resources.byName(decode(owner))
    if (!resource || resource.kind.toLowerCase() !== kind.toLowerCase()) return undefined
    if (domainTopic !== undefined && resource.kind !== 'domains') return undefined
    const scope = { resource, domainTopic: domainTopic && decode(domainTopic) }
    return { scope, name: name && decode(name), action }
  }

  async function put(c: Context, place: Place, isPatch: boolean): Promise<Response> {
    const { scope } = place
    const name = checkName(place.name, 'name')
    const earlier = delivery.find(scope, name)
    if (isPatch && !earlier) return notFound(c)
    const body = await readJson(c)
    const given = isPatch ? body : (body.properties ?? {})
    const merged = isPatch ? { ...earlier!.subscription.properties, ...given } : given
    const properties = checkProperties(withoutReadOnly(merged), 'properties', scope.resource)
    const { serving, created } = await delivery.put({ scope, name, properties })
    return c.json(toArm(serving), created ? 201 : 200)
  }

  app.all('*', async (c) => {
    const place = find(c)
    if (!place) return notFound(c)
    const { scope, name, action } = place
    const { method } = c.req
    if (name === undefined) {
      if (method !== 'GET') return wrongMethod(c, 'GET')
      return c.json({ value: delivery.list(scope).map(toArm) })
    }
    if (action === undefined && method === 'PUT') return put(c, place, false)
    if (action === undefined && method === 'PATCH') return put(c, place, true)
    if (action === undefined && method === 'DELETE') {
      return c.body(null, (await delivery.delete(scope, name)) ? 200 : 204)
    }
    const serving = delivery.find(scope, name)
    if (!serving) return notFound(c)
    if (action === undefined) {
      return method === 'GET' ? c.json(toArm(serving)) : wrongMethod(c, 'GET, PUT, PATCH, DELETE')
    }
    if (method !== 'POST') return wrongMethod(c, 'POST')
    const { destination } = serving.subscription.properties
    switch (action.toLowerCase()) {
      case 'getfullurl':
        if (destination.endpointType !== 'WebHook') return notFound(c)
        return c.json({ endpointUrl: destination.properties.endpointUrl })
      case 'getdeliveryattributes':
        return c.json({ value: mappingsOf(destination.properties) })
      default:
        return notFound(c)
    }
  })
  app.onError((error, c) => {
    if (!(error instanceof SettingsError)) throw error
    return c.json({ error: { code: 'InvalidRequest', message: error.message } }, 400)
  })
  return app
}

async function readJson(c: Context): Promise<Record<string, unknown>> {
  const text = await c.req.text()
  if (text.length > MAXIMUM_BODY_BYTES) {
    throw new SettingsError(`the body is longer than ${MAXIMUM_BODY_BYTES} characters`)
  }
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (cause) {
    throw new SettingsError(`the body is not JSON: ${(cause as Error).message}`, { cause })
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new SettingsError('the body must be an object with properties in it')
  }
  return body as Record<string, unknown>
}

/** What a GET says and a PUT may carry back. */
function withoutReadOnly(properties: unknown): unknown {
  if (typeof properties !== 'object' || properties === null) return properties
  const {
    topic: _topic,
    provisioningState: _state,
    ...rest
  } = properties as Record<string, unknown>
  return rest
}

/**
 * The resource as the service was seen to answer it: with the defaults of what nobody gave, and without
 * flags that are off. A webhook shows where it goes, but not its query: that may be a secret, as connection
 * strings are.
 * @see Azure/azure-cli: eventgrid/tests/latest/recordings/test_advanced_filters.yaml
 */
function toArm({ subscription, state }: Serving): object {
  const { properties, scope } = subscription
  const { destination, filter, labels = null, deadLetterDestination, retryPolicy } = properties
  return {
    properties: {
      topic: toScopeId(scope),
      provisioningState: state,
      destination: toPublic(destination),
      filter: toShownFilter(filter),
      labels,
      eventDeliverySchema: deliverySchemaOf(properties, scope.resource),
      ...(deadLetterDestination && { deadLetterDestination: withoutSecret(deadLetterDestination) }),
      retryPolicy: { ...DEFAULT_RETRY_POLICY, ...retryPolicy }
    },
    systemData: null,
    id: subscription.id,
    name: subscription.name,
    type: TYPE
  }
}

function toShownFilter(filter: SubscriptionFilter = {}): object {
  const { isSubjectCaseSensitive, enableAdvancedFilteringOnArrays, ...rest } = filter
  return {
    subjectBeginsWith: '',
    subjectEndsWith: '',
    ...rest,
    ...(isSubjectCaseSensitive && { isSubjectCaseSensitive }),
    ...(enableAdvancedFilteringOnArrays && { enableAdvancedFilteringOnArrays })
  }
}

function toPublic({ endpointType, properties }: Destination): object {
  const shown: Record<string, unknown> = { ...properties }
  if (endpointType === 'WebHook') {
    const { origin, pathname } = new URL(properties.endpointUrl)
    shown.endpointUrl = null
    shown.endpointBaseUrl = origin + pathname
    shown.maxEventsPerBatch ??= 1
    shown.preferredBatchSizeInKilobytes ??= DEFAULT_BATCH_KILOBYTES
  }
  delete shown.connectionString
  const mappings = mappingsOf(properties)
  if (mappings.length > 0) shown.deliveryAttributeMappings = hideSecrets(mappings)
  return { properties: shown, endpointType }
}

function withoutSecret({ endpointType, properties }: DeadLetterDestination): object {
  const { connectionString: _secret, ...shown } = properties as Record<string, unknown>
  return { properties: shown, endpointType }
}

const mappingsOf = (properties: object): readonly DeliveryAttributeMapping[] =>
  (properties as { deliveryAttributeMappings?: DeliveryAttributeMapping[] })
    .deliveryAttributeMappings ?? []

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // No name has such an escape in it, so nothing will be found.
    return text
  }
}

function notFound(c: Context): Response {
  const message = `The Resource '${c.req.path}' was not found.`
  return c.json({ error: { code: 'ResourceNotFound', message } }, 404)
}

function wrongMethod(c: Context, allow: string): Response {
  const message = `The requested resource does not support http method '${c.req.method}'.`
  return c.json({ error: { code: 'MethodNotAllowed', message } }, 405, { Allow: allow })
}
