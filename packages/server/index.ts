import { systemClock, systemIds, type Clock, type Core, type Ids } from '@fogbank/core'
import type { AuthMode, Log, RunningPersonality } from '@fogbank/personality'
import { readConfiguration } from './config.ts'
import type { KnownEndpoints, PersonalityId } from './endpoints.ts'
import { environmentOf } from './environment.ts'
import { createLog } from './log.ts'
import { personalities } from './personalities.ts'
import { startSuite } from './server.ts'
import { DEFAULT_TIMEOUTS, type Timeouts } from './timeouts.ts'

export { createManualClock, type Clock, type ManualClock } from '@fogbank/core'
export { UsageError } from './failure.ts'
export type { Endpoints, KnownEndpoints, PersonalityId } from './endpoints.ts'

/** What a suite in one's own process is started with; everything may be left out. */
export interface StartOptions {
  /** Ids of the personalities to start; none of them for the plain door alone. @default all */
  only?: readonly (PersonalityId | (string & {}))[]
  /** The object of fogbank.config.json. */
  config?: object
  /** @default strict */
  auth?: AuthMode
  /** @default the system's */
  clock?: Clock
  /** @internal */
  ids?: Ids
  /** Address to listen on. @default 127.0.0.1 and ::1 */
  host?: string
  /** Port of the control door. @default 0: free ports */
  portBase?: number
  /** Folder of the database. @default none: in memory */
  dataDir?: string
  /** Folder of the certificates. @default none: in memory, made when first wanted */
  tlsDir?: string
  /** @default warnings and errors on standard output */
  log?: Log
  /** @default true */
  hints?: boolean
  timeouts?: Partial<Timeouts>
}

/** A suite in one's own process. */
export interface Fogbank {
  /** Where everything is, by personality id, as `GET /endpoints` on 127.0.0.1 says it. */
  readonly endpoints: KnownEndpoints
  /** @internal */
  readonly core: Core
  /** @internal */
  readonly personalities: ReadonlyMap<string, RunningPersonality>
  /** PEM of the local certificate authority. */
  ca(): Promise<string>
  /** A client certificate of the local authority, PEM. */
  issueClient(commonName: string): Promise<{ cert: string; key: string }>
  /**
   * The variables that point SDKs at one personality, `authority` or, without an id, at all of them.
   *
   * Those that name the CA's file are there only with `tlsDir`, as they need a file.
   * @throws UsageError for an id that does not run
   */
  env(id?: string): Record<string, string>
  /** Disconnects everybody and forgets everything, as `POST /reset`. */
  reset(): Promise<void>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts the suite inside this process, on free ports and in memory unless told otherwise.
 *
 * Two of them in one process never meet.
 * @throws UsageError with one sentence that names the key, the value and the fix
 */
export async function startFogbank(options: StartOptions = {}): Promise<Fogbank> {
  const { only, auth, host, portBase = 0, dataDir, tlsDir, hints, config = {} } = options
  const flags = {
    only,
    auth,
    host,
    portBase,
    dataDir,
    tlsDir,
    hints,
    ephemeral: dataDir === undefined
  }
  const suite = await startSuite({
    definitions: personalities,
    configuration: readConfiguration(personalities, flags, {}, { config }),
    clock: options.clock ?? systemClock,
    ids: options.ids ?? systemIds,
    log: options.log ?? createLog('warn'),
    timeouts: { ...DEFAULT_TIMEOUTS, ...options.timeouts },
    tlsInMemory: tlsDir === undefined
  })
  const endpoints = suite.endpoints('127.0.0.1') as KnownEndpoints
  return {
    endpoints,
    core: suite.core,
    personalities: suite.personalities,
    ca: () => suite.tls.ca(),
    issueClient: (commonName) => suite.tls.issueClient(commonName),
    env: (id) => environmentOf(endpoints, id, suite.tls.caFile),
    reset: suite.reset,
    close: suite.close,
    [Symbol.asyncDispose]: suite.close
  }
}
