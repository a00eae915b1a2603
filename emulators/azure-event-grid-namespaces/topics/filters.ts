import { compileFilters, findFilterFault, type AdvancedFilter } from '@fogbank/cloudevents'
import type { SinkEvent } from '@fogbank/core'
import { SettingsError } from '@fogbank/personality'

/** Which events a subscription asks for. */
export interface FiltersConfiguration {
  includedEventTypes?: string[]
  filters?: AdvancedFilter[]
}

/**
 * Whether an event is wanted: its type is on the list, if there is one, and every filter lets it pass.
 * @throws SettingsError naming the filter that makes no sense
 */
export function compileConfiguration(
  { includedEventTypes = [], filters = [] }: FiltersConfiguration = {},
  path: string
): (event: SinkEvent) => boolean {
  const fault = findFilterFault(filters)
  if (fault) {
    const place = `${path}/filtersConfiguration/filters${fault.path && `/${fault.path}`}`
    throw new SettingsError(`${place.replaceAll('.', '/')} ${fault.sentence}`)
  }
  const types = includedEventTypes.length > 0 ? new Set(includedEventTypes) : undefined
  const passes = compileFilters(filters, { arrays: true })
  return (event) => (!types || types.has(String(event.type))) && passes(event)
}
