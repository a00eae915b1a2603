import type { Clock, DisconnectCause, Ids, Session, SinkEvent, Space } from '@fogbank/core'
import { nameOf } from '../auth.ts'
import { PERSONALITY } from '../name.ts'
import type { Caller } from '../namespace.ts'

const CONNECTED = 'Microsoft.EventGrid.MQTTClientSessionConnected'
const DISCONNECTED = 'Microsoft.EventGrid.MQTTClientSessionDisconnected'
const KEPT_EVENTS = 1_000

/** What the rows that end a session amount to; any other is the client's error. */
const REASONS: Record<string, string> = {
  TokenExpired: 'ClientAuthenticationError',
  TokenInvalid: 'ClientAuthenticationError',
  ClientUnknown: 'ClientAuthenticationError',
  ClientCertificateInvalid: 'ClientAuthenticationError',
  RoleMissing: 'ClientAuthorizationError',
  TopicNotInTopicSpace: 'ClientAuthorizationError',
  FilterNotInTopicSpace: 'ClientAuthorizationError',
  Throttled: 'QuotaExceeded',
  Reset: 'ServerInitiatedDisconnect',
  ServerShuttingDown: 'ServerInitiatedDisconnect',
  InternalError: 'ServerError',
  ServiceUnavailable: 'ServerError'
}

/** The events that a namespace's system topic would tell of its clients' sessions, the last thousand. */
export interface Lifecycle {
  list(): readonly SinkEvent[]
  close(): void
}

export function watchLifecycle(
  namespaceName: string,
  space: Space,
  { clock, ids }: { clock: Clock; ids: Ids }
): Lifecycle {
  const events: SinkEvent[] = []
  /** Connections so far, by authentication name; a connect and its disconnect share a number. */
  const counts = new Map<string, number>()
  const numbers = new Map<string, number>()

  function add(type: string, session: Session, sequenceNumber: number, more: object): void {
    const clientAuthenticationName = nameOf((session.identity as Caller).principal)
    events.push({
      specversion: '1.0',
      id: ids.uuid(),
      time: new Date(clock.now()).toISOString(),
      source: toArmId(namespaceName),
      type,
      subject: `clients/${clientAuthenticationName}/sessions/${session.clientId}`,
      data: {
        namespaceName,
        clientAuthenticationName,
        clientSessionName: session.clientId,
        sequenceNumber,
        ...more
      }
    })
    if (events.length > KEPT_EVENTS) events.shift()
  }

  const close = space.listen({
    session(event) {
      const { session } = event
      if (session.policy.personality !== PERSONALITY) return
      if (event.type === 'connected') {
        const name = nameOf((session.identity as Caller).principal)
        const sequenceNumber = (counts.get(name) ?? 0) + 1
        counts.set(name, sequenceNumber)
        numbers.set(session.connectionId, sequenceNumber)
        add(CONNECTED, session, sequenceNumber, {})
      } else if (event.type === 'disconnected') {
        const sequenceNumber = numbers.get(session.connectionId) ?? 0
        numbers.delete(session.connectionId)
        add(DISCONNECTED, session, sequenceNumber, { disconnectionReason: toReason(event.cause) })
      }
    }
  })
  return { list: () => events, close }
}

function toReason(cause: DisconnectCause): string {
  switch (cause.by) {
    case 'client':
      return 'ClientInitiatedDisconnect'
    case 'takeover':
      return 'SessionTakenOver'
    case 'keep-alive':
      return 'ClientError'
    case 'connection-lost':
      return 'ConnectionLost'
    case 'server':
      return REASONS[cause.rule] ?? 'ClientError'
  }
}

/** The subscription and the resource group are made up; the service's source is the whole id. */
function toArmId(name: string): string {
  const group = '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/fogbank'
  return `${group}/providers/Microsoft.EventGrid/namespaces/${name}`
}
