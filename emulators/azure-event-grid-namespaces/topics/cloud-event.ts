import type { SinkEvent } from '@fogbank/core'
import { errors } from '../errors.ts'
import { limits } from '../limits.ts'
import { parseJson, toOrderedJson } from './ordered-json.ts'
import { toUtcTime } from './time.ts'

/** An event that was found good. */
export interface NamespaceEvent {
  /** For filters. */
  event: SinkEvent
  /** As Receive shows it. */
  json: string
}

const ATTRIBUTE_NAME = /^[a-z0-9]+$/
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** In the order that a missing one is complained of. */
const REQUIRED = ['id', 'source', 'type', 'specversion'] as const
const OPTIONAL_TEXTS = ['subject', 'datacontenttype', 'dataschema'] as const
const STANDARD = new Set<string>([...REQUIRED, ...OPTIONAL_TEXTS, 'time', 'data', 'data_base64'])

/**
 * One CloudEvent in its JSON form, checked.
 *
 * Data comes first in the checks, as the service was seen to do; null stands for absent. `exact` is the
 * same event with its numbers as they were written.
 * @throws ProviderError
 */
export function toNamespaceEvent(value: unknown, exact: unknown = value): NamespaceEvent {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw errors.EventMalformed({}, { detail: 'not an object' })
  }
  const given = value as Record<string, unknown>
  const { data, data_base64: binary } = given
  if (isAbsent(data) && isAbsent(binary)) throw errors.DataMissing()
  if (!isAbsent(data) && !isAbsent(binary)) throw errors.DataAmbiguous()
  if (!isAbsent(binary) && !(typeof binary === 'string' && BASE64.test(binary))) {
    throw errors.AttributeInvalid({ attribute: 'data_base64' })
  }
  for (const attribute of REQUIRED) {
    if (isAbsent(given[attribute]) || given[attribute] === '') {
      throw errors.AttributeMissing({ attribute })
    }
    checkText(given, attribute)
  }
  if (given.specversion !== '1.0') throw errors.AttributeInvalid({ attribute: 'specversion' })
  for (const attribute of OPTIONAL_TEXTS) checkText(given, attribute)

  const event: Record<string, unknown> = {}
  const members: string[] = []
  const add = (name: string, member: unknown) => {
    event[name] = member
    members.push(`${JSON.stringify(name)}:${JSON.stringify(member)}`)
  }
  for (const [name, extension] of Object.entries(given)) {
    if (STANDARD.has(name) || isAbsent(extension)) continue
    add(name, toExtension(name, extension))
  }
  add('specversion', given.specversion)
  add('source', given.source)
  if (!isAbsent(given.subject)) add('subject', given.subject)
  if (!isAbsent(given.time)) add('time', toTime(given.time))
  add('id', given.id)
  add('type', given.type)
  if (!isAbsent(given.datacontenttype)) add('datacontenttype', given.datacontenttype)
  if (!isAbsent(given.dataschema)) add('dataschema', given.dataschema)
  if (isAbsent(data)) add('data_base64', binary)
  else {
    event.data = data
    members.push(`"data":${toDataJson((exact as Record<string, unknown>).data)}`)
  }
  return { event, json: `{${members.join(',')}}` }
}

/** One event of a body in structured mode. @throws ProviderError */
export function readEvent(body: Buffer): NamespaceEvent {
  const { value, exact } = readJson(body)
  return toNamespaceEvent(value, exact)
}

/** The events of a batch; all are good, or none is taken. @throws ProviderError */
export function readBatch(body: Buffer): NamespaceEvent[] {
  const { value, exact } = readJson(body)
  if (!Array.isArray(value)) throw errors.EventMalformed({}, { detail: 'the batch is no array' })
  limits.eventsPerRequest.check(value.length)
  return value.map((event, index) => toNamespaceEvent(event, (exact as unknown[])[index]))
}

function readJson(body: Buffer): { value: unknown; exact: unknown } {
  try {
    return parseJson(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (error) {
    throw errors.EventMalformed({}, { detail: (error as Error).message })
  }
}

function toDataJson(data: unknown): string {
  try {
    return toOrderedJson(data)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw errors.EventMalformed({}, { detail: error.message })
  }
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null
}

function checkText(given: Record<string, unknown>, attribute: string): void {
  const value = given[attribute]
  if (isAbsent(value) || (typeof value === 'string' && value !== '')) return
  throw errors.AttributeInvalid({ attribute })
}

function toTime(time: unknown): string {
  const utc = typeof time === 'string' ? toUtcTime(time) : undefined
  if (utc === undefined) throw errors.AttributeInvalid({ attribute: 'time' })
  return utc
}

/** The CloudEvents types that JSON can say: text, truth and whole numbers of 32 bits. */
function toExtension(name: string, value: unknown): unknown {
  if (!ATTRIBUTE_NAME.test(name)) throw errors.ExtensionNameInvalid({ attribute: name })
  limits.extensionNameCharacters.check(name.length)
  const isWhole = typeof value === 'number' && (value | 0) === value
  if (isWhole || typeof value === 'string' || typeof value === 'boolean') return value
  throw errors.AttributeInvalid({ attribute: name })
}
