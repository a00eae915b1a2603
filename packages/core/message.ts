/** Quality of service, as MQTT numbers it. */
export type QoS = 0 | 1 | 2

/** One MQTT 5 user property. Order and repetition are part of the message. */
export type UserProperty = readonly [name: string, value: string]

/** The MQTT 5 properties of a PUBLISH that travel from publisher to subscriber. */
export interface MessageProperties {
  /** true: the payload is UTF-8 text (indicator 1); false: unspecified bytes, said expressly. */
  payloadFormatIndicator?: boolean
  /** Seconds left to live. Absent: for ever. */
  messageExpiryInterval?: number
  contentType?: string
  responseTopic?: string
  correlationData?: Buffer
  userProperties?: readonly UserProperty[]
}

/** A message on its way through a space. The topic is a plain MQTT topic name, without wildcards. */
export interface Message {
  topic: string
  payload: Buffer
  qos: QoS
  retain: boolean
  properties?: MessageProperties
}

/** Who published: an MQTT session, or an HTTP caller that has no session. */
export interface Origin {
  /** The door's personality, `aws-iot`. */
  personality: string
  /** The id as the client knows it; for HTTP callers whatever the personality shows for one. */
  clientId: string
}

/** A message that was stored and handed to its subscribers. */
export interface Published {
  message: Message
  /** Rises with every publish of the space; tells which of two messages is the later one. */
  sequence: number
  /** Milliseconds since 1970. */
  timeMs: number
  /** Absent for the space's own messages, and for wills of a process that died. */
  origin?: Origin
}

/** A retained message as it is kept. */
export interface RetainedMessage extends Message {
  /** When it was published: milliseconds since 1970. */
  storedAtMs: number
}

/** The MQTT 5 properties as mqtt-packet reads and writes them. */
export interface WireProperties {
  payloadFormatIndicator?: boolean
  messageExpiryInterval?: number
  contentType?: string
  responseTopic?: string
  correlationData?: Buffer
  userProperties?: Record<string, string>[]
  subscriptionIdentifier?: number | number[]
  topicAlias?: number
  willDelayInterval?: number
}

/**
 * Our properties in mqtt-packet's form; undefined when there are none.
 *
 * mqtt-packet's plain object would merge repeated names and reorder numeric ones; a list of
 * one-entry objects is written pair by pair, in order.
 */
export function toWire(properties: MessageProperties | undefined): WireProperties | undefined {
  if (!properties) return undefined
  const { userProperties, ...rest } = properties
  const wire: WireProperties = {}
  for (const [name, value] of Object.entries(rest)) {
    if (value !== undefined) (wire as Record<string, unknown>)[name] = value
  }
  if (userProperties?.length) {
    wire.userProperties = userProperties.map(([name, value]) => ({ [name]: value }))
  }
  return Object.keys(wire).length > 0 ? wire : undefined
}

/** mqtt-packet's properties in our form; connection-scoped ones are left behind. */
export function fromWire(wire: WireProperties | undefined): MessageProperties | undefined {
  if (!wire) return undefined
  const properties: MessageProperties = {}
  if (wire.payloadFormatIndicator !== undefined) {
    properties.payloadFormatIndicator = wire.payloadFormatIndicator
  }
  if (wire.messageExpiryInterval !== undefined) {
    properties.messageExpiryInterval = wire.messageExpiryInterval
  }
  if (wire.contentType !== undefined) properties.contentType = wire.contentType
  if (wire.responseTopic !== undefined) properties.responseTopic = wire.responseTopic
  if (wire.correlationData !== undefined) properties.correlationData = wire.correlationData
  if (wire.userProperties?.length) {
    properties.userProperties = wire.userProperties.flatMap((pair) => Object.entries(pair))
  }
  return Object.keys(properties).length > 0 ? properties : undefined
}

/** What a PUBLISH packet and a will have in common, as mqtt-packet reads them. */
export interface PublishLike {
  topic: string
  payload?: Buffer
  qos: QoS
  retain: boolean
  properties?: WireProperties | undefined
}

const NO_PAYLOAD = Buffer.alloc(0)

export function toMessage(packet: PublishLike): Message {
  const message: Message = {
    topic: packet.topic,
    payload: packet.payload ?? NO_PAYLOAD,
    qos: packet.qos,
    retain: packet.retain
  }
  const properties = fromWire(packet.properties)
  if (properties) message.properties = properties
  return message
}
