import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { within, type PacketClient } from '@fogbank/contract/testing'
import { withAwsIot } from './testing.ts'

/** The CONNACK of three independent logs of the real service. */
const CAPTURED = {
  receiveMaximum: 100,
  maximumQoS: 1,
  retainAvailable: true,
  maximumPacketSize: 149_504,
  topicAliasMaximum: 8,
  wildcardSubscriptionAvailable: true,
  subscriptionIdentifiersAvailable: false,
  sharedSubscriptionAvailable: true,
  serverKeepAlive: 1200
}

const connect = suite('aws-iot CONNECT')

connect('is answered as the service was seen to answer', () =>
  withAwsIot({}, async ({ client }) => {
    const { next } = await client({ keepalive: 1200 })
    const { properties, ...connack } = (await next()) ?? {}
    assert.equal(connack, { cmd: 'connack', sessionPresent: false, reasonCode: 0 })
    assert.equal(properties, CAPTURED)
  })
)

for (const [asked, effective] of [
  [0, 1200],
  [5, 30],
  [30, 30],
  [1200, 1200],
  [1201, 1200]
] as const) {
  connect(`with a keep-alive of ${asked} s is given ${effective} s`, () =>
    withAwsIot({}, async ({ client }) => {
      const { next } = await client({ keepalive: asked })
      assert.is((await next())?.properties.serverKeepAlive, effective)
    })
  )
}

connect('with a longer session than the account allows is told what it gets', () =>
  withAwsIot({}, async ({ client }) => {
    const { next } = await client({ clean: false, properties: { sessionExpiryInterval: 3601 } })
    assert.is((await next())?.properties.sessionExpiryInterval, 3600)
  })
)

connect('without a client id is given one', () =>
  withAwsIot({}, async ({ client }) => {
    const { next } = await client({ clientId: '' })
    assert.match((await next())?.properties.assignedClientIdentifier, /^[0-9a-f-]{36}$/)
  })
)

connect('takes a client id of 128 bytes', () =>
  withAwsIot({}, async ({ client }) => {
    const { next } = await client({ clientId: 'é'.repeat(64) })
    assert.is((await next())?.reasonCode, 0)
  })
)

for (const clientId of ['$dev', `${'é'.repeat(64)}a`]) {
  connect(`refuses the client id ${clientId.slice(0, 20)}`, () =>
    withAwsIot({}, async ({ client }) => {
      const five = await client({ clientId })
      assert.is((await five.next())?.reasonCode, 0x85)
      const four = await client({ clientId, protocolVersion: 4 })
      assert.is((await four.next())?.returnCode, 2)
    })
  )
}

for (const [what, username, password, code] of [
  ['the key pair', 'test', 'test', 0],
  ['the key pair of an SDK that says who it is', 'test?SDK=JSv2&Version=1', 'test', 0],
  ['another password', 'test', 'wrong', 0x87],
  ['another user', 'other', 'test', 0x87],
  ['neither', undefined, undefined, 0x87]
] as const) {
  connect(`with ${what} is answered ${code}`, () =>
    withAwsIot({}, async ({ client }) => {
      const credentials = { username, password } as object
      const five = await client(credentials)
      assert.is((await five.next())?.reasonCode, code)
      const four = await client({ ...credentials, protocolVersion: 4 })
      assert.is((await four.next())?.returnCode, code === 0 ? 0 : 5)
    })
  )
}

connect('with a certificate of the local CA needs nothing else; another one does not count', () =>
  withAwsIot({}, async ({ client }) => {
    const certificate = { der: Buffer.from('certificate'), trusted: true }
    const anonymous = { username: undefined, password: undefined } as object
    const known = await client(anonymous, { certificate, transport: 'tls' })
    assert.is((await known.next())?.reasonCode, 0)
    const unknown = await client(anonymous, {
      certificate: { ...certificate, trusted: false },
      transport: 'tls'
    })
    assert.is((await unknown.next())?.reasonCode, 0x87)
  })
)

connect('takes any key pair in lenient mode, but not none', () =>
  withAwsIot({ auth: 'lenient' }, async ({ client }) => {
    const stranger = await client({ username: 'any', password: 'any' })
    assert.is((await stranger.next())?.reasonCode, 0)
    const nobody = await client({ username: undefined, password: undefined } as object)
    assert.is((await nobody.next())?.reasonCode, 0x87)
  })
)

connect('is refused for what its will could not be published with', () =>
  withAwsIot({}, async ({ client }) => {
    for (const [will, code] of [
      [{ topic: 'a/b/c/d/e/f/g/h/i', qos: 0 }, 0x90],
      [{ topic: 'a', qos: 2 }, 0x9b],
      [{ topic: '$SYS/a', qos: 0 }, 0x87]
    ] as const) {
      const { next } = await client({ will: { ...will, payload: Buffer.from('x') } })
      assert.is((await next())?.reasonCode, code)
    }
  })
)

connect('with a will that is to wait has it sent at once', () =>
  withAwsIot({}, async (world) => {
    const watcher = await joined(world, { clientId: 'watcher' })
    subscribe(watcher, 'gone')
    await watcher.next()
    const will = { topic: 'gone', payload: Buffer.from('x'), qos: 1 as const, retain: false }
    const { mqtt } = await joined(world, {
      properties: { sessionExpiryInterval: 600 },
      will: { ...will, properties: { willDelayInterval: 60 } }
    })
    mqtt.stream.destroy()
    const { topic, payload } = (await watcher.next())!
    assert.equal([topic, payload], ['gone', 'x'])
  })
)

connect('of MQTT 3.1 is refused', () =>
  withAwsIot({}, async ({ client }) => {
    const { next } = await client({ protocolId: 'MQIsdp', protocolVersion: 3 })
    assert.is((await next())?.returnCode, 1)
  })
)

connect.run()

type Options = Parameters<Parameters<Parameters<typeof withAwsIot>[1]>[0]['client']>[0]

/** A client behind its CONNACK. */
async function joined(
  { client }: { client(options?: Options): Promise<PacketClient> },
  options: Options = {}
): Promise<PacketClient> {
  const made = await client(options)
  const connack = await made.next()
  assert.is(connack?.reasonCode ?? connack?.returnCode, 0)
  return made
}

const subscribe = (
  { mqtt }: PacketClient,
  filter: string | string[],
  options: object = { qos: 1 }
) => void mqtt.subscribe(filter, options as never, () => {})

const publish = (
  { mqtt }: PacketClient,
  topic: string,
  options: object = { qos: 1 },
  payload: string | Buffer = 'x'
) => void mqtt.publish(topic, payload, options, () => {})

const subscribing = suite('aws-iot SUBSCRIBE')

subscribing('grants QoS 0 and 1', () =>
  withAwsIot({}, async (world) => {
    const client = await joined(world)
    subscribe(client, 'a', { qos: 0 })
    assert.equal((await client.next())?.granted, [0])
    subscribe(client, 'b', { qos: 1 })
    assert.equal((await client.next())?.granted, [1])
  })
)

subscribing('with QoS 2 gets no SUBACK but the end', () =>
  withAwsIot({}, async (world) => {
    const five = await joined(world)
    subscribe(five, 'a', { qos: 2 })
    assert.equal(await five.next(), { cmd: 'disconnect', reasonCode: 0x9b })
    const four = await joined(world, { protocolVersion: 4 })
    subscribe(four, 'a', { qos: 2 })
    assert.is(await four.next(), undefined)
  })
)

subscribing('takes eight filters at once, and nine end the connection', () =>
  withAwsIot({}, async (world) => {
    const client = await joined(world)
    const filters = (count: number) => Array.from({ length: count }, (_, i) => `f/${i}`)
    subscribe(client, filters(8))
    assert.equal((await client.next())?.granted, Array(8).fill(1))
    subscribe(client, filters(9))
    assert.equal(await client.next(), { cmd: 'disconnect', reasonCode: 0x97 })
  })
)

subscribing('takes fifty filters and refuses the next', () =>
  withAwsIot({}, async (world) => {
    const client = await joined(world)
    for (let i = 0; i < 50; i++) {
      subscribe(client, `f/${i}`)
      assert.equal((await client.next())?.granted, [1])
    }
    subscribe(client, 'f/50')
    assert.equal((await client.next())?.granted, [0x97])
    subscribe(client, 'f/49')
    assert.equal((await client.next())?.granted, [1])
  })
)

subscribing('refuses filters that are too long, too deep or not its own', () =>
  withAwsIot({}, async (world) => {
    const client = await joined(world)
    for (const [filter, code] of [
      ['a'.repeat(256), 1],
      ['a'.repeat(257), 0x8f],
      ['a/b/c/d/e/f/g/#', 1],
      ['a/b/c/d/e/f/g/h/#', 0x8f],
      ['$aws/things/lamp/shadow/update/delta', 1],
      ['$aws/events/presence/connected/#', 1],
      ['$aws/rules/r/a', 0x87],
      ['$SYS/#', 0x87]
    ] as const) {
      subscribe(client, filter)
      assert.equal((await client.next())?.granted, [code], filter)
    }
  })
)

subscribing('to what is reserved puts an MQTT 3.1.1 client out', () =>
  withAwsIot({}, async (world) => {
    const client = await joined(world, { protocolVersion: 4 })
    subscribe(client, 'a'.repeat(257))
    assert.equal((await client.next())?.granted, [0x80])
    subscribe(client, '$SYS/#')
    assert.is(await client.next(), undefined)
  })
)

subscribing('with a subscription identifier ends the connection', () =>
  withAwsIot({}, async (world) => {
    const client = await joined(world)
    subscribe(client, 'a', { qos: 1, properties: { subscriptionIdentifier: 1 } })
    assert.equal(await client.next(), { cmd: 'disconnect', reasonCode: 0xa1 })
  })
)

subscribing('undone where there was none is a success', () =>
  withAwsIot({}, async (world) => {
    const client = await joined(world)
    client.mqtt.unsubscribe('never')
    assert.equal((await client.next())?.granted, [0])
  })
)

subscribing('to sensor/# misses sensor', () =>
  withAwsIot({}, async (world) => {
    const client = await joined(world)
    subscribe(client, 'sensor/#')
    await client.next()
    await world.signed({ target: '/topics/sensor', body: 'parent' })
    await world.signed({ target: '/topics/sensor%2Fa', body: 'child' })
    assert.is((await client.next())?.payload, 'child')
  })
)

subscribing('to sensor/# misses sensor after an absence as well', () =>
  withAwsIot({}, async (world) => {
    const session = { clean: false, properties: { sessionExpiryInterval: 600 } }
    const before = await joined(world, session)
    subscribe(before, 'sensor/#')
    await before.next()
    await before.mqtt.endAsync()
    await world.signed({ target: '/topics/sensor?qos=1', body: 'parent' })
    await world.signed({ target: '/topics/sensor%2Fa?qos=1', body: 'child' })
    const after = await world.client(session)
    assert.is((await after.next())?.sessionPresent, true)
    assert.is((await after.next())?.payload, 'child')
  })
)

subscribing('to sensor/# leaves direct messages on sensor alone', () =>
  withAwsIot({}, async (world) => {
    const client = await joined(world)
    subscribe(client, 'sensor/#')
    await client.next()
    const target = '/connections/dev1/messages?topic=sensor'
    assert.is((await world.signed({ target, body: 'direct' })).status, 200)
    assert.is((await client.next())?.payload, 'direct')
  })
)

subscribing('brings a hundred messages before the first is acknowledged, then the next', () =>
  withAwsIot({}, async (world) => {
    const { mqtt, next } = await joined(world)
    subscribe({ mqtt, next }, 'a')
    await next()
    const acknowledge: (() => void)[] = []
    mqtt.handleMessage = (_packet, callback) => void acknowledge.push(callback)
    // mqtt.js looks at nothing behind what it has not acknowledged.
    let bytes = ''
    let wake = () => {}
    mqtt.stream.on('data', (chunk: Buffer) => {
      bytes += chunk.toString('latin1')
      wake()
    })
    const comes = async (text: string) => {
      while (!bytes.includes(text)) {
        await within(2000, new Promise<void>((done) => (wake = done)), text)
      }
    }
    for (let i = 0; i < 101; i++) await world.signed({ target: '/topics/a?qos=1', body: `<${i}>` })
    await world.signed({ target: '/topics/a', body: '<QoS 0>' })
    await comes('<QoS 0>')
    assert.ok(bytes.includes('<99>'))
    assert.not(bytes.includes('<100>'))
    acknowledge[0]!()
    await comes('<100>')
  })
)

subscribing('shows a retained message to its exact topic only', () =>
  withAwsIot({}, async (world) => {
    await world.signed({ target: '/topics/plant%2Fa?retain=true&qos=1', body: 'kept' })
    const client = await joined(world)
    for (const filter of ['plant/+', '#', 'plant/a']) {
      subscribe(client, filter)
      assert.is((await client.next())?.cmd, 'suback')
    }
    assert.equal(await client.next(), {
      cmd: 'publish',
      topic: 'plant/a',
      payload: 'kept',
      qos: 1,
      retain: true
    })
    await world.signed({ target: '/topics/plant%2Fa?retain=true&qos=1', body: 'live' })
    const live = await client.next()
    assert.equal([live?.payload, live?.retain], ['live', false])
  })
)

subscribing.run()

const publishing = suite('aws-iot PUBLISH')

publishing('is acknowledged with 0 whether or not somebody listens', () =>
  withAwsIot({}, async (world) => {
    const client = await joined(world)
    publish(client, 'nobody/listens')
    assert.equal(await client.next(), { cmd: 'puback', reasonCode: 0 })
    assert.is(world.published.length, 1)
  })
)

publishing('with QoS 2 ends the connection', () =>
  withAwsIot({}, async (world) => {
    const five = await joined(world)
    publish(five, 'a', { qos: 2 })
    assert.equal(await five.next(), { cmd: 'disconnect', reasonCode: 0x9b })
    const four = await joined(world, { protocolVersion: 4 })
    publish(four, 'a', { qos: 2 })
    assert.is(await four.next(), undefined)
    assert.is(world.published.length, 0)
  })
)

for (const [topic, code] of [
  ['a'.repeat(256), 0],
  ['a'.repeat(257), 0x90],
  ['a/b/c/d/e/f/g/h', 0],
  ['a/b/c/d/e/f/g/h/i', 0x90],
  ['$SYS/a', 0x87],
  ['$aws/things/lamp/shadow/get/accepted', 0x87]
] as const) {
  publishing(`to ${topic.slice(0, 40)} (${topic.length}) is answered ${code}`, () =>
    withAwsIot({}, async (world) => {
      const five = await joined(world)
      publish(five, topic)
      const { properties: _properties, ...puback } = (await five.next()) ?? {}
      assert.equal(puback, { cmd: 'puback', reasonCode: code })
      assert.is(world.published.length, code === 0 ? 1 : 0)
      const four = await joined(world, { protocolVersion: 4 })
      publish(four, topic)
      assert.is((await four.next())?.cmd, code === 0 ? 'puback' : undefined)
    })
  )
}

publishing('to the rule engine or to jobs is taken and shown to nobody', () =>
  withAwsIot({}, async (world) => {
    const client = await joined(world)
    for (const topic of ['$aws/rules/r/a', '$aws/things/lamp/jobs/get']) {
      publish(client, topic)
      const puback = await client.next()
      assert.equal([puback?.cmd, puback?.reasonCode], ['puback', 0])
    }
    assert.is(world.published.length, 0)
  })
)

publishing('retained on a reserved topic is refused', () =>
  withAwsIot({}, async (world) => {
    const client = await joined(world)
    publish(client, '$aws/rules/r/a', { qos: 1, retain: true })
    assert.is((await client.next())?.reasonCode, 0x87)
  })
)

publishing('of 128 KB is taken, and a byte more ends the connection', () =>
  withAwsIot({}, async (world) => {
    const client = await joined(world)
    publish(client, 'a', { qos: 1 }, Buffer.alloc(131_072))
    assert.is((await client.next())?.reasonCode, 0)
    publish(client, 'a', { qos: 1 }, Buffer.alloc(131_073))
    assert.equal(await client.next(), { cmd: 'disconnect', reasonCode: 0x97 })
    const large = await joined(world)
    publish(large, 'a', { qos: 1 }, Buffer.alloc(149_504))
    assert.is((await large.next())?.reasonCode, 0x95)
  })
)

publishing('has its expiry moved into the range of 1 second to 7 days', () =>
  withAwsIot({}, async (world) => {
    const client = await joined(world)
    for (const [asked, effective] of [
      [0, 1],
      [604_801, 604_800]
    ] as const) {
      publish(client, 'a', { qos: 1, properties: { messageExpiryInterval: asked } })
      assert.is((await client.next())?.reasonCode, 0)
      const message = world.published.at(-1)?.message
      assert.equal(message?.properties, { messageExpiryInterval: effective })
    }
  })
)

publishing('reaches its subscriber with every property', () =>
  withAwsIot({}, async (world) => {
    const client = await joined(world)
    subscribe(client, 'plant/line1')
    await client.next()
    const properties = {
      payloadFormatIndicator: true,
      messageExpiryInterval: 60,
      contentType: 'application/json',
      responseTopic: 'r/t',
      correlationData: Buffer.from('abc'),
      userProperties: { deviceName: 'alpha', deviceCnt: '45' }
    }
    publish(client, 'plant/line1', { qos: 1, properties })
    const packets = [await client.next(), await client.next()]
    const delivered = packets.find((packet) => packet?.cmd === 'publish')
    assert.equal(
      { ...delivered?.properties, userProperties: { ...delivered?.properties.userProperties } },
      properties
    )
  })
)

publishing('is repeated for an hour while nobody acknowledges it, without the DUP flag', () =>
  withAwsIot({ settings: { sessionExpiryMaximumSeconds: 10_000 } }, async (world) => {
    const properties = { sessionExpiryInterval: 10_000 }
    const flags: boolean[] = []
    const come = async () => {
      const client = await world.client({ clean: false, properties })
      client.mqtt.on(
        'packetreceive',
        (packet) => packet.cmd === 'publish' && flags.push(packet.dup)
      )
      // mqtt.js acknowledges when this calls back.
      client.mqtt.handleMessage = () => {}
      assert.is((await client.next())?.cmd, 'connack')
      return client
    }
    const leave = async ({ mqtt, next }: PacketClient) => {
      mqtt.stream.destroy()
      assert.is(await next(), undefined)
    }
    const first = await come()
    subscribe(first, 'a')
    await first.next()
    await world.signed({ target: '/topics/a?qos=1', body: '1' })
    assert.is((await first.next())?.payload, '1')
    await leave(first)
    world.clock.advance(3_599_999)
    const second = await come()
    assert.is((await second.next())?.payload, '1')
    await leave(second)
    world.clock.advance(1)
    const third = await come()
    await world.signed({ target: '/topics/a?qos=1', body: '2' })
    assert.is((await third.next())?.payload, '2')
    assert.equal(flags, [false, false, false])
  })
)

publishing.run()
