import type { ClientSession, QoS } from '@fogbank/core'
import type { Call, Reply } from '@fogbank/personality'
import type { Principal } from '../auth.ts'
import { errors } from '../errors.ts'
import { isTrue, json, type State } from '../handlers.ts'
import { API_RULE } from '../lifecycle.ts'
import { limits } from '../limits.ts'
import { toProperties } from '../properties.ts'
import { checkPublishTopic } from '../topics.ts'
import type { Departure } from './history.ts'

type AwsCall = Call<State, Principal>

const PERSONALITY = 'aws-iot'
/** MQTT 5 "Administrative action". */
const ADMINISTRATIVE_ACTION = 0x98
const CONFIRMATION_SECONDS = 5
const PAGE_TOKEN = 'subscription:'
/** Subscriptions of a page unless the caller says otherwise. */
const PAGE_SIZE = 20

export async function getConnection(call: AwsCall): Promise<Reply> {
  const { space, history, certificates } = call.state
  const clientId = toClientId(call)
  const client = space.clients.get(PERSONALITY, clientId)
  const departure = history.find(clientId)
  const withSocket = isTrue(call.query.includeSocketInformation)
  if (client?.session) {
    const thingName = certificates.exclusiveThingOf(client.session.identity as Principal)
    return json({ ...describeConnected(client), thingName, ...socketOf(client, withSocket) })
  }
  if (!departure && !client) throw notFound(clientId)
  return json({
    ...describeGone(clientId, client, departure),
    ...socketOf(departure ?? client!, withSocket)
  })
}

function describeConnected(client: ClientSession): object {
  return {
    connected: true,
    clientId: client.clientId,
    cleanSession: client.sessionExpirySeconds === 0,
    keepAliveDuration: client.keepAliveSeconds,
    sessionExpiry: client.sessionExpirySeconds,
    connectedSince: client.connectedAtMs
  }
}

function describeGone(
  clientId: string,
  client: ClientSession | undefined,
  departure: Departure | undefined
): object {
  return {
    connected: false,
    clientId,
    thingName: departure?.thingName,
    cleanSession: client ? client.sessionExpirySeconds === 0 : true,
    keepAliveDuration: departure?.keepAliveSeconds ?? client?.keepAliveSeconds,
    sessionExpiry: client?.sessionExpirySeconds ?? departure?.sessionExpirySeconds,
    disconnectedSince: departure?.disconnectedAtMs ?? client?.disconnectedAtMs,
    // What an earlier run of the suite saw of it is not kept.
    disconnectReason: departure?.reason ?? 'UNKNOWN'
  }
}

function socketOf({ peer }: Pick<ClientSession, 'peer'> | Departure, isWanted: boolean): object {
  if (!isWanted) return {}
  return {
    sourceIp: peer.address,
    sourcePort: peer.port,
    targetIp: peer.localAddress,
    targetPort: peer.localPort
  }
}

export async function deleteConnection(call: AwsCall): Promise<Reply> {
  const { clients } = call.state.space
  const clientId = toClientId(call)
  const client = clients.get(PERSONALITY, clientId)
  if (!client) throw notFound(clientId)
  const will = isTrue(call.query.preventWillMessage) ? 'suppress' : 'publish'
  const order = { reasonCode: ADMINISTRATIVE_ACTION, rule: API_RULE, will } as const
  if (isTrue(call.query.cleanSession)) await clients.end(PERSONALITY, clientId, order)
  else await clients.disconnect(PERSONALITY, clientId, order)
  return { status: 200 }
}

export async function listSubscriptions(call: AwsCall): Promise<Reply> {
  const { maxResults, nextToken } = call.query
  const clientId = toClientId(call)
  const client = call.state.space.clients.get(PERSONALITY, clientId)
  if (!client) throw notFound(clientId)
  const size = maxResults === undefined ? PAGE_SIZE : Number(maxResults)
  if (size < 1) throw limits.maxResults.exceeded(size)
  limits.maxResults.check(size)
  const after = nextToken === undefined ? undefined : fromPageToken(nextToken)
  const all = [...client.subscriptions.values()]
    .map(({ filter, qos }) => ({ topicFilter: filter, qos }))
    .sort((a, b) => (a.topicFilter < b.topicFilter ? -1 : 1))
  const rest = after === undefined ? all : all.filter(({ topicFilter }) => topicFilter > after)
  const page = rest.slice(0, size)
  const last = page.at(-1)
  return json({
    subscriptions: page,
    nextToken: last && rest.length > size ? toPageToken(last.topicFilter) : null
  })
}

export async function sendDirectMessage(call: AwsCall): Promise<Reply> {
  const { state, query } = call
  const clientId = toClientId(call)
  const { topic } = query
  if (topic === undefined) throw errors.DirectTopicMissing()
  // What is a request to the service there would be none to a client.
  if (checkPublishTopic(topic, false) !== 'subscribers') throw errors.TopicReserved()
  const isConfirmed = isTrue(query.confirmation)
  const seconds = query.timeout === undefined ? CONFIRMATION_SECONDS : Number(query.timeout)
  if (seconds < 1) throw limits.confirmationSeconds.exceeded(seconds)
  limits.confirmationSeconds.check(seconds)
  const properties = toProperties(call)
  const session = state.space.session(PERSONALITY, clientId)
  if (!session) throw notFound(clientId)
  const qos: QoS = isConfirmed ? 1 : 0
  const result = await state.space.clients.send(
    PERSONALITY,
    clientId,
    { topic, payload: call.body, qos, ...(properties ? { properties } : {}) },
    isConfirmed ? { acknowledgedWithinMs: seconds * 1000 } : {}
  )
  if (result === undefined || result === 'not-delivered') throw notFound(clientId)
  if (result === 'unacknowledged' || result === 'stored') throw errors.ConfirmationMissing()
  return json({ message: 'OK', traceId: call.requestId })
}

/** @throws ProviderError ClientIdInvalid */
function toClientId({ params }: AwsCall): string {
  const clientId = params.clientId ?? ''
  limits.clientIdBytes.check(Buffer.byteLength(clientId))
  if (clientId === '' || clientId.startsWith('$')) {
    throw errors.ClientIdInvalid({}, { detail: `clientId=${clientId}` })
  }
  return clientId
}

function notFound(clientId: string) {
  return errors.ConnectionNotFound({}, { detail: `clientId=${clientId}` })
}

function toPageToken(filter: string): string {
  return Buffer.from(PAGE_TOKEN + filter).toString('base64url')
}

function fromPageToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString()
  const filter = text.startsWith(PAGE_TOKEN) ? text.slice(PAGE_TOKEN.length) : ''
  if (filter === '' || toPageToken(filter) !== token) throw errors.NextTokenInvalid()
  return filter
}
