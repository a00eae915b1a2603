import type { MessageProperties } from '@fogbank/core'

/** What a message's data is, in the words of the JSON subprotocol. */
export type DataType = 'text' | 'json' | 'binary' | 'protobuf'

/** One message on its way through a hub, in terms that no client protocol owns. */
export interface HubMessage {
  /** `group`: published to a group, by a client or over REST; `server`: sent to all, a user or a connection. */
  from: 'group' | 'server'
  /** Present when `from` is `group`. */
  group?: string
  /** Who published to the group; null: an anonymous client, or REST. */
  fromUserId: string | null
  dataType: DataType
  /** The bytes as they were published; UTF-8 where dataType is `text` or `json`. */
  data: Buffer
  /** Names in lower case. */
  metadata?: Readonly<Record<string, string>>
  /** Seconds that a queued copy is worth keeping. Absent: for ever. */
  ttlSeconds?: number
  /** What an MQTT 5 publisher gave along; goes to MQTT subscribers as it is. */
  mqtt?: MessageProperties
}
