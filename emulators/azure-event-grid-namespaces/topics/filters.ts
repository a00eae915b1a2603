import type { SinkEvent } from '@fogbank/core'
import { SettingsError } from '@fogbank/personality'
import type { FiltersConfiguration } from './settings.ts'

/** Whether an event is wanted: its type is on the list, if there is one, and every filter lets it pass. */
export function compileFilters(
  { includedEventTypes, filters = [] }: FiltersConfiguration = {},
  path: string
): (event: SinkEvent) => boolean {
  const types = includedEventTypes && new Set(includedEventTypes)
  if (filters.length > 0) throw new SettingsError(`${path}: filters are not there yet`)
  return (event) => !types || types.has(String(event.type))
}
