import { isUtf8 } from 'node:buffer'
import { topicNameFault, type MessageProperties, type UserProperty } from '@fogbank/core'
import type { Call } from '@fogbank/personality'
import { errors } from './errors.ts'
import { limits } from './limits.ts'
import type { Caller } from './namespace.ts'

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** The MQTT properties that the headers of an HTTP Publish ask for. @throws ProviderError */
export function toProperties(call: Call<unknown, Caller>): MessageProperties | undefined {
  const contentType = call.header('content-type')
  const responseTopic = call.header('mqtt-response-topic')
  const correlationData = call.header('mqtt-correlation-data')
  const userProperties = call.header('mqtt-user-properties')
  const expiry = call.header('mqtt-message-expiry')
  const indicator = call.header('mqtt-payload-format-indicator')
  const properties: MessageProperties = {}
  if (indicator !== undefined) properties.payloadFormatIndicator = toIndicator(indicator)
  if (expiry !== undefined) properties.messageExpiryInterval = toExpiry(expiry)
  if (contentType) properties.contentType = toContentType(contentType)
  if (responseTopic !== undefined) properties.responseTopic = toResponseTopic(responseTopic)
  if (correlationData !== undefined) properties.correlationData = toBytes(correlationData)
  if (userProperties !== undefined) {
    const { rawUserProperties = false } = call.principal.namespace.current.settings
    properties.userProperties = toUserProperties(userProperties, rawUserProperties)
  }
  return Object.keys(properties).length > 0 ? properties : undefined
}

/** Checks properties on either door, and takes out an expiry that means never. @throws ProviderError */
export function settleProperties(properties: MessageProperties): void {
  const { contentType, correlationData, responseTopic, userProperties } = properties
  if (properties.messageExpiryInterval === 0) delete properties.messageExpiryInterval
  if (contentType !== undefined) limits.contentTypeBytes.check(Buffer.byteLength(contentType))
  if (responseTopic !== undefined) {
    limits.responseTopicBytes.check(Buffer.byteLength(responseTopic))
    const fault = topicNameFault(responseTopic)
    if (fault) throw errors.ResponseTopicInvalid({}, { detail: fault })
  }
  if (correlationData) limits.correlationDataBytes.check(correlationData.length)
  if (!userProperties) return
  let bytes = 0
  for (const [name, value] of userProperties) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value)
  }
  limits.userPropertiesBytes.check(bytes)
}

function toIndicator(text: string): boolean {
  if (text === '0' || text === '1') return text === '1'
  throw errors.PayloadFormatIndicatorInvalid({}, { detail: `indicator=${text.slice(0, 20)}` })
}

function toExpiry(text: string): number {
  const seconds = /^\d{1,10}$/.test(text) ? Number(text) : Infinity
  limits.messageExpirySeconds.check(seconds)
  return seconds
}

/** Node hands header bytes over as Latin-1; MQTT wants them as the UTF-8 they may be. */
function toContentType(header: string): string {
  const bytes = Buffer.from(header, 'latin1')
  if (!isUtf8(bytes)) throw errors.ContentTypeInvalid()
  return bytes.toString()
}

function toResponseTopic(header: string): string {
  try {
    return decodeURIComponent(header)
  } catch {
    // Only a malformed escape throws.
    throw errors.ResponseTopicInvalid({}, { detail: 'malformed escape' })
  }
}

function toBytes(header: string): Buffer {
  if (!BASE64.test(header)) throw errors.CorrelationDataInvalid()
  return Buffer.from(header, 'base64')
}

/** Each entry of each object is one property, in order; names may repeat across objects. */
function toUserProperties(header: string, raw: boolean): UserProperty[] {
  const parsed = parseJson(raw && header.startsWith('[') ? Buffer.from(header, 'latin1') : header)
  if (!Array.isArray(parsed)) throw errors.UserPropertiesInvalid({}, { detail: 'not an array' })
  return parsed.flatMap((item: unknown) => {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) {
      throw errors.UserPropertiesInvalid({}, { detail: 'an item is not an object' })
    }
    return Object.entries(item).map(([name, value]): UserProperty => {
      if (isText(name) && isText(value)) return [name, value]
      throw errors.UserPropertiesInvalid({}, { detail: 'a value is not a string MQTT can carry' })
    })
  })
}

function parseJson(source: string | Buffer): unknown {
  if (typeof source === 'string' && !BASE64.test(source)) {
    throw errors.UserPropertiesInvalid({}, { detail: 'not base64' })
  }
  const bytes = typeof source === 'string' ? Buffer.from(source, 'base64') : source
  if (!isUtf8(bytes)) throw errors.UserPropertiesInvalid({}, { detail: 'not UTF-8' })
  try {
    return JSON.parse(bytes.toString())
  } catch {
    // JSON.parse throws nothing but "this is no JSON".
    throw errors.UserPropertiesInvalid({}, { detail: 'not JSON' })
  }
}

/** Text that MQTT can carry [MQTT-1.5.4-1, MQTT-1.5.4-2]. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value.isWellFormed() && !value.includes('\0')
}
