import type { JsonSchema } from '@fogbank/personality'
import {
  deliverySchema,
  domainTopicsSchema,
  eventSubscriptionsSchema
} from './delivery/settings.ts'

const NAME = { type: 'string', minLength: 3, maxLength: 50, pattern: '^[A-Za-z0-9-]+$' }
const NOT_EMPTY = { type: 'string', minLength: 1 }
const BASE64 = {
  ...NOT_EMPTY,
  pattern: '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$'
}
const SOURCE_FIELD = {
  type: 'object',
  additionalProperties: false,
  required: ['sourceField'],
  properties: { sourceField: NOT_EMPTY }
}
const FIELD_WITH_DEFAULT = {
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  properties: { sourceField: NOT_EMPTY, defaultValue: { type: 'string' } }
}

const inputSchemaMapping: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  description: 'Where a custom event has what the envelope of Event Grid wants.',
  properties: {
    id: SOURCE_FIELD,
    topic: SOURCE_FIELD,
    eventTime: SOURCE_FIELD,
    subject: FIELD_WITH_DEFAULT,
    eventType: FIELD_WITH_DEFAULT,
    dataVersion: FIELD_WITH_DEFAULT
  }
}

/** What topics, domains and partner namespaces have in common. */
const resource: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['name'],
  properties: {
    name: NAME,
    inputSchema: {
      type: 'string',
      enum: ['EventGridSchema', 'CloudEventSchemaV1_0', 'CustomEventSchema']
    },
    inputSchemaMapping,
    keys: {
      type: 'object',
      additionalProperties: false,
      required: ['key1', 'key2'],
      properties: { key1: BASE64, key2: BASE64 }
    },
    eventSubscriptions: eventSubscriptionsSchema,
    port: { type: 'integer', minimum: 1, maximum: 65535, description: 'A port of its own.' },
    disableLocalAuth: { type: 'boolean', description: 'Takes tokens of Entra only.' },
    publicNetworkAccess: { type: 'string', enum: ['Enabled', 'Disabled'] },
    inboundIpRules: {
      type: 'array',
      maxItems: 128,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['ipMask'],
        properties: { ipMask: NOT_EMPTY, action: { type: 'string', const: 'Allow' } }
      }
    }
  }
}

const domain: JsonSchema = {
  ...resource,
  properties: { ...(resource.properties as object), topics: domainTopicsSchema }
}

const SCALAR = { type: ['string', 'number', 'boolean'] }
const OPTIONAL_SCALAR = { type: ['string', 'number', 'boolean', 'null'] }

/** An event in Event Grid schema: scalars are taken for text; the rest of its rules have rows of their own. */
export const eventGridEvent = {
  type: 'object',
  properties: {
    id: SCALAR,
    topic: { type: ['string', 'null'] },
    subject: SCALAR,
    data: {},
    eventType: SCALAR,
    eventTime: { type: 'string' },
    dataVersion: OPTIONAL_SCALAR,
    metadataVersion: OPTIONAL_SCALAR
  }
} as const

/** The part of the configuration under `azure-event-grid-topics`. */
export const settings: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    topics: { type: 'array', items: resource },
    domains: { type: 'array', items: domain },
    partnerNamespaces: { type: 'array', items: resource },
    subscriptionId: NOT_EMPTY,
    resourceGroup: NOT_EMPTY,
    location: NOT_EMPTY,
    roleAssignments: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['principalId', 'role'],
        properties: { principalId: NOT_EMPTY, role: NOT_EMPTY }
      }
    },
    delivery: deliverySchema,
    eventSizeLimit: {
      type: 'string',
      enum: ['1MB', '64KB'],
      description: '64KB is what the service guarantees for one event.'
    },
    sizeLimits: {
      type: 'string',
      enum: ['documented', 'observed'],
      description: 'observed: 1,536,000 bytes for a request, 1,049,600 for one event.'
    },
    singleEvent: {
      type: 'string',
      enum: ['refused', 'accepted'],
      description: 'What a bare object is to a topic that wants an array.'
    }
  }
}
