import { isUtf8 } from 'node:buffer'
import { REQUIRED_ATTRIBUTES, STRUCTURED_MEDIA_TYPE, mediaTypeOf } from '@fogbank/cloudevents'
import type { Message, SinkEvent } from '@fogbank/core'

const TYPE = 'MQTT.EventPublished'
const JSON_IN_UTF8 = /^application\/json; *charset="?utf-8"?$/i
const ATTRIBUTE = /^[a-z0-9]+$/

/** What the service adds of its own. */
export interface Arrival {
  id: string
  timeMs: number
  /** The namespace's name. */
  source: string
}

/**
 * The CloudEvent that a published message is routed as.
 *
 * A message that is a CloudEvent already, as the CloudEvents binding for MQTT has it, keeps its own
 * attributes. `data` when the message says that it is UTF-8 text, `data_base64` otherwise.
 */
export function toRoutedEvent(message: Message, arrival: Arrival): Record<string, unknown> {
  const own = readStructured(message) ?? readBinary(message)
  if (own) return own
  const { contentType } = message.properties ?? {}
  return {
    specversion: '1.0',
    id: arrival.id,
    time: new Date(arrival.timeMs).toISOString(),
    type: TYPE,
    source: arrival.source,
    subject: message.topic,
    ...(contentType ? { datacontenttype: contentType } : {}),
    ...toData(message)
  }
}

function readStructured({ properties, payload }: Message): Record<string, unknown> | undefined {
  if (mediaTypeOf(properties?.contentType) !== STRUCTURED_MEDIA_TYPE) return undefined
  const event = parseText(payload)
  const isEvent = typeof event === 'object' && event !== null && isComplete(event as SinkEvent)
  return isEvent ? (event as Record<string, unknown>) : undefined
}

function readBinary(message: Message): Record<string, unknown> | undefined {
  const { userProperties = [], contentType } = message.properties ?? {}
  const attributes = Object.fromEntries(userProperties.filter(([name]) => ATTRIBUTE.test(name)))
  if (!isComplete(attributes)) return undefined
  const type = contentType ? { datacontenttype: contentType } : {}
  return { ...attributes, ...type, ...toData(message) }
}

function isComplete(event: SinkEvent): boolean {
  return REQUIRED_ATTRIBUTES.every((name) => typeof event[name] === 'string' && event[name] !== '')
}

function toData({ payload, properties = {} }: Message): object {
  const isText =
    properties.payloadFormatIndicator === true || JSON_IN_UTF8.test(properties.contentType ?? '')
  if (!isText || !isUtf8(payload)) return { data_base64: payload.toString('base64') }
  // An event's data cannot be null; the text of it can.
  return { data: parseText(payload) ?? payload.toString() }
}

/** undefined: no JSON. */
function parseText(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString())
  } catch {
    return undefined // any text may be published
  }
}
