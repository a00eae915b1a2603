import type { Clock } from '@fogbank/core'
import { errors } from './errors.ts'

/** How much a second is let through; what is left out is not limited. */
export interface RateSettings {
  /** By operation, of all callers together. */
  operations?: Record<string, number>
  publishesPerConnection?: number
  connectsPerClientId?: number
  /** Shadow requests of an MQTT connection that are under way at once; HTTP has one at a time. */
  shadowRequestsInFlight?: number
}

/** The account's quotas, counted. Each throws the row for too many. */
export interface Rates {
  checkOperation(name: string): void
  checkPublish(connectionId: string): void
  checkConnect(clientId: string): void
  /** Counts a request of a connection until the returned function says that it is answered. */
  beginShadowRequest(connectionId: string): () => void
  forget(): void
}

interface Bucket {
  tokens: number
  filledAtMs: number
}

/** Client ids are the callers' to invent, so what is remembered of them has to be bounded. */
const BUCKETS_KEPT = 10_000

/** Token buckets that hold one second's worth, and one at least. */
export function createRates(settings: RateSettings, clock: Clock): Rates {
  const { operations = {}, publishesPerConnection, connectsPerClientId } = settings
  const { shadowRequestsInFlight = Infinity } = settings
  const buckets = new Map<string, Bucket>()
  const inFlight = new Map<string, number>()

  function take(name: string, perSecond: number | undefined): void {
    if (perSecond === undefined) return
    const size = Math.max(1, perSecond)
    const now = clock.now()
    const bucket = buckets.get(name) ?? { tokens: size, filledAtMs: now }
    const gained = ((now - bucket.filledAtMs) / 1000) * perSecond
    bucket.tokens = Math.min(size, bucket.tokens + Math.max(0, gained))
    bucket.filledAtMs = now
    // The least recently used goes first.
    buckets.delete(name)
    buckets.set(name, bucket)
    if (buckets.size > BUCKETS_KEPT) buckets.delete(buckets.keys().next().value!)
    if (bucket.tokens < 1) throw errors.Throttled({}, { detail: `${name} ${perSecond}/s` })
    bucket.tokens--
  }

  return {
    checkOperation: (name) => take(`operation ${name}`, operations[name]),
    checkPublish: (id) => take(`publish ${id}`, publishesPerConnection),
    beginShadowRequest(id) {
      const before = inFlight.get(id) ?? 0
      if (before >= shadowRequestsInFlight) {
        throw errors.ShadowTooManyRequests(
          {},
          { detail: `shadow requests in flight=${before + 1}` }
        )
      }
      inFlight.set(id, before + 1)
      return () => {
        const left = inFlight.get(id)! - 1
        if (left > 0) inFlight.set(id, left)
        else inFlight.delete(id)
      }
    },
    checkConnect: (id) => take(`connect ${id}`, connectsPerClientId),
    forget: () => buckets.clear()
  }
}
