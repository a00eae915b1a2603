import type { JsonSchema } from '@fogbank/personality'

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
          sessionToken: { type: 'string', minLength: 1 }
        }
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
