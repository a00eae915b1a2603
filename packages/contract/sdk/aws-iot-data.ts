// What the eleven operations of the AWS IoT data plane answer to an SDK, in whatever language.
import type { TestClient } from '../mqtt.ts'
import type { World } from '../with-fogbank.ts'

/** The row that stands for a code where nothing but `POST /fail` provokes it in every operation. */
export const ROWS: Record<string, string> = {
  InvalidRequestException: 'RequestMalformed',
  UnauthorizedException: 'Unauthorized',
  ForbiddenException: 'IamDenied',
  ResourceNotFoundException: 'ConnectionNotFound',
  MethodNotAllowedException: 'MethodNotAllowed',
  ConflictException: 'ShadowVersionConflict',
  RequestEntityTooLargeException: 'PayloadTooLarge',
  UnsupportedDocumentEncodingException: 'ShadowEncodingUnsupported',
  ThrottlingException: 'Throttled',
  InternalFailureException: 'InternalFailure',
  ServiceUnavailableException: 'ServiceUnavailable',
  GatewayTimeoutException: 'ConfirmationMissing'
}

const ALWAYS = ['InvalidRequestException', 'ThrottlingException', 'InternalFailureException']
const CALLER = [...ALWAYS, 'UnauthorizedException', 'MethodNotAllowedException']
const STORED = [...CALLER, 'ServiceUnavailableException']
const NAMED = [...STORED, 'ResourceNotFoundException']
const CONNECTION = [...ALWAYS, 'ForbiddenException', 'ResourceNotFoundException']
const ENCODING = 'UnsupportedDocumentEncodingException'
const TOO_LARGE = 'RequestEntityTooLargeException'

/** The errors that the service's model names, for each operation. */
export const MODELLED: Record<string, string[]> = {
  Publish: CALLER,
  GetRetainedMessage: NAMED,
  ListRetainedMessages: STORED,
  GetThingShadow: [...NAMED, ENCODING],
  UpdateThingShadow: [...STORED, ENCODING, 'ConflictException', TOO_LARGE],
  DeleteThingShadow: [...NAMED, ENCODING],
  ListNamedShadowsForThing: NAMED,
  GetConnection: CONNECTION,
  DeleteConnection: CONNECTION,
  ListSubscriptions: CONNECTION,
  SendDirectMessage: [...CONNECTION, 'UnauthorizedException', TOO_LARGE, 'GatewayTimeoutException']
}

/** The client that a program of that name publishes to, asks about and disconnects. */
export async function connectDevice(world: World, clientId: string): Promise<TestClient> {
  const client = await world.mqtt(
    { at: 'aws-iot' },
    { clientId, username: 'test', password: 'test', protocolVersion: 5, keepalive: 60 }
  )
  await client.subscribe(`${clientId}/line1`, 1)
  return client
}

/** Times and ports, which no two runs share. */
export function withoutVolatile(answers: object): unknown {
  const volatile = ['timestamp', 'lastModifiedTime', 'connectedSince', 'disconnectedSince']
  return JSON.parse(
    JSON.stringify(answers, (key, value) => {
      if (volatile.includes(key)) return typeof value === 'number' ? '<now>' : value
      return /^(source|target)Port$/.test(key) ? '<port>' : value
    })
  )
}

const base64 = (text: string) => Buffer.from(text).toString('base64')
const NOW = { timestamp: '<now>' }

/**
 * What each call of a program answers that calls itself `name`.
 *
 * @param bytes how it shows the bytes of a payload
 */
export function expectedAnswers(name: string, bytes: (text: string) => string = base64): object {
  const topic = `${name}/line1`
  const session = { clientId: name, cleanSession: true, keepAliveDuration: 60, sessionExpiry: 0 }
  const socket = { sourceIp: '127.0.0.1', sourcePort: '<port>', targetPort: '<port>' }
  const lastModifiedTime = '<now>'
  const metadata = { desired: { dim: NOW } }
  return {
    Publish: {},
    GetRetainedMessage: {
      topic,
      payload: bytes('{"temp":21}'),
      qos: 1,
      lastModifiedTime,
      userProperties: bytes('[{"deviceName":"alpha"},{"deviceCnt":"45"}]')
    },
    ListRetainedMessages: {
      retainedTopics: [{ topic, payloadSize: 11, qos: 1, lastModifiedTime }]
    },
    'delete retained': {},
    UpdateThingShadow: {
      payload: { state: { desired: { dim: 5 } }, metadata, version: 1, ...NOW }
    },
    GetThingShadow: {
      payload: {
        state: { desired: { dim: 5 }, delta: { dim: 5 } },
        metadata,
        version: 1,
        ...NOW
      }
    },
    ListNamedShadowsForThing: { results: ['night'], ...NOW },
    DeleteThingShadow: { payload: { version: 1, ...NOW } },
    GetConnection: {
      connected: true,
      connectedSince: '<now>',
      ...session,
      ...socket,
      targetIp: '127.0.0.1'
    },
    ListSubscriptions: { subscriptions: [{ topicFilter: topic, qos: 1 }] },
    SendDirectMessage: { message: 'OK' },
    DeleteConnection: {},
    gone: {
      connected: false,
      disconnectedSince: '<now>',
      disconnectReason: 'API_INITIATED_DISCONNECT',
      ...session
    }
  }
}

/** What each modelled error is told as when it is ordered: code, message and status, by operation. */
export function expectedRefusals({ fogbank }: World): Refusals {
  const { errors } = fogbank.personalities.get('aws-iot')!.definition
  const toRefusal = (code: string) => {
    const { message, status } = errors[ROWS[code]!]!.row
    return [code, [code, message, status]]
  }
  const operations = Object.entries(MODELLED).map(([operation, codes]) => [
    operation,
    Object.fromEntries(codes.map(toRefusal))
  ])
  return Object.fromEntries(operations) as Refusals
}

/** By operation and code. */
export type Refusals = Record<string, Record<string, unknown[]>>

/** The message that a device got from a program, as far as `expectedMessage` knows it. */
export async function nextMessage(device: TestClient): Promise<object> {
  const { topic, payload, qos, properties } = await device.next()
  // A dictionary without a prototype would equal nothing.
  const userProperties = { ...(properties?.userProperties as object) }
  return { topic, payload: payload.toString(), qos, properties: { ...properties, userProperties } }
}

/** What the Publish of a program of that name gives its device. */
export const expectedMessage = (name: string) => ({
  topic: `${name}/line1`,
  payload: '{"temp":21}',
  qos: 1,
  properties: {
    payloadFormatIndicator: true,
    messageExpiryInterval: 60,
    contentType: 'application/json',
    responseTopic: 'r/t',
    correlationData: Buffer.from('abc'),
    userProperties: { deviceName: 'alpha', deviceCnt: '45' }
  }
})
