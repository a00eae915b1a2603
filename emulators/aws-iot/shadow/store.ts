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
/** Shadows that are kept in memory, too: a device that reports does so again. */
const REMEMBERED = 512
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
  const running = new Map<string, Promise<unknown>>()
  /** As they are in the records; those that were used last stand behind. Nobody changes one in place. */
  const remembered = new Map<string, Shadow>()
  let cancelSweep = () => {}
  let closed = false

  function remember(key: string, shadow: Shadow): void {
    remembered.delete(key)
    remembered.set(key, shadow)
    if (remembered.size > REMEMBERED) remembered.delete(remembered.keys().next().value!)
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
  function inTurn<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = running.get(key)
    const result = before ? before.then(task, task) : task()
    running.set(key, result)
    const forget = () => running.get(key) === result && running.delete(key)
    result.then(forget, forget)
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
    read: async (id) => remembered.get(keyOf(id)) ?? (await load(keyOf(id))).shadow,
    change(id, change) {
      const key = keyOf(id)
      return inTurn(key, async () => {
        const known = remembered.get(key)
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
        remembered.delete(key) // whether this is stored or fails, it is not what it was
        await records.commit(changes)
        if (shadow) remember(key, shadow)
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
    forget: () => remembered.clear(),
    close() {
      closed = true
      cancelSweep()
    }
  }
}
