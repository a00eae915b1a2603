import type { Clock, Records, Space } from '@fogbank/core'
import { SettingsError, type AuthMode, type TokenVerifier } from '@fogbank/personality'
import { createAccess, type Access } from './access.ts'
import { createAudiences, type Audiences, type Principal } from './auth.ts'
import { createCustomJwt, type CustomJwt } from './authentication/custom-jwt.ts'
import type { WebhookSettings } from './authentication/settings.ts'
import { findWebhook, type Webhooks } from './authentication/webhook.ts'
import { createClients, type Clients } from './clients.ts'
import type { WholeSettings } from './defaults.ts'
import { createIpFilter, type IpFilter } from './ip-filter.ts'
import { checkReferences } from './references.ts'
import { createQuotas, type Quotas } from './quotas.ts'
import { compileEnrichments, type Enrich } from './routing/enrichments.ts'
import { watchLifecycle, type Lifecycle } from './routing/lifecycle.ts'
import { toRouteSink } from './routing/route-sink.ts'
import { createRouter, type Router } from './routing/router.ts'
import { routePublishes } from './routing/watch.ts'
import { indexSessions, type SessionIndex } from './session-index.ts'
import { checkTopics, createTopics, type Topics, type TopicsContext } from './topics/topics.ts'

export const DEFAULT_NAMESPACE = 'default'

/** One namespace: its MQTT broker's rules and its topics. */
export interface Namespace {
  readonly name: string
  readonly space: Space
  readonly clock: Clock
  readonly tokens: TokenVerifier
  readonly webhooks: Webhooks
  readonly lenient: boolean
  readonly topics: Topics
  readonly router: Router
  readonly lifecycle: Lifecycle
  readonly sessions: SessionIndex
  readonly quotas: Quotas
  /** What its settings come to; replaced as a whole when they change. */
  current: Resources
  close(): void
}

/** Settings, compiled. */
export interface Resources {
  settings: WholeSettings
  access: Access
  clients: Clients
  /** Absent: nobody issues tokens for it but Entra. */
  customJwt?: CustomJwt
  /** Absent: clients are judged by the rest. */
  webhook?: WebhookSettings
  audiences: Audiences
  ipFilter: IpFilter
  /** Access keys, for the topics. */
  keys: readonly string[]
  /** Host names that it is known by besides its own name. */
  hostnames: readonly string[]
  /** What a publish over HTTP is answered with. */
  acceptedStatus: 202 | 204
  /** Name of the sink that every message is routed to; absent: none. */
  routeSink?: string
  /** Name of the sink that lifecycle events go to; absent: none. */
  lifecycleSink?: string
  enrich: Enrich
}

/** Whoever was let in to a namespace's topics. */
export interface EventCaller {
  namespace: Namespace
}

/** Who calls or is connected to the broker, and of which namespace. */
export interface Caller extends EventCaller {
  principal: Principal
}

export interface NamespaceContext extends TopicsContext {
  auth: AuthMode
  tokens: TokenVerifier
  webhooks: Webhooks
  /** Where clients' connections are counted. */
  counts: Records
  /** What routing and lifecycle events have to try again. */
  waiting: Records
  /** Its topics can be reached by their bare names. */
  isDefault: boolean
}

/** Checks settings whole; nothing has happened when it throws. @throws SettingsError */
export function compileResources(
  name: string,
  settings: WholeSettings,
  lenient: boolean
): Resources {
  const { httpPublishSuccess = 'auto', topicSpacesConfiguration = {} } = settings
  const automatic = topicSpacesConfiguration.routeTopicResourceId === undefined ? 204 : 202
  const hostnames = [
    topicSpacesConfiguration.hostname,
    settings.topicsConfiguration?.hostname
  ].flatMap((hostname) => hostname ?? [])
  const { clientAuthentication = {}, hostname = 'localhost' } = topicSpacesConfiguration
  const { customJwtAuthentication } = clientAuthentication
  const webhook = findWebhook(clientAuthentication)
  const mqttHosts = [hostname, `${name}.localhost`]
  checkTopics(settings.topics, name)
  checkReferences(settings)
  const { routeTopicResourceId, lifecycleEventsTopicResourceId } = topicSpacesConfiguration
  const place = 'topicSpacesConfiguration'
  const routeSink = findSink(name, settings, `${place}/routeTopicResourceId`, routeTopicResourceId)
  const lifecycleSink = findSink(
    name,
    settings,
    `${place}/lifecycleEventsTopicResourceId`,
    lifecycleEventsTopicResourceId
  )
  return {
    settings,
    access: createAccess(settings, lenient),
    clients: createClients(settings, lenient),
    audiences: createAudiences(name, hostnames),
    ipFilter: createIpFilter(settings),
    keys: settings.keys,
    hostnames,
    acceptedStatus: httpPublishSuccess === 'auto' ? automatic : httpPublishSuccess,
    ...(customJwtAuthentication
      ? { customJwt: createCustomJwt(customJwtAuthentication, mqttHosts, lenient) }
      : {}),
    ...(webhook ? { webhook } : {}),
    ...(routeSink === undefined ? {} : { routeSink }),
    ...(lifecycleSink === undefined ? {} : { lifecycleSink }),
    enrich: compileEnrichments(topicSpacesConfiguration.routingEnrichments)
  }
}

/** Brings a namespace to life over its space. @throws SettingsError */
export async function createNamespace(
  name: string,
  settings: WholeSettings,
  space: Space,
  context: NamespaceContext
): Promise<Namespace> {
  const lenient = context.auth === 'lenient'
  const current = compileResources(name, settings, lenient)
  const own = (topic: string) => `namespace-topic:${name}/${topic}`
  const topics = createTopics(name, context, (topic) =>
    context.isDefault ? [`namespace-topic:${topic}`, own(topic)] : [own(topic)]
  )
  await topics.configure(settings.topics)
  const { clock, tokens, webhooks } = context
  const watching = { ...context, namespace: name, resources: () => namespace.current }
  const router = await createRouter(watching)
  const lifecycle = await watchLifecycle({ ...watching, space, records: context.counts })
  const sessions = indexSessions(space, clock)
  const quotas = createQuotas(clock, sessions, () => namespace.current.settings)
  const namespace: Namespace = {
    ...{
      name,
      space,
      clock,
      tokens,
      webhooks,
      lenient,
      topics,
      router,
      lifecycle,
      sessions,
      quotas,
      current
    },
    close() {
      sessions.close()
      stopRouting()
      lifecycle.close()
      router.close()
      topics.close()
    }
  }
  const stopRouting = routePublishes(namespace)
  return namespace
}

/** `place` is the key that the resource id stands under. @throws SettingsError when it leads to no topic */
function findSink(
  name: string,
  { topics }: WholeSettings,
  place: string,
  resourceId: string | undefined
): string | undefined {
  if (resourceId === undefined) return undefined
  const route = toRouteSink(resourceId, name)
  const isThere = (ownTopic: string) => topics.some((topic) => topic.name === ownTopic)
  if (route && (route.ownTopic === undefined || isThere(route.ownTopic))) return route.sink
  throw new SettingsError(`${place}: there is no topic ${resourceId}`)
}
