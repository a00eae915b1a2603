import type { Clock, Ids, RecordChange, SinkEvent } from '@fogbank/core'
import type { Log } from '@fogbank/personality'
import type { DeadLetters } from './dead-letters.ts'
import type { EventStore } from './event-store.ts'
import { compileConfiguration } from './filters.ts'
import { createLockTokens, type LockTokens } from './lock-token.ts'
import type { Consents } from './push/consents.ts'
import { createDestination, type DestinationContext } from './push/destination.ts'
import type { Handshakes } from './push/handshake.ts'
import { createPush, type Push } from './push/push.ts'
import { createQueue, type Queue, type QueueSettings } from './queue.ts'
import type { EventSubscriptionSettings } from './settings.ts'
import { durationMs } from './time.ts'

const DAY_MS = 86_400_000
const DEFAULT_LOCK_SECONDS = 60
const DEFAULT_MAXIMUM_DELIVERY_COUNT = 10
/** Longer than a push may take, so that nothing is tried twice at once; none outlives the process. */
const PUSH_LOCK_MS = 60_000

/** One event subscription at work. */
export interface Subscription {
  readonly name: string
  readonly settings: EventSubscriptionSettings
  readonly queue: Queue
  readonly tokens: LockTokens
  /** What takes its events to their destination; absent: receivers fetch them. */
  readonly push: Push | undefined
  matches(event: SinkEvent): boolean
  /** New settings, checked by the caller; what waits goes on waiting. */
  configure(settings: EventSubscriptionSettings, retentionMs: number): void
  /** The ports are open: receivers may be asked, and what waits goes out. */
  start(): void
  close(): void
}

/** What subscriptions push with. */
export interface Pushing extends DestinationContext {
  handshakes: Handshakes
  consents: Consents
  /** Whether the ports are open. */
  isStarted(): boolean
}

export interface SubscriptionContext {
  store: EventStore
  pushing: Pushing
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
    locksSurvive: !isPush(settings),
    settings: toQueueSettings(settings, retentionMs),
    bury,
    buries: () => context.deadLetters.isWanted(settings),
    failed: (error, what) => context.log.error(error, what)
  })
  let push = toPush(false)

  /** Whatever is there when the ports open stands in the configuration, or was made in an earlier run. */
  function toPush(updates: boolean): Push | undefined {
    if (!isPush(settings)) return undefined
    const { pushing, clock, log } = context
    const destination = createDestination(path, settings, pushing)
    const { handshakes, consents } = pushing
    const configured = !pushing.isStarted()
    return createPush({
      ...{ path, name: initial.name, queue, destination, handshakes, consents, clock, log },
      ...{ configured, updates }
    })
  }

  return {
    name: initial.name,
    get settings() {
      return settings
    },
    queue,
    tokens: createLockTokens(path),
    get push() {
      return push
    },
    matches: (event) => (push?.accepts ?? true) && matches(event),
    configure(changed, changedRetentionMs) {
      matches = compileConfiguration(changed.filtersConfiguration, path)
      const isElsewhere = destinationOf(changed) !== destinationOf(settings)
      const isTouched = changed !== settings
      settings = changed
      queue.configure(toQueueSettings(changed, changedRetentionMs))
      // A receiver that refused is asked again when its subscription is put again.
      if (!isElsewhere && !(isTouched && push?.state === 'Failed')) return
      push?.close()
      push = toPush(push?.state === 'Succeeded' || push?.state === 'Updating')
      if (context.pushing.isStarted()) push?.start()
    },
    start: () => push?.start(),
    close() {
      push?.close()
      queue.close()
    }
  }
}

function isPush({ deliveryConfiguration }: EventSubscriptionSettings): boolean {
  return deliveryConfiguration?.deliveryMode === 'Push'
}

/** A text to compare; undefined: nothing is pushed. */
function destinationOf(settings: EventSubscriptionSettings): string | undefined {
  return isPush(settings)
    ? JSON.stringify(settings.deliveryConfiguration?.push?.destination)
    : undefined
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
    timeToLiveMs: Math.min(ownMs ?? Infinity, retentionMs),
    endsAtAttempt: deliveryMode === 'Push'
  }
}

/** How long a topic keeps events at most. */
export function toRetentionMs(days = 1): number {
  return days * DAY_MS
}
