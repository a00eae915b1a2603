import { lookUp } from '@fogbank/cloudevents'

/** A delivery attribute: a header of a webhook, a property of a message elsewhere. */
export type DeliveryAttributeMapping =
  | { name: string; type: 'Static'; properties: { value: string; isSecret?: boolean } }
  | { name: string; type: 'Dynamic'; properties: { sourceField: string } }

/** Names and values by turns would be cheaper; a record is what every client takes. */
export type Attributes = Record<string, string>

const MAXIMUM_VALUE_BYTES = 4096
/** What HTTP allows as a field name [RFC 9110 5.1]. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** What HTTP allows in a field's value, as Node writes it. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/**
 * The attributes of one event. A dynamic one whose field is missing, no scalar or too long is left out.
 *
 * @see https://learn.microsoft.com/azure/event-grid/delivery-properties
 */
export function toAttributes(
  mappings: readonly DeliveryAttributeMapping[],
  event: Readonly<Record<string, unknown>>
): Attributes {
  const attributes: Attributes = {}
  for (const mapping of mappings) {
    const value = mapping.type === 'Static' ? mapping.properties.value : readField(mapping, event)
    if (value !== undefined) attributes[mapping.name] = value
  }
  return attributes
}

/** What is wrong with a list of mappings: where in it, and the rest of a sentence. */
export function findMappingFault(
  mappings: readonly unknown[]
): { path: string; sentence: string } | undefined {
  for (const [index, mapping] of mappings.entries()) {
    const { name, type, properties } = (mapping ?? {}) as Record<string, unknown>
    const say = (key: string, sentence: string) => ({ path: `${index}.${key}`, sentence })
    if (typeof name !== 'string' || !TOKEN.test(name)) {
      return say('name', `is ${show(name)}, but must be the name of a header`)
    }
    if (/^aeg-/i.test(name)) return say('name', `is "${name}", but must not start with aeg-`)
    const own = (properties ?? {}) as Record<string, unknown>
    if (type === 'Static') {
      const { value, isSecret = false } = own
      if (typeof value !== 'string' || !FIELD_VALUE.test(value)) {
        return say('properties.value', `is ${show(value)}, but must be a text that fits a header`)
      }
      if (Buffer.byteLength(value) > MAXIMUM_VALUE_BYTES) {
        return say('properties.value', `has more than ${MAXIMUM_VALUE_BYTES} bytes`)
      }
      if (typeof isSecret !== 'boolean') {
        return say('properties.isSecret', `is ${show(isSecret)}, but must be a boolean`)
      }
    } else if (type === 'Dynamic') {
      if (typeof own.sourceField !== 'string' || own.sourceField === '') {
        return say('properties.sourceField', `is ${show(own.sourceField)}, but must name a field`)
      }
    } else {
      return say('type', `is ${show(type)}, but must be Static or Dynamic`)
    }
  }
  return undefined
}

/** The mappings as everybody may see them. */
export function hideSecrets(
  mappings: readonly DeliveryAttributeMapping[]
): DeliveryAttributeMapping[] {
  return mappings.map((mapping) =>
    mapping.type === 'Static' && mapping.properties.isSecret
      ? { ...mapping, properties: { ...mapping.properties, value: 'Hidden' } }
      : mapping
  )
}

function readField(
  { properties: { sourceField } }: Extract<DeliveryAttributeMapping, { type: 'Dynamic' }>,
  event: Readonly<Record<string, unknown>>
): string | undefined {
  const value = lookUp(event, sourceField.replace(/^\$\./, ''))
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    return undefined
  }
  const text = String(value)
  return fitsHeader(text) ? text : undefined
}

/** Whether a receiver could be sent a text in a header. */
export function fitsHeader(text: string): boolean {
  return FIELD_VALUE.test(text) && Buffer.byteLength(text) <= MAXIMUM_VALUE_BYTES
}

const show = (value: unknown) => JSON.stringify(value)?.slice(0, 60) ?? 'missing'
