import type { Clock, Core, Ids } from '@fogbank/core'
import type { AuthMode, Log, TokenVerifier } from '@fogbank/personality'
import type { Hubs } from './hubs.ts'
import type { HubSettings, Settings } from './settings.ts'
import type { KeyTokens } from './tokens.ts'

export const PERSONALITY = 'azure-web-pubsub'

/** What the operations and the client doors work on. */
export interface State {
  core: Core
  clock: Clock
  ids: Ids
  log: Log
  auth: AuthMode
  settings: Settings
  /** Primary first. */
  accessKeys: readonly string[]
  keyTokens: KeyTokens
  /** Entra's. */
  tokens: TokenVerifier
  hubs: Hubs
  /** By folded name; a hub without an entry has the defaults. */
  hubSettings: Map<string, HubSettings>
}
