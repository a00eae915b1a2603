import type { Clock, Ids, Message, Origin, RetainedMessage, Space } from '@fogbank/core'
import type { Call, Reply } from '@fogbank/personality'
import type { Principal } from './auth.ts'
import type { CertificateSettings, Certificates } from './certificates.ts'
import type { Registry } from './control-plane/registry.ts'
import type { History } from './connections/history.ts'
import { errors } from './errors.ts'
import type { Lifecycle } from './lifecycle.ts'
import { limits } from './limits.ts'
import { toProperties, toUserPropertiesJson } from './properties.ts'
import type { Access } from './policy/access.ts'
import type { PolicyDocument } from './policy/document.ts'
import type { Rates, RateSettings } from './rates.ts'
import type { Shadows } from './shadow/shadows.ts'
import { toShadowRequest, type ShadowTopics } from './shadow/topics.ts'
import type { Signatures } from './signature.ts'
import { checkPublishTopic, checkRetainedTopic, isRetainable } from './topics.ts'

export interface State {
  space: Space
  clock: Clock
  ids: Ids
  /** The Date of an answer; SDKs set their clocks by it. */
  httpDate: () => string
  lenient: boolean
  signatures: Signatures
  accessKeys: readonly AccessKey[]
  certificates: Certificates
  /** What callers may do. */
  access: Access
  rates: Rates
  registry: Registry
  lifecycle: Lifecycle
  /** The account in ARNs. */
  accountId: string
  /** The region in the ARNs of what devices do. */
  region: string
  /** Signs a public key with the local CA, PEM to PEM; absent: there is none. */
  signClient: ((commonName: string, publicKey: string) => Promise<string>) | undefined
  sessionExpiryMaximumSeconds: number
  history: History
  shadows: Shadows
  shadowTopics: ShadowTopics
}

export interface Settings {
  accessKeys?: AccessKey[]
  /** Policies of client certificates that the control plane has not made. */
  certificates?: CertificateSettings[]
  /** @default 123456789012 */
  accountId?: string
  /** Region in the ARNs of what devices do; a signature names its own. @default us-east-1 */
  region?: string
  /** Absent: nothing is throttled. */
  rates?: RateSettings
  /** @default main */
  space?: string
  /** @default 3600 */
  sessionExpiryMaximumSeconds?: number
}

export interface AccessKey {
  accessKeyId: string
  secretAccessKey: string
  /** Temporary credentials: the request has to carry this token too. */
  sessionToken?: string
  /** RFC 3339; from then on the token is refused as expired. */
  sessionTokenExpiresAt?: string
  /** @default everything is allowed */
  policy?: PolicyDocument
}

export type AwsCall = Call<State, Principal>

/** HTTP publishers have no client id. */
const HTTP_ORIGIN: Origin = { personality: 'aws-iot', clientId: '' }
const JSON_HEADERS = { 'Content-Type': 'application/json' }
const PAGE_TOKEN = 'retained:'

/** Formats the time once a second, not once an answer. */
export function createHttpDate(clock: Clock): () => string {
  let second = NaN
  let text = ''
  return () => {
    const now = Math.floor(clock.now() / 1000)
    if (now !== second) {
      second = now
      text = new Date(now * 1000).toUTCString()
    }
    return text
  }
}

export async function publish(call: AwsCall): Promise<Reply> {
  const { query, state } = call
  const topic = call.params.topic ?? ''
  const retain = isTrue(query.retain)
  const destination = checkPublishTopic(topic, retain)
  const message: Message = { topic, payload: call.body, qos: query.qos === '1' ? 1 : 0, retain }
  const properties = toProperties(call, query.messageExpiry)
  if (properties) message.properties = properties
  if (destination === 'subscribers') await state.space.publish(message, HTTP_ORIGIN)
  else await serve(state, message)
  return accepted(call)
}

export async function getRetainedMessage(call: AwsCall): Promise<Reply> {
  const topic = call.params.topic ?? ''
  checkRetainedTopic(topic)
  const message = isRetainable(topic) ? await call.state.space.retained.get(topic) : undefined
  if (!message) throw errors.RetainedMessageNotFound({}, { detail: `topic=${topic}` })
  return json({
    topic,
    payload: message.payload.toString('base64'),
    qos: Math.min(message.qos, 1),
    lastModifiedTime: message.storedAtMs,
    userProperties: toUserPropertiesJson(message.properties?.userProperties)
  })
}

export async function listRetainedMessages(call: AwsCall): Promise<Reply> {
  const { maxResults, nextToken } = call.query
  const size = maxResults === undefined ? limits.maxResults.value : Number(maxResults)
  if (size < 1) throw limits.maxResults.exceeded(size)
  limits.maxResults.check(size)
  const after = nextToken === undefined ? undefined : fromPageToken(nextToken)
  // One more than asked for tells whether there is a next page.
  const found = await listRetainable(call.state.space, size + 1, after)
  const page = found.slice(0, size)
  const last = page.at(-1)
  return json({
    retainedTopics: page.map((message) => ({
      topic: message.topic,
      payloadSize: message.payload.length,
      qos: Math.min(message.qos, 1),
      lastModifiedTime: message.storedAtMs
    })),
    nextToken: last && found.length > size ? toPageToken(last.topic) : null
  })
}

/**
 * Takes a publish on a reserved topic: some of them are requests.
 * @param connectionId of the MQTT client that published
 */
export async function serve(
  state: State,
  { topic, payload }: Message,
  connectionId?: string
): Promise<void> {
  const request = toShadowRequest(topic)
  if (request) await state.shadowTopics.answer(request, payload, connectionId)
}

/** Answers a WebSocket upgrade whose caller is already known. */
export function connect(call: AwsCall): Reply {
  return { status: 101, upgrade: { principal: call.principal } }
}

/** The API reference promises an empty body; the device gateway was seen to send this one. */
function accepted(call: AwsCall): Reply {
  if (call.principal.kind === 'access-key' && call.principal.service === 'iotdata') {
    return { status: 200 }
  }
  return json({ message: 'OK', traceId: call.requestId })
}

async function listRetainable(
  space: Space,
  count: number,
  start: string | undefined
): Promise<RetainedMessage[]> {
  const found: RetainedMessage[] = []
  let after = start
  do {
    const page = await space.retained.list({
      limit: count - found.length,
      ...(after === undefined ? {} : { after })
    })
    for (const message of page.messages) if (isRetainable(message.topic)) found.push(message)
    after = page.next
  } while (after !== undefined && found.length < count)
  return found
}

function toPageToken(topic: string): string {
  return Buffer.from(PAGE_TOKEN + topic).toString('base64url')
}

function fromPageToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString()
  const topic = text.startsWith(PAGE_TOKEN) ? text.slice(PAGE_TOKEN.length) : ''
  if (topic === '' || toPageToken(topic) !== token) throw errors.NextTokenInvalid()
  return topic
}

export const json = (value: object): Reply => jsonText(JSON.stringify(value))

/** @param body is JSON already */
export function jsonText(body: string): Reply {
  return { status: 200, headers: JSON_HEADERS, body }
}

export function isTrue(value: string | undefined): boolean {
  return value !== undefined && value.toLowerCase() === 'true'
}
