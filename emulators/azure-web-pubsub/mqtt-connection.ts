import type { QoS, Session } from '@fogbank/core'
import type { ClientPrincipal } from './client-auth.ts'
import type { Grants } from './grants.ts'
import type { Hub, HubConnection } from './hub.ts'
import type { HubMessage } from './message.ts'
import { isGroupTopic, SERVER_MESSAGES_TOPIC, toMqttMessage } from './mqtt-message.ts'
import { createPermissions } from './permissions.ts'
import { PERSONALITY } from './state.ts'

/** QoS of a subscription that REST makes: the default options are all bits zero. */
const REST_SUBSCRIPTION_QOS = 0
/** MQTT 5 "Administrative action". */
const ADMINISTRATIVE_ACTION = 0x98

/** An MQTT session: it lasts as long as the session does, its client connected or not. */
export interface MqttConnection extends HubConnection {
  readonly hub: Hub
  readonly protocol: 'mqtt'
  readonly brokered: true
  /** Who it was when the session began; a client that resumes it stays who it was. */
  readonly principal: ClientPrincipal
  /** Differs for every session of a client id. */
  readonly sessionId: string
  /** The client's connection; absent while it is away. */
  session: Session<MqttConnection> | undefined
  /** Told when the application server has ended it; set by whoever watches the sessions. */
  ended(): void
  /** Sends to this client alone, under any topic; queued while it is away. @param qos @default 1 */
  sendUnder(topic: string, message: HubMessage, qos?: QoS): Promise<void>
}

/** What is kept with a session, to know its client again after a restart. */
interface Owner {
  userId: string | null
  roles: string[]
  sessionId: string
}

export const toOwner = ({ principal: { userId, roles }, sessionId }: MqttConnection): string =>
  JSON.stringify({ userId, roles, sessionId } satisfies Owner)

/** Whose session it is that an earlier process left; its initial groups are subscriptions by now. */
export function fromOwner(
  hub: string,
  owner: string
): { principal: ClientPrincipal; sessionId: string } {
  const { userId, roles, sessionId } = JSON.parse(owner) as Owner
  return { principal: { hub, userId, roles, groups: [], claims: {} }, sessionId }
}

export function createMqttConnection(options: {
  hub: Hub
  clientId: string
  principal: ClientPrincipal
  sessionId: string
  grants: Grants
  /** Whether a will is sent when the application server closes the session. */
  publishesWillOnClose: boolean
  failed(error: unknown, what: string): void
}): MqttConnection {
  const { hub, clientId, principal, sessionId, grants, failed } = options
  const { clients } = hub.space
  const permissions = createPermissions(principal.roles)
  for (const { action, group, allowed } of grants.of(hub.name, sessionId)) {
    if (allowed) permissions.grant(action, group)
    else permissions.revoke(action, group)
  }

  const subscriptionOf = (filter: string) =>
    clients.get(PERSONALITY, clientId)?.subscriptions.get(filter)

  const connection: MqttConnection = {
    hub,
    connectionId: clientId,
    userId: principal.userId,
    protocol: 'mqtt',
    brokered: true,
    principal,
    sessionId,
    permissions,
    session: undefined,
    ended: () => void hub.remove(connection),
    async sendUnder(topic, message, qos) {
      const { payload, properties, ...ordinary } = toMqttMessage(message, topic)
      const wanted = qos ?? ordinary.qos
      const granted = subscriptionOf(topic)?.qos ?? wanted
      const lower = granted < wanted ? granted : wanted
      try {
        await clients.send(PERSONALITY, clientId, {
          topic,
          payload,
          qos: lower,
          ...(properties ? { properties } : {})
        })
      } catch (error) {
        failed(error, `message to ${clientId}`)
      }
    },
    send(message) {
      if (message.group === undefined) return connection.sendUnder(SERVER_MESSAGES_TOPIC, message)
      // A name that no client can publish to is none that a client can be sent under.
      if (isGroupTopic(message.group)) return connection.sendUnder(message.group, message)
    },
    async joined(group) {
      if (!isGroupTopic(group) || subscriptionOf(group)) return
      await clients.subscribe(PERSONALITY, clientId, [
        { filter: group, qos: REST_SUBSCRIPTION_QOS }
      ])
    },
    async left(group) {
      if (subscriptionOf(group)) await clients.unsubscribe(PERSONALITY, clientId, [group])
    },
    permitted(action, group) {
      const keep = permissions.differs(action, group) ? grants.keep : grants.drop
      const allowed = permissions.allows(action, group)
      return keep(hub.name, sessionId, { action, group, allowed })
    },
    async close(reason) {
      await clients.end(PERSONALITY, clientId, {
        reasonCode: ADMINISTRATIVE_ACTION,
        rule: 'ClosedByAppServer',
        will: options.publishesWillOnClose ? 'publish' : 'suppress',
        ...(reason === undefined ? {} : { reasonString: reason })
      })
      connection.ended()
    }
  }
  return connection
}
