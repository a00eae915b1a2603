import type { Clock, Space } from '@fogbank/core'
import type { AuthMode, TokenVerifier } from '@fogbank/personality'
import { createAccess, type Access } from './access.ts'
import { createAudiences, type Audiences, type Principal } from './auth.ts'
import { createClients, type Clients } from './clients.ts'
import type { WholeSettings } from './defaults.ts'
import { checkTopics, createTopics, type Topics, type TopicsContext } from './topics/topics.ts'

export const DEFAULT_NAMESPACE = 'default'

/** One namespace: its MQTT broker's rules and its topics. */
export interface Namespace {
  readonly name: string
  readonly space: Space
  readonly clock: Clock
  readonly tokens: TokenVerifier
  readonly lenient: boolean
  readonly topics: Topics
  /** What its settings come to; replaced as a whole when they change. */
  current: Resources
  close(): void
}

/** Settings, compiled. */
export interface Resources {
  settings: WholeSettings
  access: Access
  clients: Clients
  audiences: Audiences
  /** Access keys, for the topics. */
  keys: readonly string[]
  /** Host names that it is known by besides its own name. */
  hostnames: readonly string[]
  /** What a publish over HTTP is answered with. */
  acceptedStatus: 202 | 204
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
  /** Its topics can be reached by their bare names. */
  isDefault: boolean
}

/** Checks settings whole; nothing has happened when it throws. @throws SettingsError */
export function compileResources(settings: WholeSettings, lenient: boolean): Resources {
  const { httpPublishSuccess = 'auto', topicSpacesConfiguration = {} } = settings
  const automatic = topicSpacesConfiguration.routeTopicResourceId === undefined ? 204 : 202
  const hostnames = [
    topicSpacesConfiguration.hostname,
    settings.topicsConfiguration?.hostname
  ].flatMap((hostname) => hostname ?? [])
  checkTopics(settings.topics)
  return {
    settings,
    access: createAccess(settings, lenient),
    clients: createClients(settings, lenient),
    audiences: createAudiences(hostnames),
    keys: settings.keys,
    hostnames,
    acceptedStatus: httpPublishSuccess === 'auto' ? automatic : httpPublishSuccess
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
  const current = compileResources(settings, lenient)
  const own = (topic: string) => `namespace-topic:${name}/${topic}`
  const topics = createTopics(name, context, (topic) =>
    context.isDefault ? [`namespace-topic:${topic}`, own(topic)] : [own(topic)]
  )
  await topics.configure(settings.topics)
  const { clock, tokens } = context
  return { name, space, clock, tokens, lenient, topics, current, close: () => topics.close() }
}
