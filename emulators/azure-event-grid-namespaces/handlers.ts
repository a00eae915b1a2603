import type { Message } from '@fogbank/core'
import type { Call, Reply } from '@fogbank/personality'
import { nameOf } from './auth.ts'
import { errors } from './errors.ts'
import { limits } from './limits.ts'
import { PERSONALITY } from './name.ts'
import type { Caller } from './namespace.ts'
import { settleProperties, toProperties } from './properties.ts'
import { listListed, toContinuationToken, toHeaders, toItem, toPosition } from './retained.ts'
import { markRouted } from './routing/watch.ts'
import type { State } from './state.ts'
import { checkFilter, checkTopic } from './topics.ts'

type EventGridCall = Call<State, Caller>

/** Publishes the body as an MQTT message; the caller's object id stands for its client id. */
export async function httpPublish(call: EventGridCall): Promise<Reply> {
  const { principal: caller, query } = call
  const { namespace, principal } = caller
  const message: Message = {
    topic: query.topic ?? '',
    payload: call.body,
    qos: toQoS(query.qos ?? call.header('mqtt-qos') ?? '1'),
    retain: toRetain(query.retain ?? call.header('mqtt-retain') ?? '0')
  }
  const properties = toProperties(call)
  if (properties) message.properties = properties
  checkMessage(caller, message)
  namespace.quotas.takeHttpPublish(message.payload.length)
  await namespace.router.route(message, principal).catch((error: Error) => {
    throw errors.RoutingFailed({}, { detail: error.message })
  })
  const clientId = nameOf(principal)
  await namespace.space.publish(message, markRouted({ personality: PERSONALITY, clientId }))
  return { status: namespace.current.acceptedStatus, detail: toDiagnostics(call, clientId) }
}

/** What the service's diagnostics say of an HTTP Publish: the protocol's name and four fields. */
function toDiagnostics({ requestId, request, query }: EventGridCall, principal: string): string {
  const { address } = request.peer
  return `http-publish request=${requestId} topic=${query.topic} ip=${address} principal=${principal}`
}

/** Topic, properties, size and permission of a publish, by whichever door. @throws ProviderError */
export function checkMessage({ namespace, principal }: Caller, message: Message): void {
  const { topic, payload, properties } = message
  checkTopic(topic)
  if (properties) settleProperties(properties)
  if (message.retain) {
    if (namespace.current.settings.retain === false) throw errors.RetainNotSupported()
    limits.retainedMessageBytes.check(payload.length)
  }
  namespace.current.access.checkPublish(principal, topic)
}

/** Form and permission of a subscription. @throws ProviderError */
export function checkSubscription({ namespace, principal }: Caller, filter: string): void {
  checkFilter(filter)
  namespace.current.access.checkSubscribe(principal, filter)
}

export async function getRetainedMessage(call: EventGridCall): Promise<Reply> {
  const { state, principal: caller } = call
  const { namespace, principal } = caller
  const topic = call.query.topic ?? ''
  checkTopic(topic)
  namespace.current.access.checkRead(principal, topic)
  const message = await namespace.space.retained.get(topic)
  if (!message) throw errors.RetainedMessageNotFound({ topic })
  return { status: 200, headers: toHeaders(message, state.clock.now()), body: message.payload }
}

export async function listRetainedMessages(call: EventGridCall): Promise<Reply> {
  const { state, query, principal: caller } = call
  const size = query.maxresults === undefined ? limits.maxResults.value : Number(query.maxresults)
  if (size < 1) throw limits.maxResults.exceeded(size)
  limits.maxResults.check(size)
  const position = toPosition(query.topicfilter, query.continuationtoken)
  checkSubscription(caller, position.filter)
  // One more than asked for tells whether there is a next page.
  const found = await listListed(caller.namespace.space, position, size + 1)
  const page = found.slice(0, size)
  const last = page.at(-1)
  const more = last !== undefined && found.length > size
  const body = {
    nextLink: more ? toNextLink(call, { ...position, after: last.topic }, size) : null,
    retainedMessages: page.map((message) => toItem(message, state.clock.now()))
  }
  return {
    status: 200,
    headers: { 'Content-Type': 'application/json; charset=utf-8' },
    body: JSON.stringify(body)
  }
}

/** Lets a WebSocket in; CONNECT says who it is. */
export function connect(): Reply {
  return { status: 101, upgrade: { principal: undefined } }
}

function toNextLink(
  call: EventGridCall,
  position: { filter: string; after: string },
  size: number
): string {
  const scheme = call.request.peer.transport === 'tls' ? 'https' : 'http'
  const query = new URLSearchParams({
    continuationToken: toContinuationToken(position),
    maxResults: String(size),
    'api-version': call.query['api-version'] ?? ''
  })
  return `${scheme}://${call.header('host')}${call.path}?${query}`
}

function toQoS(text: string): 0 | 1 {
  if (text !== '0' && text !== '1') throw errors.QosInvalid({ qos: text })
  return text === '1' ? 1 : 0
}

function toRetain(text: string): boolean {
  if (text !== '0' && text !== '1') throw errors.RetainInvalid({ retain: text })
  return text === '1'
}
