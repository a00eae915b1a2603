import type { Clock, Ids, RecordChange, SinkEvent } from '@fogbank/core'
import type { Log } from '@fogbank/personality'
import type { DeadLetters } from './dead-letters.ts'
import type { EventStore } from './event-store.ts'
import { compileConfiguration } from './filters.ts'
import { createLockTokens, type LockTokens } from './lock-token.ts'
import { createQueue, type Queue, type QueueSettings } from './queue.ts'
import type { EventSubscriptionSettings } from './settings.ts'
import { durationMs } from './time.ts'

const DAY_MS = 86_400_000
const DEFAULT_LOCK_SECONDS = 60
const DEFAULT_MAXIMUM_DELIVERY_COUNT = 10
/** Longer than a push may take, so that nothing is tried twice at once. */
const PUSH_LOCK_MS = 60_000

/** One event subscription at work. */
export interface Subscription {
  readonly name: string
  readonly settings: EventSubscriptionSettings
  readonly queue: Queue
  readonly tokens: LockTokens
  matches(event: SinkEvent): boolean
  /** New settings, checked by the caller; what waits goes on waiting. */
  configure(settings: EventSubscriptionSettings, retentionMs: number): void
  close(): void
}

export interface SubscriptionContext {
  store: EventStore
  deadLetters: DeadLetters
  clock: Clock
  ids: Ids
  log: Log
}

/** @throws SettingsError for filters that make no sense */
export function createSubscription(
  path: string,
  initial: EventSubscriptionSettings,
  retentionMs: number,
  context: SubscriptionContext
): Subscription {
  let settings = initial
  let matches = compileConfiguration(settings.filtersConfiguration, path)
  const bury = (event: Parameters<DeadLetters['bury']>[2]): RecordChange[] =>
    context.deadLetters.bury(path, settings, event)
  const queue = createQueue({
    ...context,
    path,
    settings: toQueueSettings(settings, retentionMs),
    bury,
    buries: () => context.deadLetters.isWanted(settings),
    failed: (error, what) => context.log.error(error, what)
  })
  return {
    name: initial.name,
    get settings() {
      return settings
    },
    queue,
    tokens: createLockTokens(path),
    matches: (event) => matches(event),
    configure(changed, changedRetentionMs) {
      matches = compileConfiguration(changed.filtersConfiguration, path)
      settings = changed
      queue.configure(toQueueSettings(changed, changedRetentionMs))
    },
    close: () => queue.close()
  }
}

/** What of a subscription's delivery configuration the queue works by. */
export function toQueueSettings(
  { deliveryConfiguration = {} }: EventSubscriptionSettings,
  retentionMs: number
): QueueSettings {
  const { deliveryMode = 'Queue', queue = {}, push } = deliveryConfiguration
  const { maxDeliveryCount = DEFAULT_MAXIMUM_DELIVERY_COUNT, eventTimeToLive } =
    (deliveryMode === 'Push' ? push : queue) ?? {}
  const lockSeconds = queue.receiveLockDurationInSeconds ?? DEFAULT_LOCK_SECONDS
  const ownMs = eventTimeToLive === undefined ? undefined : durationMs(eventTimeToLive)
  return {
    lockMs: deliveryMode === 'Push' ? PUSH_LOCK_MS : lockSeconds * 1000,
    maxDeliveryCount,
    timeToLiveMs: Math.min(ownMs ?? Infinity, retentionMs)
  }
}

/** How long a topic keeps events at most. */
export function toRetentionMs(days = 1): number {
  return days * DAY_MS
}
