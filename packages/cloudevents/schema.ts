const TEXT = { type: ['string', 'null'] }

/**
 * JSON Schema of a CloudEvent 1.0 in its JSON form, as data: whoever validates brings the validator.
 *
 * Required attributes are not blank; `null` counts as left out; anything else at the top level is an
 * extension. Times and URIs are checked for being text only.
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 */
export const cloudEventSchema = {
  type: 'object',
  required: ['specversion', 'type', 'source', 'id'],
  properties: {
    specversion: { type: 'string', const: '1.0' },
    type: { type: 'string', pattern: '\\S' },
    source: { type: 'string', pattern: '\\S' },
    id: { type: 'string', pattern: '\\S' },
    time: TEXT,
    subject: TEXT,
    dataschema: TEXT,
    datacontenttype: TEXT,
    data_base64: {
      type: ['string', 'null'],
      pattern: '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$'
    }
  },
  not: {
    type: 'object',
    required: ['data', 'data_base64'],
    properties: { data: {}, data_base64: { type: 'string' } }
  }
} as const
