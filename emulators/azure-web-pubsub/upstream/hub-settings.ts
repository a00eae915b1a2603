import { SettingsError } from '@fogbank/personality'
import type { HubSettings } from '../settings.ts'
import { checkHandlers } from './handlers.ts'

/** Hubs whose settings can be kept at once. */
const MAXIMUM_HUBS = 1_000

/** The settings of hubs by folded name, as the configuration gave them and as they were changed since. */
export interface HubSettingsTable {
  /** The defaults, for a hub that nobody spoke of. */
  get(hub: string): HubSettings
  all(): Iterable<[hub: string, settings: HubSettings]>
  /** @throws SettingsError */
  set(hub: string, settings: HubSettings): void
  remove(hub: string): void
  /** Back to the configuration. */
  reset(): void
}

const DEFAULTS: HubSettings = {}

/** @throws SettingsError for handlers that cannot be called */
export function createHubSettings(configured: Record<string, HubSettings> = {}): HubSettingsTable {
  const initial = Object.entries(configured).map(([name, settings]) => {
    checkHandlers(`hubs.${name}.eventHandlers`, settings.eventHandlers ?? [])
    return [name.toLowerCase(), settings] as const
  })
  for (const [index, [name]] of initial.entries()) {
    if (initial.findIndex(([other]) => other === name) === index) continue
    throw new SettingsError(
      `hubs: ${name} stands there twice, as case does not count; keep one of them`
    )
  }
  let table = new Map(initial)
  return {
    get: (hub) => table.get(hub) ?? DEFAULTS,
    all: () => table.entries(),
    set(hub, settings) {
      checkHandlers('eventHandlers', settings.eventHandlers ?? [])
      table.delete(hub)
      table.set(hub, settings)
      if (table.size > MAXIMUM_HUBS) table.delete(table.keys().next().value!)
    },
    remove: (hub) => void table.delete(hub),
    reset: () => void (table = new Map(initial))
  }
}
