import type { Bounds } from './bounds.ts'
import type { Clock, Ids } from './clock.ts'
import { openRecords, type Records, type RunningRecords } from './records.ts'
import { createSinks, type Sinks } from './sinks.ts'
import { createSpace, type RunningSpace, type Space } from './space.ts'
import { openStore } from './store.ts'

/** Where the core writes what people should know. */
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
  /** What a space and its clients may take up; what is left out has its default (bounds.ts). */
  bounds?: Partial<Bounds>
  /** A store that takes longer fails its publish. Milliseconds. @default 10000 */
  storeTimeoutMs?: number
}

/** One database and the spaces in it. */
export interface Core {
  readonly clock: Clock
  readonly ids: Ids
  readonly log: CoreLog
  /** The space of this name, made when it is first asked for. */
  space(name: string): Promise<Space>
  /** Names of the spaces that exist, in this run or from an earlier one. */
  spaces(): string[]
  /**
   * A personality's own durable records; the name begins with the personality's id. The same object for
   * the same name.
   */
  records(name: string): Promise<Records>
  readonly sinks: Sinks
  /** Disconnects every client (0x98), empties every space and all records. */
  reset(): Promise<void>
  /** Tells MQTT 5 clients (0x8B), finishes what is being stored, closes the database. Idempotent. */
  close(): Promise<void>
}

const STORE_TIMEOUT_MS = 10_000

/**
 * Opens the store and space `main`.
 *
 * @throws CoreError 'store-locked' when another process holds the folder, 'store-failed' otherwise
 */
export async function createCore(options: CoreOptions): Promise<Core> {
  const { clock, ids, log, bounds = {}, storeTimeoutMs = STORE_TIMEOUT_MS } = options
  const store = await openStore(options.directory)
  const spaces = new Map<string, Promise<RunningSpace>>()
  const opened = new Map<string, Promise<RunningRecords>>()
  let closing: Promise<void> | undefined

  function space(name: string): Promise<RunningSpace> {
    const known = spaces.get(name)
    if (known) return known
    const made = createSpace(name, { store, clock, log, bounds, storeTimeoutMs })
    spaces.set(name, made)
    made.catch(() => spaces.delete(name)) // told to whoever asked; the next who asks tries again
    return made
  }

  function records(name: string): Promise<RunningRecords> {
    const known = opened.get(name)
    if (known) return known
    const made = openRecords(store, name)
    opened.set(name, made)
    made.catch(() => opened.delete(name))
    return made
  }

  async function close(): Promise<void> {
    try {
      const running = await Promise.all(spaces.values())
      await Promise.all(running.map((one) => one.close()))
    } finally {
      await store.close() // or the folder stays locked for whoever comes next
    }
  }

  try {
    await space('main')
  } catch (error) {
    await store.close()
    throw error
  }
  return {
    clock,
    ids,
    log,
    space,
    spaces: () => [...new Set([...store.names('space'), ...spaces.keys()])],
    records,
    sinks: createSinks(),
    async reset() {
      // What an earlier run left is to go too, though nobody has asked for it yet.
      for (const name of store.names('space')) await (await space(name)).reset()
      for (const name of store.names('records')) await (await records(name)).clear()
    },
    close: () => (closing ??= close())
  }
}
