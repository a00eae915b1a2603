import type { Clock, DisconnectCause, Session, SessionEvent } from '@fogbank/core'
import type { ClientPrincipal } from './client-auth.ts'
import type { Grants } from './grants.ts'
import type { Hub } from './hub.ts'
import { SERVER_ORIGIN } from './hub.ts'
import { createMqttConnection, fromOwner, type MqttConnection } from './mqtt-connection.ts'
import type { MqttEvents } from './mqtt-events.ts'
import { fromMqttMessage, isServiceTopic } from './mqtt-message.ts'
import { PERSONALITY } from './state.ts'

/** What a hub's MQTT side needs. */
export interface MqttSide {
  clock: Clock
  events: MqttEvents
  newId(): string
  grants: Grants
  publishesWillOnClose: boolean
  failed(error: unknown, what: string): void
}

/** Keeps a hub's connections in step with the MQTT sessions of its space, those of an earlier process first. */
export async function watchSessions(hub: Hub, side: MqttSide): Promise<void> {
  const { space } = hub
  const { grants } = side
  /** Those whose client is away; ends the wait for their end. */
  const waiting = new Map<MqttConnection, () => void>()
  /** How the last socket of a session ended. */
  const ends = new WeakMap<MqttConnection, DisconnectCause>()
  const settled = (work: Promise<unknown>, what: string) =>
    void work.catch((error: unknown) => side.failed(error, `hub ${hub.name}: ${what}`))

  const sessionIds = new Set<string>()
  for (const { clientId, owner, subscriptions } of space.clients.list(PERSONALITY)) {
    // Nobody is admitted without one.
    const { principal, sessionId } = fromOwner(hub.name, owner!)
    sessionIds.add(sessionId)
    const connection = createConnection(hub, side, { clientId, principal, sessionId })
    watch(connection)
    const groups = [...subscriptions.keys()].filter((filter) => !isServiceTopic(filter))
    settled(hub.add(connection, groups), `session ${clientId}`)
  }

  function connected(session: Session): void {
    const connection = session.identity as MqttConnection
    stopWaiting(connection)
    connection.session = session as Session<MqttConnection>
    const earlier = hub.get(connection.connectionId)
    if (earlier === connection) return
    // A clean start has ended the session that was there.
    if (earlier?.brokered) (earlier as MqttConnection).ended()
    watch(connection)
    settled(hub.add(connection, connection.principal.groups), `groups of ${session.clientId}`)
    side.events.connected(connection)
  }

  function watch(connection: MqttConnection): void {
    connection.ended = () => gone(connection, ends.get(connection))
  }

  function disconnected(session: Session, cause: DisconnectCause): void {
    const connection = session.identity as MqttConnection
    if (connection.session !== session) return // somebody else has the session by now
    connection.session = undefined
    ends.set(connection, cause)
    const kept = space.clients.get(PERSONALITY, session.clientId)
    if (cause.by === 'takeover') return
    const expiryMs = (kept?.sessionExpirySeconds ?? 0) * 1000
    if (expiryMs === 0) return gone(connection, cause)
    // The space says so, too, but only when it has forgotten what it stored.
    const over = () => gone(connection, cause)
    waiting.set(connection, side.clock.after(expiryMs, over))
  }

  function stopWaiting(connection: MqttConnection): void {
    waiting.get(connection)?.()
    waiting.delete(connection)
  }

  function gone(connection: MqttConnection, cause: DisconnectCause | undefined): void {
    stopWaiting(connection)
    settled(grants.forget(hub.name, connection.sessionId), `grants of ${connection.connectionId}`)
    if (hub.remove(connection)) side.events.disconnected(connection, cause)
  }

  function changed(event: SessionEvent & { type: 'subscribed' | 'unsubscribed' }): void {
    const connection = event.session.identity as MqttConnection
    const filters =
      event.type === 'subscribed' ? event.subscriptions.map(({ filter }) => filter) : event.filters
    for (const filter of filters) {
      if (isServiceTopic(filter)) continue
      const change = event.type === 'subscribed' ? hub.join : hub.leave
      settled(change(connection, filter), `group of ${connection.connectionId}`)
    }
  }

  space.listen({
    session(event) {
      if (event.session.policy.personality !== PERSONALITY) return
      if (event.type === 'connected') connected(event.session)
      else if (event.type === 'disconnected') disconnected(event.session, event.cause)
      else if (event.type !== 'refused') changed(event)
    },
    expired({ personality, clientId }) {
      if (personality !== PERSONALITY || space.clients.get(personality, clientId)) return
      const connection = hub.get(clientId)
      if (connection?.brokered) gone(connection as MqttConnection, undefined)
    },
    published({ message, origin }) {
      if (origin?.personality === PERSONALITY && origin.clientId === SERVER_ORIGIN.clientId) return
      if (isServiceTopic(message.topic)) return
      let converted: ReturnType<typeof fromMqttMessage> | undefined
      for (const member of hub.ofGroup(message.topic)) {
        if (member.brokered) continue
        const sender =
          origin?.personality === PERSONALITY ? hub.get(origin.clientId)?.userId : undefined
        converted ??= fromMqttMessage(message, sender ?? null)
        const sent = member.send(converted)
        if (sent) settled(sent, `message to ${member.connectionId}`)
      }
    }
  })
  await grants.retain(hub.name, sessionIds)
}

/** @param of its `sessionId` is absent where the session begins */
export function createConnection(
  hub: Hub,
  { newId, grants, publishesWillOnClose, failed }: MqttSide,
  of: { clientId: string; principal: ClientPrincipal; sessionId?: string }
): MqttConnection {
  const sessionId = of.sessionId ?? newId()
  return createMqttConnection({ hub, ...of, sessionId, grants, publishesWillOnClose, failed })
}
