// boto3 and the AWS CLI, in a virtual environment that this test makes.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { TestClient } from '../../mqtt.ts'
import { withFogbank, type World } from '../../with-fogbank.ts'
import { findPython, runScript } from './environment.ts'

const ID = 'aws-iot'
const NAMES = ['boto3 http', 'boto3 https', 'cli http', 'cli https']

/** The row that stands for a code where nothing but `POST /fail` provokes it in every operation. */
const ROWS: Record<string, string> = {
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
const MODELLED: Record<string, string[]> = {
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

interface Outcome {
  answers: Record<string, any>
  refusals: Record<string, Record<string, unknown>>
}

/** Runs the script against a suite and answers what it printed. */
function call(python: string, world: World): Promise<Record<string, Outcome> & { shell: string }> {
  const { endpoints } = world.fogbank
  const { http, https } = endpoints[ID]!
  return runScript(world, {
    python,
    name: 'aws_iot_data.py',
    given: () => ({ urls: { http, https }, control: endpoints.control!.http, rows: ROWS }),
    env: {
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_MAX_ATTEMPTS: '1'
    }
  })
}

async function connect(world: World, clientId: string): Promise<TestClient> {
  const client = await world.mqtt(
    { at: ID },
    { clientId, username: 'test', password: 'test', protocolVersion: 5, keepalive: 60 }
  )
  await client.subscribe(`${clientId}/line1`, 1)
  return client
}

/** Times and ports, which no two runs share. */
function withoutVolatile(answers: object): unknown {
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

/** What each call answers. The command line shows bytes as base64. */
function expectedAnswers(name: string): object {
  const bytes = (text: string) => (name.startsWith('cli') ? base64(text) : text)
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

const sdk = suite('aws-iot boto3 and AWS CLI')
const found = await findPython()

if ('reason' in found) {
  sdk(`are left out: ${found.reason}`, () => console.log(found.reason))
} else {
  sdk('run the eleven operations over http and https, and know every modelled error', () =>
    withFogbank({ only: [ID] }, async (world) => {
      const shell = await connect(world, 'shell')
      await shell.subscribe('shell', 1)
      const devices = new Map<string, TestClient>()
      for (const name of NAMES) devices.set(name, await connect(world, name))
      const outcomes = await call(found.python, world)
      assert.is(outcomes.shell, '')
      assert.is((await shell.next()).payload.toString(), 'hi')
      const { errors } = world.fogbank.personalities.get(ID)!.definition
      for (const name of NAMES) {
        const { answers, refusals } = outcomes[name]!
        assert.equal(withoutVolatile(answers), expectedAnswers(name))
        const toRefusal = (code: string) => {
          const { message, status } = errors[ROWS[code]!]!.row
          return [code, name.startsWith('cli') ? [code, message] : [code, message, status]]
        }
        const expected = Object.entries(MODELLED).map(([operation, codes]) => [
          operation,
          Object.fromEntries(codes.map(toRefusal))
        ])
        assert.equal(refusals, Object.fromEntries(expected))
        const { topic, payload, qos, properties } = await devices.get(name)!.next()
        assert.equal([topic, payload.toString(), qos], [`${name}/line1`, '{"temp":21}', 1])
        assert.equal(
          { ...properties, userProperties: { ...(properties?.userProperties as object) } },
          {
            payloadFormatIndicator: true,
            messageExpiryInterval: 60,
            contentType: 'application/json',
            responseTopic: 'r/t',
            correlationData: Buffer.from('abc'),
            userProperties: { deviceName: 'alpha', deviceCnt: '45' }
          }
        )
      }
    })
  )
}

sdk.run()
