import { IoTDataPlaneClient, PublishCommand } from '@aws-sdk/client-iot-data-plane'
import mqtt from 'mqtt'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { UsageError, startFogbank } from './index.ts'
import { withSuite, withFolder } from './testing.ts'

const only = ['aws-iot']
const control = suite('control port')

control('says that it lives and is ready, personality by personality', () =>
  withSuite({ only }, async ({ endpoints }) => {
    const url = endpoints.control!.http as string
    assert.equal(await (await fetch(`${url}/live`)).json(), { status: 'live' })
    const health = await fetch(`${url}/health`)
    assert.is(health.status, 200)
    assert.equal(await health.json(), {
      status: 'ready',
      personalities: { 'aws-iot': { status: 'ready' } }
    })
  })
)

control('names every endpoint under the host it was asked by', () =>
  withSuite({ only }, async ({ endpoints }) => {
    const url = new URL(endpoints.control!.http as string)
    const { port } = new URL(endpoints['aws-iot']!.http as string)
    const answer = await (await fetch(`http://localhost:${url.port}/endpoints`)).json()
    assert.equal((answer as any)['aws-iot'], {
      http: `http://localhost:${port}`,
      https: `https://localhost:${port}`,
      mqtt: `mqtt://localhost:${port}`,
      mqtts: `mqtts://localhost:${port}`,
      ws: `ws://localhost:${port}/mqtt`,
      wss: `wss://localhost:${port}/mqtt`,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test', region: 'us-east-1' }
    })
    assert.equal(Object.keys(answer as object), ['control', 'aws-iot', 'authority'])
  })
)

control('hands out its CA', () =>
  withSuite({ only }, async (fogbank) => {
    const reply = await fetch(`${fogbank.endpoints.control!.http as string}/ca.pem`)
    const pem = await reply.text()
    assert.match(pem, /^-----BEGIN CERTIFICATE-----/)
    assert.is(pem, await fogbank.ca())
  })
)

control('resets: clients are told, messages are gone', () =>
  withSuite({ only }, async ({ endpoints, core }) => {
    const space = await core.space('main')
    await space.publish({ topic: 'a', payload: Buffer.from('x'), qos: 0, retain: true })
    const client = await mqtt.connectAsync(endpoints.control!.mqtt as string, {
      protocolVersion: 5,
      reconnectPeriod: 0
    })
    const told = new Promise<number>((resolve) =>
      client.on('disconnect', (packet) => resolve(packet.reasonCode ?? 0))
    )
    const reply = await fetch(`${endpoints.control!.http as string}/reset`, { method: 'POST' })
    assert.is(reply.status, 204)
    assert.is(await told, 0x98)
    assert.is(await space.retained.get('a'), undefined)
    client.end(true)
  })
)

const post = (url: unknown, path: string, body: string) =>
  fetch(`${url as string}${path}`, { method: 'POST', body })

control('provokes a row as often as asked', () =>
  withSuite({ only }, async ({ endpoints, lines }) => {
    const order = { personality: 'aws-iot', operation: 'Publish', error: 'Throttled', times: 1 }
    const reply = await post(endpoints.control!.http, '/fail', JSON.stringify(order))
    assert.is(reply.status, 204)
    const client = new IoTDataPlaneClient({
      endpoint: endpoints['aws-iot']!.http as string,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 1
    })
    const publish = () =>
      client.send(new PublishCommand({ topic: 'a', payload: Buffer.from('x') })).then(
        () => 'published',
        (error: Error) => error.name
      )
    assert.equal([await publish(), await publish()], ['ThrottlingException', 'published'])
    assert.ok(lines.includes('aws-iot Publish 429 Throttled ordered by POST /fail'))
    client.destroy()
  })
)

const BAD_ORDERS: [body: string, sentence: RegExp][] = [
  ['{', /the body is not JSON/],
  ['{}', /the body must have required property 'personality'/],
  [
    '{"personality":"aws-iot","operation":"Publish","error":"X","time":1}',
    /must NOT have additional properties \("time"\); the keys are personality, operation, error, times/
  ],
  [
    '{"personality":"aws","operation":"Publish","error":"X"}',
    /personality "aws" is not running; there are aws-iot/
  ],
  [
    '{"personality":"aws-iot","operation":"Publsh","error":"X"}',
    /operation Publsh is unknown to aws-iot; it has Publish/
  ],
  [
    '{"personality":"aws-iot","operation":"constructor","error":"Throttled"}',
    /operation constructor is unknown to aws-iot/
  ],
  [
    '{"personality":"aws-iot","operation":"Publish","error":"toString"}',
    /error toString is unknown to aws-iot/
  ],
  ['{"personality":"aws-iot","operation":"Publish","error":"X"}', /error X is unknown to aws-iot/],
  ['{"personality":"aws-iot","operation":"Publish","error":"X","times":0}', /"times" must be >= 1/]
]

for (const [body, sentence] of BAD_ORDERS) {
  control(`refuses the order ${body.slice(0, 70)} in one sentence`, () =>
    withSuite({ only }, async ({ endpoints }) => {
      const reply = await post(endpoints.control!.http, '/fail', body)
      assert.is(reply.status, 400)
      assert.match(((await reply.json()) as { error: string }).error, sentence)
    })
  )
}

control('takes a body of 64 KiB and refuses a longer one with 413', () =>
  withSuite({ only }, async ({ endpoints }) => {
    const { http } = endpoints.control as { http: string }
    const atLimit = await post(http, '/fail', ' '.repeat(65_534) + '{}')
    assert.is(atLimit.status, 400)
    assert.match(await atLimit.text(), /must have required property/)
    const reply = await post(http, '/fail', ' '.repeat(65_535) + '{}')
    assert.is(reply.status, 413)
    assert.equal(await reply.json(), { error: 'a body has at most 65536 bytes' })
  })
)

control('takes a chunked body of 64 KiB, too, and refuses a longer one before it ends', () =>
  withSuite({ only }, async ({ endpoints }) => {
    const { http } = endpoints.control as { http: string }
    const send = (path: string, chunks: string[], ends = true) => {
      const body = new ReadableStream({
        start(controller) {
          for (const chunk of chunks) controller.enqueue(Buffer.from(chunk))
          if (ends) controller.close()
        }
      })
      return fetch(http + path, { method: 'POST', body, duplex: 'half' } as RequestInit)
    }
    const small = await send('/authority/tokens', ['{"clie', 'ntId":"x"}'])
    assert.is(small.status, 200)
    assert.match(await small.text(), 'access_token')
    const atLimit = await send('/fail', [' '.repeat(65_534), '{}'])
    assert.is(atLimit.status, 400)
    assert.match(await atLimit.text(), /must have required property/)
    const over = await send('/fail', [' '.repeat(65_535), '{}'], false)
    assert.is(over.status, 413)
    await over.body?.cancel()
  })
)

control('does nothing for a page of another origin', () =>
  withSuite({ only }, async ({ endpoints, core }) => {
    const space = await core.space('main')
    await space.publish({ topic: 'a', payload: Buffer.from('x'), qos: 0, retain: true })
    const reset = async (origin: string) => {
      const url = `${endpoints.control!.http as string}/reset`
      return (await fetch(url, { method: 'POST', headers: { origin } })).status
    }
    for (const origin of ['https://example.com', 'null', 'http://localhost.example.com']) {
      assert.is(await reset(origin), 403, origin)
    }
    assert.ok(await space.retained.get('a'))
    for (const origin of ['http://localhost:3000', 'http://127.0.0.1', 'https://a.localhost']) {
      assert.is(await reset(origin), 204, origin)
    }
    assert.is(await space.retained.get('a'), undefined)
  })
)

control('resets one at a time, however many ask', () =>
  withSuite({ only }, async ({ endpoints, core }) => {
    const { http, mqtt: door } = endpoints.control as { http: string; mqtt: string }
    const replies = await Promise.all([1, 2, 3].map(() => post(http, '/reset', '')))
    assert.equal(
      replies.map(({ status }) => status),
      [204, 204, 204]
    )
    const client = await mqtt.connectAsync(door, { reconnectPeriod: 0 })
    await client.publishAsync('a', 'x', { qos: 1, retain: true })
    assert.ok(await (await core.space('main')).retained.get('a'))
    client.end(true)
  })
)

control('mints tokens that the authority accepts, expired ones too', () =>
  withSuite({ only }, async ({ endpoints }) => {
    const reply = await post(
      endpoints.control!.http,
      '/authority/tokens',
      '{"expiresInSeconds":-5}'
    )
    assert.is(reply.status, 200)
    const token = (await reply.json()) as Record<string, unknown>
    assert.equal(Object.keys(token), ['access_token', 'token_type', 'expires_in'])
    const claims = JSON.parse(
      Buffer.from(String(token.access_token).split('.')[1]!, 'base64url').toString()
    )
    assert.ok(claims.exp < Date.now() / 1000)
  })
)

control.run()

const plain = suite('plain door')

plain('an empty username joins main, another must name a space', () =>
  withSuite({ only }, async (fogbank) => {
    const url = fogbank.endpoints.control!.mqtt as string
    const client = await mqtt.connectAsync(url, { username: 'main', reconnectPeriod: 0 })
    client.end(true)
    for (const [protocolVersion, code] of [
      [5, 0x86],
      [4, 4]
    ] as const) {
      const refused = await mqtt
        .connectAsync(url, { username: 'nowhere', protocolVersion, reconnectPeriod: 0 })
        .then(
          () => 'let in',
          (error: { code: number }) => error.code
        )
      assert.is(refused, code)
    }
    assert.ok(fogbank.lines.some((line) => line.includes('UnknownSpace') && line.includes('main')))
  })
)

plain('a denied filter is answered 0x80, a foreign tree 0x87', () =>
  withSuite(
    { only, config: { plainDoor: { denySubscribe: ['no/subscribe'] } } },
    async (fogbank) => {
      const client = await mqtt.connectAsync(fogbank.endpoints.control!.mqtt as string, {
        protocolVersion: 5,
        reconnectPeriod: 0
      })
      const refusal = (filter: string) =>
        client.subscribeAsync(filter).then(
          () => 'granted',
          (error: Error) => error.message
        )
      assert.match(await refusal('no/subscribe'), /Unspecified error/)
      for (const filter of ['$aws/things/#', '$share/group/$aws/#', '$fogbank/#', '$info']) {
        assert.match(await refusal(filter), /Not authorized|Shared Subscriptions not supported/)
      }
      assert.is(await refusal('yes'), 'granted')
      client.end(true)
    }
  )
)

plain.run()

const suites = suite('suites in one process')

suites('never meet', async () => {
  await withSuite({ only }, (one) =>
    withSuite({ only }, async (other) => {
      const space = await one.core.space('main')
      await space.publish({ topic: 'a', payload: Buffer.from('x'), qos: 0, retain: true })
      assert.is(await (await other.core.space('main')).retained.get('a'), undefined)
      assert.is.not(one.endpoints.control!.http, other.endpoints.control!.http)
    })
  )
})

suites('keep a retained message over a restart on the same folder', () =>
  withFolder(async (dataDir) => {
    await withSuite({ only, dataDir }, async ({ core }) => {
      const space = await core.space('main')
      await space.publish({ topic: 'a', payload: Buffer.from('x'), qos: 1, retain: true })
    })
    await withSuite({ only, dataDir }, async ({ core }) => {
      const kept = await (await core.space('main')).retained.get('a')
      assert.is(kept?.payload.toString(), 'x')
    })
  })
)

suites('refuse a misspelt key by name', async () => {
  try {
    await startFogbank({ config: { prtBase: 1 } })
    assert.unreachable('it was taken')
  } catch (error) {
    assert.instance(error, UsageError)
    assert.is((error as Error).message, 'config: unknown key "prtBase"; did you mean "portBase"?')
  }
})

suites.run()
