import type { Clock } from '@fogbank/core'
import type { Log } from '@fogbank/personality'
import { PERSONALITY } from '../../name.ts'
import type { Delivery, Queue } from '../queue.ts'
import type { Consents } from './consents.ts'
import type { Destination } from './destination.ts'
import type { Handshakes } from './handshake.ts'
import { judge, type Attempt } from './retry.ts'

/** Where a push subscription stands, in the management API's words. */
export type ProvisioningState = 'Creating' | 'Updating' | 'Succeeded' | 'Failed'

/** Takes the events of one queue to their destination. */
export interface Push {
  readonly state: ProvisioningState
  /** Whether events are kept for it: not before a subscription made at run time is validated. */
  readonly accepts: boolean
  /** Asks the receiver if it has not agreed yet, and delivers once it has. */
  start(): void
  close(): void
}

export interface PushContext {
  /** `namespace/topic/subscription`. */
  path: string
  name: string
  queue: Queue
  destination: Destination
  handshakes: Handshakes
  consents: Consents
  clock: Clock
  log: Log
  /** It was there when the suite started: its receiver may still be coming up, and nothing is lost meanwhile. */
  configured: boolean
  /** It takes the place of one whose receiver had agreed: nothing is lost meanwhile either. */
  updates: boolean
}

/** Requests to one receiver at a time: one that hangs holds back its own events only. */
const MAXIMUM_REQUESTS = 16
const MINUTE_MS = 60_000
/** After the store failed. */
const PAUSE_MS = 1_000

export function createPush(context: PushContext): Push {
  const { path, name, queue, destination, handshakes, consents, clock, log, configured } = context
  const asking = context.updates ? 'Updating' : 'Creating'
  let state: ProvisioningState = destination.url === undefined ? 'Succeeded' : asking
  let closed = false
  let requests = 0
  let notBeforeMs = 0
  /** Ends the pause of the loop, and its wait for events. */
  let wake = () => {}
  let leave = () => {}

  /** Resolves with a call of `wake`, at the latest after `ms`. */
  function pause(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = ms === undefined ? () => {} : clock.after(ms, () => wake())
      wake = () => {
        cancel()
        resolve()
      }
    })
  }

  async function begin(): Promise<void> {
    const { url } = destination
    if (url === undefined) return deliver(0)
    let consent = consents.get(path)
    if (consent?.url !== url) {
      consent = await handshakes.ask({ name, url, patient: configured })
      if (closed) return
      await consents.set(path, consent)
    }
    state = consent ? 'Succeeded' : 'Failed'
    log.info(`${PERSONALITY} handshake ${name} ${state}`)
    if (!consent) return log.warn(`${PERSONALITY}: ${url} did not agree to get events of ${path}`)
    return deliver(consent.ratePerMinute ? MINUTE_MS / consent.ratePerMinute : 0)
  }

  /** One batch after the other as long as there is one to wait for. */
  async function deliver(spacingMs: number): Promise<void> {
    const { maxEventsPerBatch, preferredBatchBytes } = destination
    while (!closed) {
      if (requests >= MAXIMUM_REQUESTS) await pause()
      else if (notBeforeMs > clock.now()) await pause(notBeforeMs - clock.now())
      else {
        const batch = await receive(maxEventsPerBatch, preferredBatchBytes)
        if (batch === undefined) await pause(PAUSE_MS)
        else if (batch.length === 0) return
        else if (closed) return giveBack(batch)
        else {
          notBeforeMs = clock.now() + spacingMs
          requests++
          void attempt(batch).finally(() => {
            requests--
            wake()
          })
        }
      }
    }
  }

  /** undefined: the store failed. */
  async function receive(maxEvents: number, maxBytes: number): Promise<Delivery[] | undefined> {
    try {
      return await queue.receive(maxEvents, Infinity, (end) => (leave = end), maxBytes)
    } catch (error) {
      log.error(error, `${PERSONALITY}: ${path}: no events could be taken`)
      return undefined
    }
  }

  /** It came when another push had begun to serve the queue. */
  async function giveBack(batch: readonly Delivery[]): Promise<void> {
    const locks = batch.map(({ lock }) => lock)
    await queue.release(locks, 0)
  }

  async function attempt(batch: readonly Delivery[]): Promise<void> {
    try {
      const result = await destination.send(batch)
      // Cut short by our own end, an attempt counts for nothing.
      if (!closed) await settle(batch, result)
    } catch (error) {
      // The lock's end brings the events back.
      log.error(error, `${PERSONALITY}: ${path}: what became of a push is not stored`)
    }
  }

  async function settle(batch: readonly Delivery[], result: Attempt): Promise<void> {
    const how = 'status' in result ? result.status : result.failure
    const say = (events: number, what: string) =>
      `${PERSONALITY} delivery ${name} ${how} events=${events}: ${what}`
    // Events of one batch may have been tried differently often.
    for (const [deliveryCount, locks] of byCount(batch)) {
      const verdict = judge(result, deliveryCount, destination)
      if (verdict === 'delivered') {
        await queue.acknowledge(locks)
        log.info(say(locks.length, 'delivered'))
      } else if (verdict === 'refused') {
        await queue.reject(locks, 'push-refused')
        log.warn(say(locks.length, 'not tried again'))
      } else {
        await queue.release(locks, verdict.waitMs, 'push-attempts')
        log.warn(say(locks.length, `attempt ${deliveryCount}, next in ${verdict.waitMs / 1000} s`))
      }
    }
  }

  return {
    get state() {
      return state
    },
    get accepts() {
      return configured ? state !== 'Failed' : state === 'Succeeded' || state === 'Updating'
    },
    start() {
      begin().catch((error: unknown) => {
        if (!closed) log.error(error, `${PERSONALITY}: ${path} could not go on`)
      })
    },
    close() {
      closed = true
      wake()
      leave()
    }
  }
}

function byCount(batch: readonly Delivery[]): Map<number, string[]> {
  const groups = new Map<number, string[]>()
  for (const { deliveryCount, lock } of batch) {
    const group = groups.get(deliveryCount)
    if (group) group.push(lock)
    else groups.set(deliveryCount, [lock])
  }
  return groups
}
