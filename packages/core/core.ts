import type { Clock, Ids } from './clock.ts'
import type { Space } from './space.ts'

/** Where the core writes what people should know. pino's logger fits. */
export interface CoreLog {
  info(message: string): void
  warn(message: string): void
  error(error: unknown, message: string): void
}

export interface CoreOptions {
  /** Folder of the Level database; absent: in memory, through the same code. */
  directory?: string
  clock: Clock
  ids: Ids
  log: CoreLog
  /** A store that takes longer fails its publish. Milliseconds. @default 10000 */
  storeTimeoutMs?: number
}

/** One database and the spaces in it. */
export interface Core {
  /** The space of this name, made when it is first asked for. */
  space(name: string): Promise<Space>
  /** Names of the spaces that exist, in this run or from an earlier one. */
  spaces(): string[]
  /** Disconnects every client (0x98) and empties every space. */
  reset(): Promise<void>
  /** Tells MQTT 5 clients (0x8B), finishes what is being stored, closes the database. Idempotent. */
  close(): Promise<void>
}

/**
 * Opens the store and space `main`.
 *
 * @throws CoreError 'store-locked' when another process holds the folder.
 */
export async function createCore(_options: CoreOptions): Promise<Core> {
  throw new Error('being built')
}
