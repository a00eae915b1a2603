import type { ConnectRequest, DisconnectCause, Message, Refusal, UserProperty } from '@fogbank/core'
import type { ClientPrincipal } from './client-auth.ts'
import type { MqttConnection } from './mqtt-connection.ts'

/** Where clients send events. */
export const EVENTS_TOPIC = '$webpubsub/server/events'
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
