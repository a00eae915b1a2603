import type { JsonSchema } from '@fogbank/personality'

/** Names stand in topics and host names. */
const NAME = { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9_-]*$' }

/** The part of the configuration under `shiftr`. */
export const settings: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    auth: {
      type: 'string',
      enum: ['cloud', 'desktop', 'lenient'],
      description:
        "cloud checks credentials, desktop asks for none; the suite's mode when left out."
    },
    instances: {
      type: 'array',
      minItems: 1,
      description: 'The first one serves who names none.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'tokens'],
        properties: {
          name: NAME,
          space: {
            type: 'string',
            minLength: 1,
            description: 'The space its topics live in; main for the instance local, else its own.'
          },
          tokens: {
            type: 'array',
            minItems: 1,
            items: {
              type: 'object',
              additionalProperties: false,
              required: ['name', 'secret'],
              properties: {
                name: { type: 'string', minLength: 1, description: 'Shown instead of the secret.' },
                secret: { type: 'string', minLength: 1 },
                key: { ...NAME, description: 'Accepted as username instead of the instance.' },
                readOnly: { type: 'boolean' }
              }
            }
          }
        }
      }
    },
    limits: {
      type: 'string',
      enum: ['strict', 'lenient'],
      description: 'lenient warns and lets pass what only shiftr.io limits.'
    },
    legacyPaths: { type: 'boolean', description: 'Paths without /broker/ are topics too.' },
    persistRetained: {
      type: 'boolean',
      description: 'false: retained messages are lost on restart, as on the service.'
    },
    maxLastTopics: {
      type: 'integer',
      minimum: 1,
      maximum: 1_000_000,
      description: 'Topics whose last message is remembered.'
    },
    diagnosticHeaders: {
      type: 'boolean',
      description: 'Whether GET says which message it answers.'
    },
    cors: { type: 'boolean', description: 'Whether browsers of any origin may call.' }
  }
}
