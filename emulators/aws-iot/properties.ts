import { isUtf8 } from 'node:buffer'
import type { MessageProperties, UserProperty } from '@fogbank/core'
import type { Call } from '@fogbank/personality'
import { errors } from './errors.ts'
import { limits } from './limits.ts'
import { checkResponseTopic } from './topics.ts'

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

const MESSAGE_EXPIRY_MINIMUM_SECONDS = 1
const MESSAGE_EXPIRY_MAXIMUM_SECONDS = 604_800

/**
 * The MQTT 5 members of a call; undefined when it has none.
 * @param messageExpiry which only Publish has
 * @throws ProviderError
 */
export function toProperties(call: Call, messageExpiry?: string): MessageProperties | undefined {
  const { contentType, responseTopic } = call.query
  const userProperties = call.header('x-amz-mqtt5-user-properties')
  const indicator = call.header('x-amz-mqtt5-payload-format-indicator')
  const correlationData = call.header('x-amz-mqtt5-correlation-data')
  const properties: MessageProperties = {}
  if (indicator !== undefined) properties.payloadFormatIndicator = isUtf8Data(indicator)
  if (messageExpiry !== undefined) {
    properties.messageExpiryInterval = clampMessageExpiry(Number(messageExpiry))
  }
  if (contentType !== undefined) properties.contentType = contentType
  if (responseTopic !== undefined) properties.responseTopic = responseTopic
  if (correlationData !== undefined) properties.correlationData = toBytes(correlationData)
  if (userProperties !== undefined) properties.userProperties = toUserProperties(userProperties)
  checkProperties(properties)
  for (const _ in properties) return properties
  return undefined
}

/** Checks properties on either door. @throws ProviderError */
export function checkProperties(properties: MessageProperties): void {
  const { contentType, correlationData, responseTopic, userProperties } = properties
  if (contentType !== undefined) {
    if (!isMqttText(contentType)) throw errors.ContentTypeInvalid()
    limits.contentTypeBytes.check(Buffer.byteLength(contentType))
  }
  if (responseTopic !== undefined) checkResponseTopic(responseTopic)
  if (correlationData) limits.correlationDataBytes.check(correlationData.length)
  if (userProperties) {
    let bytes = 0
    for (const [name, value] of userProperties) {
      bytes += Buffer.byteLength(name) + Buffer.byteLength(value)
    }
    limits.userPropertiesBytes.check(bytes)
  }
}

/** Expiries are moved into the service's range, never refused. */
export function clampMessageExpiry(seconds: number): number {
  return Math.min(Math.max(seconds, MESSAGE_EXPIRY_MINIMUM_SECONDS), MESSAGE_EXPIRY_MAXIMUM_SECONDS)
}

/** The form of Publish's header: base64 of a JSON array of one-key objects; null for none. */
export function toUserPropertiesJson(
  properties: readonly UserProperty[] | undefined
): string | null {
  if (!properties?.length) return null
  const pairs = properties.map(([name, value]) => ({ [name]: value }))
  return Buffer.from(JSON.stringify(pairs)).toString('base64')
}

function toUserProperties(header: string): UserProperty[] {
  const pairs = parseUserProperties(header)
  if (!Array.isArray(pairs)) throw errors.UserPropertiesInvalid()
  return pairs.map((pair: unknown) => {
    const entries = typeof pair === 'object' && pair !== null ? Object.entries(pair) : []
    const [name, value] = entries[0] ?? []
    if (entries.length !== 1 || name === undefined || typeof value !== 'string') {
      throw errors.UserPropertiesInvalid()
    }
    if (!isMqttText(name) || !isMqttText(value)) throw errors.UserPropertiesInvalid()
    return [name, value]
  })
}

function parseUserProperties(header: string): unknown {
  if (!BASE64.test(header)) throw errors.UserPropertiesInvalid()
  const bytes = Buffer.from(header, 'base64')
  if (!isUtf8(bytes)) throw errors.UserPropertiesInvalid()
  try {
    return JSON.parse(bytes.toString())
  } catch {
    // JSON.parse throws nothing but "this is no JSON".
    throw errors.UserPropertiesInvalid()
  }
}

function isUtf8Data(indicator: string): boolean {
  if (indicator === 'UTF8_DATA') return true
  if (indicator === 'UNSPECIFIED_BYTES') return false
  throw errors.PayloadFormatIndicatorInvalid({ indicator })
}

function toBytes(header: string): Buffer {
  if (!BASE64.test(header)) throw errors.CorrelationDataInvalid()
  return Buffer.from(header, 'base64')
}

/** Text that MQTT can carry: no half surrogate pairs, no NUL [MQTT-1.5.4-1, MQTT-1.5.4-2]. */
function isMqttText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}
