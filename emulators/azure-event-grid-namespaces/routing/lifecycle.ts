import type { DisconnectCause, Ids, Records, Session, SinkEvent, Space } from '@fogbank/core'
import { nameOf } from '../auth.ts'
import { PERSONALITY } from '../name.ts'
import type { Caller, Resources } from '../namespace.ts'
import type { ClientResource } from '../settings.ts'
import { createForwarder, type ForwarderContext } from './forwarder.ts'

const CONNECTED = 'Microsoft.EventGrid.MQTTClientSessionConnected'
const DISCONNECTED = 'Microsoft.EventGrid.MQTTClientSessionDisconnected'
const CREATED_OR_UPDATED = 'Microsoft.EventGrid.MQTTClientCreatedOrUpdated'
const DELETED = 'Microsoft.EventGrid.MQTTClientDeleted'

const KEPT_EVENTS = 1_000
/** Sessions whose clients are away are known by their last connection; of those the latest. */
const KEPT_CONNECTIONS = 10_000
/** Changes of a client within this are one: the page's examples have changes of three and five seconds. */
const SETTLING_MS = 5_000

/** What the rows that end a session amount to; any other is the client's error. */
const REASONS: Record<string, string> = {
  TokenExpired: 'ClientAuthenticationError',
  TokenInvalid: 'ClientAuthenticationError',
  CredentialMissing: 'ClientAuthenticationError',
  ClientUnknown: 'ClientAuthenticationError',
  ClientCertificateInvalid: 'ClientAuthenticationError',
  ClientCertificateExpired: 'ClientAuthenticationError',
  WebhookDenied: 'ClientAuthenticationError',
  WebhookUnavailable: 'ServerError',
  RoleMissing: 'ClientAuthorizationError',
  TopicNotInTopicSpace: 'ClientAuthorizationError',
  FilterNotInTopicSpace: 'ClientAuthorizationError',
  IpForbidden: 'IpForbidden',
  Throttled: 'QuotaExceeded',
  MessageRateTooHigh: 'QuotaExceeded',
  SessionOverflow: 'SessionOverflow',
  SlowClient: 'SessionOverflow',
  ServerInitiatedDisconnect: 'ServerInitiatedDisconnect',
  Reset: 'ServerInitiatedDisconnect',
  ServerShuttingDown: 'ServerInitiatedDisconnect',
  Internal: 'ServerError',
  InternalError: 'ServerError',
  StoreFailed: 'ServerError',
  ServiceUnavailable: 'ServerError'
}

/** What a namespace's system topic tells of its clients. */
export interface Lifecycle {
  /** The last thousand. */
  list(): readonly SinkEvent[]
  /** The registry is another one now. */
  changed(before: readonly ClientResource[], after: readonly ClientResource[]): void
  close(): void
}

export interface LifecycleContext extends ForwarderContext {
  namespace: string
  space: Space
  ids: Ids
  /** How many connections each client had, by `NAMESPACE/authenticationName`. */
  records: Records
  /** What the settings come to now. */
  resources(): Resources
}

/** A connection as its events name it. */
interface Connected {
  clientAuthenticationName: string
  sequenceNumber: number
}

export async function watchLifecycle(context: LifecycleContext): Promise<Lifecycle> {
  const { namespace: namespaceName, space, clock, ids, log, records } = context
  const events: SinkEvent[] = []
  const forwarder = await createForwarder(`${namespaceName}/lifecycle`, context)
  /** Connections so far, by authentication name; a connect and its disconnect share a number. */
  const counts = await readCounts()
  const numbers = new Map<string, number>()
  /** By session name. */
  const lastConnections = new Map<string, Connected>()
  const settling = new Map<string, { before: ClientResource | undefined; cancel(): void }>()
  const startedAtMs = clock.now()
  const createdAtMs = new Map<string, number>()

  async function readCounts(): Promise<Map<string, number>> {
    const found = new Map<string, number>()
    const range = { gt: `${namespaceName}/`, lt: `${namespaceName}0` }
    for await (const [key, value] of records.range(range)) {
      found.set(key.slice(namespaceName.length + 1), Number(value.toString()))
    }
    return found
  }

  function add(type: string, subject: string, data: object): void {
    const event = {
      specversion: '1.0',
      id: ids.uuid(),
      time: toTime(clock.now()),
      source: toArmId(namespaceName),
      type,
      subject,
      data: { namespaceName, ...data }
    }
    events.push(event)
    if (events.length > KEPT_EVENTS) events.shift()
    const { lifecycleSink } = context.resources()
    if (lifecycleSink !== undefined) void forwarder.forward(lifecycleSink, event)
  }

  function addOfSession(type: string, clientId: string, connection: Connected, more = {}): void {
    const { clientAuthenticationName, sequenceNumber } = connection
    add(type, `clients/${clientAuthenticationName}/sessions/${clientId}`, {
      clientAuthenticationName,
      clientSessionName: clientId,
      sequenceNumber,
      ...more
    })
  }

  function count(clientAuthenticationName: string): number {
    const sequenceNumber = (counts.get(clientAuthenticationName) ?? 0) + 1
    counts.set(clientAuthenticationName, sequenceNumber)
    const put = `${namespaceName}/${clientAuthenticationName}`
    records
      .commit([{ put, value: Buffer.from(String(sequenceNumber)) }])
      .catch((error: unknown) => log.error(error, `${PERSONALITY}: ${put} was not counted`))
    return sequenceNumber
  }

  function connected(session: Session): void {
    const clientAuthenticationName = nameOf((session.identity as Caller).principal)
    const sequenceNumber = count(clientAuthenticationName)
    numbers.set(session.connectionId, sequenceNumber)
    const connection = { clientAuthenticationName, sequenceNumber }
    lastConnections.delete(session.clientId)
    lastConnections.set(session.clientId, connection)
    if (lastConnections.size > KEPT_CONNECTIONS) {
      lastConnections.delete(lastConnections.keys().next().value!)
    }
    addOfSession(CONNECTED, session.clientId, connection)
  }

  function disconnected(session: Session, cause: DisconnectCause): void {
    const sequenceNumber = numbers.get(session.connectionId) ?? 0
    numbers.delete(session.connectionId)
    const clientAuthenticationName = nameOf((session.identity as Caller).principal)
    addOfSession(
      DISCONNECTED,
      session.clientId,
      { clientAuthenticationName, sequenceNumber },
      { disconnectionReason: toReason(session, cause) }
    )
  }

  const stop = space.listen({
    session(event) {
      const { session } = event
      if (session.policy.personality !== PERSONALITY) return
      if (event.type === 'connected') connected(session)
      else if (event.type === 'disconnected') disconnected(session, event.cause)
    },
    overflowed({ personality, clientId }) {
      const connection = lastConnections.get(clientId)
      if (personality !== PERSONALITY || !connection) return
      const disconnectionReason = 'SessionOverflow'
      addOfSession(DISCONNECTED, clientId, connection, { disconnectionReason })
    }
  })

  /** What a client has become since `before`, in one event. */
  function settle(name: string, before: ClientResource | undefined, changedAtMs: number): void {
    settling.delete(name)
    const now = context.resources().settings.clients.find((client) => client.name === name)
    const client = now ?? before
    if (!client) return
    const about = {
      clientName: name,
      clientAuthenticationName: client.authenticationName ?? name
    }
    if (!now) return add(DELETED, `clients/${name}`, about)
    add(CREATED_OR_UPDATED, `clients/${name}`, {
      createdOn: toTime(createdAtMs.get(name) ?? startedAtMs),
      updatedOn: toTime(changedAtMs),
      ...about,
      state: now.state ?? 'Enabled',
      attributes: now.attributes ?? {}
    })
  }

  return {
    list: () => events,
    changed(before, after) {
      const earlier = new Map(before.map((client) => [client.name, client]))
      const later = new Map(after.map((client) => [client.name, client]))
      for (const name of new Set([...earlier.keys(), ...later.keys()])) {
        const [was, is] = [earlier.get(name), later.get(name)]
        if (was === is) continue
        if (is && !was) createdAtMs.set(name, clock.now())
        const known = settling.get(name)
        known?.cancel()
        const first = known?.before ?? was ?? is
        const nowMs = clock.now()
        const cancel = clock.after(SETTLING_MS, () => settle(name, first, nowMs))
        settling.set(name, { before: first, cancel })
      }
    },
    close() {
      stop()
      for (const { cancel } of settling.values()) cancel()
      forwarder.close()
    }
  }
}

function toReason({ peer }: Session, cause: DisconnectCause): string {
  switch (cause.by) {
    case 'client':
      return 'ClientInitiatedDisconnect'
    case 'takeover':
      return 'SessionTakenOver'
    case 'keep-alive':
      return 'ClientError'
    case 'connection-lost':
      // A close frame is as good a goodbye as a DISCONNECT.
      return peer.saidClose?.() ? 'ClientInitiatedDisconnect' : 'ConnectionLost'
    case 'server':
      return REASONS[cause.rule] ?? 'ClientError'
  }
}

const toTime = (timeMs: number) => new Date(timeMs).toISOString()

/** The subscription and the resource group are made up; the service's source is the whole id. */
function toArmId(name: string): string {
  const group = '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/fogbank'
  return `${group}/providers/Microsoft.EventGrid/namespaces/${name}`
}
