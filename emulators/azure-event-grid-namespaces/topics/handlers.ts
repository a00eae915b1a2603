import { BATCH_MEDIA_TYPE, mediaTypeOf, STRUCTURED_MEDIA_TYPE } from '@fogbank/cloudevents'
import type { Call, Reply } from '@fogbank/personality'
import { errors, lockFaults } from '../errors.ts'
import { limits } from '../limits.ts'
import type { EventCaller } from '../namespace.ts'
import type { State } from '../state.ts'
import { readBinaryEvent } from './binary-mode.ts'
import { readBatch, readEvent, type NamespaceEvent } from './cloud-event.ts'
import { readLockToken } from './lock-token.ts'
import type { Queue } from './queue.ts'
import type { Subscription } from './subscription.ts'
import type { Topic } from './topics.ts'

type EventsCall = Call<State, EventCaller>

const JSON_HEADERS = { 'Content-Type': 'application/json' }
const RECEIVE_HEADERS = { 'Content-Type': 'application/json; charset=utf-8' }
const DEFAULT_WAIT_SECONDS = 60
const MINIMUM_WAIT_SECONDS = 10
const RELEASE_DELAYS = new Set(['0', '10', '60', '600', '3600'])

export async function publishCloudEvents(call: EventsCall): Promise<Reply> {
  const topic = findTopic(call)
  await topic.publish(readEvents(call))
  return { status: 200, headers: JSON_HEADERS, body: '{}' }
}

/** The content type alone says which mode it is; `ce-` headers beside a structured one mean nothing. */
function readEvents({ request, body }: EventsCall): NamespaceEvent[] {
  const contentType = request.headers['content-type']
  switch (mediaTypeOf(typeof contentType === 'string' ? contentType : undefined)) {
    case STRUCTURED_MEDIA_TYPE:
      return [readEvent(body)]
    case BATCH_MEDIA_TYPE:
      return readBatch(body)
    default:
      return [readBinaryEvent(request.headers, body)]
  }
}

/** Answers as soon as there is an event, with as many as are there; waits for the first one only. */
export async function receiveCloudEvents(call: EventsCall): Promise<Reply> {
  const { queue, tokens } = findQueue(call)
  const maxEvents = toCount(call.query.maxevents)
  const maxWaitMs = toWaitSeconds(call) * 1000
  const socket = call.request.incoming?.socket
  let forget = () => {}
  const deliveries = await queue.receive(maxEvents, maxWaitMs, (leave) => {
    // Whoever hung up must not be given an event.
    socket?.once('close', leave)
    forget = () => socket?.off('close', leave)
  })
  forget()
  const items = deliveries.map(({ lock, deliveryCount, json }) => {
    const lockToken = tokens.write(Buffer.from(lock, 'hex'))
    return `{"brokerProperties":{"lockToken":"${lockToken}","deliveryCount":${deliveryCount}},"event":${json}}`
  })
  return { status: 200, headers: RECEIVE_HEADERS, body: `{"value":[${items.join(',')}]}` }
}

export function acknowledgeCloudEvents(call: EventsCall): Promise<Reply> {
  return settle(call, (queue, locks) => queue.acknowledge(locks))
}

export function rejectCloudEvents(call: EventsCall): Promise<Reply> {
  return settle(call, (queue, locks) => queue.reject(locks))
}

export function renewCloudEventLocks(call: EventsCall): Promise<Reply> {
  return settle(call, (queue, locks) => queue.renew(locks))
}

export function releaseCloudEvents(call: EventsCall): Promise<Reply> {
  const delay = call.query.releasedelayinseconds ?? '0'
  if (!RELEASE_DELAYS.has(delay)) throw errors.ReleaseDelayInvalid({}, { detail: `delay=${delay}` })
  return settle(call, (queue, locks) => queue.release(locks, Number(delay) * 1000))
}

/** The owner of a web hook says yes to it, by calling the URL that it was sent. */
export function confirmEventSubscription({ query, state }: Call<State>): Reply {
  const { id = '', token = '' } = query
  if (!state.confirm(id, token)) throw errors.NotFound()
  return {
    status: 200,
    headers: { 'Content-Type': 'text/plain; charset=utf-8' },
    body: 'Webhook successfully validated as a subscription endpoint.'
  }
}

/** One answer for all tokens, a success even when every single one failed. */
async function settle(
  call: EventsCall,
  act: (queue: Queue, locks: string[]) => Promise<Set<string>>
): Promise<Reply> {
  const { queue } = findQueue(call)
  const { lockTokens } = call.json as { lockTokens: string[] }
  limits.lockTokensPerRequest.check(lockTokens.length)
  const locks = lockTokens.map(readLockToken)
  const settled = await act(
    queue,
    locks.filter((lock) => lock !== undefined)
  )
  const succeededLockTokens: string[] = []
  const failedLockTokens: object[] = []
  for (const [index, lockToken] of lockTokens.entries()) {
    const lock = locks[index]
    // A token that is named twice has been settled the first time.
    if (lock !== undefined && settled.delete(lock)) succeededLockTokens.push(lockToken)
    else {
      const { code, message } = lock === undefined ? lockFaults.BadToken : lockFaults.TokenLost
      failedLockTokens.push({ lockToken, error: { code, message } })
    }
  }
  const body = JSON.stringify({ succeededLockTokens, failedLockTokens })
  return { status: 200, headers: JSON_HEADERS, body }
}

function findTopic({ principal: { namespace }, params: { topicName = '' } }: EventsCall): Topic {
  const topic = namespace.topics.get(topicName)
  if (!topic) throw errors.TopicNotFound({ topic: topicName })
  return topic
}

function findQueue(call: EventsCall): Subscription {
  const { eventSubscriptionName: eventSubscription = '' } = call.params
  const subscription = findTopic(call).subscriptions.get(eventSubscription)
  if (!subscription) throw errors.EventSubscriptionNotFound({ eventSubscription })
  if (subscription.settings.deliveryConfiguration?.deliveryMode === 'Push') {
    throw errors.NotAQueue({ eventSubscription })
  }
  return subscription
}

function toCount(maxEvents = '1'): number {
  if (!/^[0-9]{1,9}$/.test(maxEvents) || Number(maxEvents) < 1) {
    throw limits.maxEvents.exceeded(maxEvents)
  }
  limits.maxEvents.check(Number(maxEvents))
  return Number(maxEvents)
}

function toWaitSeconds({ query, principal: { namespace } }: EventsCall): number {
  const { maxwaittime: seconds = String(DEFAULT_WAIT_SECONDS) } = query
  const minimum = namespace.current.settings.allowShortWait ? 0 : MINIMUM_WAIT_SECONDS
  if (!/^[0-9]{1,9}$/.test(seconds) || Number(seconds) < minimum) {
    throw limits.maxWaitTimeSeconds.exceeded(seconds)
  }
  limits.maxWaitTimeSeconds.check(Number(seconds))
  return Number(seconds)
}
