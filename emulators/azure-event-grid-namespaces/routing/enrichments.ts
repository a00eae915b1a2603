import type { Message } from '@fogbank/core'
import { SettingsError } from '@fogbank/personality'
import type { RoutingEnrichments } from '../settings.ts'
import type { Attribute } from '../templates.ts'

const KEY = /^[a-z0-9]{1,20}$/
const RESERVED_KEYS = new Set([
  ...['specversion', 'id', 'time', 'type', 'source', 'subject'],
  ...['datacontenttype', 'dataschema', 'data']
])
const RESERVED_PREFIX = 'azsp'
const MAXIMUM_COUNT = 20
const VARIABLE = /\$\{([^}]*)\}/g
const CLIENT_ATTRIBUTE = /^client\.attributes\.(\w+)$/
const USER_PROPERTY = /^mqtt\.message\.userProperties(?:\.(\w+)|\['([^']+)'\])$/

/** What the variables of an enrichment are taken from. */
export interface EnrichmentSource {
  authenticationName: string
  attributes: Readonly<Record<string, Attribute>>
  message: Message
}

type Value = string | number
type Variable = (source: EnrichmentSource) => Value

/** The extension attributes that every routed message is given. */
export type Enrich = (source: EnrichmentSource) => Record<string, Value>

/** What has a name of its own; what a message does not have is an empty text. */
const VARIABLES: Record<string, Variable> = {
  'client.authenticationName': ({ authenticationName }) => authenticationName,
  'mqtt.message.topicName': ({ message }) => message.topic,
  'mqtt.message.responseTopic': ({ message }) => message.properties?.responseTopic ?? '',
  'mqtt.message.correlationData': ({ message }) =>
    message.properties?.correlationData?.toString('base64') ?? '',
  'mqtt.message.pfi': ({ message }) => (message.properties?.payloadFormatIndicator ? 1 : 0)
}

/** @throws SettingsError naming the key that makes no sense */
export function compileEnrichments(enrichments: RoutingEnrichments = {}): Enrich {
  const { static: fixed = [], dynamic = [] } = enrichments
  const keys = new Set<string>()
  for (const { key } of [...fixed, ...dynamic]) {
    const place = `topicSpacesConfiguration/routingEnrichments: the key ${key}`
    if (!KEY.test(key))
      throw new SettingsError(`${place} is not of 1 to 20 lower-case letters and digits`)
    if (RESERVED_KEYS.has(key) || key.startsWith(RESERVED_PREFIX)) {
      throw new SettingsError(`${place} is reserved`)
    }
    if (keys.has(key)) throw new SettingsError(`${place} stands there twice`)
    keys.add(key)
  }
  if (keys.size > MAXIMUM_COUNT) {
    throw new SettingsError(
      `topicSpacesConfiguration/routingEnrichments: has ${keys.size} keys, but at most ${MAXIMUM_COUNT} fit`
    )
  }
  const constants = Object.fromEntries(fixed.map(({ key, value }) => [key, value]))
  const compiled = dynamic.map(({ key, value }) => [key, compileValue(key, value)] as const)
  return (source) => {
    const own: Record<string, Value> = { ...constants }
    for (const [key, value] of compiled) own[key] = value(source)
    return own
  }
}

/** A value that is one variable keeps its type; text around variables makes text of it. */
function compileValue(key: string, value: string): Variable {
  const names = [...value.matchAll(VARIABLE)]
  const variables = names.map(([, name = '']) => toVariable(key, name))
  if (names.length === 1 && names[0]![0] === value) return variables[0]!
  return (source) => {
    let index = 0
    return value.replace(VARIABLE, () => String(variables[index++]!(source)))
  }
}

function toVariable(key: string, name: string): Variable {
  if (Object.hasOwn(VARIABLES, name)) return VARIABLES[name]!
  const attribute = CLIENT_ATTRIBUTE.exec(name)?.[1]
  if (attribute !== undefined) {
    return ({ attributes }) => {
      const value = Object.hasOwn(attributes, attribute) ? attributes[attribute]! : ''
      return [value].flat().join(',')
    }
  }
  const property = USER_PROPERTY.exec(name)
  if (property) {
    const wanted = property[1] ?? property[2]
    return ({ message }) =>
      (message.properties?.userProperties ?? [])
        .flatMap(([own, value]) => (own === wanted ? value : []))
        .join(',')
  }
  throw new SettingsError(
    `topicSpacesConfiguration/routingEnrichments: ${key} has an unknown variable '${name}'`
  )
}
