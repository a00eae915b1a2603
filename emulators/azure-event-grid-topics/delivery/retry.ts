/** What the service calls the end of an attempt; `lastDeliveryOutcome` of a dead letter. */
export type Outcome =
  | 'Delivered'
  | 'NotFound'
  | 'Disabled'
  | 'Full'
  | 'Unauthorized'
  | 'BadRequest'
  | 'TimedOut'
  | 'Busy'
  | 'PayloadTooLarge'
  | 'Probation'
  | 'Aborted'
  | 'SocketError'
  | 'ResolutionError'
  | 'Forbidden'

/** How one attempt ended: an HTTP status, or what kept it from getting one. */
export type Attempt = { status: number } | { failure: Outcome }

/** Why an event is a dead letter; only the first is documented. */
export type DeadLetterReason =
  | 'MaxDeliveryAttemptsExceeded'
  | 'EventTimeToLiveExpired'
  | 'BadRequest'
  | 'Unauthorized'
  | 'Forbidden'
  | 'PayloadTooLarge'
  | 'MaxPendingEventsExceeded'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/**
 * Waits after the first, second … failed attempt; the last one repeats.
 * @see https://learn.microsoft.com/azure/event-grid/delivery-and-retry
 */
const SCHEDULE = [
  10 * SECOND,
  30 * SECOND,
  MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  30 * MINUTE,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR
]

const ACKNOWLEDGED = new Set([200, 201, 202, 203, 204])

/** Statuses after which nobody tries again, and the reason that a dead letter gets. */
const FINAL: Readonly<Record<number, DeadLetterReason>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  413: 'PayloadTooLarge'
}

/** Waits that a status asks for at least, whatever the schedule says. */
const MINIMUM_WAITS: Readonly<Record<number, number>> = { 408: 2 * MINUTE, 503: 30 * SECOND }
/** The same for what is an Azure resource rather than somebody's webhook. */
const RESOURCE_MINIMUM_WAITS: Readonly<Record<number, number>> = {
  ...MINIMUM_WAITS,
  401: 5 * MINUTE,
  404: 5 * MINUTE
}

const OUTCOMES: Readonly<Record<number, Outcome>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  408: 'TimedOut',
  413: 'PayloadTooLarge',
  429: 'Busy',
  503: 'Busy'
}

/** Moves a wait a little, so that not everybody comes back at once. */
export type Jitter = (waitMs: number) => number

export const NO_JITTER: Jitter = (waitMs) => waitMs

export function outcomeOf(attempt: Attempt): Outcome {
  if ('failure' in attempt) return attempt.failure
  if (ACKNOWLEDGED.has(attempt.status)) return 'Delivered'
  return OUTCOMES[attempt.status] ?? 'Aborted'
}

/** The reason to give up at once; undefined: it may be tried again. */
export function finalReasonOf(
  attempt: Attempt,
  { azureResource }: { azureResource: boolean }
): DeadLetterReason | undefined {
  if ('failure' in attempt) return undefined
  // Credentials of Azure resources are looked at again after a while.
  if (azureResource && attempt.status === 401) return undefined
  return FINAL[attempt.status]
}

/** Milliseconds until the next attempt, after `failures` failed ones. */
export function waitAfter(
  failures: number,
  attempt: Attempt,
  { azureResource }: { azureResource: boolean }
): number {
  const step = SCHEDULE[Math.min(failures, SCHEDULE.length) - 1]!
  const minimums = azureResource ? RESOURCE_MINIMUM_WAITS : MINIMUM_WAITS
  const least = 'status' in attempt ? (minimums[attempt.status] ?? 0) : 0
  return Math.max(step, least)
}
