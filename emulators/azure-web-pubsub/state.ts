import type { Clock, Core, Ids } from '@fogbank/core'
import type { AuthMode, Log, TokenVerifier } from '@fogbank/personality'
import type { Hubs } from './hubs.ts'
import type { Clients } from './clients/clients.ts'
import type { MqttSide } from './mqtt-sessions.ts'
import type { Settings } from './settings.ts'
import type { KeyTokens } from './tokens.ts'
import type { Upstream } from './upstream/events.ts'
import type { HubSettingsTable } from './upstream/hub-settings.ts'

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
  mqttSide: MqttSide
  hubSettings: HubSettingsTable
  upstream: Upstream
  /** Those that speak WebSocket. */
  clients: Clients
}
