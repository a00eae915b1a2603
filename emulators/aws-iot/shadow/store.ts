import type { Clock, CoreLog, RecordChange, Records } from '@fogbank/core'
import { toText } from './json.ts'
import { toSection, type Section } from './merge.ts'

/** Whose shadow; without a name the thing's classic one. */
export interface ShadowId {
  thing: string
  name?: string
}

/** A shadow as it is kept. */
export interface Shadow {
  version: number
  desired?: Section | undefined
  reported?: Section | undefined
}

/** What of it is stored; see toStored. */
interface StoredShadow {
  version: number
  desired?: Pick<Section, 'state' | 'metadata'>
  reported?: Pick<Section, 'state' | 'metadata'>
}

/** A shadow in memory. */
interface Entry {
  /** As it is in the records, and never changed in place; undefined: that has to be looked up. */
  shadow: Shadow | undefined
  /** What runs last on it, while something does. */
  last: Promise<unknown> | undefined
}

/** What remains of a deleted shadow: its count goes on for a while. */
interface Tombstone {
  deletedVersion: number
  deletedAtMs: number
}

/** Shadows in the database; changes of one shadow run one after the other. */
export interface ShadowStore {
  read(id: ShadowId): Promise<Shadow | undefined>
  /**
   * Runs `change` with the shadow as it is and the version that it had last, and stores what that returns;
   * null deletes. Resolves once stored, with what `change` gave beside it.
   */
  change<Result>(
    id: ShadowId,
    change: (
      shadow: Shadow | undefined,
      lastVersion: number
    ) => { shadow: Shadow | null; result: Result }
  ): Promise<Result>
  /** Names of a thing's named shadows, in order, behind `after`. */
  names(thing: string, after: string | undefined, limit: number): Promise<string[]>
  /** The records were emptied. */
  forget(): void
  /** Ends the wait for what is to be forgotten. */
  close(): void
}

/** Re-created within that time a shadow counts on from where it was. */
const TOMBSTONE_MS = 48 * 3600 * 1000
const SWEEP_MS = 3600 * 1000
/** Shadows that are kept in memory, too, in each of two generations: a device that reports does so again. */
const REMEMBERED = 256
/** Which shadows were deleted when: `!deleted:{milliseconds}:{key}`. No thing's name has a `!`. */
const DELETED = '!deleted:'

const toDeletedKey = (deletedAtMs: number, key: string) =>
  `${DELETED}${String(deletedAtMs).padStart(16, '0')}:${key}`

const NOTHING = Buffer.alloc(0)

const keyOf = ({ thing, name = '' }: ShadowId) => `${thing}/${name}`

const sectionText = (section: Section | undefined) =>
  section && toText({ state: section.stateText, metadata: section.metadataText })

const toStored = ({ version, desired, reported }: Shadow) =>
  toText({ version, desired: sectionText(desired), reported: sectionText(reported) })

function fromStored({ version, desired, reported }: StoredShadow): Shadow {
  return {
    version,
    desired: desired && toSection(desired.state, desired.metadata),
    reported: reported && toSection(reported.state, reported.metadata)
  }
}

export function createShadowStore(records: Records, clock: Clock, log: CoreLog): ShadowStore {
  // Nothing is taken out of them: a Map that loses and gains a key with each call leaves its old tables to
  // the collector's slow half, with all that was in them.
  let recent = new Map<string, Entry>()
  let older = new Map<string, Entry>()
  let cancelSweep = () => {}
  let closed = false

  function entryOf(key: string): Entry {
    const known = recent.get(key)
    if (known) return known
    const entry = older.get(key) ?? { shadow: undefined, last: undefined }
    if (recent.size >= REMEMBERED) age()
    recent.set(key, entry)
    return entry
  }

  /** The recent ones become the older ones, which go, but for those that somebody waits for. */
  function age(): void {
    for (const [key, entry] of older) if (entry.last) recent.set(key, entry)
    older = recent
    recent = new Map()
  }

  async function load(key: string): Promise<{ shadow: Shadow | undefined; lastVersion: number }> {
    const value = await records.get(key)
    if (!value) return { shadow: undefined, lastVersion: 0 }
    const kept = JSON.parse(value.toString()) as StoredShadow | Tombstone
    if (!('deletedVersion' in kept)) return { shadow: fromStored(kept), lastVersion: kept.version }
    const counts = clock.now() - kept.deletedAtMs < TOMBSTONE_MS
    return { shadow: undefined, lastVersion: counts ? kept.deletedVersion : 0 }
  }

  /** One after the other for one shadow, side by side for others. */
  function inTurn<T>(key: string, task: (entry: Entry) => Promise<T>): Promise<T> {
    const entry = entryOf(key)
    const run = () => task(entry)
    const result = entry.last ? entry.last.then(run, run) : run()
    entry.last = result
    const done = () => {
      if (entry.last === result) entry.last = undefined
    }
    result.then(done, done)
    return result
  }

  /** Forgets the counts that are over; costs what is over, not what is kept. */
  async function sweep(): Promise<void> {
    const range = { gte: DELETED, lt: toDeletedKey(clock.now() - TOMBSTONE_MS + 1, '') }
    for await (const [mark] of records.range(range)) {
      const deletedAtMs = Number(mark.slice(DELETED.length, DELETED.length + 16))
      const key = mark.slice(DELETED.length + 17)
      await inTurn(key, async () => {
        const value = await records.get(key)
        const kept = value && (JSON.parse(value.toString()) as StoredShadow | Tombstone)
        // It may have been made again, and deleted again, since.
        const isOver = kept && 'deletedVersion' in kept && kept.deletedAtMs === deletedAtMs
        await records.commit([{ del: mark }, ...(isOver ? [{ del: key }] : [])])
      })
    }
  }

  function sweepLater(): void {
    cancelSweep = clock.after(SWEEP_MS, () => {
      sweep()
        .catch((error: unknown) => {
          // At the end the store may be gone before the sweep is.
          if (!closed) log.error(error, 'aws-iot could not forget deleted shadows')
        })
        .finally(() => !closed && sweepLater())
    })
  }

  sweepLater()
  return {
    async read(id) {
      const key = keyOf(id)
      return (recent.get(key) ?? older.get(key))?.shadow ?? (await load(key)).shadow
    },
    change(id, change) {
      const key = keyOf(id)
      return inTurn(key, async (entry) => {
        const known = entry.shadow
        const { shadow: before, lastVersion } = known
          ? { shadow: known, lastVersion: known.version }
          : await load(key)
        const { shadow, result } = change(before, lastVersion)
        const deletedAtMs = clock.now()
        const kept = shadow
          ? toStored(shadow)
          : toText({ deletedVersion: lastVersion, deletedAtMs })
        const changes: RecordChange[] = [{ put: key, value: Buffer.from(kept) }]
        if (!shadow) changes.push({ put: toDeletedKey(deletedAtMs, key), value: NOTHING })
        entry.shadow = undefined // whether this is stored or fails, it is not what it was
        await records.commit(changes)
        if (shadow) entry.shadow = shadow
        return result
      })
    },
    async names(thing, after, limit) {
      const names: string[] = []
      // `0` follows the slash; the classic shadow is the slash alone.
      const range = { gt: `${thing}/${after ?? ''}`, lt: `${thing}0` }
      for await (const [key, value] of records.range(range)) {
        if (value.toString().startsWith('{"deletedVersion"')) continue
        names.push(key.slice(thing.length + 1))
        if (names.length === limit) break
      }
      return names
    },
    forget() {
      for (const entry of [...recent.values(), ...older.values()]) entry.shadow = undefined
    },
    close() {
      closed = true
      cancelSweep()
    }
  }
}
