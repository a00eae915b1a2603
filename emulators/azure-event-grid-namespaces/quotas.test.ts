import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { PacketClient } from '@fogbank/contract/testing'
import { limits } from './limits.ts'
import { issueClient, toErrorText, withNamespace, type World } from './testing.ts'

const quotas = suite('azure-event-grid-namespaces quotas')

const ENFORCED = { settings: { enforceQuotas: true } }
const HALF = Buffer.alloc(limits.httpPublishBytesPerSecond.value / 2)

async function statusesOf(world: World, count: number, body: string | Buffer = 'x') {
  const counted: Record<number, number> = {}
  for (let i = 0; i < count; i++) {
    const { status } = await world.publish('a', { body })
    counted[status] = (counted[status] ?? 0) + 1
  }
  return counted
}

quotas('let 500 HTTP publishes through in a second, and answer one more 429', () =>
  withNamespace(ENFORCED, async (world) => {
    assert.equal(await statusesOf(world, 501), { 204: 500, 429: 1 })
    const refused = await world.publish('a')
    assert.equal(
      toErrorText(
        429,
        'TooManyRequests',
        'The throughput quota of the namespace is exceeded.',
        refused
      ),
      {
        status: refused.status,
        code: refused.headers['broker-errorcode'],
        type: 'application/json; charset=utf-8',
        body: (JSON.parse(refused.text) as { error: object }).error
      }
    )
    assert.is(refused.headers['retry-after'], '1')
    world.clock.advance(2)
    assert.equal(await statusesOf(world, 2), { 204: 1, 429: 1 })
    world.clock.advance(1000)
    assert.equal(await statusesOf(world, 501), { 204: 500, 429: 1 })
    assert.match(world.lines.join('\n'), 'HttpPublish 429 Throttled HTTP publishes 500/s')
  })
)

quotas('let half a mebibyte of HTTP publishes through in a second', () =>
  withNamespace(ENFORCED, async (world) => {
    assert.equal(await statusesOf(world, 2, HALF), { 204: 2 })
    assert.equal(await statusesOf(world, 1, 'x'), { 429: 1 })
    assert.equal(await statusesOf(world, 1, ''), { 204: 1 })
    world.clock.advance(500)
    assert.equal(await statusesOf(world, 2, HALF), { 204: 1, 429: 1 })
  })
)

quotas('grow with the throughput units, when they are changed too', () =>
  withNamespace({ settings: { enforceQuotas: true, sku: { capacity: 2 } } }, async (world) => {
    assert.equal(await statusesOf(world, 5, HALF), { 204: 4, 429: 1 })
    await world.control('PATCH', '/namespaces/default', { sku: { capacity: 4 } })
    world.clock.advance(1000)
    assert.equal(await statusesOf(world, 9, HALF), { 204: 8, 429: 1 })
  })
)

quotas('are spent on nothing that is refused for another reason', () =>
  withNamespace(ENFORCED, async (world) => {
    for (let i = 0; i < 3; i++) assert.is((await world.publish('$a', { body: HALF })).status, 403)
    assert.equal(await statusesOf(world, 3, HALF), { 204: 2, 429: 1 })
  })
)

const QUOTA_EXCEEDED = 0x97
const ACCEPTED = 0

async function connect(world: World, name: string, more: object = {}): Promise<PacketClient> {
  const options = { clientId: name, username: name, ...more }
  return world.client(options, { transport: 'tls', certificate: await issueClient(name) })
}

async function pubackOf({ mqtt, next }: PacketClient, payload: Buffer): Promise<number> {
  mqtt.publish('a', payload, { qos: 1 }, () => {})
  const { cmd, reasonCode = 0 } = (await next())!
  assert.is(cmd, 'puback')
  return reasonCode as number
}

quotas('let a mebibyte of a connection through in a second, and refuse a byte more with 0x97', () =>
  withNamespace({ settings: { enforceQuotas: true, sku: { capacity: 2 } } }, async (world) => {
    const one = await connect(world, 'one')
    const two = await connect(world, 'two')
    for (const client of [one, two]) assert.is((await client.next())?.reasonCode, 0)
    // A packet has at most 512 KiB with its header and its topic.
    const large = Buffer.alloc(limits.inboundBytesPerSecond.value / 4)
    for (let i = 0; i < 4; i++) assert.is(await pubackOf(one, large), ACCEPTED)
    assert.is(await pubackOf(one, Buffer.alloc(1)), QUOTA_EXCEEDED)
    assert.is(await pubackOf(two, large), ACCEPTED)
    world.clock.advance(1000)
    assert.is(await pubackOf(one, large), ACCEPTED)
  })
)

quotas('count HTTP publishes among the messages of the namespace', () =>
  withNamespace(ENFORCED, async (world) => {
    const one = await connect(world, 'one')
    assert.is((await one.next())?.reasonCode, 0)
    const large = Buffer.alloc(limits.inboundBytesPerSecond.value / 4)
    assert.equal(await statusesOf(world, 2, large), { 204: 2 })
    for (let i = 0; i < 2; i++) assert.is(await pubackOf(one, large), ACCEPTED)
    assert.is(await pubackOf(one, Buffer.alloc(1)), QUOTA_EXCEEDED)
  })
)

quotas('let a thousand messages of a connection through in a second', () =>
  withNamespace({ settings: { enforceQuotas: true, sku: { capacity: 40 } } }, async (world) => {
    const one = await connect(world, 'one')
    assert.is((await one.next())?.reasonCode, 0)
    const limit = limits.inboundMessagesPerSecond.value
    for (let i = 0; i <= limit; i++) one.mqtt.publish('a', '', { qos: 1 }, () => {})
    const codes: number[] = []
    while (codes.length <= limit) codes.push(((await one.next())!.reasonCode as number) ?? 0)
    assert.is(codes.filter((code) => code === ACCEPTED).length, limit)
    // A refusal waits for no store, so it may come before answers to what went ahead.
    assert.is(codes.filter((code) => code === QUOTA_EXCEEDED).length, 1)
  })
)

quotas('let 200 clients connect in a second, and refuse one more with 0x9F', () =>
  withNamespace(ENFORCED, async (world) => {
    const codeOf = async () => {
      const client = await connect(world, 'one')
      const { cmd, reasonCode } = (await client.next())!
      client.mqtt.end(true)
      assert.is(cmd, 'connack')
      return reasonCode as number
    }
    const codes: number[] = []
    for (let i = 0; i < limits.connectsPerSecond.value; i++) codes.push(await codeOf())
    assert.ok(codes.every((code) => code === 0))
    assert.is(await codeOf(), 0x9f)
    world.clock.advance(5)
    assert.equal([await codeOf(), await codeOf()], [0, 0x9f])
  })
)

quotas('are off unless configured', () =>
  withNamespace({}, async (world) => {
    assert.equal(await statusesOf(world, 3, HALF), { 204: 3 })
  })
)

quotas.run()
