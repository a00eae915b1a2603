import { isUtf8 } from 'node:buffer'
import type { QoS } from '@fogbank/core'
import { ProviderError, readBody, type Call, type Reply } from '@fogbank/personality'
import type { Caller } from './connections.ts'
import { errors } from './errors.ts'
import { limits } from './limits.ts'
import { findLatestRetained } from './retained.ts'
import { realmOf, type State } from './state.ts'
import { describeInstance, triggerAction as trigger } from './system.ts'
import { ACTION, checkPublishable, INFO, parseHttpTopic, toSpaceName } from './topics.ts'

export type ShiftrCall = Call<State, Caller>

const PREFIX = '/broker/'
const VERBS = new Set(['GET', 'HEAD', 'POST'])
/** What `limits: 'lenient'` still reads. */
const LENIENT_PAYLOAD_BYTES = 16 * 1024 * 1024
const TEXT = 'text/plain; charset=utf-8'
const BYTES = 'application/octet-stream'
const JSON_TYPE = 'application/json; charset=utf-8'

/** Path, verb, then credentials: what is not there needs none. */
export function authenticate(call: ShiftrCall): void {
  const { state, request } = call
  if (request.upgrade) return // MQTT says who it is in its CONNECT
  limits.targetBytes.check(request.target.length)
  if (!state.legacyPaths && !call.path.startsWith(PREFIX)) {
    // What it matched are the rows of `legacyPaths`, which do not exist then.
    call.operation = undefined
    call.operationName = request.method
    throw errors.PathUnknown({}, { detail: `path=${call.path.slice(0, 200)}` })
  }
  if (!VERBS.has(request.method)) return
  const principal = state.authenticator.ofHeader(call.header('authorization'), call.header('host'))
  if (!principal) throw errors.Unauthorized()
  call.principal = realmOf(state, principal.instance).callers.touch(principal, request.peer.address)
  if (call.operation || request.method !== 'POST') return
  // Only a malformed escape keeps a path under the prefix from being found, and no handler will see it.
  const malformed = errors.EscapeMalformed({}, { detail: `path=${call.path.slice(0, 200)}` })
  tellErrored(call, malformed, call.path.slice(PREFIX.length))
  throw malformed
}

export async function retrieveMessage(call: ShiftrCall): Promise<Reply> {
  const { state, principal } = call
  const topic = parseHttpTopic(call.params.topic ?? '', state.onBreach)
  const retained = toRetained(call.query.retained)
  if (topic.name === INFO) return getInfo(call)
  const realm = realmOf(state, principal.instance)
  const message = retained ? await findLatestRetained(realm, topic) : realm.last.latest(topic)
  if (!message) {
    const detail = `topic=${topic.name}`
    throw retained
      ? errors.RetainedMessageNotFound({}, { detail })
      : errors.MessageNotFound({}, { detail })
  }
  const headers: Record<string, string> = {
    'Content-Type': isUtf8(message.payload) ? TEXT : BYTES,
    'Cache-Control': 'no-store'
  }
  if (state.diagnosticHeaders) {
    headers['x-fogbank-topic'] = toHeaderValue(message.topic)
    headers['x-fogbank-qos'] = String(message.qos)
    headers['x-fogbank-retained'] = String(message.retained)
    headers['x-fogbank-seq'] = String(message.sequence)
  }
  return { status: 200, headers, body: message.payload }
}

export async function publishMessage(call: ShiftrCall): Promise<Reply> {
  const { state, principal } = call
  try {
    // Part of authentication, but a refusal has to be seen under `$events`.
    if (principal.readOnly) throw errors.TokenReadOnly()
    const topic = parseHttpTopic(call.params.topic ?? ACTION, state.onBreach)
    if (topic.name === ACTION) return await triggerAction(call)
    checkPublishable(topic)
    const qos = toQos(call.query.qos)
    const retain = toRetained(call.query.retained)
    await readPayload(call)
    const message = { topic: toSpaceName(topic.name), payload: call.body, qos, retain }
    await principal.instance.space.publish(message, principal.origin)
    return { status: 200 }
  } catch (error) {
    if (error instanceof ProviderError) tellErrored(call, error)
    throw error
  }
}

export async function getInfo({ state, principal }: ShiftrCall): Promise<Reply> {
  const realm = realmOf(state, principal.instance)
  const info = await describeInstance(realm, state.clock.now())
  return {
    status: 200,
    headers: { 'Content-Type': JSON_TYPE, 'Cache-Control': 'no-store' },
    body: JSON.stringify(info)
  }
}

async function triggerAction(call: ShiftrCall): Promise<Reply> {
  if (call.principal.readOnly) throw errors.TokenReadOnly()
  await readPayload(call)
  trigger(realmOf(call.state, call.principal.instance), call.body, call.principal)
  return { status: 200 }
}

/** CORS headers come with every answer; nothing more is to be said. */
export const preflight = (): Reply => ({ status: 204 })

export const connect = (): Reply => ({ status: 101, upgrade: { principal: undefined } })

async function readPayload(call: ShiftrCall): Promise<void> {
  const { state } = call
  const { payloadBytes } = limits
  await readBody(
    call,
    state.lenient ? { ...payloadBytes, value: LENIENT_PAYLOAD_BYTES } : payloadBytes
  )
  if (call.body.length > payloadBytes.value) state.onBreach(payloadBytes.exceeded(call.body.length))
}

function tellErrored(
  { state, params, principal }: ShiftrCall,
  error: ProviderError,
  text = params.topic ?? ACTION
): void {
  const { feed } = realmOf(state, principal.instance)
  const topic = text.replace(/^\//, '')
  const { code } = error.row
  feed.emit({ type: 'errored', error: { code, topic, connection_id: principal.id } })
}

function toQos(value: string | undefined): QoS {
  if (value === undefined || value === '0') return 0
  if (value === '1') return 1
  if (value === '2') return 2
  throw errors.QosInvalid({}, { detail: `qos=${value.slice(0, 80)}` })
}

function toRetained(value: string | undefined): boolean {
  if (value === undefined || value === '' || value === 'false') return false
  if (value === 'true') return true
  throw errors.RetainedInvalid({}, { detail: `retained=${value.slice(0, 80)}` })
}

/** Header values are Latin-1 without control characters; other topics come from other doors. */
function toHeaderValue(topic: string): string {
  return /^[\x20-\x7e]*$/.test(topic) ? topic : encodeURIComponent(topic)
}
