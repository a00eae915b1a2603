import { judgeWebhookAnswer, toWebhookValidation } from '@fogbank/cloudevents'
import type { Clock, Ids } from '@fogbank/core'
import { isSameSecret, type HttpOut, type Log } from '@fogbank/personality'
import { PERSONALITY } from '../../name.ts'
import type { Consent } from './consents.ts'
import { ORIGIN } from './destination.ts'

const RETRY_MS = 5_000
/** How often is not documented. */
const ATTEMPTS = 3
/** Five minutes: what was started together may come up in any order. */
const PATIENT_ATTEMPTS = 60
const CALLBACK_WINDOW_MS = 10 * 60_000

/** Asks the owners of URLs whether they want events, as CloudEvents' web hook specification has it. */
export interface Handshakes {
  /**
   * Resolves with what the owner allowed; undefined: it said no, or nothing for too long.
   *
   * patient: the receiver may still be starting, so what fails is tried again for some minutes.
   */
  ask(question: Question): Promise<Consent | undefined>
  /** Somebody called a callback URL. false: it is none, or not any more. */
  confirm(id: string, token: string): boolean
  close(): void
}

export interface Question {
  /** The subscription's. */
  name: string
  url: string
  patient: boolean
}

interface Open {
  token: string
  /** Set once the receiver has answered: who calls before is not heard. */
  confirm?: () => void
}

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

  /** Ends after a while, or with the suite. */
  function pause(ms: number, wake?: (end: () => void) => void): Promise<'over' | 'woken'> {
    return new Promise((resolve) => {
      const end = (how: 'over' | 'woken') => {
        cancel()
        cancels.delete(over)
        resolve(how)
      }
      const over = () => end('over')
      const cancel = clock.after(ms, over)
      cancels.add(over)
      wake?.(() => end('woken'))
    })
  }

  async function ask({ name, url, patient }: Question): Promise<Consent | undefined> {
    const id = ids.uuid().toUpperCase()
    const open: Open = { token: ids.bytes(32).toString('hex').toUpperCase() }
    const callback = `${deps.baseUrl()}/eventsubscriptions/${encodeURIComponent(name)}/validate?id=${id}&token=${open.token}`
    opened.set(id, open)
    try {
      for (let attempt = 1; !closed; attempt++) {
        const answer = await http.send(toWebhookValidation({ url, origin: ORIGIN, callback }))
        if (closed) return undefined
        const verdict = 'failure' in answer ? 'unreached' : judgeWebhookAnswer(answer, ORIGIN)
        if (typeof verdict === 'object') return { url, ...verdict }
        if (verdict === 'refused') return undefined
        if (verdict === 'later') {
          log.info(`${PERSONALITY} handshake ${name} AwaitingManualAction`)
          const how = await pause(CALLBACK_WINDOW_MS, (wake) => (open.confirm = wake))
          return how === 'woken' ? { url } : undefined
        }
        const isLast = attempt >= (patient ? PATIENT_ATTEMPTS : ATTEMPTS)
        if (isLast || (verdict === 'unready' && !patient)) return undefined
        const again = pause(RETRY_MS)
        const why = verdict === 'unready' ? 'not ready' : 'no answer'
        log.warn(`${PERSONALITY} handshake ${name}: ${why}, next in ${RETRY_MS / 1000} s`)
        await again
      }
      return undefined
    } finally {
      opened.delete(id)
    }
  }

  return {
    ask,
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
