import { existsSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { closest, distance } from 'fastest-levenshtein'
import { authoritySettingsSchema, type AuthoritySettings } from '@fogbank/authority'
import {
  compileSchema,
  type AuthMode,
  type JsonSchema,
  type PersonalityDefinition
} from '@fogbank/personality'
import { UsageError } from './failure.ts'
import type { LogLevel } from './log.ts'
import { plainDoorSchema, type PlainDoorSettings } from './plain-door.ts'
import { settings, type Setting } from './settings.ts'

/** Everything that was said about this run, by flags, environment and file, with the defaults filled in. */
export interface Configuration {
  only: string[] | undefined
  dataDir: string
  ephemeral: boolean
  host: string | undefined
  /** The one name that URLs carry; undefined with none or with several. */
  hostname: string | undefined
  /** Names for the certificate, beside the local ones. */
  hostnames: string[]
  portBase: number
  auth: AuthMode
  logLevel: LogLevel
  tlsDir: string
  tlsCert: string | undefined
  tlsKey: string | undefined
  hints: boolean
  plainDoor: PlainDoorSettings
  authority: AuthoritySettings
  /** Extra ports by number, each naming a personality, or `control` for the plain door. */
  compatibilityPorts: Record<string, string>
  /** Each personality's own part, by id. */
  personalities: Record<string, unknown>
}

/** The file that is read when it is there and --config names no other. */
const DEFAULT_FILE = 'fogbank.config.json'
/** What of the environment is read. */
const VARIABLES = ['FOGBANK_CONFIG', ...Object.values<Setting>(settings).map(({ env }) => env)]
/** Underscores are in no host's name, but in those that Docker Compose gives. */
const HOSTNAME = /^(\*\.)?[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*$/

/** The schemas are made once, as each is compiled once. */
const schemas = new WeakMap<readonly PersonalityDefinition[], Record<string, JsonSchema>>()

/** JSON Schema of fogbank.config.json. */
export function configSchema(definitions: readonly PersonalityDefinition[]): JsonSchema {
  return { type: 'object', additionalProperties: false, properties: schemasOf(definitions) }
}

/** The schema of each key of fogbank.config.json. */
function schemasOf(definitions: readonly PersonalityDefinition[]): Record<string, JsonSchema> {
  const known = schemas.get(definitions)
  if (known) return known
  const ids = definitions.map((definition) => definition.name)
  const properties: Record<string, JsonSchema> = { $schema: { type: 'string' } }
  for (const [name, setting] of Object.entries(settings)) {
    properties[name] = { ...setting.schema, description: setting.meaning }
  }
  properties.only = { type: 'array', items: { type: 'string', enum: ids } }
  properties.plainDoor = plainDoorSchema
  properties.authority = authoritySettingsSchema
  properties.compatibilityPorts = {
    type: 'object',
    propertyNames: { pattern: '^[0-9]{1,5}$' },
    additionalProperties: { type: 'string', enum: [...ids, 'control'] }
  }
  for (const { name, settings: own } of definitions) properties[name] = own ?? { type: 'object' }
  schemas.set(definitions, properties)
  return properties
}

/**
 * Puts together flags, environment, file and defaults, in this order.
 *
 * @param preset defaults of one command that are not everybody's
 * @throws UsageError naming the key, the value and the fix
 */
export function readConfiguration(
  definitions: readonly PersonalityDefinition[],
  flags: Record<string, unknown>,
  env: Record<string, string | undefined>,
  file?: { path: string | undefined } | { config: object },
  preset: Record<string, unknown> = {}
): Configuration {
  const fromFile = file && 'config' in file ? file.config : readFile(file?.path)
  const origin = file && 'config' in file ? 'config' : (file?.path ?? DEFAULT_FILE)
  checkFile(schemasOf(definitions), fromFile, origin)
  checkVariables(env)
  const values: Record<string, unknown> = {}
  for (const [name, setting] of Object.entries<Setting>(settings)) {
    values[name] =
      fromFlag(definitions, setting, name, flags[name]) ??
      fromEnvironment(definitions, setting, name, env[setting.env]) ??
      (fromFile as Record<string, unknown>)[name] ??
      preset[name] ??
      setting.default
  }
  const own = fromFile as Record<string, unknown>
  const hostnames = toHostnames(String(values.hostname ?? ''))
  return {
    ...(values as Omit<
      Configuration,
      'hostname' | 'hostnames' | 'plainDoor' | 'authority' | 'compatibilityPorts' | 'personalities'
    >),
    hostname: hostnames.length === 1 ? hostnames[0] : undefined,
    hostnames,
    plainDoor: (own.plainDoor ?? {}) as PlainDoorSettings,
    authority: (own.authority ?? {}) as AuthoritySettings,
    compatibilityPorts: (own.compatibilityPorts ?? {}) as Record<string, string>,
    personalities: Object.fromEntries(definitions.map(({ name }) => [name, own[name] ?? {}]))
  }
}

/**
 * Only what is one letter off: others of these names are the user's own, or Kubernetes', which gives those of a
 * service called fogbank to every container beside it.
 * @throws UsageError for a variable that nobody reads
 */
function checkVariables(env: Record<string, string | undefined>): void {
  for (const name of Object.keys(env)) {
    if (!name.startsWith('FOGBANK_') || VARIABLES.includes(name)) continue
    const guess = closest(name, VARIABLES)
    if (distance(name, guess) > 1) continue
    throw new UsageError(`the variable ${name} is read by nothing; did you mean ${guess}?`)
  }
}

/** @throws UsageError for what no certificate can have as a name */
function toHostnames(text: string): string[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)
  for (const name of names) {
    if (isIP(name) || HOSTNAME.test(name)) continue
    throw new UsageError(
      `"hostname" is ${abridge(text)}, but ${abridge(name)} is no name of a host; leave out scheme, port and path, and separate names by commas`
    )
  }
  return names
}

/** Why a configuration file was not read, by what the system says, and what to do. */
const UNREADABLE: Record<string, string> = {
  ENOENT: 'is not there; name a file that is',
  EISDIR: 'is a folder; name a file',
  EACCES: 'may not be read; give yourself the right, or name another file'
}

function readFile(path: string | undefined): object {
  const file = path ?? DEFAULT_FILE
  if (!path && !existsSync(file)) return {}
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException
    const why = UNREADABLE[code] ?? `cannot be read (${code}); name another file`
    throw new UsageError(`${path ? `--config ${file}` : file} ${why}`, { cause })
  }
  try {
    return JSON.parse(text) as object
  } catch (cause) {
    throw new UsageError(`${file} is not JSON: ${(cause as Error).message}`, { cause })
  }
}

function fromFlag(
  definitions: readonly PersonalityDefinition[],
  setting: Setting,
  name: string,
  value: unknown
): unknown {
  if (value === undefined) return undefined
  const flag = setting.flag.split(' ')[0]!
  if (typeof value === 'string') return convert(definitions, setting, name, value, flag)
  checkSetting(definitions, name, value, flag)
  return value
}

function fromEnvironment(
  definitions: readonly PersonalityDefinition[],
  setting: Setting,
  name: string,
  value: string | undefined
): unknown {
  if (value === undefined || value === '') return undefined
  return convert(definitions, setting, name, value, setting.env)
}

function convert(
  definitions: readonly PersonalityDefinition[],
  setting: Setting,
  name: string,
  text: string,
  origin: string
): unknown {
  const { type } = setting.schema
  const value =
    type === 'integer' && /^-?\d+$/.test(text)
      ? Number(text)
      : type === 'boolean' && /^(true|false|1|0)$/.test(text)
        ? text === 'true' || text === '1'
        : type === 'array'
          ? text.split(',').map((part) => part.trim())
          : text
  checkSetting(definitions, name, value, origin)
  return value
}

function checkSetting(
  definitions: readonly PersonalityDefinition[],
  name: string,
  value: unknown,
  origin: string
): void {
  const schema = schemasOf(definitions)[name]!
  if (!plainlyFits(schema, value)) check(schema, value, name, origin)
}

/** As much of JSON Schema as the settings use. */
interface PlainSchema {
  type?: string
  minimum?: number
  maximum?: number
  minLength?: number
  enum?: string[]
  items?: PlainSchema
}

/** Whether a value is seen to fit at once: to compile a schema takes longer than the rest of a configuration. */
function plainlyFits(schema: PlainSchema, value: unknown): boolean {
  const { minimum = -Infinity, maximum = Infinity, minLength = 0 } = schema
  switch (schema.type) {
    case 'boolean':
      return typeof value === 'boolean'
    case 'integer':
      return Number.isInteger(value) && minimum <= Number(value) && Number(value) <= maximum
    case 'string':
      if (typeof value !== 'string' || value.length < minLength) return false
      return schema.enum?.includes(value) ?? true
    default:
      return Array.isArray(value) && value.every((item) => plainlyFits(schema.items ?? {}, item))
  }
}

/** Key by key: the whole schema takes longer to compile than the rest of a start. */
function checkFile(known: Record<string, JsonSchema>, file: object, origin: string): void {
  if (typeof file !== 'object' || file === null || Array.isArray(file)) {
    throw new UsageError(`${origin}: it is ${abridge(file)}, but it must be an object`)
  }
  for (const [name, value] of Object.entries(file)) {
    const schema = Object.hasOwn(known, name) ? known[name] : undefined
    if (!schema) throw unknownKey(origin, name, Object.keys(known), '')
    check(schema, value, name, origin)
  }
}

/** @param name of the key in the file */
function check(schema: JsonSchema, value: unknown, name: string, origin: string): void {
  const fault = compileSchema(schema)(value)
  if (!fault) return
  const key = `${name}${fault.path.replaceAll('/', '.')}`
  if (fault.keyword === 'additionalProperties' && fault.property !== undefined) {
    throw unknownKey(origin, fault.property, knownKeys(schema, fault.path), ` in "${key}"`)
  }
  const choices = fault.choices ? `: ${fault.choices.join(', ')}` : ''
  const found = abridge(at(value, fault.path))
  throw new UsageError(`${origin}: "${key}" is ${found}, but it ${fault.sentence}${choices}`)
}

function unknownKey(origin: string, key: string, known: string[], where: string): UsageError {
  const guess = known.length > 0 ? `; did you mean "${closest(key, known)}"?` : ''
  return new UsageError(`${origin}: unknown key "${key}"${where}${guess}`)
}

const abridge = (value: unknown) => JSON.stringify(value)?.slice(0, 80)

function at(value: unknown, path: string): unknown {
  let found = value
  for (const part of path.split('/').slice(1)) found = (found as Record<string, unknown>)?.[part]
  return found
}

/** Keys that the schema knows at this place; none when the way there leads through a list. */
function knownKeys(schema: JsonSchema, path: string): string[] {
  let place: JsonSchema | undefined = schema
  for (const part of path.split('/').slice(1)) {
    const properties = place?.properties as Record<string, JsonSchema> | undefined
    place = /^\d+$/.test(part) ? (place?.items as JsonSchema | undefined) : properties?.[part]
  }
  return Object.keys((place?.properties as object | undefined) ?? {})
}
