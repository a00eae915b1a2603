import type { Clock, Ids } from '@fogbank/core'
import { judgeWebhookAnswer, toWebhookValidation } from '@fogbank/cloudevents'
import { isSameSecret, type HttpAnswer, type HttpOut, type Log } from '@fogbank/personality'
import { toScopeId, type Subscription } from './subscription.ts'
import { ORIGIN, toAegHeaders, urlOf } from './webhook.ts'

/** Where a subscription stands, in the management API's words. */
export type ProvisioningState =
  'Creating' | 'Updating' | 'Succeeded' | 'Failed' | 'AwaitingManualAction'

/** What came of a handshake. */
export interface Consent {
  state: 'Succeeded' | 'Failed'
  /** Requests a minute that the receiver allows. @default no limit */
  ratePerMinute?: number
}

/** Asks the owners of URLs whether they want events. */
export interface Handshakes {
  /**
   * Validates a webhook; resolves when it said yes, no, or nothing for too long.
   *
   * patient: the receiver may still be starting, so what fails is tried again for some minutes.
   */
  run(subscription: Subscription, options: HandshakeOptions): Promise<Consent>
  /** Somebody called a validation URL. false: it is none, or not any more. */
  confirm(id: string, token: string): boolean
  close(): void
}

export interface HandshakeOptions {
  patient: boolean
  /** It is somebody's turn to call the validation URL. */
  awaiting(): void
}

interface Open {
  token: string
  /** Set once the receiver has answered: who calls before is not heard. */
  confirm?: () => void
}

const RETRY_MS = 5_000
/** How often is not documented. */
const ATTEMPTS = 3
/** Five minutes: what was started together may come up in any order. */
const PATIENT_ATTEMPTS = 60
const MANUAL_WINDOW_MS = 10 * 60_000
const VALIDATION_EVENT = 'Microsoft.EventGrid.SubscriptionValidationEvent'
/** Version of the management API that the validation URL names. */
const API_VERSION = '2022-06-15'

export function createHandshakes(deps: {
  http: HttpOut
  clock: Clock
  ids: Ids
  log: Log
  /** Where we are reached. */
  baseUrl(): string
}): Handshakes {
  const { http, clock, ids, log } = deps
  const opened = new Map<string, Open>()
  const cancels = new Set<() => void>()
  let closed = false

  async function run(
    subscription: Subscription,
    { patient, awaiting }: HandshakeOptions
  ): Promise<Consent> {
    const id = ids.uuid().toUpperCase()
    const open: Open = { token: ids.bytes(32).toString('hex').toUpperCase() }
    opened.set(id, open)
    try {
      for (let attempt = 1; ; attempt++) {
        const verdict = await ask(subscription, id, open.token)
        if (closed) return { state: 'Failed' }
        if (verdict === 'wait') {
          const confirmed = awaitConfirmation(open)
          awaiting()
          return await confirmed
        }
        const isLast = attempt >= (patient ? PATIENT_ATTEMPTS : ATTEMPTS)
        if (typeof verdict !== 'string') {
          return verdict.state === 'Failed' ? failed(subscription) : verdict
        }
        if (isLast || (verdict === 'unready' && !patient)) return failed(subscription)
        const why = verdict === 'unready' ? 'not ready' : 'no answer'
        const again = pause(RETRY_MS)
        log.warn(
          `azure-event-grid-topics handshake ${subscription.name}: ${why}, next in ${RETRY_MS / 1000} s`
        )
        await again
      }
    } finally {
      opened.delete(id)
    }
  }

  async function ask(subscription: Subscription, id: string, token: string): Promise<Verdict> {
    const path = `/eventsubscriptions/${encodeURIComponent(subscription.name)}/validate`
    const time = encodeURIComponent(toTime())
    const url = `${deps.baseUrl()}${path}?id=${id}&t=${time}&apiVersion=${API_VERSION}&token=${token}`
    if (subscription.schema === 'CloudEventSchemaV1_0') {
      const question = { url: urlOf(subscription), origin: ORIGIN, callback: url }
      return judgeOptions(await http.send(toWebhookValidation(question)))
    }
    const answer = await http.send({
      method: 'POST',
      url: urlOf(subscription),
      headers: {
        'Content-Type': 'application/json; charset=utf-8',
        ...toAegHeaders(subscription, {
          eventType: 'SubscriptionValidation',
          deliveryCount: 0,
          dataVersion: VALIDATION_DATA_VERSION,
          metadataVersion: '1'
        })
      },
      body: JSON.stringify([toValidationEvent(subscription, id, url)])
    })
    return judgeValidation(answer, id)
  }

  function toValidationEvent(subscription: Subscription, code: string, url: string): object {
    return {
      id: ids.uuid(),
      topic: toScopeId(subscription.scope),
      subject: '',
      data: { validationCode: code, validationUrl: url },
      eventType: VALIDATION_EVENT,
      eventTime: toTime(),
      metadataVersion: '1',
      dataVersion: VALIDATION_DATA_VERSION
    }
  }

  function awaitConfirmation(open: Open): Promise<Consent> {
    return new Promise((resolve) => {
      const cancel = clock.after(MANUAL_WINDOW_MS, () => settle('Failed'))
      const settle = (state: Consent['state']) => {
        cancel()
        cancels.delete(end)
        resolve({ state })
      }
      const end = () => settle('Failed')
      cancels.add(end)
      open.confirm = () => settle('Succeeded')
    })
  }

  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        cancel()
        cancels.delete(end)
        resolve()
      }
      const cancel = clock.after(ms, end)
      cancels.add(end)
    })
  }

  function failed(subscription: Subscription): Consent {
    log.warn(
      `azure-event-grid-topics: The attempt to validate the provided endpoint ${urlOf(subscription)} failed. For more details, visit https://aka.ms/esvalidation`
    )
    return { state: 'Failed' }
  }

  const toTime = () => new Date(clock.now()).toISOString()

  return {
    run,
    confirm(id, token) {
      const open = opened.get(id.toUpperCase())
      if (!open?.confirm || !isSameSecret(open.token, token)) return false
      open.confirm()
      return true
    },
    close() {
      closed = true
      for (const end of [...cancels]) end()
    }
  }
}

/** wait: somebody is to call the URL; unready: an answer as of one who is not there yet; unreached: none. */
type Verdict = Consent | 'wait' | 'unready' | 'unreached'

const NO: Consent = { state: 'Failed' }
const isSuccess = (status: number) => status >= 200 && status < 300

/** What was seen on the wire; the page says 1. */
const VALIDATION_DATA_VERSION = '2'

/** 200 with the code is yes, 200 without it "ask me later"; 202 never counts. */
function judgeValidation(answer: HttpAnswer, code: string): Verdict {
  if ('failure' in answer) return 'unreached'
  if (answer.status !== 200) return isSuccess(answer.status) ? NO : 'unready'
  const said = readValidationResponse(answer.body)
  if (said === undefined) return 'wait'
  return said.toUpperCase() === code ? { state: 'Succeeded' } : NO
}

function readValidationResponse(body: string): string | undefined {
  try {
    const { validationResponse } = JSON.parse(body) as { validationResponse?: unknown }
    return typeof validationResponse === 'string' ? validationResponse : undefined
  } catch {
    // Whatever else it says, it does not say the code: the receiver may call the URL.
    return undefined
  }
}

function judgeOptions(answer: HttpAnswer): Verdict {
  if ('failure' in answer) return 'unreached'
  const verdict = judgeWebhookAnswer(answer, ORIGIN)
  if (verdict === 'later') return 'wait'
  if (verdict === 'unready') return 'unready'
  if (verdict === 'refused') return NO
  return { state: 'Succeeded', ...verdict }
}
