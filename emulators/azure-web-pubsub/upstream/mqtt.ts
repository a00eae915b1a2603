import { MIMEType } from 'node:util'
import type { ConnectRequest, DisconnectCause, Message, UserProperty } from '@fogbank/core'
import { rawQuery, toRefusal, type Log } from '@fogbank/personality'
import type { ClientPrincipal } from '../client-auth.ts'
import { clientErrors } from '../clients/errors.ts'
import type { MqttConnection } from '../mqtt-connection.ts'
import { EVENTS_TOPIC, type MqttEvents } from '../mqtt-events.ts'
import { toConnectBody } from './connect-body.ts'
import { readVerdict, toConnectEvent, type Verdict } from './connect.ts'
import { isSuccess, type Outcome, type Upstream } from './events.ts'
import { toMqttRefusal } from './mqtt-refusal.ts'
import type { UpstreamAnswer } from './post.ts'
import { createEventSource, toOrigin, type EventSource } from './source.ts'

/** Headers that stand for MQTT 5 user properties. */
const PROPERTY_PREFIX = 'mqtt-'
/** User property in which an answer carries the handler's HTTP status. */
const STATUS_PROPERTY = 'azure-status-code'
/** What a payload is whose client does not say. */
const UNTYPED = 'application/octet-stream'
/** MQTT 5's reason code. */
const SESSION_TAKEN_OVER = 0x8e

/**
 * The events of MQTT clients.
 * @see https://learn.microsoft.com/azure/azure-web-pubsub/reference-mqtt-cloud-events
 */
export function createMqttEvents(deps: {
  upstream: Upstream
  log: Log
  newId(): string
}): MqttEvents {
  const { upstream, log, newId } = deps
  /** By the principal that `connect` let in; its connection has it for as long as its session lasts. */
  const sources = new WeakMap<ClientPrincipal, EventSource>()

  function createSource(clientId: string, principal: ClientPrincipal, host: string | undefined) {
    const { hub, userId } = principal
    return createEventSource({
      hub,
      connectionId: clientId,
      userId,
      subprotocol: 'mqtt',
      origin: toOrigin(host),
      mqtt: { physicalConnectionId: newId() }
    })
  }

  function sourceOf(connection: MqttConnection): EventSource {
    const { principal, connectionId, session, sessionId } = connection
    let source = sources.get(principal)
    // A session that an earlier process began.
    if (!source) source = createSource(connectionId, principal, session?.peer.host)
    sources.set(principal, source)
    source.mqtt!.sessionId = sessionId
    return source
  }

  return {
    async connect(request, { clientId, principal, connection }) {
      const asking = createSource(clientId, principal, request.peer.host)
      const kept = connection && sourceOf(connection)
      if (kept?.connectionState !== undefined) asking.connectionState = kept.connectionState
      const body = toBody(request, principal)
      const result = readVerdict(await upstream.send(asking, toConnectEvent(body)))
      if ('fault' in result) {
        log.warn(`azure-web-pubsub ${clientId} connect failed: ${result.fault}`)
        return toRefusal(clientErrors.ConnectFailed({}, { detail: result.fault }))
      }
      if ('refusal' in result) return toMqttRefusal(result.refusal, request.version)
      if (kept) {
        // Whoever resumes a session stays who he was; only the socket is another one.
        kept.mqtt!.physicalConnectionId = asking.mqtt!.physicalConnectionId
        if (asking.connectionState !== undefined) kept.connectionState = asking.connectionState
        return withProperties(connection.principal, result.verdict)
      }
      const own = applyVerdict(principal, result.verdict)
      asking.userId = own.userId
      sources.set(own, asking)
      return withProperties(own, result.verdict)
    },
    connected: (connection) => upstream.notify(sourceOf(connection), 'connected', {}),
    disconnected(connection, cause) {
      upstream.notify(sourceOf(connection), 'disconnected', describeEnd(cause))
    },
    async publish(connection, event, message) {
      const { contentType = UNTYPED, userProperties = [] } = message.properties ?? {}
      if (!isMediaType(contentType)) {
        const detail = `contentType=${contentType.slice(0, 200)}`
        return toRefusal(clientErrors.EventContentTypeInvalid({}, { detail }))
      }
      const outcome = await upstream.send(sourceOf(connection), {
        kind: 'user',
        event,
        contentType,
        body: message.payload,
        headers: toHeaders(userProperties)
      })
      await answer(connection, event, message, outcome)
    }
  }
}

function withProperties(principal: ClientPrincipal, { userProperties }: Verdict) {
  if (!userProperties) return { principal }
  const pairs = userProperties.map(({ name, value }): UserProperty => [name, value])
  return { principal, userProperties: pairs }
}

const applyVerdict = (principal: ClientPrincipal, verdict: Verdict): ClientPrincipal => ({
  ...principal,
  userId: verdict.userId ?? principal.userId,
  roles: verdict.roles ?? principal.roles,
  groups: verdict.groups ?? principal.groups
})

function toBody(request: ConnectRequest, { claims, headers = {} }: ClientPrincipal): object {
  const { version, cleanStart, username, password, userProperties, peer } = request
  return {
    mqtt: {
      protocolVersion: version,
      cleanStart,
      username: username ?? null,
      password: password?.toString('base64') ?? null,
      userProperties:
        userProperties?.flatMap((pair) =>
          Object.entries(pair).map(([name, value]) => ({ name, value }))
        ) ?? null
    },
    ...toConnectBody(claims, rawQuery(peer.url ?? ''), { headers, peer }, ['mqtt'])
  }
}

/** How the last socket of a session ended. */
function describeEnd(cause: DisconnectCause = { by: 'connection-lost' }): object {
  const told = (code: number, userProperties: readonly UserProperty[] = []) => ({
    code,
    userProperties:
      userProperties.length > 0 ? userProperties.map(([name, value]) => ({ name, value })) : null
  })
  switch (cause.by) {
    case 'client':
      return toEnd('', true, told(cause.reasonCode, cause.userProperties))
    case 'server':
      return toEnd(cause.rule, false, told(cause.reasonCode))
    case 'takeover':
      return toEnd('', false, told(SESSION_TAKEN_OVER))
    default:
      return toEnd('', false, null)
  }
}

const toEnd = (reason: string, initiatedByClient: boolean, disconnectPacket: object | null) => ({
  reason,
  mqtt: { initiatedByClient, disconnectPacket }
})

function isMediaType(text: string): boolean {
  try {
    new MIMEType(text)
    return true
  } catch {
    return false // the parser says no more than that
  }
}

function toHeaders(userProperties: readonly UserProperty[]): Record<string, string[]> {
  const headers: Record<string, string[]> = {}
  for (const [name, value] of userProperties) (headers[PROPERTY_PREFIX + name] ??= []).push(value)
  return headers
}

/** Tells the client under the event's own topic; the status is a user property. */
async function answer(
  connection: MqttConnection,
  event: string,
  { qos, properties }: Message,
  outcome: Outcome
): Promise<void> {
  const said = 'answer' in outcome ? outcome.answer : undefined
  const status = said?.status ?? ('unhandled' in outcome ? 404 : 500)
  const contentType = said?.headers['content-type']
  const correlationData = properties?.correlationData
  await connection.sendUnder(
    `${EVENTS_TOPIC}/${event}/${said && isSuccess(said) ? 'succeeded' : 'failed'}`,
    {
      from: 'server',
      fromUserId: null,
      dataType: 'binary',
      data: said?.body ?? Buffer.alloc(0),
      mqtt: {
        ...(contentType === undefined ? {} : { contentType }),
        ...(correlationData === undefined ? {} : { correlationData }),
        userProperties: [...fromHeaders(said), [STATUS_PROPERTY, String(status)]]
      }
    },
    qos
  )
}

function fromHeaders(said: UpstreamAnswer | undefined): UserProperty[] {
  return Object.entries(said?.lines ?? {})
    .filter(([name]) => name.startsWith(PROPERTY_PREFIX))
    .flatMap(([name, values = []]) =>
      values.map((value): UserProperty => [name.slice(PROPERTY_PREFIX.length), value])
    )
}
