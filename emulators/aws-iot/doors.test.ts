// The one port with everything that can knock at it.
import { once, type EventEmitter } from 'node:events'
import https from 'node:https'
import type tls from 'node:tls'
import http, { type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { IClientOptions } from 'mqtt'
import { failureOf, within } from '@fogbank/contract/testing'
import { createSigner, presignMqtt } from './testing.ts'
import { KEY_PAIR, withFogbank, type World } from './testing-fogbank.ts'

const mqttDoors = suite('aws-iot MQTT doors')

/** Subscribes and publishes over one connection. */
async function echoes(
  { connect }: World,
  url: string,
  options: Partial<IClientOptions>
): Promise<void> {
  const client = await connect(url, options)
  await client.subscribeAsync('a', { qos: 1 })
  const arrived = once(client as unknown as EventEmitter, 'message')
  await client.publishAsync('a', 'x', { qos: 1 })
  const [topic, payload] = await within(20_000, arrived, 'the message')
  assert.equal([topic, String(payload)], ['a', 'x'])
}

mqttDoors('TCP and TLS take the key pair', () =>
  withFogbank(async (world) => {
    await echoes(world, world.aws.mqtt, KEY_PAIR)
    await echoes(world, world.aws.mqtts, { ...KEY_PAIR, ca: await world.fogbank.ca() })
  })
)

mqttDoors('WebSocket and secure WebSocket take a presigned URL', () =>
  withFogbank(async (world) => {
    const ca = await world.fogbank.ca()
    for (const url of [world.aws.ws, world.aws.wss]) {
      const { host, origin } = new URL(url)
      for (const protocolVersion of [4, 5] as const) {
        const target = presignMqtt({ host, dateMs: Date.now() })
        const base = origin === 'null' ? url.slice(0, url.indexOf('/mqtt')) : origin
        await echoes(world, base + target, { protocolVersion, wsOptions: { ca } })
      }
    }
  })
)

interface Told {
  disconnectReason?: string
}

for (const [name, leave, reason, hasWill] of [
  [
    'closing frame is a goodbye, and sends no will',
    (stream: Duplex) => stream.end(),
    'CLIENT_INITIATED_DISCONNECT',
    false
  ],
  [
    'broken connection is a loss, and sends the will',
    (stream: Duplex) => stream.destroy(),
    'CONNECTION_LOST',
    true
  ]
] as const) {
  mqttDoors(`a WebSocket's ${name}`, () =>
    withFogbank(async (world) => {
      const { aws, connect } = world
      const watcher = await connect(aws.mqtt, KEY_PAIR)
      await watcher.subscribeAsync(['$aws/events/presence/disconnected/leaver', 'will', 'end'])
      const told = new Set<string>()
      const ended = new Promise<void>((resolve) => {
        watcher.on('message', (topic, payload) => {
          const { disconnectReason = topic } = JSON.parse(payload.toString()) as Told
          told.add(disconnectReason)
          // Where there is to be no will, what was sent after the event shows that none came before.
          if (disconnectReason === reason && !hasWill) watcher.publish('end', '{}')
          if (topic === 'end' || (hasWill && told.size === 2)) resolve()
        })
      })
      const { host } = new URL(aws.ws)
      const leaver = await connect(
        aws.ws.replace('/mqtt', presignMqtt({ host, dateMs: Date.now() })),
        {
          clientId: 'leaver',
          will: { topic: 'will', payload: Buffer.from('{}'), qos: 0, retain: false }
        }
      )
      leave(leaver.stream)
      await within(20_000, ended, 'the end of the client')
      assert.equal(told, new Set([reason, hasWill ? 'will' : 'end']))
    })
  )
}

mqttDoors('TLS takes a certificate of the local CA, and no stranger', () =>
  withFogbank(async (world) => {
    const ca = await world.fogbank.ca()
    const client = await world.fogbank.issueClient('dev1')
    await echoes(world, world.aws.mqtts, { ca, ...client })
    assert.match(
      (await failureOf(world.connect(world.aws.mqtts, { ca }))).message,
      /Not authorized/
    )
  })
)

mqttDoors.run()

const httpDoor = suite('aws-iot HTTP door')

async function request(
  { aws }: World,
  options: { method?: string; path: string; headers?: OutgoingHttpHeaders },
  body?: string | Buffer
): Promise<{ status: number | undefined; headers: IncomingMessage['headers']; text: string }> {
  const sent = http.request(aws.http, { method: 'POST', agent: false, ...options })
  const answered = Promise.race([once(sent, 'response'), once(sent, 'upgrade')])
  sent.end(body)
  const [response] = (await within(20_000, answered, 'the answer')) as [IncomingMessage]
  return { status: response.statusCode, headers: response.headers, text: await text(response) }
}

async function signedHeaders({ aws }: World, path: string, body: string | Buffer = '') {
  const { host, hostname } = new URL(aws.http)
  const signed = await createSigner({}).sign({
    method: 'POST',
    protocol: 'http:',
    hostname,
    path,
    query: {},
    headers: { host },
    body
  })
  return signed.headers
}

const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-protocol': 'mqtt',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ=='
}

httpDoor('answers an upgrade without credentials with the 91 bytes of the capture', () =>
  withFogbank(async (world) => {
    const answer = await request(world, { method: 'GET', path: '/mqtt', headers: UPGRADE })
    const traceId = answer.headers['x-amzn-requestid']
    assert.equal(
      [
        answer.status,
        answer.headers['content-type'],
        answer.headers['content-length'],
        answer.headers['x-amzn-errortype'],
        answer.text
      ],
      [
        403,
        'application/json',
        '91',
        'ForbiddenException:',
        JSON.stringify({ message: 'Missing Authentication Token', traceId })
      ]
    )
  })
)

httpDoor('answers an upgrade signed with another secret before it is one', () =>
  withFogbank(async (world) => {
    const { host } = new URL(world.aws.ws)
    const path = presignMqtt({ host, dateMs: Date.now(), secretAccessKey: 'wrong' })
    const answer = await request(world, { method: 'GET', path, headers: UPGRADE })
    assert.is(answer.status, 403)
    assert.match(JSON.parse(answer.text).message, /^The request signature we calculated does not/)
  })
)

httpDoor('takes a certificate of the local CA in place of a signature', () =>
  withFogbank(async ({ aws, fogbank }) => {
    const known = await fogbank.issueClient('dev1')
    const cases: [tls.ConnectionOptions, number, string][] = [
      [known, 200, 'OK'],
      [{}, 403, 'Missing Authentication Token']
    ]
    for (const [certificate, status, message] of cases) {
      const device: https.RequestOptions & tls.ConnectionOptions = {
        ...certificate,
        method: 'POST',
        agent: false,
        ca: await fogbank.ca(),
        // What AWS devices ask for on port 443.
        ALPNProtocols: ['x-amzn-http-ca']
      }
      const sent = https.request(`${aws.https}/topics/a?qos=1`, device)
      const answered = once(sent, 'response')
      sent.end('x')
      const [response] = (await within(20_000, answered, 'the answer')) as [IncomingMessage]
      assert.is((response.socket as tls.TLSSocket).alpnProtocol, 'x-amzn-http-ca')
      const traceId = response.headers['x-amzn-requestid']
      assert.equal(
        [response.statusCode, JSON.parse(await text(response))],
        [status, { message, traceId }]
      )
    }
  })
)

httpDoor('refuses headers that come twice', () =>
  withFogbank(async (world) => {
    const headers = await signedHeaders(world, '/topics/a')
    const date = headers['x-amz-date'] ?? ''
    const twice = await request(world, {
      path: '/topics/a',
      headers: { ...headers, 'x-amz-date': [date, date] }
    })
    assert.equal(
      [twice.status, JSON.parse(twice.text).message],
      [
        403,
        `Date must be in ISO-8601 'basic format'. Got '${date}, ${date}'. See http://en.wikipedia.org/wiki/ISO_8601`
      ]
    )
    const properties = Buffer.from('[{"a":"b"}]').toString('base64')
    const doubled = await request(world, {
      path: '/topics/a',
      headers: { ...headers, 'x-amz-mqtt5-user-properties': [properties, properties] }
    })
    assert.equal(
      [doubled.status, doubled.headers['x-amzn-errortype']],
      [400, 'InvalidRequestException:']
    )
  })
)

httpDoor('takes the first of two signatures', () =>
  withFogbank(async (world) => {
    const headers = await signedHeaders(world, '/topics/a')
    const { authorization = '' } = headers
    const answer = await request(world, {
      path: '/topics/a',
      headers: { ...headers, authorization: ['Bearer x', authorization] as never }
    })
    assert.is(answer.status, 403)
  })
)

httpDoor('refuses a body that is too long, however it is sent', () =>
  withFogbank(async (world) => {
    const body = Buffer.alloc(131_073)
    const headers = await signedHeaders(world, '/topics/a', body)
    for (const length of [
      { 'content-length': String(body.length) },
      { 'transfer-encoding': 'chunked' }
    ]) {
      const answer = await request(
        world,
        { path: '/topics/a', headers: { ...headers, ...length } },
        body
      )
      assert.equal(
        [answer.status, answer.headers['x-amzn-errortype'], JSON.parse(answer.text).message],
        [413, 'RequestEntityTooLargeException:', 'The payload exceeds the maximum size allowed']
      )
    }
    const unsigned = await request(world, { path: '/topics/a' }, body)
    assert.is(unsigned.status, 403)
  })
)

httpDoor('sees the target as it came, dots and all', () =>
  withFogbank(async (world) => {
    const space = await world.fogbank.core.space('main')
    const topics: string[] = []
    space.listen({ published: ({ message }) => void topics.push(message.topic) })
    // The signer leaves out `.` and `..` from what it signs; the topic keeps them.
    for (const path of ['/topics/a/../b', '/topics/a/./b', '/topics/a//b']) {
      const answer = await request(world, { path, headers: await signedHeaders(world, path) })
      assert.is(answer.status, 200, answer.text)
    }
    assert.equal(topics, ['a/../b', 'a/./b', 'a//b'])
  })
)

httpDoor.run()
