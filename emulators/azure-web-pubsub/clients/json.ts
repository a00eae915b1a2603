import { isUtf8 } from 'node:buffer'
import { isGroupName } from '../names.ts'
import type { HubMessage } from '../message.ts'
import { clientErrors } from './errors.ts'
import { readMembers } from './members.ts'
import { isEventName, metadataFault } from './names.ts'
import type { ClientRequest, Codec, Payload } from './requests.ts'

const MAXIMUM_UINT64 = 2n ** 64n - 1n
const MAXIMUM_TTL_SECONDS = 300
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

/** Why a frame is none of this subprotocol; for the log, the client gets a closing frame. */
class Malformed extends Error {}

type Members = ReadonlyMap<string, string>

/** `json.webpubsub.azure.v1` and its reliable variant, which differ in what they are asked to write. */
export const jsonCodec: Codec = {
  title: 'JSON',
  parse(payload) {
    try {
      if (!isUtf8(payload)) throw new Malformed('the frame is not UTF-8')
      return toRequest(readMembers(payload.toString('utf8')))
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof Malformed)) throw error
      throw clientErrors.MessageInvalid({ protocol: 'JSON' }, { detail: error.message })
    }
  },
  connected(connectionId, userId, reconnectionToken) {
    return JSON.stringify({
      type: 'system',
      event: 'connected',
      userId,
      connectionId,
      reconnectionToken
    })
  },
  disconnected: (message) => JSON.stringify({ type: 'system', event: 'disconnected', message }),
  ack(ackId, error) {
    const outcome = error ? `false,"error":${JSON.stringify(error)}` : 'true'
    return `{"type":"ack","ackId":${ackId},"success":${outcome}}`
  },
  pong: () => '{"type":"pong"}',
  message(message, sequenceId) {
    const sequence = sequenceId === undefined ? '' : `,"sequenceId":${sequenceId}`
    return `{"type":"message",${writeOrigin(message)},${writePayload(message)}${sequence}}`
  },
  invokeResponse(invocationId, outcome) {
    const start = `{"type":"invokeResponse","invocationId":${JSON.stringify(invocationId)}`
    if ('error' in outcome) {
      return `${start},"success":false,"error":${JSON.stringify(outcome.error)}}`
    }
    const payload = outcome.payload ? `,${writePayload(outcome.payload)}` : ''
    return `${start},"success":true${payload}}`
  }
}

function toRequest(members: Members): ClientRequest {
  const type = readString(members, 'type')
  const ackId = readUint64(members, 'ackId')
  switch (type.toLowerCase()) {
    case 'ping':
      return { type: 'ping' }
    case 'sequenceack': {
      const sequenceId = readUint64(members, 'sequenceId')
      if (sequenceId === undefined) throw new Malformed('sequenceId is missing')
      return { type: 'sequenceAck', sequenceId }
    }
    case 'joingroup':
      return { type: 'joinGroup', group: readGroup(members), ackId }
    case 'leavegroup':
      return { type: 'leaveGroup', group: readGroup(members), ackId }
    case 'sendtogroup':
      return {
        type: 'sendToGroup',
        group: readGroup(members),
        payload: readPayload(members),
        noEcho: readBoolean(members, 'noEcho'),
        ttlSeconds: readTtl(members),
        ackId
      }
    case 'event':
      return { type: 'event', event: readEvent(members), payload: readPayload(members), ackId }
    case 'invoke': {
      const target = members.has('target') ? readString(members, 'target') : 'event'
      if (target.toLowerCase() !== 'event') throw new Malformed(`target ${target} is unknown`)
      const payload = members.has('data') ? readPayload(members) : undefined
      return {
        type: 'invoke',
        invocationId: readInvocation(members),
        event: readEvent(members),
        payload
      }
    }
    case 'cancelinvocation':
      return { type: 'cancelInvocation', invocationId: readInvocation(members) }
    default:
      throw new Malformed(`type ${type.slice(0, 80)} is unknown`)
  }
}

function readString(members: Members, name: string): string {
  const text = members.get(name)
  if (text === undefined) throw new Malformed(`${name} is missing`)
  if (!text.startsWith('"')) throw new Malformed(`${name} is not a string`)
  return JSON.parse(text) as string
}

function readUint64(members: Members, name: string): bigint | undefined {
  const text = members.get(name)
  if (text === undefined || text === 'null') return undefined
  const value = /^\d{1,20}$/.test(text) ? BigInt(text) : undefined
  if (value === undefined || value > MAXIMUM_UINT64) throw new Malformed(`${name} is not a uint64`)
  return value
}

function readBoolean(members: Members, name: string): boolean {
  const text = members.get(name) ?? 'false'
  if (text !== 'true' && text !== 'false') throw new Malformed(`${name} is not a boolean`)
  return text === 'true'
}

function readTtl(members: Members): number {
  const seconds = readUint64(members, 'ttlSeconds') ?? 0n
  if (seconds > MAXIMUM_TTL_SECONDS) throw new Malformed(`ttlSeconds is ${seconds}`)
  return Number(seconds)
}

function readGroup(members: Members): string {
  const group = readString(members, 'group')
  if (!isGroupName(group)) throw new Malformed('the group name is invalid')
  return group
}

function readEvent(members: Members): string {
  const event = readString(members, 'event')
  if (!isEventName(event)) throw new Malformed('the event name is invalid')
  return event
}

function readInvocation(members: Members): string {
  const id = readString(members, 'invocationId')
  if (id === '') throw new Malformed('the invocationId is empty')
  return id
}

function readPayload(members: Members): Payload {
  const metadata = readMetadata(members)
  const more = metadata ? { metadata } : {}
  const text = members.get('data')
  if (text === undefined) {
    if (!metadata) throw new Malformed('data is missing')
    return { dataType: 'text', data: Buffer.alloc(0), ...more }
  }
  const dataType = members.has('dataType') ? readString(members, 'dataType').toLowerCase() : 'json'
  switch (dataType) {
    case 'json':
      if (text === 'null') throw new Malformed('data is null')
      return { dataType, data: Buffer.from(text), ...more }
    case 'text':
      return { dataType, data: Buffer.from(readString(members, 'data')), ...more }
    case 'binary':
    case 'protobuf':
      return { dataType, data: fromBase64(readString(members, 'data')), ...more }
    default:
      throw new Malformed(`dataType ${dataType.slice(0, 80)} is unknown`)
  }
}

function fromBase64(text: string): Buffer {
  if (text.length % 4 !== 0 || !BASE64.test(text)) throw new Malformed('data is not base64')
  return Buffer.from(text, 'base64')
}

function readMetadata(members: Members): Record<string, string> | undefined {
  const text = members.get('metadata')
  if (text === undefined || text === 'null') return undefined
  if (!text.startsWith('{')) throw new Malformed('metadata is not an object')
  const metadata = JSON.parse(text) as Record<string, unknown>
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw new Malformed(`metadata ${key} is not a string`)
  }
  const fault = metadataFault(metadata as Record<string, string>)
  if (fault) throw new Malformed(fault)
  return metadata as Record<string, string>
}

function writeOrigin({ from, group, fromUserId }: HubMessage): string {
  if (from === 'server') return '"from":"server"'
  return `"from":"group","group":${JSON.stringify(group)},"fromUserId":${JSON.stringify(fromUserId)}`
}

function writePayload({ dataType, data, metadata }: Payload): string {
  const text =
    dataType === 'json'
      ? data.toString('utf8')
      : JSON.stringify(data.toString(dataType === 'text' ? 'utf8' : 'base64'))
  const more = metadata ? `,"metadata":${JSON.stringify(metadata)}` : ''
  return `"dataType":"${dataType}","data":${text}${more}`
}
