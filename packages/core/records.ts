import type { Store, StorePart } from './store.ts'

/** Bounds of a range of keys, in byte order of their UTF-8 form. */
export interface KeyRange {
  gt?: string
  gte?: string
  lt?: string
  lte?: string
  reverse?: boolean
  limit?: number
}

export type RecordChange = { put: string; value: Buffer } | { del: string }

/** A personality's own durable records, beside the spaces in the one database. */
export interface Records {
  get(key: string): Promise<Buffer | undefined>
  /** Reads what is committed when it begins; later changes do not show in it. */
  range(range?: KeyRange): AsyncIterable<[key: string, value: Buffer]>
  /** All or nothing; resolves once committed, together with whatever else was waiting. */
  commit(changes: readonly RecordChange[]): Promise<void>
}

export interface RunningRecords extends Records {
  /** Forgets everything, writes in hand included. */
  clear(): Promise<void>
}

export async function openRecords(store: Store, name: string): Promise<RunningRecords> {
  const part: StorePart = await store.part(name, 'records')
  return {
    get: async (key) => part.get(key),
    range: (range = {}) => part.iterator(range),
    commit: (changes) =>
      store.commit(
        changes.map((change) =>
          'put' in change
            ? { type: 'put', key: change.put, value: change.value, sublevel: part }
            : { type: 'del', key: change.del, sublevel: part }
        )
      ),
    async clear() {
      await store.commit([])
      await part.clear()
    }
  }
}
