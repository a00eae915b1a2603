import { SettingsError, type HttpOut } from '@fogbank/personality'
import type { ClientPrincipal } from '../auth.ts'
import { errors } from '../errors.ts'
import { limits } from '../limits.ts'
import { toAttributes } from './attributes.ts'
import type { ClientAuthenticationSettings, WebhookSettings } from './settings.ts'

/** How long the service waits: its page says about five seconds. */
export const WEBHOOK_TIMEOUT_MS = 5_000
/** Clients that are asked about at a time; more are turned away at once. */
const MAXIMUM_IN_HAND = 1_000
/** Of what a web hook gives as a reason, this much stands in the log. */
const REASON_CHARACTERS = 200

/** What a CONNECT says of its client, in the names of the web hook's request; base64 where it is bytes. */
export interface WebhookRequest {
  clientId: string
  userName?: string
  password?: string
  authenticationMethod?: string
  authenticationData?: string
  /** PEM. */
  clientCertificate?: string
  /** PEM, one after the other. */
  clientCertificateChain?: string
}

/** A namespace's own web hook decides who is let in. */
export interface Webhooks {
  /** Who the client is, and until when. @throws ProviderError */
  ask(settings: WebhookSettings, request: WebhookRequest, nowMs: number): Promise<ClientPrincipal>
}

/** @param deps.issueToken absent: requests carry no token */
export function createWebhooks(deps: {
  http: HttpOut
  issueToken?: ((audience: string, tenantId?: string) => Promise<string>) | undefined
}): Webhooks {
  let inHand = 0

  async function send(settings: WebhookSettings, request: WebhookRequest): Promise<string> {
    const { endpointUrl, azureActiveDirectoryApplicationIdOrUri: audience } = settings
    const { azureActiveDirectoryTenantId: tenantId } = settings
    // The CLI's sample has the scope here, and what a token is made for is the resource.
    const token = await deps.issueToken?.(audience.replace(/\/\.default$/, ''), tenantId)
    const answer = await deps.http.send({
      method: 'POST',
      url: endpointUrl,
      headers: {
        'Content-Type': 'application/json; charset=utf-8',
        Accept: 'application/json',
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` })
      },
      body: JSON.stringify(request)
    })
    if ('failure' in answer) throw unavailable(answer.failure)
    if (answer.status !== 200) throw unavailable(`status=${answer.status}`)
    return answer.body
  }

  return {
    async ask(settings, request, nowMs) {
      if (inHand >= MAXIMUM_IN_HAND) throw unavailable(`${MAXIMUM_IN_HAND} requests in hand`)
      inHand++
      try {
        return toPrincipal(await send(settings, request), nowMs)
      } finally {
        inHand--
      }
    }
  }
}

const unavailable = (detail: string) => errors.WebhookUnavailable({}, { detail })

/** @throws ProviderError */
function toPrincipal(body: string, nowMs: number): ClientPrincipal {
  const {
    decision,
    clientAuthenticationName,
    attributes = {},
    expiration,
    errorReason
  } = read(body)
  if (decision === 'deny') {
    const detail = JSON.stringify(String(errorReason ?? '').slice(0, REASON_CHARACTERS))
    throw errors.WebhookDenied({}, { detail })
  }
  if (decision !== 'allow') throw unavailable('decision is neither allow nor deny')
  const { value: maximum } = limits.nameCharacters
  if (
    typeof clientAuthenticationName !== 'string' ||
    clientAuthenticationName === '' ||
    clientAuthenticationName.length > maximum
  ) {
    throw unavailable(`clientAuthenticationName is no text of 1 to ${maximum} characters`)
  }
  if (!isObject(attributes)) throw unavailable('attributes is no object')
  if (expiration !== undefined && !Number.isInteger(expiration)) {
    throw unavailable('expiration is no integer')
  }
  const expiresAtMs = expiration === undefined ? Infinity : Number(expiration) * 1000
  if (expiresAtMs <= nowMs) throw errors.TokenExpired({}, { detail: `expiration=${expiration}` })
  return {
    kind: 'client',
    authenticationName: clientAuthenticationName,
    attributes: toAttributes(attributes),
    byToken: true,
    ...(expiration === undefined ? {} : { expiresAtMs })
  }
}

/** @throws ProviderError */
function read(body: string): Record<string, unknown> {
  try {
    const answer: unknown = JSON.parse(body)
    if (isObject(answer)) return answer
  } catch {
    // JSON.parse throws nothing but "this is no JSON".
  }
  throw unavailable('the answer is no JSON object')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The web hook's settings, under either of the names that the vendor's pages give them. @throws SettingsError */
export function findWebhook({
  webHookAuthentication,
  webhookAuthentication
}: ClientAuthenticationSettings): WebhookSettings | undefined {
  const place = 'topicSpacesConfiguration/clientAuthentication/webHookAuthentication'
  if (webHookAuthentication && webhookAuthentication) {
    throw new SettingsError(`${place} stands there a second time, as webhookAuthentication`)
  }
  const settings = webHookAuthentication ?? webhookAuthentication
  if (settings && !isUsable(settings.endpointUrl)) {
    throw new SettingsError(`${place}/endpointUrl must be an http or https URL`)
  }
  return settings
}

function isUsable(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}
