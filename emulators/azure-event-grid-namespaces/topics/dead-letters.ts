import type { Clock, Ids, RecordChange, Records } from '@fogbank/core'
import type { DeadEvent, DeadLetterReason } from './queue.ts'
import type { DeadLetterDestination, EventSubscriptionSettings } from './settings.ts'

/** Of one subscription; the oldest makes room. */
const KEPT_PER_SUBSCRIPTION = 10_000

/** What stands in the blob of a dead letter. The first two texts were seen, the others are ours. */
const WORDS: Record<DeadLetterReason, { reason: string; result: string }> = {
  'max-delivery-count': {
    reason: 'Maximum delivery attempts was exceeded.',
    result: 'Event was not acknowledged nor rejected.'
  },
  rejected: { reason: 'Event was rejected.', result: 'Event was rejected.' },
  'time-to-live': {
    reason: 'Time to live was exceeded.',
    result: 'Event was not acknowledged nor rejected.'
  },
  'push-refused': {
    reason: 'Undeliverable due to client error.',
    result: 'The endpoint refused the event.'
  },
  'push-attempts': {
    reason: 'Maximum delivery attempts was exceeded.',
    result: 'The endpoint did not accept the event.'
  }
}

/** A dead letter as one's own tools see it. */
export interface DeadLetter {
  /** Container and name of the blob that the service would write. */
  path: string
  content: unknown
}

/** Events that could not be delivered, where the subscription wants them kept. */
export interface DeadLetters {
  isWanted(settings: EventSubscriptionSettings): boolean
  /** Changes that keep the event, in one commit with its leaving the queue. */
  bury(path: string, settings: EventSubscriptionSettings, event: DeadEvent): RecordChange[]
  list(path: string): Promise<DeadLetter[]>
  clear(path: string): Promise<void>
  /** After the records were emptied by somebody else. */
  forget(): void
}

/** Dead letters live under `d/PATH/TIME-ID`. */
export async function openDeadLetters(
  records: Records,
  context: { clock: Clock; ids: Ids }
): Promise<DeadLetters> {
  const keys = new Map<string, string[]>()
  for await (const [key] of records.range({ gt: 'd/', lt: 'd0' })) {
    keysOf(key.slice(2, key.lastIndexOf('/'))).push(key)
  }

  function keysOf(path: string): string[] {
    let own = keys.get(path)
    if (!own) keys.set(path, (own = []))
    return own
  }

  return {
    isWanted: (settings) => destinationOf(settings) !== undefined,
    bury(path, settings, event) {
      const nowMs = context.clock.now()
      const guid = context.ids.uuid()
      const own = keysOf(path)
      const key = `d/${path}/${String(nowMs).padStart(16, '0')}-${guid}`
      own.push(key)
      const blob = `${containerOf(settings)}/${toBlobName(path, nowMs, guid)}`
      const value = Buffer.from(`{"path":${JSON.stringify(blob)},"content":${toContent(event)}}`)
      const changes: RecordChange[] = [{ put: key, value }]
      if (own.length > KEPT_PER_SUBSCRIPTION) changes.push({ del: own.shift()! })
      return changes
    },
    async list(path) {
      const letters: DeadLetter[] = []
      for await (const [, value] of records.range({ gt: `d/${path}/`, lt: `d/${path}0` })) {
        letters.push(JSON.parse(value.toString()) as DeadLetter)
      }
      return letters
    },
    async clear(path) {
      const own = keys.get(path) ?? []
      keys.delete(path)
      await records.commit(own.map((key) => ({ del: key })))
    },
    forget: () => keys.clear()
  }
}

function destinationOf({
  deliveryConfiguration: { deliveryMode, queue, push } = {}
}: EventSubscriptionSettings): DeadLetterDestination | undefined {
  const own = deliveryMode === 'Push' ? push : queue
  return own?.deadLetterDestinationWithResourceIdentity
}

function containerOf(settings: EventSubscriptionSettings): string {
  const { properties = {} } = destinationOf(settings)?.deadLetterDestination ?? {}
  return properties.blobContainerName ?? 'deadletter'
}

/** `namespace/topic/subscription/2026/1/2/3/GUID.json`. */
function toBlobName(path: string, nowMs: number, guid: string): string {
  const time = new Date(nowMs)
  const parts = [time.getUTCFullYear(), time.getUTCMonth() + 1, time.getUTCDate()]
  return [path, ...parts, time.getUTCHours(), `${guid}.json`].join('/')
}

function toContent({
  reason,
  deliveryCount,
  publishedAtMs,
  attemptedAtMs,
  json
}: DeadEvent): string {
  const words = WORDS[reason]
  const properties = {
    deadletterreason: words.reason,
    deliveryattempts: deliveryCount,
    deliveryresult: words.result,
    publishutc: new Date(publishedAtMs).toISOString(),
    ...(attemptedAtMs === undefined
      ? {}
      : { deliveryattemptutc: new Date(attemptedAtMs).toISOString() })
  }
  return `[{"event":${json},"customDeliveryProperties":{},"deadletterProperties":${JSON.stringify(properties)}}]`
}
