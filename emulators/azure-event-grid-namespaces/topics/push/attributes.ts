import { lookUp } from '@fogbank/cloudevents'
import { SettingsError } from '@fogbank/personality'
import type { DeliveryAttribute } from '../settings.ts'

const MAXIMUM_VALUE_BYTES = 4096
/** What HTTP allows in a field's value, as Node writes it. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** Headers of one event's own; one whose field is missing, no scalar or too long is left out. */
export type ToHeaders = (event: Readonly<Record<string, unknown>>) => Record<string, string>

/** `path` is where the mappings stand in the settings. @throws SettingsError */
export function compileAttributes(
  mappings: readonly DeliveryAttribute[] = [],
  path: string
): ToHeaders {
  const compiled = mappings.map(({ name, type, properties }, index) => {
    const place = `${path}/${index}`
    if (/^aeg-/i.test(name)) throw new SettingsError(`${place}/name must not start with aeg-`)
    if (type === 'Static') {
      const { value } = properties
      if (value === undefined || !fits(value)) {
        throw new SettingsError(`${place}/properties/value must be a text that fits a header`)
      }
      return [name, () => value] as const
    }
    const { sourceField } = properties
    if (sourceField === undefined) {
      throw new SettingsError(`${place}/properties/sourceField must name a field of the event`)
    }
    const field = sourceField.replace(/^\$\./, '')
    return [name, (event: Parameters<ToHeaders>[0]) => toText(lookUp(event, field))] as const
  })
  return (event) => {
    const headers: Record<string, string> = {}
    for (const [name, read] of compiled) {
      const value = read(event)
      if (value !== undefined) headers[name] = value
    }
    return headers
  }
}

function toText(value: unknown): string | undefined {
  const isScalar = ['string', 'number', 'boolean'].includes(typeof value)
  return isScalar && fits(String(value)) ? String(value) : undefined
}

function fits(text: string): boolean {
  return FIELD_VALUE.test(text) && Buffer.byteLength(text) <= MAXIMUM_VALUE_BYTES
}
