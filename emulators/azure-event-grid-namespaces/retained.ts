import type { RetainedMessage, Space } from '@fogbank/core'
import { errors } from './errors.ts'
import { isListed } from './topics.ts'

/** Where a listing stands. */
export interface Position {
  filter: string
  /** The last topic already told. */
  after?: string
}

/** A retained message as one item of a listing. */
export function toItem(message: RetainedMessage, nowMs: number): object {
  return {
    topic: message.topic,
    qos: Math.min(message.qos, 1),
    size: encodedBytes(message),
    expiry: toExpiry(message, nowMs) ?? null,
    lastModifiedTime: new Date(message.storedAtMs).toISOString()
  }
}

/** A retained message's headers, when its payload is the body. */
export function toHeaders(message: RetainedMessage, nowMs: number): Record<string, string> {
  const expiry = toExpiry(message, nowMs)
  return {
    'content-type': 'application/octet-stream',
    // A header carries printable ASCII; what is not is percent-encoded.
    'x-ms-mqtt-topic': message.topic.replace(/[^\x20-\x7e]+/gu, encodeURIComponent),
    'x-ms-mqtt-qos': String(Math.min(message.qos, 1)),
    'x-ms-mqtt-size': String(encodedBytes(message)),
    ...(expiry === undefined ? {} : { 'x-ms-mqtt-expiry': expiry }),
    'x-ms-mqtt-last-modified': new Date(message.storedAtMs).toISOString()
  }
}

/** Up to `count` messages from a position on, without those whose topics do not exist here. */
export async function listListed(
  space: Space,
  { filter, after: start }: Position,
  count: number
): Promise<RetainedMessage[]> {
  const found: RetainedMessage[] = []
  let after = start
  do {
    const page = await space.retained.list({
      filter,
      limit: count - found.length,
      ...(after === undefined ? {} : { after })
    })
    for (const message of page.messages) if (isListed(message.topic)) found.push(message)
    after = page.next
  } while (after !== undefined && found.length < count)
  return found
}

/** The position that a filter or a continuation token means; exactly one of them. @throws ProviderError */
export function toPosition(filter: string | undefined, token: string | undefined): Position {
  if (filter !== undefined && token !== undefined) throw errors.FilterAndContinuationToken()
  if (filter === undefined && token === undefined) {
    throw errors.ParameterMissing({ parameter: 'topicFilter' })
  }
  if (filter !== undefined) return { filter }
  const [tokenFilter, after, ...rest] = fromBase64Url(token ?? '')
  if (!tokenFilter || !after || rest.length > 0) throw errors.ContinuationTokenInvalid()
  return { filter: tokenFilter, after }
}

/** Opaque to clients. NUL stands in no topic, so it can stand between two. */
export function toContinuationToken({ filter, after }: Position): string {
  return Buffer.from(`${filter}\0${after}`).toString('base64url')
}

function fromBase64Url(token: string): string[] {
  const text = Buffer.from(token, 'base64url').toString()
  return Buffer.from(text).toString('base64url') === token ? text.split('\0') : []
}

/** When the message ends; the core tells the whole seconds that are left. */
function toExpiry(message: RetainedMessage, nowMs: number): string | undefined {
  const leftSeconds = message.properties?.messageExpiryInterval
  if (leftSeconds === undefined) return undefined
  const intervalSeconds = Math.floor((nowMs - message.storedAtMs) / 1000 + leftSeconds)
  return new Date(message.storedAtMs + intervalSeconds * 1000).toISOString()
}

/** Bytes of the PUBLISH packet in MQTT 5 that the message came in, or would. */
function encodedBytes(message: RetainedMessage): number {
  const properties = propertyBytes(message)
  const packetId = message.qos > 0 ? 2 : 0
  const rest =
    textBytes(message.topic) +
    packetId +
    variableBytes(properties) +
    properties +
    message.payload.length
  return 1 + variableBytes(rest) + rest
}

function propertyBytes({ properties = {} }: RetainedMessage): number {
  const { contentType, responseTopic, correlationData, userProperties = [] } = properties
  let bytes = 0
  if (properties.payloadFormatIndicator !== undefined) bytes += 2
  if (properties.messageExpiryInterval !== undefined) bytes += 5
  if (contentType !== undefined) bytes += 1 + textBytes(contentType)
  if (responseTopic !== undefined) bytes += 1 + textBytes(responseTopic)
  if (correlationData !== undefined) bytes += 3 + correlationData.length
  for (const [name, value] of userProperties) bytes += 1 + textBytes(name) + textBytes(value)
  return bytes
}

function textBytes(text: string): number {
  return 2 + Buffer.byteLength(text)
}

/** Bytes of a variable byte integer [MQTT5 1.5.5]. */
function variableBytes(value: number): number {
  return value < 128 ? 1 : value < 16_384 ? 2 : value < 2_097_152 ? 3 : 4
}
