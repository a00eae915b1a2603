import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import { SettingsError } from '@fogbank/personality'
import { createIpFilter, type IpFilter } from './ip-filter.ts'
import type { InputSchema, InputSchemaMapping, ResourceSettings, Settings } from './settings.ts'

export type ResourceKind = 'topics' | 'domains' | 'partnerNamespaces'

/** What events are published to: one endpoint with its keys. */
export interface Resource {
  kind: ResourceKind
  name: string
  /** `/subscriptions/…/providers/Microsoft.EventGrid/topics/orders` */
  id: string
  inputSchema: InputSchema
  inputSchemaMapping: InputSchemaMapping | undefined
  keys: { key1: string; key2: string }
  /** The bytes of both keys. */
  secrets: readonly Buffer[]
  disableLocalAuth: boolean
  port: number | undefined
  ipFilter: IpFilter
  /** As it was configured, for whoever shows it. */
  settings: ResourceSettings
}

/** All of them, by the ways they are addressed. */
export interface Resources {
  readonly all: readonly Resource[]
  /** Whatever the case of the name. */
  byName(name: string): Resource | undefined
  byPort(port: number): Resource | undefined
}

/** The topic that answers where nobody names one. */
export const DEFAULT_TOPIC = 'default'

const KINDS: readonly ResourceKind[] = ['topics', 'domains', 'partnerNamespaces']
const RESERVED = /^(microsoft|eventgrid|system)/i

/** @throws SettingsError naming the resource and what is wrong with it */
export function createResources(settings: Settings): Resources {
  const configured = { topics: [{ name: DEFAULT_TOPIC }], ...settings }
  const all = KINDS.flatMap((kind) =>
    (configured[kind] ?? []).map((one, index) => toResource(kind, one, index, settings))
  )
  const byName = new Map<string, Resource>()
  const byPort = new Map<number, Resource>()
  for (const resource of all) {
    const name = resource.name.toLowerCase()
    if (byName.has(name)) {
      throw new SettingsError(
        `${resource.kind}: the name ${resource.name} is taken; topics, domains and partner namespaces share their names`
      )
    }
    byName.set(name, resource)
    if (resource.port === undefined) continue
    const other = byPort.get(resource.port)
    if (other) {
      throw new SettingsError(
        `${resource.kind}: port ${resource.port} of ${resource.name} is that of ${other.name}; give each its own`
      )
    }
    byPort.set(resource.port, resource)
  }
  return {
    all,
    byName: (name) => byName.get(name.toLowerCase()),
    byPort: (port) => byPort.get(port)
  }
}

function toResource(
  kind: ResourceKind,
  settings: ResourceSettings,
  index: number,
  { subscriptionId, resourceGroup }: Settings
): Resource {
  const { name, inputSchemaMapping } = settings
  const { topicKey1: key1, topicKey2: key2 } = DEVELOPMENT_KEYS
  const keys = settings.keys ?? { key1, key2 }
  const where = `${kind}[${index}] (${name})`
  const inputSchema =
    settings.inputSchema ??
    (kind === 'partnerNamespaces' ? 'CloudEventSchemaV1_0' : 'EventGridSchema')
  if (RESERVED.test(name)) {
    throw new SettingsError(
      `${where}: a name must not begin with Microsoft, EventGrid or System; choose another`
    )
  }
  checkMapping(where, kind, inputSchema, inputSchemaMapping)
  return {
    kind,
    name,
    id: [
      `/subscriptions/${subscriptionId ?? DEFAULT_SUBSCRIPTION_ID}`,
      `resourceGroups/${resourceGroup ?? DEFAULT_RESOURCE_GROUP}`,
      `providers/Microsoft.EventGrid/${kind}/${name}`
    ].join('/'),
    inputSchema,
    inputSchemaMapping,
    keys,
    secrets: [keys.key1, keys.key2].map((key) => Buffer.from(key, 'base64')),
    disableLocalAuth: settings.disableLocalAuth ?? false,
    port: settings.port,
    ipFilter: createIpFilter(where, settings),
    settings
  }
}

export const DEFAULT_SUBSCRIPTION_ID = '00000000-0000-0000-0000-000000000000'
export const DEFAULT_RESOURCE_GROUP = 'fogbank'

function checkMapping(
  where: string,
  kind: ResourceKind,
  inputSchema: InputSchema,
  mapping: InputSchemaMapping | undefined
): void {
  if (inputSchema === 'EventGridSchema') {
    if (mapping === undefined) return
    throw new SettingsError(
      `${where}: inputSchemaMapping is for CustomEventSchema; drop it or set inputSchema`
    )
  }
  if (inputSchema === 'CloudEventSchemaV1_0') {
    const others = Object.keys(mapping ?? {}).filter((target) => target !== 'topic')
    if (others.length === 0) return
    throw new SettingsError(
      `${where}: inputSchemaMapping.${others[0]} is for CustomEventSchema; CloudEvents map only topic`
    )
  }
  if (mapping === undefined) {
    throw new SettingsError(
      `${where}: CustomEventSchema needs an inputSchemaMapping; say where subject and eventType come from`
    )
  }
  if (kind === 'domains' && !mapping.topic) {
    throw new SettingsError(
      `${where}: a domain of CustomEventSchema needs inputSchemaMapping.topic.sourceField`
    )
  }
}
