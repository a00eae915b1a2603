import { defineLimits, type Limit } from '@fogbank/personality'
import { errors } from './errors.ts'
import type { Settings } from './settings.ts'

const QUOTAS = 'https://learn.microsoft.com/azure/event-grid/quotas-limits'
const RECORDED =
  'Azure/azure-sdk-for-python sdk/eventgrid/azure-eventgrid/tests/recordings test_exceptions'
const PEER = 'https://github.com/pm7y/AzureEventGridSimulator/pull/201'

export const limits = defineLimits(errors, {
  requestBytes: {
    value: 1_048_576,
    unit: 'bytes',
    raises: 'BodyTooLarge',
    source: QUOTAS,
    evidence: 'documented'
  },
  eventBytes: {
    value: 1_048_576,
    unit: 'bytes, UTF-8',
    raises: 'EventTooLarge',
    source: QUOTAS,
    evidence: 'documented'
  },
  guaranteedEventBytes: {
    value: 65_536,
    unit: 'bytes, UTF-8; with eventSizeLimit 64KB',
    raises: 'EventTooLarge',
    source: QUOTAS,
    evidence: 'documented'
  },
  observedRequestBytes: {
    value: 1_536_000,
    unit: 'bytes; with sizeLimits observed',
    raises: 'BodyTooLarge',
    source: RECORDED,
    evidence: 'recorded'
  },
  observedEventBytes: {
    value: 1_049_600,
    unit: 'bytes, UTF-8; with sizeLimits observed',
    raises: 'EventTooLarge',
    source: PEER,
    evidence: 'assumed'
  },
  jsonDepth: {
    value: 1_000,
    unit: 'levels',
    raises: 'JsonNonConforming',
    source: 'ours: what every serialiser on the way takes',
    evidence: 'assumed'
  }
})

/** Sizes that are checked in this run. */
export interface SizeLimits {
  request: Limit
  event: Limit
}

/** The sizes that the settings ask for; an event of 64 KB is counted as one operation, whatever they are. */
export function chooseSizeLimits({ sizeLimits, eventSizeLimit }: Settings): SizeLimits {
  const observed = sizeLimits === 'observed'
  const event = observed ? limits.observedEventBytes : limits.eventBytes
  return {
    request: observed ? limits.observedRequestBytes : limits.requestBytes,
    event: eventSizeLimit === '64KB' ? limits.guaranteedEventBytes : event
  }
}

/** Events are billed in steps of this size. */
export const OPERATION_BYTES = 65_536
