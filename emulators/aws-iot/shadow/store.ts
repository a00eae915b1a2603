import type { Clock, RecordChange, Records } from '@fogbank/core'
import type { Section } from './merge.ts'

/** Whose shadow; without a name the thing's classic one. */
export interface ShadowId {
  thing: string
  name?: string
}

/** A shadow as it is kept. */
export interface Shadow {
  version: number
  desired?: Section
  reported?: Section
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
}

/** Re-created within that time a shadow counts on from where it was. */
const TOMBSTONE_MS = 48 * 3600 * 1000

const keyOf = ({ thing, name = '' }: ShadowId) => `${thing}/${name}`

export function createShadowStore(records: Records, clock: Clock): ShadowStore {
  const running = new Map<string, Promise<unknown>>()

  async function load(key: string): Promise<{ shadow: Shadow | undefined; lastVersion: number }> {
    const value = await records.get(key)
    if (!value) return { shadow: undefined, lastVersion: 0 }
    const kept = JSON.parse(value.toString()) as Shadow | Tombstone
    if (!('deletedVersion' in kept)) return { shadow: kept, lastVersion: kept.version }
    const counts = clock.now() - kept.deletedAtMs < TOMBSTONE_MS
    return { shadow: undefined, lastVersion: counts ? kept.deletedVersion : 0 }
  }

  /** One after the other for one shadow, side by side for others. */
  function inTurn<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = running.get(key) ?? Promise.resolve()
    const result = before.then(task, task)
    running.set(key, result)
    const forget = () => running.get(key) === result && running.delete(key)
    result.then(forget, forget)
    return result
  }

  return {
    read: async (id) => (await load(keyOf(id))).shadow,
    change(id, change) {
      const key = keyOf(id)
      return inTurn(key, async () => {
        const { shadow: before, lastVersion } = await load(key)
        const { shadow, result } = change(before, lastVersion)
        const kept: Shadow | Tombstone = shadow ?? {
          deletedVersion: lastVersion,
          deletedAtMs: clock.now()
        }
        const put: RecordChange = { put: key, value: Buffer.from(JSON.stringify(kept)) }
        await records.commit([put])
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
    }
  }
}
