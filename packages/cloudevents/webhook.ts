/** How a sender asks the owner of a URL whether events may be sent there. */
export interface WebhookValidation {
  method: 'OPTIONS'
  url: string
  headers: Record<string, string>
}

/** What a validation answer has of interest; header names in lower case. */
export interface WebhookAnswer {
  status: number
  headers: Readonly<Record<string, string | string[] | undefined>>
}

/**
 * What the owner said.
 *
 * An object: yes, with the requests a minute that are allowed unless that is any number. `later`: a call of
 * the callback is to follow. `unready`: an answer as of a server that is not up yet.
 */
export type WebhookVerdict = { ratePerMinute?: number } | 'refused' | 'later' | 'unready'

/**
 * The validation request of CloudEvents' web hook specification, section 4.1.
 *
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md
 */
export function toWebhookValidation(question: {
  url: string
  /** Who wants to send: a DNS name. */
  origin: string
  /** Where the owner may say yes later on. */
  callback?: string
}): WebhookValidation {
  const { url, origin, callback } = question
  return {
    method: 'OPTIONS',
    url,
    headers: {
      'WebHook-Request-Origin': origin,
      ...(callback === undefined ? {} : { 'WebHook-Request-Callback': callback })
    }
  }
}

/** The status alone is no consent; without the header a 200 announces a call of the callback. */
export function judgeWebhookAnswer(
  { status, headers }: WebhookAnswer,
  origin: string
): WebhookVerdict {
  const allowed = headers['webhook-allowed-origin']
  if (allowed === undefined) {
    if (status === 200) return 'later'
    return status >= 200 && status < 300 ? 'refused' : 'unready'
  }
  if (allowed !== '*' && String(allowed).toLowerCase() !== origin.toLowerCase()) return 'refused'
  const rate = Number(headers['webhook-allowed-rate'])
  return rate > 0 && Number.isFinite(rate) ? { ratePerMinute: rate } : {}
}
