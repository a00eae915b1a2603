import type { JsonSchema } from '@fogbank/personality'

export const eventsQuery: JsonSchema = {
  type: 'object',
  required: ['api-version'],
  properties: { 'api-version': { type: 'string', minLength: 1 } }
}

export const lockTokensBody: JsonSchema = {
  type: 'object',
  required: ['lockTokens'],
  properties: { lockTokens: { type: 'array', minItems: 1, items: { type: 'string' } } }
}

const RESOURCE_NAME = { type: 'string', minLength: 3, maxLength: 50, pattern: '^[A-Za-z0-9-]+$' }
const DURATION = {
  type: 'string',
  pattern: '^P(?=.)(\\d+D)?(T(?=.)(\\d+H)?(\\d+M)?(\\d+S)?)?$',
  description: 'ISO 8601, at least PT1M, at most the retention of the topic.'
}
const DELIVERY_COUNT = { type: 'integer', minimum: 1, maximum: 10 }

const deadLetterDestinationWithResourceIdentity = {
  type: 'object',
  additionalProperties: false,
  required: ['deadLetterDestination'],
  properties: {
    identity: { type: 'object' },
    deadLetterDestination: {
      type: 'object',
      additionalProperties: false,
      required: ['endpointType'],
      properties: {
        endpointType: { type: 'string', enum: ['StorageBlob'] },
        properties: {
          type: 'object',
          additionalProperties: false,
          properties: {
            resourceId: { type: 'string' },
            blobContainerName: { type: 'string', minLength: 1 }
          }
        }
      }
    }
  }
}

const destination = {
  type: 'object',
  additionalProperties: false,
  required: ['endpointType', 'properties'],
  properties: {
    endpointType: { type: 'string', enum: ['WebHook', 'NamespaceTopic'] },
    properties: {
      type: 'object',
      additionalProperties: false,
      properties: {
        endpointUrl: { type: 'string', format: 'uri' },
        resourceId: { type: 'string', minLength: 1 },
        maxEventsPerBatch: { type: 'integer', minimum: 1, maximum: 5000 },
        preferredBatchSizeInKilobytes: { type: 'integer', minimum: 1, maximum: 1024 },
        deliveryAttributeMappings: {
          type: 'array',
          maxItems: 10,
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['name', 'type', 'properties'],
            properties: {
              name: { type: 'string', pattern: '^[A-Za-z0-9-]+$' },
              type: { type: 'string', enum: ['Static', 'Dynamic'] },
              properties: {
                type: 'object',
                additionalProperties: false,
                properties: {
                  value: { type: 'string', maxLength: 4096 },
                  isSecret: { type: 'boolean' },
                  sourceField: { type: 'string', minLength: 1 }
                }
              }
            }
          }
        }
      }
    }
  }
}

export const eventSubscription: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['name'],
  properties: {
    name: RESOURCE_NAME,
    eventDeliverySchema: { type: 'string', enum: ['CloudEventSchemaV1_0'] },
    deliveryConfiguration: {
      type: 'object',
      additionalProperties: false,
      properties: {
        deliveryMode: { type: 'string', enum: ['Queue', 'Push'] },
        queue: {
          type: 'object',
          additionalProperties: false,
          properties: {
            receiveLockDurationInSeconds: { type: 'integer', minimum: 60, maximum: 300 },
            maxDeliveryCount: DELIVERY_COUNT,
            eventTimeToLive: DURATION,
            deadLetterDestinationWithResourceIdentity
          }
        },
        push: {
          type: 'object',
          additionalProperties: false,
          properties: {
            maxDeliveryCount: DELIVERY_COUNT,
            eventTimeToLive: DURATION,
            destination,
            deadLetterDestinationWithResourceIdentity
          }
        }
      }
    },
    filtersConfiguration: {
      type: 'object',
      additionalProperties: false,
      properties: {
        includedEventTypes: { type: 'array', items: { type: 'string' } },
        filters: {
          type: 'array',
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['operatorType', 'key'],
            properties: {
              operatorType: { type: 'string' },
              key: { type: 'string', minLength: 1 },
              value: {},
              values: { type: 'array' }
            }
          }
        }
      }
    }
  }
}

export const topic: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['name'],
  properties: {
    name: RESOURCE_NAME,
    publisherType: { type: 'string', enum: ['Custom'] },
    inputSchema: { type: 'string', enum: ['CloudEventSchemaV1_0'] },
    eventRetentionInDays: { type: 'integer', minimum: 1, maximum: 7 },
    eventSubscriptions: { type: 'array', maxItems: 500, items: eventSubscription }
  }
}
