import { topicNameFault, type Message, type MessageProperties } from '@fogbank/core'
import type { DataType, HubMessage } from './message.ts'

/** Where messages to all, to a user and to a connection reach an MQTT client. */
export const SERVER_MESSAGES_TOPIC = '$webpubsub/server/messages'
/** Topics of the service itself; no group is under it. */
export const SERVICE_TREE = '$webpubsub'

/** REST publishes at QoS 1; a subscription's lower QoS lowers it. */
const SERVER_QOS = 1

const CONTENT_TYPES: Record<DataType, string> = {
  text: 'text/plain',
  json: 'application/json',
  binary: 'application/octet-stream',
  protobuf: 'application/x-protobuf'
}

/** Whether a group's name is one that an MQTT client can publish to. */
export function isGroupTopic(group: string): boolean {
  return !isServiceTopic(group) && topicNameFault(group) === undefined
}

export const isServiceTopic = (topic: string) =>
  topic === SERVICE_TREE || topic.startsWith(`${SERVICE_TREE}/`)

/** A hub's message as MQTT clients get it under a topic. */
export function toMqttMessage(message: HubMessage, topic: string): Message {
  return {
    topic,
    payload: message.data,
    qos: SERVER_QOS,
    retain: false,
    properties: message.mqtt ?? toProperties(message)
  }
}

function toProperties({ dataType, metadata, ttlSeconds }: HubMessage): MessageProperties {
  const properties: MessageProperties = {
    payloadFormatIndicator: dataType === 'text' || dataType === 'json',
    contentType: CONTENT_TYPES[dataType]
  }
  if (ttlSeconds) properties.messageExpiryInterval = ttlSeconds
  const userProperties = Object.entries(metadata ?? {})
  if (userProperties.length > 0) properties.userProperties = userProperties
  return properties
}

/** What a client's PUBLISH is to the clients that speak another protocol. */
export function fromMqttMessage(
  { topic, payload, properties }: Message,
  fromUserId: string | null
): HubMessage & { group: string } {
  const message: HubMessage & { group: string } = {
    from: 'group',
    group: topic,
    fromUserId,
    dataType: toDataType(payload, properties),
    data: payload
  }
  if (properties) message.mqtt = properties
  if (properties?.userProperties) {
    const pairs = properties.userProperties.map(([name, value]) => [name.toLowerCase(), value])
    message.metadata = Object.fromEntries(pairs)
  }
  return message
}

function toDataType(payload: Buffer, properties: MessageProperties | undefined): DataType {
  const contentType = properties?.contentType?.toLowerCase().split(';', 1)[0]!.trim()
  if (contentType === CONTENT_TYPES.json && isJson(payload)) return 'json'
  if (contentType?.startsWith('text/') || properties?.payloadFormatIndicator) return 'text'
  return 'binary'
}

function isJson(payload: Buffer): boolean {
  try {
    JSON.parse(payload.toString('utf8'))
    return true
  } catch {
    return false // then it is what its bytes are
  }
}
