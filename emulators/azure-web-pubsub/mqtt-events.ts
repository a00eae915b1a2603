import type { ConnectRequest, DisconnectCause, Message, Refusal, UserProperty } from '@fogbank/core'
import type { ClientPrincipal } from './client-auth.ts'
import type { MqttConnection } from './mqtt-connection.ts'

/** Topics under which clients send events; the answer comes under the same with `/succeeded` or `/failed`. */
const EVENT = /^\$webpubsub\/server\/events\/([^/]+)$/

/** The event's name; undefined: the topic is none of events. */
export const eventOf = (topic: string): string | undefined => EVENT.exec(topic)?.[1]

/** What the hub's event handlers decide of MQTT clients, and are told of them. */
export interface MqttEvents {
  /** Asked at every CONNECT; what it answers takes the place of what the token said, for a new session. */
  connect(
    request: ConnectRequest,
    client: { clientId: string; principal: ClientPrincipal; connection: MqttConnection | undefined }
  ): Promise<Refusal | { principal: ClientPrincipal; userProperties?: readonly UserProperty[] }>
  /** Of a new session only. */
  connected(connection: MqttConnection): void
  /** The session is over. */
  disconnected(connection: MqttConnection, cause: DisconnectCause | undefined): void
  /** A client's event; it is acknowledged when this resolves. */
  publish(connection: MqttConnection, event: string, message: Message): Promise<Refusal | void>
}

/** MQTT 5 user property in which an answer carries the handler's HTTP status. */
const STATUS_PROPERTY = 'azure-status-code'
const NOT_FOUND = '404'

/** A hub without event handlers: everybody comes in as the token has it, and no event finds anyone. */
export const withoutHandlers: MqttEvents = {
  connect: async (_request, { principal }) => ({ principal }),
  connected: () => {},
  disconnected: () => {},
  async publish(connection, event, { qos, properties }) {
    const { correlationData } = properties ?? {}
    const topic = `$webpubsub/server/events/${event}/failed`
    await connection.sendUnder(
      topic,
      {
        from: 'server',
        fromUserId: null,
        dataType: 'binary',
        data: Buffer.alloc(0),
        mqtt: {
          ...(correlationData ? { correlationData } : {}),
          userProperties: [[STATUS_PROPERTY, NOT_FOUND]]
        }
      },
      qos
    )
  }
}
