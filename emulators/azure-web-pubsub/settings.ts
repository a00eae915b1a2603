import type { JsonSchema } from '@fogbank/personality'
import { eventHandlersSchema, type EventHandler } from './upstream/handlers.ts'

/** The configuration's part of this personality. */
export interface Settings {
  /** Primary first, then secondary. @default the well-known access key */
  accessKeys?: string[]
  /** `%2F` in a path segment stays as it is, as it does in the service's web server. @default false */
  strictPathDecoding?: boolean
  /** Generate Client Token is for callers of Entra only. @default false */
  generateClientTokenNeedsEntra?: boolean
  /** A body without Content-Length is refused. @default true */
  requireContentLength?: boolean
  /** The will of an MQTT session that the application server closes is sent. @default true */
  publishWillOnClose?: boolean
  /** By hub name. */
  hubs?: Record<string, HubSettings>
}

/** One hub's settings, in the words of its ARM resource. */
export interface HubSettings {
  /** Whether clients may come without a token. @default deny */
  anonymousConnectPolicy?: 'allow' | 'deny'
  /** In order: the first that wants an event gets it. @default none */
  eventHandlers?: EventHandler[]
}

export const hubSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    anonymousConnectPolicy: { type: 'string', enum: ['allow', 'deny'] },
    eventHandlers: eventHandlersSchema
  }
}

export const settings: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    accessKeys: {
      type: 'array',
      minItems: 1,
      maxItems: 2,
      items: { type: 'string', minLength: 1, pattern: '^[^;]+$' }
    },
    strictPathDecoding: { type: 'boolean' },
    generateClientTokenNeedsEntra: { type: 'boolean' },
    requireContentLength: { type: 'boolean' },
    publishWillOnClose: { type: 'boolean' },
    hubs: {
      type: 'object',
      propertyNames: { pattern: '^[A-Za-z][A-Za-z0-9_`,.\\[\\]]{0,127}$' },
      additionalProperties: hubSchema
    }
  }
}
