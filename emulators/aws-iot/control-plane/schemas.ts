import type { JsonSchema } from '@fogbank/personality'

export const describeEndpointQuery: JsonSchema = {
  type: 'object',
  properties: {
    endpointType: { enum: ['iot:Data', 'iot:Data-ATS', 'iot:CredentialProvider', 'iot:Jobs'] }
  }
}

export const listThingsQuery: JsonSchema = {
  type: 'object',
  properties: { maxResults: { type: 'string', pattern: '^[0-9]+$' } }
}

export const deleteThingQuery: JsonSchema = {
  type: 'object',
  properties: { expectedVersion: { type: 'string', pattern: '^[0-9]+$' } }
}

export const attachThingPrincipalQuery: JsonSchema = {
  type: 'object',
  properties: { thingPrincipalType: { enum: ['EXCLUSIVE_THING', 'NON_EXCLUSIVE_THING'] } }
}

/** Names of attributes, and their values, have limits of their own. */
export const createThingBody: JsonSchema = {
  type: 'object',
  properties: {
    thingTypeName: { type: 'string' },
    billingGroupName: { type: 'string' },
    attributePayload: {
      type: 'object',
      properties: {
        attributes: {
          type: 'object',
          propertyNames: { pattern: '^[a-zA-Z0-9_.,@/:#=\\[\\]-]{1,128}$' },
          additionalProperties: { type: 'string', pattern: '^[a-zA-Z0-9_.,@/:#=\\[\\]-]{0,800}$' }
        },
        merge: { type: 'boolean' }
      }
    }
  }
}

export const createPolicyBody: JsonSchema = {
  type: 'object',
  required: ['policyDocument'],
  properties: { policyDocument: { type: 'string' } }
}

export const attachPolicyBody: JsonSchema = {
  type: 'object',
  required: ['target'],
  properties: { target: { type: 'string' } }
}
