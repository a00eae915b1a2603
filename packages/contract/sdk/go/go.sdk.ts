// The vendors' SDKs for Go, and Eclipse Paho, in one program that this test builds.
import { SignJWT } from 'jose'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DEVELOPMENT_KEYS, WELL_KNOWN_PRINCIPAL } from '@fogbank/authority'
import type { Fogbank } from 'fogbank'
import { withFogbank, type World } from '../../with-fogbank.ts'
import {
  connectDevice,
  expectedAnswers,
  expectedMessage,
  expectedRefusals,
  MODELLED,
  nextMessage,
  ROWS,
  withoutVolatile,
  type Refusals
} from '../aws-iot-data.ts'
import { createIdentityWorld, expectedIdentities } from '../azure-identity.ts'
import { TOPICS, TOPIC_SETTINGS } from '../event-grid-topics.ts'
import { runProgram, type ProgramRun } from '../program.ts'
import { buildGo, GO_PROGRAM, missingGo } from './environment.ts'

const NAMESPACES = 'azure-event-grid-namespaces'
const WEB_PUBSUB = 'azure-web-pubsub'

/** One more session than a namespace takes of a client is refused. */
const DOORS = {
  only: ['aws-iot', NAMESPACES, 'shiftr', WEB_PUBSUB],
  config: {
    [NAMESPACES]: {
      clients: [{ name: 'dev1' }],
      topicSpacesConfiguration: { maximumClientSessionsPerAuthenticationName: 1 }
    }
  }
}

const portOf = ({ endpoints }: Fogbank, id: string) => new URL(String(endpoints[id]!.http)).port

/** A token for an MQTT client of hub `chat` that may do anything with groups. */
function signWebPubSub(base: string): Promise<string> {
  const role = ['webpubsub.joinLeaveGroup', 'webpubsub.sendToGroup']
  return new SignJWT({ aud: `${base}/clients/mqtt/hubs/chat`, sub: 'alice', role })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(Buffer.from(DEVELOPMENT_KEYS.webPubSubKey))
}

/** What each of the program's lines tells, by its name. */
async function runGo(
  world: Pick<World, 'fogbank'>,
  program: string,
  run: Omit<ProgramRun, 'command'>
): Promise<Record<string, unknown>> {
  await buildGo()
  const printed = await runProgram(world, { command: [GO_PROGRAM, program], ...run })
  const lines = printed.trimEnd().split('\n')
  return Object.fromEntries(
    lines.map((line) => {
      const { name, outcome } = JSON.parse(line) as { name: string; outcome: unknown }
      return [name, outcome]
    })
  )
}

/** What azcore is told for rows of an error table, as [status, code, message]. */
function rowsOf(fogbank: Fogbank, id: string, rows: readonly string[]): Record<string, unknown> {
  const { errors } = fogbank.personalities.get(id)!.definition
  return Object.fromEntries(
    rows.map((row) => {
      const { status, code, message } = errors[row]!.row
      return [row, [status, code, message]]
    })
  )
}

/** Without who was refused, and the sentence that closes the message of a refusal with its id and time. */
const refusalsOf = (outcomes: object): unknown =>
  JSON.parse(
    JSON.stringify(outcomes)
      .replace(/ Report '[^']+' to our forums [^"]+/g, '')
      .replace(/principal '[0-9a-f-]{36}'/g, "principal '<oid>'")
  )

const sdk = suite('SDKs for Go')
const reason = await missingGo()

if (reason !== undefined) {
  sdk(`are left out: ${reason}`, () => console.log(reason))
} else {
  sdk('aws-sdk-go-v2 runs the eleven operations of aws-iot, and knows every modelled error', () =>
    withFogbank({ only: ['aws-iot'] }, async (world) => {
      const { control, 'aws-iot': aws } = world.fogbank.endpoints
      const names = ['go http', 'go https']
      const devices = new Map<string, Awaited<ReturnType<typeof connectDevice>>>()
      for (const name of names) devices.set(name, await connectDevice(world, name))
      const outcomes = await runGo(world, 'aws-iot', {
        given: () => ({
          urls: { http: aws!.http, https: aws!.https },
          control: control!.http,
          rows: ROWS,
          modelled: MODELLED
        }),
        env: {
          AWS_ACCESS_KEY_ID: 'test',
          AWS_SECRET_ACCESS_KEY: 'test',
          AWS_REGION: 'us-east-1',
          AWS_MAX_ATTEMPTS: '1'
        }
      })
      assert.equal(Object.keys(outcomes).sort(), names)
      for (const name of names) {
        const { answers, refusals } = outcomes[name] as { answers: object; refusals: Refusals }
        assert.equal(withoutVolatile(answers), expectedAnswers(name))
        assert.equal(refusals, expectedRefusals(world))
        assert.equal(await nextMessage(devices.get(name)!), expectedMessage(name))
      }
    })
  )

  sdk('azidentity gets a token by every credential, with environment settings only', () =>
    createIdentityWorld(async ({ fogbank, env, certificate }) => {
      const outcomes = await runGo({ fogbank }, 'identity', { given: () => ({ certificate }), env })
      const { wrong, ...oids } = outcomes
      assert.equal(oids, { ...expectedIdentities, default: WELL_KNOWN_PRINCIPAL.oid })
      const [kind, message] = wrong as [string, string]
      assert.is(kind, '*azidentity.AuthenticationFailedError')
      assert.match(message, 'AADSTS7000215: Invalid client secret provided.')
    })
  )

  sdk('aznamespaces sends, receives and settles by key and token, and tells each refusal', () =>
    withFogbank({ only: [NAMESPACES] }, async (world) => {
      const { fogbank } = world
      const { control, [NAMESPACES]: events } = fogbank.endpoints
      const ordered = ['NotFound', 'Throttled', 'InternalError', 'ServiceUnavailable']
      const outcomes = await runGo(world, 'namespaces', {
        given: () => ({
          url: String(events!.https),
          key: DEVELOPMENT_KEYS.namespaceKey,
          control: control!.http,
          ordered
        }),
        env: fogbank.env('authority')
      })
      const site = { site: 'north' }
      const toBase64 = (data: string | Uint8Array) => Buffer.from(data).toString('base64')
      const named = (name: string, count: number) => [
        name,
        toBase64(JSON.stringify({ name })),
        site,
        count
      ]
      const settled = {
        first: [
          ...['one', 'two', 'three'].map((name) => named(name, 1)),
          ['four', toBase64(Uint8Array.of(0xfb, 0xff)), site, 1]
        ],
        second: [named('three', 2)],
        done: {
          renew: [1, []],
          acknowledge: [2, []],
          reject: [1, []],
          release: [1, []],
          again: [0, [['TokenLost', 'Token has expired.']]],
          rest: [1, []]
        }
      }
      assert.equal(refusalsOf(outcomes), {
        key: settled,
        token: settled,
        'no data': [400, 'BadRequest', "'data' attribute is required"],
        'wrong key': [401, 'Unauthorized', 'The access key is not one of the namespace.'],
        'token without a role': [
          401,
          'Unauthorized',
          "The principal '<oid>' is not allowed to perform 'Microsoft.EventGrid/events/send/action'."
        ],
        'too large': [403, 'Forbidden', 'The event or batch exceeds 1048576 bytes.'],
        'no such subscription': [
          404,
          'NotFound',
          "The event subscription 'missing' does not exist."
        ],
        'no such topic': [410, 'Gone', "The topic 'nowhere' does not exist."],
        ...rowsOf(fogbank, NAMESPACES, ordered),
        repeated: 'ok'
      })
    })
  )

  sdk('azeventgrid publishes every schema with key, SAS and token, and tells each refusal', () =>
    withFogbank({ only: [TOPICS], config: { [TOPICS]: TOPIC_SETTINGS } }, async (world) => {
      const { fogbank } = world
      const { control, [TOPICS]: events } = fogbank.endpoints
      const ordered = ['TooManyEvents', 'InternalServerError', 'ServiceUnavailable']
      const outcomes = await runGo(world, 'topics', {
        given: () => ({
          url: events!.https,
          key: DEVELOPMENT_KEYS.topicKey1,
          control: control!.http,
          ordered
        }),
        env: fogbank.env('authority')
      })
      const calls = ['orders', 'cloud', 'custom'].flatMap((topic) =>
        ['key', 'SAS', 'token'].map((credential) => `${topic} by ${credential}`)
      )
      assert.equal(refusalsOf(outcomes), {
        ...Object.fromEntries(calls.map((call) => [call, 'ok'])),
        'bad key': [
          401,
          'Unauthorized',
          'The request authorization key is not authorized for 127.0.0.1. This is due to the reason: Invalid length for a Base-64 char array or string.'
        ],
        'another schema': [
          400,
          'BadRequest',
          "This resource is configured for 'EventGridEvent' schema. Received unexpected property 'sub' in JSON which does not conform to the expected schema."
        ],
        'token without a role': [
          403,
          'Forbidden',
          "The principal '<oid>' does not hold the role 'EventGrid Data Sender' on 127.0.0.1."
        ],
        'no such path': [
          404,
          'NotFound',
          `No HTTP resource was found that matches the request URI '${events!.https}/nowhere?api-version=2018-01-01'.`
        ],
        'too large': [
          413,
          'RequestEntityTooLarge',
          'The maximum size (1048576) has been exceeded.'
        ],
        ...rowsOf(fogbank, TOPICS, ordered)
      })
    })
  )

  sdk('paho gets its messages back from every door, and is told why it is not let in', () =>
    withFogbank(DOORS, async (world) => {
      const { fogbank } = world
      const [thing, device] = [await fogbank.issueClient('lamp'), await fogbank.issueClient('dev1')]
      const at = (id: string, scheme: string) => `${scheme}://localhost:${portOf(fogbank, id)}`
      const token = await signWebPubSub(`http://${new URL(at(WEB_PUBSUB, 'http')).host}`)
      const webPubSub = `${at(WEB_PUBSUB, 'wss')}/clients/mqtt/hubs/chat`
      const pair = { username: 'test', password: 'test' }
      const holder = await world.mqtt(
        { at: NAMESPACES, secure: true },
        { clientId: 'holder', username: 'dev1', ...device }
      )
      assert.is(holder.connack.code, 0)
      const outcomes = await runGo(world, 'mqtt', {
        given(file) {
          const aws = {
            url: at('aws-iot', 'ssl'),
            clientId: 'lamp',
            topic: 'lab/lamp',
            cert: file('lamp.pem', thing.cert),
            key: file('lamp.key', thing.key)
          }
          const namespace = {
            url: at(NAMESPACES, 'ssl'),
            clientId: 'dev1',
            username: 'dev1',
            topic: 'lab/dev1',
            cert: file('dev1.pem', device.cert),
            key: file('dev1.key', device.key)
          }
          const shiftr = { url: at('shiftr', 'ssl'), clientId: 'shiftr', topic: 'lab/shiftr' }
          const hub = { clientId: 'hub', topic: 'room1' }
          const clients = {
            'aws-iot': aws,
            'aws-iot by key': { ...aws, ...pair, url: at('aws-iot', 'tcp'), cert: '' },
            'aws-iot as 3.1': { ...aws, version: 3 },
            'aws-iot with a client id of 129 bytes': { ...aws, clientId: 'x'.repeat(129) },
            'aws-iot by a wrong key': {
              ...aws,
              url: at('aws-iot', 'tcp'),
              cert: '',
              username: 'test',
              password: 'wrong'
            },
            'namespace with one session too many': namespace,
            'namespace without a credential': { ...namespace, cert: '' },
            shiftr: { ...shiftr, username: 'local', password: 'local' },
            'shiftr by a wrong secret': { ...shiftr, username: 'local', password: 'wrong' },
            'web pubsub': { ...hub, url: `${webPubSub}?access_token=${token}` },
            'web pubsub by a wrong token': { ...hub, url: `${webPubSub}?access_token=${token}x` }
          }
          return {
            clients: Object.entries(clients).map(([name, client]) => ({ name, ...client }))
          }
        }
      })
      const message = (topic: string) => ({ granted: 1, topic, payload: 'on', qos: 1 })
      const refused = (why: string) => ({ refused: why })
      assert.equal(outcomes, {
        'aws-iot': message('lab/lamp'),
        'aws-iot by key': message('lab/lamp'),
        'aws-iot as 3.1': refused('unacceptable protocol version'),
        'aws-iot with a client id of 129 bytes': refused('identifier rejected'),
        'aws-iot by a wrong key': refused('not Authorized'),
        'namespace with one session too many': refused('server Unavailable'),
        'namespace without a credential': refused('not Authorized'),
        shiftr: message('lab/shiftr'),
        'shiftr by a wrong secret': refused('bad user name or password'),
        'web pubsub': message('room1'),
        'web pubsub by a wrong token': refused('network Error : websocket: bad handshake')
      })
    })
  )
}

sdk.run()
