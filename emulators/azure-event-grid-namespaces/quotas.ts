import type { Clock } from '@fogbank/core'
import type { ProviderError } from '@fogbank/personality'
import { errors } from './errors.ts'
import { limits } from './limits.ts'
import type { SessionIndex } from './session-index.ts'

/** The parts of a namespace's settings that its quotas follow from. */
interface QuotaSettings {
  enforceQuotas?: boolean
  sku?: { capacity?: number }
}

/** The throughput of one namespace, counted by the second; nothing is counted unless that is configured. */
export interface Quotas {
  /** An HTTP Publish counts as a message of the broker as well. @throws ProviderError */
  takeHttpPublish(payloadBytes: number): void
  /** @throws ProviderError MessageRateTooHigh where the client does not stop */
  takePublish(clientId: string, payloadBytes: number): void
  /** @throws ProviderError */
  takeConnect(): void
  /** @throws ProviderError */
  takeSession(clientId: string): void
}

interface Bucket {
  tokens: number
  filledAtMs: number
}

/** Refusals since the first one after a pause, of one client. */
interface Spell {
  sinceMs: number
  lastMs: number
}

/** Without a refusal for so long, a client has slowed down. How long the service waits is not documented. */
const PAUSE_MS = 1_000
/** Over its rate for so long, a client is disconnected. */
const PATIENCE_MS = 10_000
/** Clients' names are theirs to choose, so what is remembered of them is bounded. */
const BUCKETS_KEPT = 10_000
/** Throughput units of a namespace that says nothing of them. */
const DEFAULT_CAPACITY = 1

/**
 * Token buckets that hold one second's worth; the namespace's are as large as its throughput units make them.
 *
 * `settings` is asked each time, as they may change.
 * @see https://learn.microsoft.com/azure/event-grid/quotas-limits
 */
export function createQuotas(
  clock: Clock,
  sessions: SessionIndex,
  settings: () => QuotaSettings
): Quotas {
  const buckets = new Map<string, Bucket>()
  const spells = new Map<string, Spell>()

  /** Whether there was as much. */
  function takes(name: string, perSecond: number, amount: number): boolean {
    const now = clock.now()
    const bucket = buckets.get(name) ?? { tokens: perSecond, filledAtMs: now }
    const gained = (Math.max(0, now - bucket.filledAtMs) / 1000) * perSecond
    bucket.tokens = Math.min(perSecond, bucket.tokens + gained)
    bucket.filledAtMs = now
    keep(buckets, name, bucket)
    if (bucket.tokens < amount) return false
    bucket.tokens -= amount
    return true
  }

  function take(name: string, perSecond: number, amount: number): void {
    if (takes(name, perSecond, amount)) return
    throw errors.Throttled({}, { detail: `${name} ${perSecond}/s` })
  }

  /** Called for each refusal of a client's message. */
  function isSustained(clientId: string): boolean {
    const now = clock.now()
    const { sinceMs, lastMs } = spells.get(clientId) ?? { sinceMs: now, lastMs: now }
    const spell = { sinceMs: now - lastMs > PAUSE_MS ? now : sinceMs, lastMs: now }
    keep(spells, clientId, spell)
    if (now - spell.sinceMs < PATIENCE_MS) return false
    spells.delete(clientId)
    return true
  }

  /** The names are those of the service's throttling metrics. */
  function takeMessage(capacity: number, payloadBytes: number): void {
    const { inboundMessagesPerSecond: messages, inboundBytesPerSecond: bytes } = limits
    take('IncomingPublishPacketsPerNamespace', messages.value * capacity, 1)
    take('InboundBandwidthPerNamespace', bytes.value * capacity, payloadBytes)
  }

  /** undefined: quotas are off. */
  function capacityNow(): number | undefined {
    const { enforceQuotas = false, sku: { capacity = DEFAULT_CAPACITY } = {} } = settings()
    return enforceQuotas ? capacity : undefined
  }

  return {
    takeHttpPublish(payloadBytes) {
      const capacity = capacityNow()
      if (capacity === undefined) return
      take('HTTP publishes', limits.httpPublishesPerSecond.value * capacity, 1)
      take('HTTP publish bytes', limits.httpPublishBytesPerSecond.value * capacity, payloadBytes)
      takeMessage(capacity, payloadBytes)
    },
    takePublish(clientId, payloadBytes) {
      const capacity = capacityNow()
      if (capacity === undefined) return
      const { inboundMessagesPerSecond: messages, inboundBytesPerSecond: bytes } = limits
      try {
        take(`IncomingPublishPacketsPerConnection ${clientId}`, messages.value, 1)
        take(`InboundBandwidthPerConnection ${clientId}`, bytes.value, payloadBytes)
        takeMessage(capacity, payloadBytes)
      } catch (error) {
        const { detail } = error as ProviderError
        if (isSustained(clientId)) throw errors.MessageRateTooHigh({}, detail ? { detail } : {})
        throw error
      }
    },
    takeConnect() {
      const capacity = capacityNow()
      if (capacity === undefined) return
      const perSecond = limits.connectsPerSecond.value * capacity
      if (takes('ConnectPacketsPerNamespace', perSecond, 1)) return
      throw errors.ConnectRateExceeded({}, { detail: `${perSecond}/s` })
    },
    takeSession(clientId) {
      const capacity = capacityNow()
      if (capacity === undefined) return
      const maximum = limits.sessionsPerNamespace.value * capacity
      if (sessions.isFull(maximum, clientId)) {
        throw errors.NamespaceSessionsExceeded({ limit: maximum })
      }
    }
  }
}

/** The least recently used makes room. */
function keep<Value>(map: Map<string, Value>, name: string, value: Value): void {
  map.delete(name)
  map.set(name, value)
  if (map.size > BUCKETS_KEPT) map.delete(map.keys().next().value!)
}
