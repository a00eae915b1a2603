import type { HttpFailure } from '@fogbank/personality'

/** How one attempt to push ended: an HTTP status, or what kept it from getting one. */
export type Attempt = { status: number } | { failure: HttpFailure }

/** What becomes of the events of an attempt. */
export type Verdict = 'delivered' | 'refused' | { waitMs: number }

const SECOND = 1000
const MINUTE = 60 * SECOND

/**
 * When attempts are made, counted from the first one; from then on every five minutes.
 *
 * The page calls the first of them an immediate retry, but its own example has the eighth attempt at 20
 * minutes: the first attempt is the one at 0.
 * @see https://learn.microsoft.com/azure/event-grid/namespace-delivery-retry
 */
const ATTEMPTS_AT = [0, 10 * SECOND, 30 * SECOND, MINUTE, 5 * MINUTE]
const LAST_STEP = 5 * MINUTE

const ACKNOWLEDGED = new Set([200, 201, 202, 203, 204])
/** Statuses that trying again does not help. */
const FINAL = new Set([400, 401, 403, 404, 413, 414])
/** What keeps an answer from coming does neither, says the page: TimeoutException, SocketException. */
const MINIMUM_WAITS: Readonly<Record<number, number>> = { 408: 2 * MINUTE, 503: 30 * SECOND }
/** An Azure resource may be given back its rights, or come into being. */
const RESOURCE_MINIMUM_WAITS: Readonly<Record<number, number>> = {
  ...MINIMUM_WAITS,
  401: 5 * MINUTE,
  404: 5 * MINUTE
}

/** `deliveryCount` is that of the attempt just made; the first is 1. */
export function judge(
  attempt: Attempt,
  deliveryCount: number,
  { azureResource }: { azureResource: boolean }
): Verdict {
  if ('failure' in attempt) return 'refused'
  const { status } = attempt
  if (ACKNOWLEDGED.has(status)) return 'delivered'
  const minimums = azureResource ? RESOURCE_MINIMUM_WAITS : MINIMUM_WAITS
  if (FINAL.has(status) && minimums[status] === undefined) return 'refused'
  return { waitMs: Math.max(waitAfter(deliveryCount), minimums[status] ?? 0) }
}

function waitAfter(deliveryCount: number): number {
  const next = ATTEMPTS_AT[deliveryCount]
  return next === undefined ? LAST_STEP : next - ATTEMPTS_AT[deliveryCount - 1]!
}
