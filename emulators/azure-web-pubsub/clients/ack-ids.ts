import { REMEMBERED_ACK_IDS } from './limits.ts'

/** The ids of requests that were done, so that none is done twice; the oldest are forgotten. */
export interface AckIds {
  has(ackId: bigint): boolean
  add(ackId: bigint): void
}

export function createAckIds(): AckIds {
  const ids = new Set<bigint>()
  return {
    has: (ackId) => ids.has(ackId),
    add(ackId) {
      ids.add(ackId)
      if (ids.size > REMEMBERED_ACK_IDS) ids.delete(ids.values().next().value!)
    }
  }
}
