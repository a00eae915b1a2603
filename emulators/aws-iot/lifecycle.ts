import { CoreError, type Core, type DisconnectCause, type Session, type Space } from '@fogbank/core'
import type { Principal } from './auth.ts'
import type { Certificates } from './certificates.ts'

/** Why a client was disconnected, in the service's words. */
export type DisconnectReason =
  | 'API_INITIATED_DISCONNECT'
  | 'AUTH_ERROR'
  | 'CLIENT_ERROR'
  | 'CLIENT_INITIATED_DISCONNECT'
  | 'CONNECTION_LOST'
  | 'DUPLICATE_CLIENTID'
  | 'MQTT_KEEP_ALIVE_TIMEOUT'
  | 'SERVER_ERROR'
  | 'SERVER_INITIATED_DISCONNECT'
  | 'THROTTLED'
  | 'WEBSOCKET_TTL_EXPIRATION'

/** Rule under which DeleteConnection ends a connection. */
export const API_RULE = 'DeleteConnection'
/** Rule under which a WebSocket ends that has lived its 24 hours. */
export const TTL_RULE = 'WebSocketTtl'

/** Rules that are not the client's fault for breaking the protocol. */
const REASONS: Readonly<Record<string, DisconnectReason>> = {
  [API_RULE]: 'API_INITIATED_DISCONNECT',
  [TTL_RULE]: 'WEBSOCKET_TTL_EXPIRATION',
  IamDenied: 'AUTH_ERROR',
  PolicyDenied: 'AUTH_ERROR',
  TopicReserved: 'AUTH_ERROR',
  RetainOnReservedTopic: 'AUTH_ERROR',
  Throttled: 'THROTTLED',
  ServerShuttingDown: 'SERVER_INITIATED_DISCONNECT',
  Reset: 'SERVER_INITIATED_DISCONNECT',
  StoreFailed: 'SERVER_ERROR',
  Internal: 'SERVER_ERROR'
}

/** @see https://docs.aws.amazon.com/iot/latest/developerguide/life-cycle-events.html */
export function toDisconnectReason(cause: DisconnectCause): DisconnectReason {
  switch (cause.by) {
    case 'client':
      return 'CLIENT_INITIATED_DISCONNECT'
    case 'takeover':
      return 'DUPLICATE_CLIENTID'
    case 'keep-alive':
      return 'MQTT_KEEP_ALIVE_TIMEOUT'
    case 'connection-lost':
      return 'CONNECTION_LOST'
    case 'server':
      return REASONS[cause.rule] ?? 'CLIENT_ERROR'
  }
}

/** Who could not connect. */
export interface FailedConnect {
  clientId: string
  principal: Principal
  ipAddress: string
}

/** Tells on `$aws/events/…` what becomes of clients. */
export interface Lifecycle {
  connectFailed(client: FailedConnect): void
  close(): void
}

/** What is remembered of a connection until it ends. */
interface Open {
  versionNumber: number
  /** Only of one whose certificate has it exclusively. */
  thingName: string | undefined
  cancelTtl: () => void
}

interface Versions {
  next: number
  /** Ends the wait after which the count begins anew. */
  cancel: () => void
}

/** A client id that stays away so long is counted from 0 again; one with a session when that is over. */
const VERSION_LIFETIME_MS = 3_600_000
/** A WebSocket that a signature has opened lasts so long. */
const WEBSOCKET_LIFETIME_MS = 86_400_000
/** MQTT 5 "Administrative action". */
const ADMINISTRATIVE_ACTION = 0x98
/** Client ids are the clients' to invent, so the counts kept for them have to be bounded. */
const VERSIONS_KEPT = 100_000

export function startLifecycle(options: {
  space: Space
  core: Core
  accountId: string
  certificates: Certificates
}): Lifecycle {
  const { space, core, accountId, certificates } = options
  const versions = new Map<string, Versions>()
  const open = new Map<string, Open>()

  function tell(kind: string, clientId: string, event: object): void {
    // These would be wildcards in the topic.
    if (/[#+]/.test(clientId)) return
    const payload = Buffer.from(JSON.stringify(event))
    const topic = `$aws/events/${kind}/${clientId}`
    space.publish({ topic, payload, qos: 1, retain: false }).catch((error: unknown) => {
      // The last ones leave when there is nobody to tell any more.
      if (error instanceof CoreError && error.code === 'closed') return
      core.log.error(error, `aws-iot could not publish to ${topic}`)
    })
  }

  const identityOf = (clientId: string, thingName: string | undefined, eventType: string) => ({
    clientId,
    thingName,
    timestamp: core.clock.now(),
    eventType
  })

  const sessionOf = ({ connectionId, identity }: Session) => ({
    sessionIdentifier: connectionId,
    principalIdentifier: toPrincipalIdentifier(identity as Principal, accountId)
  })

  function connected(session: Session): void {
    const { clientId, connectionId, peer } = session
    const known = versions.get(clientId)
    known?.cancel()
    const versionNumber = known?.next ?? 0
    versions.delete(clientId)
    versions.set(clientId, { next: versionNumber + 1, cancel: () => {} })
    if (versions.size > VERSIONS_KEPT) forget(versions.keys().next().value!)
    const isWebSocket = peer.transport === 'ws' || peer.transport === 'wss'
    const cancelTtl = isWebSocket
      ? core.clock.after(WEBSOCKET_LIFETIME_MS, () =>
          session.disconnect(ADMINISTRATIVE_ACTION, TTL_RULE)
        )
      : () => {}
    const thingName = certificates.exclusiveThingOf(session.identity as Principal)
    open.set(connectionId, { versionNumber, thingName, cancelTtl })
    tell('presence/connected', clientId, {
      ...identityOf(clientId, thingName, 'connected'),
      ...sessionOf(session),
      ipAddress: peer.address,
      versionNumber
    })
  }

  function disconnected(session: Session, cause: DisconnectCause): void {
    const { clientId, connectionId, sessionExpirySeconds } = session
    const disconnectReason = toDisconnectReason(cause)
    const { versionNumber, thingName, cancelTtl } = open.get(connectionId)!
    open.delete(connectionId)
    cancelTtl()
    const known = versions.get(clientId)
    const lifetimeMs = sessionExpirySeconds > 0 ? sessionExpirySeconds * 1000 : VERSION_LIFETIME_MS
    if (known) known.cancel = core.clock.after(lifetimeMs, () => versions.delete(clientId))
    tell('presence/disconnected', clientId, {
      ...identityOf(clientId, thingName, 'disconnected'),
      ...sessionOf(session),
      clientInitiatedDisconnect: disconnectReason === 'CLIENT_INITIATED_DISCONNECT',
      disconnectReason,
      versionNumber
    })
  }

  function subscription(session: Session, eventType: string, topics: string[]): void {
    const { clientId, connectionId } = session
    tell(`subscriptions/${eventType}`, clientId, {
      ...identityOf(clientId, open.get(connectionId)?.thingName, eventType),
      ...sessionOf(session),
      topics
    })
  }

  function forget(clientId: string): void {
    versions.get(clientId)?.cancel()
    versions.delete(clientId)
  }

  const stop = space.listen({
    session(event) {
      const { session } = event
      if (session.policy.personality !== 'aws-iot') return
      if (event.type === 'connected') connected(session)
      else if (event.type === 'disconnected') disconnected(session, event.cause)
      else if (event.type === 'unsubscribed') subscription(session, 'unsubscribed', event.filters)
      else if (event.type === 'subscribed') {
        const filters = event.subscriptions.map(({ filter }) => filter)
        subscription(session, 'subscribed', filters)
      }
    }
  })

  return {
    connectFailed({ clientId, principal, ipAddress }) {
      tell('presence/connect_failed', clientId, {
        ...identityOf(clientId, certificates.exclusiveThingOf(principal), 'connect_failed'),
        connectFailureReason: 'AUTHORIZATION_FAILED',
        principalIdentifier: toPrincipalIdentifier(principal, accountId),
        sessionIdentifier: core.ids.uuid(),
        ipAddress
      })
    },
    close() {
      stop()
      for (const clientId of versions.keys()) forget(clientId)
      for (const { cancelTtl } of open.values()) cancelTtl()
      open.clear()
    }
  }
}

/** The id of a certificate; of an IAM user his account and key, for want of a role and its session. */
function toPrincipalIdentifier(principal: Principal, accountId: string): string {
  if (principal.kind === 'certificate') return principal.certificateId
  return `${accountId}:${principal.accessKeyId}`
}
