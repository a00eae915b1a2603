import type { JsonSchema } from '@fogbank/personality'

const STRINGS = {
  anyOf: [
    { type: 'string' },
    { type: 'array', minItems: 1, maxItems: 200, items: { type: 'string' } }
  ]
}

const OPERATOR =
  '^(ForAllValues:|ForAnyValue:)?(String(Not)?(Equals|Like)|Bool|(Not)?IpAddress)(IfExists)?$'

const STATEMENT = {
  type: 'object',
  additionalProperties: false,
  required: ['Effect', 'Action', 'Resource'],
  properties: {
    Sid: { type: 'string' },
    Effect: { enum: ['Allow', 'Deny'] },
    Action: STRINGS,
    Resource: STRINGS,
    Condition: {
      type: 'object',
      propertyNames: { pattern: OPERATOR },
      additionalProperties: { type: 'object', additionalProperties: STRINGS }
    }
  }
}

/** A policy as IAM and AWS IoT write it; of the condition operators those that devices are told apart by. */
export const policyDocument: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['Statement'],
  properties: {
    Version: { enum: ['2012-10-17', '2008-10-17'] },
    Id: { type: 'string' },
    Statement: { anyOf: [STATEMENT, { type: 'array', minItems: 1, items: STATEMENT }] }
  }
}
