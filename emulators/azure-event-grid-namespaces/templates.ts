import { topicFilterFault } from '@fogbank/core'
import { SettingsError } from '@fogbank/personality'

/** What the variables of a template stand for. */
export interface Variables {
  authenticationName: string
  attributes?: Readonly<Record<string, Attribute>>
}

export type Attribute = string | number | readonly string[]

/** A topic template of a topic space, read once. */
export interface Template {
  readonly text: string
  /** undefined: the template has no variables and stands for itself. */
  readonly levels: readonly Level[]
  readonly bound: BoundTemplate | undefined
}

/** A template whose variables have been filled in: per level the texts that it may be. */
export type BoundTemplate = readonly (readonly string[])[]

type Level = readonly (string | Variable)[]

interface Variable {
  /** undefined: the authentication name. */
  attribute: string | undefined
  /** Literal text after the value, within the same braces. */
  suffix: string
}

const VARIABLE = /\$\{([^}|]*)(?:\|([^}]*))?\}/g
const ATTRIBUTE = /^client\.attributes\.(\w+)$/
const AUTHENTICATION_NAME = 'client.authenticationName'

/**
 * Reads a template such as `plant/${client.attributes.line}/${client.authenticationName|.out}/#`.
 * @throws Error naming what is wrong with it
 */
export function compileTemplate(text: string): Template {
  const levels = text.split('/').map((level) => compileLevel(level, text))
  const fixed = levels.every((level) => level.every((part) => typeof part === 'string'))
  const sample = levels.map((level) => fill(level, { authenticationName: 'x' }, () => ['x'])[0])
  const fault = topicFilterFault(sample.join('/'))
  if (fault) throw new SettingsError(`topic template '${text}' is not a topic filter: ${fault}`)
  if (text.startsWith('$') && !text.startsWith('${')) {
    throw new SettingsError(`topic template '${text}' begins with $, which is reserved`)
  }
  const bound = fixed ? levels.map((level) => [level.join('')]) : undefined
  return { text, levels, bound }
}

/** The template as it reads for one client; undefined when a variable has no value that fits a level. */
export function bindTemplate(template: Template, variables: Variables): BoundTemplate | undefined {
  if (template.bound) return template.bound
  const levels = template.levels.map((level) => fill(level, variables, valuesOf))
  return levels.some((texts) => texts.length === 0) ? undefined : levels
}

/** Whether a template matches a topic name, given in levels. */
export function matchesTemplate(template: BoundTemplate, topic: readonly string[]): boolean {
  for (let index = 0; index < template.length; index++) {
    const texts = template[index]!
    if (texts[0] === '#') return topic.length >= index // the parent level too [MQTT-4.7.1-2]
    const level = topic[index]
    if (level === undefined) return false
    if (texts[0] !== '+' && !texts.includes(level)) return false
  }
  return template.length === topic.length
}

/** Whether everything that a filter, given in levels, can match is matched by the template too. */
export function coversFilter(template: BoundTemplate, filter: readonly string[]): boolean {
  for (let index = 0; index < template.length; index++) {
    const texts = template[index]!
    if (texts[0] === '#') return filter.length >= index
    const level = filter[index]
    if (level === undefined || level === '#') return false
    if (texts[0] !== '+' && (level === '+' || !texts.includes(level))) return false
  }
  return template.length === filter.length
}

function compileLevel(level: string, template: string): Level {
  const parts: (string | Variable)[] = []
  let end = 0
  for (const match of level.matchAll(VARIABLE)) {
    if (match.index > end) parts.push(level.slice(end, match.index))
    parts.push(toVariable(match[1] ?? '', match[2] ?? '', template))
    end = match.index + match[0].length
  }
  if (end < level.length) parts.push(level.slice(end))
  if (parts.some((part) => typeof part === 'string' && part.includes('${'))) {
    throw new SettingsError(`topic template '${template}' has a variable without its closing brace`)
  }
  return parts
}

function toVariable(name: string, suffix: string, template: string): Variable {
  if (name === AUTHENTICATION_NAME) return { attribute: undefined, suffix }
  const attribute = ATTRIBUTE.exec(name)?.[1]
  if (attribute === undefined) {
    throw new SettingsError(`topic template '${template}' has an unknown variable '${name}'`)
  }
  return { attribute, suffix }
}

/** Every text a level may be; several when an attribute is an array. */
function fill(
  level: Level,
  variables: Variables,
  values: (variable: Variable, variables: Variables) => string[]
): string[] {
  let texts = ['']
  for (const part of level) {
    const ends =
      typeof part === 'string' ? [part] : values(part, variables).map((v) => v + part.suffix)
    texts = texts.flatMap((text) => ends.map((end) => text + end))
  }
  return texts
}

/** A value that is no plain level text would let a client choose its own template. */
function valuesOf({ attribute }: Variable, variables: Variables): string[] {
  const { attributes = {}, authenticationName } = variables
  const own = attribute !== undefined && Object.hasOwn(attributes, attribute)
  const value =
    attribute === undefined ? authenticationName : own ? attributes[attribute] : undefined
  if (value === undefined) return []
  const values = Array.isArray(value) ? value : [String(value)]
  return values.filter((text) => text !== '' && !/[/+#]/.test(text))
}
