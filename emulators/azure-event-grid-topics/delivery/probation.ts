import type { Outcome } from './retry.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND

/**
 * How long an endpoint is left alone, new events and due retries alike, after an attempt that ended so.
 * @see https://learn.microsoft.com/azure/event-grid/delivery-and-retry
 */
const DURATIONS: Partial<Record<Outcome, number>> = {
  Busy: 10 * SECOND,
  NotFound: 5 * MINUTE,
  SocketError: 30 * SECOND,
  ResolutionError: 5 * MINUTE,
  Disabled: 5 * MINUTE,
  Full: 5 * MINUTE,
  TimedOut: 10 * SECOND,
  Unauthorized: 5 * MINUTE,
  Forbidden: 5 * MINUTE
}

/** Milliseconds; 0 for what is no fault of the endpoint's. */
export function probationAfter(outcome: Outcome): number {
  return DURATIONS[outcome] ?? 0
}
