import { createHmac } from 'node:crypto'
import type { EventSource } from './source.ts'

const METADATA_PREFIX = 'x-webpubsub-metadata-'

export interface EventDescription {
  kind: 'sys' | 'user'
  event: string
  id: number
  /** Milliseconds since 1970. */
  timeMs: number
  requestId: string
}

/**
 * An event's attributes as CloudEvents' binary mode has them.
 * @see https://learn.microsoft.com/azure/azure-web-pubsub/reference-cloud-events
 * @see https://learn.microsoft.com/azure/azure-web-pubsub/reference-mqtt-cloud-events
 */
export function toHeaders(
  source: EventSource,
  { kind, event, id, timeMs, requestId }: EventDescription,
  accessKeys: readonly string[]
): Record<string, string> {
  const { hub, connectionId, userId, subprotocol, mqtt, connectionState } = source
  const place = `/hubs/${hub}/client/${connectionId}`
  const headers: Record<string, string> = {
    'WebHook-Request-Origin': source.origin,
    'ce-specversion': '1.0',
    'ce-awpsversion': '1.0',
    'ce-type': `azure.webpubsub.${kind}.${event}`,
    'ce-source': mqtt ? `${place}/${mqtt.physicalConnectionId}` : place,
    'ce-id': String(id),
    'ce-time': new Date(timeMs).toISOString().replace(/\.\d+Z$/, 'Z'),
    'ce-signature': sign(connectionId, accessKeys),
    'ce-connectionId': connectionId,
    'ce-hub': hub,
    'ce-eventName': event,
    'x-ms-client-request-id': requestId
  }
  // The one header that may hold more than ASCII: UTF-8, which Node takes byte by byte.
  if (userId) headers['ce-userId'] = Buffer.from(userId).toString('latin1')
  if (subprotocol) headers['ce-subprotocol'] = subprotocol
  if (connectionState !== undefined) headers['ce-connectionState'] = connectionState
  if (mqtt) headers['ce-physicalConnectionId'] = mqtt.physicalConnectionId
  if (mqtt?.sessionId !== undefined) headers['ce-sessionId'] = mqtt.sessionId
  return headers
}

/** Each key's part, so that a handler that knows either can check where the event comes from. */
export function sign(connectionId: string, accessKeys: readonly string[]): string {
  return accessKeys
    .map((key) => `sha256=${createHmac('sha256', key).update(connectionId).digest('hex')}`)
    .join(',')
}

export function toMetadataHeaders(
  metadata: Readonly<Record<string, string>> = {}
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).map(([key, value]) => [METADATA_PREFIX + key.toLowerCase(), value])
  )
}

/** A message's metadata out of headers, of HTTP's own kind: the last of several values counts. */
export function fromMetadataHeaders(
  lines: NodeJS.Dict<string[]>
): Record<string, string> | undefined {
  const pairs: [key: string, value: string][] = []
  for (const [name, values = []] of Object.entries(lines)) {
    const key = name.startsWith(METADATA_PREFIX) ? name.slice(METADATA_PREFIX.length) : ''
    if (key !== '') pairs.push([key, values.at(-1)?.split(',').at(-1)?.trim() ?? ''])
  }
  return pairs.length > 0 ? Object.fromEntries(pairs) : undefined
}
