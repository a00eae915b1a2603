// Clients of every protocol in one group: each gets what the others send, in its own way.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  ALL_ROLES,
  JSON_PROTOCOL,
  withWebPubSub,
  type TestMqtt,
  type TestSocket,
  type World
} from './testing.ts'
import { decodeDown, encodeAny, encodeUp, PROTOBUF } from './testing-protobuf.ts'

const GROUP = 'room1'
const ANY = encodeAny('type.googleapis.com/a', Buffer.from([7]))

interface Everybody {
  json: TestSocket
  protobuf: TestSocket
  simple: TestSocket
  device: TestMqtt
  /** MQTT 3.1.1. */
  oldDevice: TestMqtt
}

async function gather(world: World): Promise<Everybody> {
  const member = { roles: ALL_ROLES, groups: [GROUP] }
  const json = await world.connect({ ...member, userId: 'jay', subprotocol: JSON_PROTOCOL })
  const protobuf = await world.connect({ ...member, userId: 'pro', subprotocol: PROTOBUF })
  const query = `webpubsub_mode=sendToGroup&group=${GROUP}`
  const simple = await world.connect({ ...member, userId: 'sim', query })
  const device = await world.mqtt({ ...member, userId: 'mq' })
  const oldDevice = await world.mqtt({
    ...member,
    userId: 'old',
    mqtt: { clientId: 'old', protocolVersion: 4 }
  })
  for (const { mqtt } of [device, oldDevice]) await mqtt.subscribeAsync(GROUP, { qos: 1 })
  await json.next()
  await protobuf.next()
  return { json, protobuf, simple, device, oldDevice }
}

/** What each of them is sent. */
async function hear({ json, protobuf, simple, device, oldDevice }: Everybody) {
  const { type, from, group, ...rest } = await json.json()
  assert.equal([type, from, group], ['message', 'group', GROUP])
  const down = decodeDown(await protobuf.next())
  assert.equal([down.data.from, down.data.group], ['group', GROUP])
  const frame = await simple.next()
  const { topic, text, properties } = await device.next()
  assert.is(topic, GROUP)
  const old = await oldDevice.next()
  assert.equal([old.topic, old.text, old.properties], [GROUP, text, {}])
  return { json: rest, protobuf: down.data.data, simple: frame, mqtt: { text, properties } }
}

const typed = (payloadFormatIndicator: boolean, contentType: string) => ({
  payloadFormatIndicator,
  contentType
})
const PLAIN = typed(true, 'text/plain')
const JSON_TYPE = typed(true, 'application/json')
const BYTES = typed(false, 'application/octet-stream')
const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64')

const CASES: [
  name: string,
  send: (everybody: Everybody) => unknown,
  expected: { json: object; protobuf: object; simple: string | Buffer; mqtt: object }
][] = [
  [
    'text of a JSON client',
    ({ json }) => json.send({ type: 'sendToGroup', group: GROUP, dataType: 'text', data: 'hï' }),
    {
      json: { fromUserId: 'jay', dataType: 'text', data: 'hï' },
      protobuf: { text: 'hï' },
      simple: 'hï',
      mqtt: { text: 'hï', properties: PLAIN }
    }
  ],
  [
    'JSON of a JSON client',
    ({ json }) => json.send({ type: 'sendToGroup', group: GROUP, data: { n: 1 } }),
    {
      json: { fromUserId: 'jay', dataType: 'json', data: { n: 1 } },
      protobuf: { json: '{"n":1}' },
      simple: '{"n":1}',
      mqtt: { text: '{"n":1}', properties: JSON_TYPE }
    }
  ],
  [
    'bytes of a JSON client',
    ({ json }) =>
      json.send({ type: 'sendToGroup', group: GROUP, dataType: 'binary', data: base64('ab') }),
    {
      json: { fromUserId: 'jay', dataType: 'binary', data: base64('ab') },
      protobuf: { binary: base64('ab') },
      simple: Buffer.from('ab'),
      mqtt: { text: 'ab', properties: BYTES }
    }
  ],
  [
    'text of a protobuf client',
    ({ protobuf }) => protobuf.send(encodeUp({ send: { group: GROUP, data: { text: 'hi' } } })),
    {
      json: { fromUserId: 'pro', dataType: 'text', data: 'hi' },
      protobuf: { text: 'hi' },
      simple: 'hi',
      mqtt: { text: 'hi', properties: PLAIN }
    }
  ],
  [
    'an Any of a protobuf client',
    ({ protobuf }) =>
      protobuf.send(
        encodeUp({
          send: {
            group: GROUP,
            data: { any: { typeUrl: 'type.googleapis.com/a', value: Buffer.from([7]) } }
          }
        })
      ),
    {
      json: { fromUserId: 'pro', dataType: 'protobuf', data: base64(ANY) },
      protobuf: { any: { typeUrl: 'type.googleapis.com/a', value: 'Bw==' } },
      simple: ANY,
      mqtt: { text: ANY.toString(), properties: typed(false, 'application/x-protobuf') }
    }
  ],
  [
    'a text frame of a simple client',
    ({ simple }) => simple.send('hi'),
    {
      json: { fromUserId: 'sim', dataType: 'text', data: 'hi' },
      protobuf: { text: 'hi' },
      simple: 'hi',
      mqtt: { text: 'hi', properties: PLAIN }
    }
  ],
  [
    'a binary frame of a simple client',
    ({ simple }) => simple.send(Buffer.from('hi')),
    {
      json: { fromUserId: 'sim', dataType: 'binary', data: base64('hi') },
      protobuf: { binary: base64('hi') },
      simple: Buffer.from('hi'),
      mqtt: { text: 'hi', properties: BYTES }
    }
  ],
  [
    'JSON of an MQTT 5 client',
    ({ device }) =>
      device.mqtt.publish(GROUP, '{"n":1}', {
        qos: 1,
        properties: { contentType: 'application/json', userProperties: { K: 'v' } }
      }),
    {
      json: { fromUserId: 'mq', dataType: 'json', data: { n: 1 }, metadata: { k: 'v' } },
      protobuf: { json: '{"n":1}' },
      simple: '{"n":1}',
      mqtt: {
        text: '{"n":1}',
        properties: { contentType: 'application/json', userProperties: { K: 'v' } }
      }
    }
  ],
  [
    'text of an MQTT 5 client',
    ({ device }) =>
      device.mqtt.publish(GROUP, 'hi', { qos: 1, properties: { payloadFormatIndicator: true } }),
    {
      json: { fromUserId: 'mq', dataType: 'text', data: 'hi' },
      protobuf: { text: 'hi' },
      simple: 'hi',
      mqtt: { text: 'hi', properties: { payloadFormatIndicator: true } }
    }
  ],
  [
    'a message of an MQTT 3.1.1 client',
    ({ oldDevice }) => oldDevice.mqtt.publish(GROUP, 'hi', { qos: 1 }),
    {
      json: { fromUserId: 'old', dataType: 'binary', data: base64('hi') },
      protobuf: { binary: base64('hi') },
      simple: Buffer.from('hi'),
      mqtt: { text: 'hi', properties: {} }
    }
  ]
]

const crossing = suite('azure-web-pubsub crossing protocols')

for (const [name, send, expected] of CASES) {
  crossing(`brings ${name} to everybody`, () =>
    withWebPubSub({}, async (world) => {
      const everybody = await gather(world)
      send(everybody)
      assert.equal(await hear(everybody), expected)
    })
  )
}

crossing('brings what REST sends, of every kind, to everybody', () =>
  withWebPubSub({}, async (world) => {
    const everybody = await gather(world)
    const group = world.service().group(GROUP)
    await group.sendToAll('hi', { contentType: 'text/plain' })
    assert.equal(await hear(everybody), {
      json: { fromUserId: null, dataType: 'text', data: 'hi' },
      protobuf: { text: 'hi' },
      simple: 'hi',
      mqtt: { text: 'hi', properties: PLAIN }
    })
    await group.sendToAll({ n: 1 })
    assert.equal((await hear(everybody)).json, {
      fromUserId: null,
      dataType: 'json',
      data: { n: 1 }
    })
    await group.sendToAll(new TextEncoder().encode('hi'))
    assert.equal((await hear(everybody)).simple, Buffer.from('hi'))
  })
)

crossing('keeps messages to everybody, to a user and to a connection from their envelopes', () =>
  withWebPubSub({}, async (world) => {
    const { json, simple, device } = await gather(world)
    const service = world.service()
    await service.sendToAll('all', { contentType: 'text/plain' })
    assert.equal(await json.json(), {
      type: 'message',
      from: 'server',
      dataType: 'text',
      data: 'all'
    })
    assert.is(await simple.next(), 'all')
    assert.is((await device.next()).topic, '$webpubsub/server/messages')
    await service.sendToUser('sim', 'you', { contentType: 'text/plain' })
    assert.is(await simple.next(), 'you')
    assert.is(json.waiting.length, 0)
  })
)

crossing('loses nothing for those who stay while others come and go', () =>
  withWebPubSub({}, async (world) => {
    const { json, protobuf, device } = await gather(world)
    const visitors = await Promise.all(
      Array.from({ length: 20 }, () =>
        world.connect({ roles: ALL_ROLES, subprotocol: JSON_PROTOCOL })
      )
    )
    const total = 300
    for (let n = 0; n < total; n++) {
      const visitor = visitors[n % visitors.length]!
      visitor.send({ type: n % 2 ? 'leaveGroup' : 'joinGroup', group: GROUP })
      json.send({ type: 'sendToGroup', group: GROUP, data: n })
      if (n % 50 === 49) visitor.ws.terminate()
    }
    for (let n = 0; n < total; n++) {
      assert.is((await json.json()).data, n)
      assert.is(decodeDown(await protobuf.next()).data.data.json, String(n))
      assert.is((await device.next()).text, String(n))
    }
  })
)

crossing.run()
