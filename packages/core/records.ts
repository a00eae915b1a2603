import { toStoreError, type Store, type StorePart, type WriteOperation } from './store.ts'

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

/**
 * A personality's own durable records, beside the spaces in the one database. Each of its calls fails with
 * CoreError 'store-failed' when the database does.
 */
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
    async get(key) {
      try {
        return await part.get(key)
      } catch (error) {
        throw toStoreError(error)
      }
    },
    async *range(range = {}) {
      try {
        // What whoever reads throws ends the loop without coming by here.
        for await (const entry of part.iterator(range)) yield entry
      } catch (error) {
        throw toStoreError(error)
      }
    },
    async commit(changes) {
      const operations = changes.map((change): WriteOperation =>
        'put' in change
          ? { type: 'put', key: change.put, value: change.value, sublevel: part }
          : { type: 'del', key: change.del, sublevel: part }
      )
      try {
        await store.commit(operations)
      } catch (error) {
        throw toStoreError(error)
      }
    },
    async clear() {
      await store.commit([])
      await part.clear()
    }
  }
}
