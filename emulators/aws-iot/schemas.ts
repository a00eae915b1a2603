import type { JsonSchema } from '@fogbank/personality'
import { policyDocument } from './policy/schema.ts'

const RATE = { type: 'number', exclusiveMinimum: 0 }

/** AWS's own examples write TRUE, the SDKs true. */
const BOOLEAN = { type: 'string', pattern: '^(?:[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])$' }

export const publishQuery: JsonSchema = {
  type: 'object',
  properties: {
    qos: { type: 'string', enum: ['0', '1'] },
    retain: BOOLEAN,
    messageExpiry: { type: 'string', pattern: '^[0-9]+$' }
  }
}

export const listRetainedMessagesQuery: JsonSchema = {
  type: 'object',
  properties: {
    maxResults: { type: 'string', pattern: '^[0-9]+$' }
  }
}

export const getConnectionQuery: JsonSchema = {
  type: 'object',
  properties: { includeSocketInformation: BOOLEAN }
}

export const deleteConnectionQuery: JsonSchema = {
  type: 'object',
  properties: { cleanSession: BOOLEAN, preventWillMessage: BOOLEAN }
}

export const sendDirectMessageQuery: JsonSchema = {
  type: 'object',
  properties: {
    confirmation: BOOLEAN,
    timeout: { type: 'string', pattern: '^[0-9]+$' }
  }
}

export const listNamedShadowsQuery: JsonSchema = {
  type: 'object',
  properties: {
    pageSize: { type: 'string', pattern: '^[0-9]+$' }
  }
}

/** The part of the configuration under `aws-iot`. */
export const settings: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    accessKeys: {
      type: 'array',
      minItems: 1,
      description: 'Key pairs that may sign.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['accessKeyId', 'secretAccessKey'],
        properties: {
          accessKeyId: { type: 'string', minLength: 1 },
          secretAccessKey: { type: 'string', minLength: 1 },
          sessionToken: { type: 'string', minLength: 1 },
          sessionTokenExpiresAt: { type: 'string', format: 'date-time' },
          policy: policyDocument
        }
      }
    },
    certificates: {
      type: 'array',
      description: 'Policies of client certificates, by their common name.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['commonName', 'policy'],
        properties: { commonName: { type: 'string', minLength: 1 }, policy: policyDocument }
      }
    },
    accountId: { type: 'string', pattern: '^[0-9]{12}$', description: 'The account in ARNs.' },
    region: { type: 'string', minLength: 1, description: 'The region in ARNs of devices.' },
    rates: {
      type: 'object',
      additionalProperties: false,
      description: 'What is throttled, a second; what is left out is not.',
      properties: {
        operations: { type: 'object', additionalProperties: RATE },
        publishesPerConnection: RATE,
        connectsPerClientId: RATE,
        shadowRequestsInFlight: { type: 'integer', minimum: 1 }
      }
    },
    space: { type: 'string', minLength: 1, description: 'The space its topics live in.' },
    sessionExpiryMaximumSeconds: {
      type: 'integer',
      minimum: 1,
      maximum: 604_800,
      description: 'The account setting: how long a session may outlive its connection.'
    }
  }
}
