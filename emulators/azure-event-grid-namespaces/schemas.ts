import type { JsonSchema } from '@fogbank/personality'
import { clientAuthentication } from './authentication/schemas.ts'
import { topic } from './topics/schemas.ts'

const FLAG = { type: 'string', enum: ['0', '1'] }
const NOT_EMPTY = { type: 'string', minLength: 1 }

export const httpPublishQuery: JsonSchema = {
  type: 'object',
  required: ['api-version', 'topic'],
  properties: { 'api-version': NOT_EMPTY, topic: NOT_EMPTY, qos: FLAG, retain: FLAG }
}

export const getRetainedMessageQuery: JsonSchema = {
  type: 'object',
  required: ['api-version', 'topic'],
  properties: { 'api-version': NOT_EMPTY, topic: NOT_EMPTY }
}

export const listRetainedMessagesQuery: JsonSchema = {
  type: 'object',
  required: ['api-version'],
  properties: {
    'api-version': NOT_EMPTY,
    topicfilter: NOT_EMPTY,
    maxresults: { type: 'string', pattern: '^[0-9]{1,9}$' },
    continuationtoken: NOT_EMPTY
  }
}

const RESOURCE_NAME = { type: 'string', minLength: 3, maxLength: 50, pattern: '^[A-Za-z0-9-]+$' }
const AUTHENTICATION_NAME = { type: 'string', minLength: 1, maxLength: 128 }

const enrichment = (more: object) => ({
  type: 'object',
  additionalProperties: false,
  required: ['key', 'value'],
  properties: { key: NOT_EMPTY, value: { type: 'string', maxLength: 128 }, ...more }
})

const ANY_TEXT = { type: ['string', 'null'] }

/** What a role assignment has in an export; who made it, when and why says nothing here. */
const ARM_ROLE_ASSIGNMENT = {
  principalId: NOT_EMPTY,
  roleDefinitionId: NOT_EMPTY,
  scope: NOT_EMPTY,
  principalType: ANY_TEXT,
  condition: { type: 'null', description: 'Conditions are not looked at.' },
  conditionVersion: ANY_TEXT,
  createdBy: ANY_TEXT,
  createdOn: ANY_TEXT,
  delegatedManagedIdentityResourceId: ANY_TEXT,
  description: ANY_TEXT,
  updatedBy: ANY_TEXT,
  updatedOn: ANY_TEXT
}

/** Of one namespace. */
export const namespaceProperties = {
  space: { type: 'string', minLength: 1, description: 'The space its topics live in.' },
  topicsConfiguration: {
    type: 'object',
    additionalProperties: false,
    properties: {
      hostname: { ...NOT_EMPTY, description: 'A host name that the namespace is found by.' }
    }
  },
  topics: {
    type: 'array',
    description: 'Namespace topics. Absent: `default` with the queue subscription `default`.',
    items: topic
  },
  allowShortWait: {
    type: 'boolean',
    description: 'Let Receive wait less than the 10 seconds that the service insists on.'
  },
  topicSpacesConfiguration: {
    type: 'object',
    additionalProperties: false,
    properties: {
      hostname: {
        ...NOT_EMPTY,
        description: 'A host name of the namespace; tokens made for https://HOSTNAME are accepted.'
      },
      clientAuthentication,
      maximumClientSessionsPerAuthenticationName: { type: 'integer', minimum: 1, maximum: 100 },
      maximumSessionExpiryInHours: { type: 'integer', minimum: 1, maximum: 8 },
      routingEnrichments: {
        type: 'object',
        additionalProperties: false,
        properties: {
          static: {
            type: 'array',
            items: enrichment({ valueType: { type: 'string', enum: ['String'] } })
          },
          dynamic: { type: 'array', items: enrichment({}) }
        }
      },
      lifecycleEventsTopicResourceId: {
        ...NOT_EMPTY,
        description:
          'Where lifecycle events of clients go: /topics/NAME, or the ARM id of a topic of this suite.'
      },
      routeTopicResourceId: {
        ...NOT_EMPTY,
        description:
          'Where every message goes: /topics/NAME, or the ARM id of a topic of this suite.'
      }
    }
  },
  topicSpaces: {
    type: 'array',
    maxItems: 10,
    items: {
      type: 'object',
      additionalProperties: false,
      required: ['name', 'topicTemplates'],
      properties: {
        name: RESOURCE_NAME,
        topicTemplates: {
          type: 'array',
          minItems: 1,
          maxItems: 10,
          items: { type: 'string', minLength: 1, maxLength: 256 }
        }
      }
    }
  },
  clients: {
    type: 'array',
    description: 'Certificate clients. Absent: any certificate of the local CA is a client.',
    items: {
      type: 'object',
      additionalProperties: false,
      required: ['name'],
      properties: {
        name: { type: 'string', pattern: '^[A-Za-z0-9:._-]{1,128}$' },
        authenticationName: AUTHENTICATION_NAME,
        state: { type: 'string', enum: ['Enabled', 'Disabled'] },
        clientCertificateAuthentication: {
          type: 'object',
          additionalProperties: false,
          properties: {
            validationScheme: {
              type: 'string',
              enum: [
                'SubjectMatchesAuthenticationName',
                'DnsMatchesAuthenticationName',
                'UriMatchesAuthenticationName',
                'IpMatchesAuthenticationName',
                'EmailMatchesAuthenticationName',
                'ThumbprintMatch'
              ]
            },
            allowedThumbprints: {
              type: 'array',
              minItems: 1,
              maxItems: 2,
              items: { type: 'string', pattern: '^[0-9A-Fa-f:]{40,95}$' }
            }
          }
        },
        attributes: {
          type: 'object',
          propertyNames: { pattern: '^\\w+$' },
          additionalProperties: {
            anyOf: [
              { type: 'string' },
              { type: 'integer' },
              { type: 'array', items: { type: 'string' } }
            ]
          }
        }
      }
    }
  },
  openRegistry: {
    type: 'boolean',
    description: 'Whether any certificate of the local CA is a client; the default without clients.'
  },
  caCertificates: {
    type: 'array',
    maxItems: 10,
    description: 'Issuers of client certificates, besides the local CA.',
    items: {
      type: 'object',
      additionalProperties: false,
      required: ['name', 'encodedCertificate'],
      properties: { name: RESOURCE_NAME, encodedCertificate: NOT_EMPTY }
    }
  },
  clientGroups: {
    type: 'array',
    maxItems: 10,
    items: {
      type: 'object',
      additionalProperties: false,
      required: ['name', 'query'],
      properties: {
        name: RESOURCE_NAME,
        query: {
          ...NOT_EMPTY,
          description: "Which clients belong to it: attributes.kind = 'meter' and …"
        }
      }
    }
  },
  permissionBindings: {
    type: 'array',
    maxItems: 100,
    items: {
      type: 'object',
      additionalProperties: false,
      required: ['clientGroupName', 'topicSpaceName', 'permission'],
      properties: {
        name: NOT_EMPTY,
        clientGroupName: NOT_EMPTY,
        topicSpaceName: RESOURCE_NAME,
        permission: { type: 'string', enum: ['Publisher', 'Subscriber'] }
      }
    }
  },
  roleAssignments: {
    type: 'array',
    description: 'Which Entra principals hold which role; absent: the well-known one holds all.',
    items: {
      type: 'object',
      additionalProperties: false,
      properties: {
        name: NOT_EMPTY,
        role: {
          type: 'string',
          enum: [
            'EventGrid TopicSpaces Publisher',
            'EventGrid TopicSpaces Subscriber',
            'EventGrid Data Sender',
            'EventGrid Data Receiver',
            'EventGrid Data Contributor'
          ]
        },
        topicSpace: { ...RESOURCE_NAME, description: 'Absent: the whole namespace.' },
        topic: { ...RESOURCE_NAME, description: 'For data roles. Absent: the whole namespace.' },
        ...ARM_ROLE_ASSIGNMENT,
        id: { type: 'string' },
        type: { type: 'string' },
        resourceGroup: ANY_TEXT,
        principalName: ANY_TEXT,
        roleDefinitionName: { type: 'string' },
        properties: {
          type: 'object',
          additionalProperties: false,
          description: 'The assignment as ARM has it.',
          properties: ARM_ROLE_ASSIGNMENT
        }
      }
    }
  },
  keys: {
    type: 'array',
    minItems: 1,
    maxItems: 2,
    items: NOT_EMPTY,
    description: 'Access keys of the namespace, for its topics.'
  },
  sku: {
    type: 'object',
    additionalProperties: false,
    properties: {
      name: { type: 'string', enum: ['Standard'] },
      capacity: { type: 'integer', minimum: 1, maximum: 40, description: 'Throughput units.' }
    }
  },
  publicNetworkAccess: {
    type: 'string',
    enum: ['Enabled', 'Disabled'],
    description: 'Disabled: nobody comes in, for want of private links.'
  },
  inboundIpRules: {
    type: 'array',
    maxItems: 16,
    description: 'Addresses and CIDR ranges that may come in. Absent: all may.',
    items: {
      type: 'object',
      additionalProperties: false,
      required: ['ipMask'],
      properties: { ipMask: NOT_EMPTY, action: { type: 'string', enum: ['Allow'] } }
    }
  },
  retain: {
    type: 'boolean',
    description: 'Whether messages may be retained, which the service once did not let them be.'
  },
  enforceQuotas: {
    type: 'boolean',
    description: 'Whether messages and connections over the throughput of the sku are refused.'
  },
  httpPublishSuccess: {
    enum: ['auto', 202, 204],
    description: 'What an accepted HTTP Publish answers; auto: 202 when routing is configured.'
  },
  rawUserProperties: {
    type: 'boolean',
    description: 'Also accept mqtt-user-properties as plain JSON, as the how-to page sends them.'
  }
}

/** The part of the configuration under `azure-event-grid-namespaces`; names are those of the ARM resources. */
export const settings: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    name: {
      ...RESOURCE_NAME,
      description: 'Of the namespace that these settings are of: default.'
    },
    ...namespaceProperties,
    namespaces: {
      type: 'array',
      maxItems: 50,
      description: 'More namespaces, by the host NAME.localhost or by the path /NAME.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name'],
        properties: { name: RESOURCE_NAME, ...namespaceProperties }
      }
    }
  }
}
