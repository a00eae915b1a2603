import type { Type } from 'protobufjs/light.js'
import { isGroupName } from '../names.ts'
import { clientErrors } from './errors.ts'
import { isEventName, metadataFault } from './names.ts'
import { protobufSchema } from './protobuf-schema.ts'
import type { ClientRequest, Codec, Payload } from './requests.ts'

const TITLE = 'protobuf.webpubsub.azure.v1'
const MAXIMUM_TTL_SECONDS = 300

/** Why a frame is none of this subprotocol; for the log, the client gets a closing frame. */
class Malformed extends Error {}

/** As protobufjs reads it: uint64 as decimal text, absent members undefined. */
interface DataFields {
  choice?: 'text' | 'binary' | 'protobuf' | 'json'
  text?: string
  binary?: Buffer
  protobuf?: Buffer
  json?: string
}
interface JoinFields {
  group?: string
  ackId?: string
}
interface SendFields extends JoinFields {
  data?: DataFields
  noEcho?: boolean
  ttlSeconds?: number
  metadata?: Record<string, string>
  stream?: object
}
interface EventFields {
  event?: string
  data?: DataFields
  ackId?: string
  metadata?: Record<string, string>
  stream?: object
}
interface UpstreamFields {
  choice?: string
  sendToGroup?: SendFields
  event?: EventFields
  joinGroup?: JoinFields
  leaveGroup?: JoinFields
  sequenceAck?: { sequenceId?: string }
}

/** `protobuf.webpubsub.azure.v1` and its reliable variant; the library is loaded by the first client. */
export async function loadProtobufCodec(): Promise<Codec> {
  const { default: protobuf } = await import('protobufjs/light.js')
  const root = protobuf.Root.fromJSON(protobufSchema)
  const upstream = root.lookupType('UpstreamMessage')
  const downstream = root.lookupType('DownstreamMessage')
  const write = (fields: object) =>
    Buffer.from(downstream.encode(downstream.fromObject(fields)).finish())

  return {
    title: TITLE,
    parse(payload, isBinary) {
      if (!isBinary) throw clientErrors.FrameTypeInvalid({ protocol: TITLE, kind: 'binary' })
      try {
        return toRequest(read(upstream, payload))
      } catch (error) {
        // What protobufjs throws for bytes that are no message has no type of its own.
        const detail = (error as Error).message
        throw clientErrors.MessageInvalid({ protocol: TITLE }, { detail })
      }
    },
    connected(connectionId, userId, reconnectionToken) {
      return write({
        system: { connected: { connectionId, userId: userId ?? '', reconnectionToken } }
      })
    },
    disconnected: (reason) => write({ system: { disconnected: { reason } } }),
    ack: (ackId, error) => write({ ack: { ackId, success: !error, error } }),
    pong: () => write({ pong: {} }),
    message(message, sequenceId) {
      const { from, group, metadata } = message
      const data = writeData(message)
      return write({ message: { from, group, data, sequenceId, metadata } })
    },
    invokeResponse() {
      throw new Error('the protobuf subprotocols have no invocations')
    }
  }
}

function read(type: Type, payload: Buffer): UpstreamFields {
  const options = { longs: String, oneofs: true, bytes: Buffer }
  return type.toObject(type.decode(payload), options) as UpstreamFields
}

function toRequest(fields: UpstreamFields): ClientRequest {
  switch (fields.choice) {
    case 'ping':
      return { type: 'ping' }
    case 'sequenceAck':
      return { type: 'sequenceAck', sequenceId: BigInt(fields.sequenceAck!.sequenceId ?? 0) }
    case 'joinGroup':
    case 'leaveGroup': {
      const { group, ackId } = fields[fields.choice]!
      return { type: fields.choice, group: checkGroup(group), ackId: toUint64(ackId) }
    }
    case 'sendToGroup': {
      const { group, data, noEcho, ttlSeconds, metadata, ackId, stream } = fields.sendToGroup!
      if (stream) throw new Malformed('streams are not supported')
      if (ttlSeconds! > MAXIMUM_TTL_SECONDS) throw new Malformed(`ttl_seconds is ${ttlSeconds}`)
      return {
        type: 'sendToGroup',
        group: checkGroup(group),
        payload: toPayload(data, metadata),
        noEcho: noEcho ?? false,
        ttlSeconds: ttlSeconds ?? 0,
        ackId: toUint64(ackId)
      }
    }
    case 'event': {
      const { event = '', data, metadata, ackId, stream } = fields.event!
      if (stream) throw new Malformed('streams are not supported')
      if (!isEventName(event)) throw new Malformed('the event name is invalid')
      return {
        type: 'event',
        event,
        payload: toPayload(data, metadata),
        ackId: toUint64(ackId)
      }
    }
    default:
      throw new Malformed('there is no request in the message')
  }
}

const toUint64 = (text: string | undefined) => (text === undefined ? undefined : BigInt(text))

function checkGroup(group = ''): string {
  if (!isGroupName(group)) throw new Malformed('the group name is invalid')
  return group
}

function toPayload(fields: DataFields | undefined, metadata: Record<string, string> = {}): Payload {
  const hasMetadata = Object.keys(metadata).length > 0
  const fault = metadataFault(metadata)
  if (fault) throw new Malformed(fault)
  const more = hasMetadata ? { metadata } : {}
  switch (fields?.choice) {
    case 'text':
      return { dataType: 'text', data: Buffer.from(fields.text ?? ''), ...more }
    case 'json':
      return { dataType: 'json', data: checkJson(fields.json ?? ''), ...more }
    case 'binary':
      return { dataType: 'binary', data: fields.binary ?? Buffer.alloc(0), ...more }
    case 'protobuf':
      return { dataType: 'protobuf', data: fields.protobuf ?? Buffer.alloc(0), ...more }
    default:
      if (!hasMetadata) throw new Malformed('data is missing')
      return { dataType: 'text', data: Buffer.alloc(0), ...more }
  }
}

/** JSON clients are sent it as it is, so it has to be JSON. */
function checkJson(text: string): Buffer {
  JSON.parse(text)
  return Buffer.from(text)
}

function writeData({ dataType, data }: Payload): object {
  const isBytes = dataType === 'binary' || dataType === 'protobuf'
  return { [dataType]: isBytes ? data : data.toString('utf8') }
}
