import type { AbstractLevel, AbstractSublevel } from 'abstract-level'
import { CoreError } from './error.ts'

type Database = AbstractLevel<any, string, Buffer>
/** One space's part of the database, or one owner's records. */
export type StorePart = AbstractSublevel<any, any, string, Buffer>

export type WriteOperation =
  | { type: 'put'; key: string; value: Buffer; sublevel?: StorePart }
  | { type: 'del'; key: string; sublevel?: StorePart }

export type PartKind = 'space' | 'records'

/** The one database, and a commit that all parts share. */
export interface Store {
  /** Opens the part of this name. @throws CoreError 'store-failed' */
  part(name: string, kind: PartKind): Promise<StorePart>
  /** Writes atomically; whatever else is waiting joins the same commit. Resolves once committed. */
  commit(operations: WriteOperation[]): Promise<void>
  /** Parts of this kind that were ever opened in this database. */
  names(kind: PartKind): string[]
  /** Finishes the commits in hand, then closes. */
  close(): Promise<void>
}

/** What the database failed with, as the core tells it. */
export function toStoreError(cause: unknown): CoreError {
  return new CoreError('store-failed', 'the store failed', { cause })
}

/**
 * Opens the database: a folder on disk, or memory when there is none, through the same code.
 *
 * @throws CoreError 'store-locked' when another process holds the folder, 'store-failed' otherwise
 */
export async function openStore(directory: string | undefined): Promise<Store> {
  const root = await openDatabase(directory)
  const names = { space: await readNames(root, 'space'), records: await readNames(root, 'records') }
  const { commit, idle } = groupCommits(root)
  return {
    async part(name, kind) {
      const sublevel = toSublevelName(name, kind)
      const part = root.sublevel<string, Buffer>(sublevel, { valueEncoding: 'buffer' })
      await part.open() // a write to a part that is still opening would fail
      if (!names[kind].has(name)) {
        await commit([{ type: 'put', key: `${kind}:${name}`, value: Buffer.alloc(0) }])
        names[kind].add(name)
      }
      return part
    },
    commit,
    names: (kind) => [...names[kind]],
    async close() {
      await idle()
      await root.close()
    }
  }
}

async function openDatabase(directory: string | undefined): Promise<Database> {
  const options = { keyEncoding: 'utf8', valueEncoding: 'buffer' } as const
  // Imported when wanted: the native part of level must not stop a start that keeps nothing on disk.
  const root: Database =
    directory === undefined
      ? new (await import('memory-level')).MemoryLevel<string, Buffer>(options)
      : new (await import('level')).Level<string, Buffer>(directory, options)
  try {
    await root.open()
  } catch (error) {
    const cause = (error as { cause?: { code?: string } }).cause
    if (cause?.code === 'LEVEL_LOCKED') {
      const message = `the data folder ${directory} is in use by another process`
      throw new CoreError('store-locked', message, { cause: error })
    }
    throw new CoreError('store-failed', `the data folder ${directory} cannot be opened`, {
      cause: error
    })
  }
  return root
}

async function readNames(root: Database, kind: PartKind): Promise<Set<string>> {
  const names = new Set<string>()
  const prefix = `${kind}:`
  for await (const key of root.keys({ gte: prefix, lt: `${prefix}\u{10ffff}` })) {
    names.add(key.slice(prefix.length))
  }
  return names
}

/** Level allows neither `!` nor `~` inside a sublevel's name; no space's name encodes to one with a colon. */
function toSublevelName(name: string, kind: PartKind): string {
  const encoded = encodeURIComponent(name).replace(
    /[!~]/g,
    (c) => `%${c.charCodeAt(0).toString(16)}`
  )
  return kind === 'space' ? encoded : `${kind}:${encoded}`
}

/**
 * Gathers writes that arrive while a commit is under way into the next one: a burst costs few commits,
 * and two writes to one key land in the order they were made, which Level alone does not promise.
 */
function groupCommits(root: Database) {
  let waiting: WriteOperation[] = []
  let next: Promise<void> | undefined
  let current: Promise<unknown> = Promise.resolve()

  function commit(operations: WriteOperation[]): Promise<void> {
    for (const operation of operations) waiting.push(operation)
    next ??= start()
    return next
  }

  async function start(): Promise<void> {
    const before = current
    let finished = () => {}
    current = new Promise<void>((resolve) => (finished = resolve))
    try {
      await before
      const batch = waiting
      waiting = []
      next = undefined
      if (batch.length > 0) await root.batch(batch as never)
    } finally {
      finished()
    }
  }

  return { commit, idle: () => current }
}
