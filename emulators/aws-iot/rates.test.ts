import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { RateSettings } from './rates.ts'
import { withAwsIot } from './testing.ts'

const PUBLISH = { target: '/topics/a', body: 'x' }
const QUOTA_EXCEEDED = 0x97

const throttled = (rates: RateSettings) => ({ settings: { rates } })

const rates = suite('aws-iot rates')

rates('let through what the second holds, and 429 one more', () =>
  withAwsIot(throttled({ operations: { Publish: 2 } }), async ({ signed, clock }) => {
    const statusOf = async () => (await signed(PUBLISH)).status
    assert.equal([await statusOf(), await statusOf(), await statusOf()], [200, 200, 429])
    clock.advance(499)
    assert.is(await statusOf(), 429)
    clock.advance(1)
    assert.equal([await statusOf(), await statusOf()], [200, 429])
    const other = await signed({ method: 'GET', target: '/retainedMessage' })
    assert.is(other.status, 200)
  })
)

rates('say ThrottlingException', () =>
  withAwsIot(throttled({ operations: { Publish: 1 } }), async ({ signed }) => {
    assert.is((await signed(PUBLISH)).status, 200)
    const { headers, text } = await signed(PUBLISH)
    assert.is(headers['x-amzn-errortype'], 'ThrottlingException:')
    assert.is(JSON.parse(text).message, 'Rate exceeded')
  })
)

rates('of publishes are each connection its own, and answered 0x97', () =>
  withAwsIot(throttled({ publishesPerConnection: 1 }), async ({ client, clock }) => {
    const first = await client({ clientId: 'a' })
    assert.is((await first.next())?.cmd, 'connack')
    const second = await client({ clientId: 'b' })
    assert.is((await second.next())?.cmd, 'connack')
    const publish = async ({ mqtt, next }: typeof first) => {
      mqtt.publish('a', 'x', { qos: 1 }, () => {})
      return (await next())?.reasonCode ?? 0
    }
    assert.equal([await publish(first), await publish(first)], [0, QUOTA_EXCEEDED])
    assert.is(await publish(second), 0)
    clock.advance(1000)
    assert.is(await publish(first), 0)
  })
)

rates('of CONNECTs are each client id its own', () =>
  withAwsIot(throttled({ connectsPerClientId: 1 }), async ({ client, clock }) => {
    const codeOf = async (clientId: string) =>
      (await (await client({ clientId })).next())?.reasonCode
    assert.equal([await codeOf('a'), await codeOf('a'), await codeOf('b')], [0, QUOTA_EXCEEDED, 0])
    clock.advance(1000)
    assert.is(await codeOf('a'), 0)
  })
)

rates('of shadow requests are those of a connection that are under way at once', () =>
  withAwsIot(throttled({ shadowRequestsInFlight: 10 }), async ({ client, published }) => {
    const { mqtt, next } = await client()
    assert.is((await next())?.cmd, 'connack')
    const topic = '$aws/things/lamp/shadow/update'
    mqtt.subscribe(`${topic}/rejected`)
    assert.is((await next())?.cmd, 'suback')
    const ask = (clientToken: string) =>
      mqtt.publish(topic, JSON.stringify({ state: {}, clientToken }), { qos: 0 })
    // In one packet of the network, so that none of them is answered before the last has come.
    mqtt.stream.cork()
    for (let i = 0; i < 11; i++) ask(`t${i}`)
    mqtt.stream.uncork()
    const { payload } = (await next())!
    assert.equal(JSON.parse(payload), {
      code: 429,
      message: 'Too many requests',
      clientToken: 't10'
    })
    while (published.length < 21) await new Promise((resolve) => setImmediate(resolve))
    ask('later')
    ask('again')
    while (published.length < 25) await new Promise((resolve) => setImmediate(resolve))
    const versions = published
      .filter(({ message }) => message.topic === `${topic}/accepted`)
      .map(({ message }) => (JSON.parse(message.payload.toString()) as { version: number }).version)
    assert.equal(
      versions,
      Array.from({ length: 12 }, (_, index) => index + 1)
    )
  })
)

rates('are off unless configured', () =>
  withAwsIot({}, async ({ signed }) => {
    for (let i = 0; i < 20; i++) assert.is((await signed(PUBLISH)).status, 200)
  })
)

rates('of an operation that there is not are a settings error', async () => {
  try {
    await withAwsIot(throttled({ operations: { Pubish: 1 } }), async () => {})
  } catch (error) {
    assert.match(
      (error as Error).message,
      /^rates\.operations: Pubish is no operation; choose from /
    )
    return
  }
  assert.unreachable('it started')
})

rates.run()
