import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { within } from '@fogbank/contract/testing'
import { ALL_ROLES, withWebPubSub, type HandlerAnswer } from '../clients/testing.ts'
import { advanceUntil, configure, handle } from './testing.ts'

const PRIMARY = 'local-emulator-primary-key-0123456789abcdef'
const SECONDARY = 'local-emulator-secondary-key-0123456789abcd'
const CONNECT = { systemEvents: ['connect'] }
const EVENTS = { userEventPattern: '*' }
const ECHO_TOPIC = '$webpubsub/server/events/echo'

const connect = suite('azure-web-pubsub connect event of MQTT')

connect('says who connects, and its refusal is the CONNACK', () =>
  withWebPubSub({ settings: { accessKeys: [PRIMARY, SECONDARY] } }, async (world) => {
    const body =
      '{"mqtt":{"code":138,"reason":"banned by server","userProperties":[{"name":"a","value":"b"}]}}'
    const handler = await handle(world, () => ({ status: 401, body }), CONNECT)
    const { connack } = await world.mqtt({ mqtt: { username: 'u', password: 'p', clean: true } })
    assert.equal(connack, {
      code: 0x8a,
      properties: { reasonString: 'banned by server', userProperties: { a: 'b' } }
    })
    const { url, headers, body: sent } = await handler.next()
    assert.is(url, '/chat/connect')
    assert.is(headers['content-type'], 'application/json; charset=utf-8')
    assert.is(headers['ce-type'], 'azure.webpubsub.sys.connect')
    assert.is(headers['ce-eventname'], 'connect')
    assert.is(headers['ce-hub'], 'chat')
    assert.is(headers['ce-connectionid'], 'device01')
    assert.is(headers['ce-subprotocol'], 'mqtt')
    assert.is(
      headers['ce-source'],
      `/hubs/chat/client/device01/${headers['ce-physicalconnectionid']}`
    )
    assert.is(headers['ce-sessionid'], undefined)
    assert.is(
      headers['ce-signature'],
      'sha256=425e37269a918ebf889e3565e17fc845dc1f3a101fcd6a87ab0fc824d56b5c56,sha256=a5677d5cd9b9103b8740aa851da2568724124c9bba57a500e77ef1a0607f1334'
    )
    const {
      mqtt,
      claims,
      query,
      subprotocols,
      clientCertificates,
      headers: own
    } = JSON.parse(sent.toString())
    assert.equal(mqtt, {
      protocolVersion: 5,
      cleanStart: true,
      username: 'u',
      password: 'cA==',
      userProperties: null
    })
    assert.equal(Object.keys(claims).sort(), ['aud', 'exp', 'iat'])
    assert.equal(query, {})
    assert.equal(own['sec-websocket-protocol'], ['mqtt'])
    assert.equal(subprotocols, ['mqtt'])
    assert.equal(clientCertificates, [])
  })
)

connect('takes user, roles and groups from the answer, and greets with its properties', () =>
  withWebPubSub({}, async (world) => {
    const verdict = {
      userId: 'bob',
      roles: ALL_ROLES,
      groups: ['room1'],
      subprotocol: 'mqtt',
      mqtt: { userProperties: [{ name: 'hello', value: 'there' }] }
    }
    await handle(world, () => ({ body: JSON.stringify(verdict) }), CONNECT)
    const device = await world.mqtt({ userId: 'alice' })
    assert.is(device.connack.code, 0)
    assert.equal(device.connack.properties.userProperties, { hello: 'there' })
    assert.ok(await world.service().userExists('bob'))
    assert.not.ok(await world.service().userExists('alice'))
    await world.service().group('room1').sendToAll('hi', { contentType: 'text/plain' })
    const { topic, text } = await device.next()
    assert.equal([topic, text], ['room1', 'hi'])
  })
)

for (const [name, protocolVersion, answer, code] of [
  ['its code, 3.1.1', 4, { status: 401, body: '{"mqtt":{"code":4}}' }, 4],
  ['an invalid code', 5, { status: 400, body: '{"mqtt":{"code":1}}' }, 0x80],
  ['an invalid code, 3.1.1', 4, { status: 400, body: '{"mqtt":{"code":135}}' }, 3],
  ['no body, 401', 5, { status: 401 }, 0x87],
  ['no body, 403 and 3.1.1', 4, { status: 403 }, 5],
  ['rubbish', 5, { status: 404, body: '<p>' }, 0x80],
  ['rubbish, 3.1.1', 4, { status: 404, body: '<p>' }, 3],
  ['a success that is rubbish', 5, { status: 200, body: '<p>' }, 0x80]
] as const) {
  connect(`refuses with ${name}`, () =>
    withWebPubSub({}, async (world) => {
      await handle(world, () => answer, CONNECT)
      const { connack } = await world.mqtt({ mqtt: { protocolVersion } })
      assert.is(connack.code, code)
    })
  )
}

connect('is sent for every CONNECT; a resumed session stays what it was', () =>
  withWebPubSub({}, async (world) => {
    let turn = 0
    const handler = await handle(
      world,
      ({ url }) =>
        url === '/chat/connect' ? { body: `{"userId":"user${++turn}"}` } : { status: 204 },
      { systemEvents: ['connect', 'connected', 'disconnected'] }
    )
    const options = { clean: false, properties: { sessionExpiryInterval: 30 } }
    const first = await world.mqtt({ mqtt: options })
    const [asked, connected] = [await handler.next(), await handler.next()]
    assert.equal([asked.url, connected.url], ['/chat/connect', '/chat/connected'])
    assert.is(
      connected.headers['ce-physicalconnectionid'],
      asked.headers['ce-physicalconnectionid']
    )
    assert.match(String(connected.headers['ce-sessionid']), /^[0-9a-f]{32}$/)
    first.mqtt.stream.destroy()
    await first.closed
    const second = await world.mqtt({ mqtt: options })
    const again = await handler.next()
    assert.is(again.url, '/chat/connect')
    assert.is.not(
      again.headers['ce-physicalconnectionid'],
      asked.headers['ce-physicalconnectionid']
    )
    assert.ok(await world.service().userExists('user1'))
    assert.not.ok(await world.service().userExists('user2'))
    second.mqtt.end(false, { properties: { sessionExpiryInterval: 0 } } as never)
    const ended = await handler.next()
    assert.is(ended.url, '/chat/disconnected')
    assert.is(ended.headers['ce-sessionid'], connected.headers['ce-sessionid'])
    assert.is(ended.headers['ce-physicalconnectionid'], again.headers['ce-physicalconnectionid'])
    assert.equal(JSON.parse(ended.body.toString()), {
      reason: '',
      mqtt: { initiatedByClient: true, disconnectPacket: { code: 0, userProperties: null } }
    })
  })
)

const REFUSALS: [what: string, answer: HandlerAnswer, mqtt5: number, mqtt311: number][] = [
  ['401 and no more', { status: 401 }, 0x87, 5],
  ['403 and no more', { status: 403 }, 0x87, 5],
  ['400 and no more', { status: 400 }, 0x80, 3],
  ['a body of something else', { status: 404, body: '<html>' }, 0x80, 3],
  ['a code of MQTT 5', { status: 401, body: '{"mqtt":{"code":134}}' }, 0x86, 3],
  ['a code of MQTT 3.1.1', { status: 401, body: '{"mqtt":{"code":4}}' }, 0x80, 4],
  ['a code of no version', { status: 401, body: '{"mqtt":{"code":999}}' }, 0x80, 3],
  ['a code that is a text', { status: 400, body: '{"mqtt":{"code":"134"}}' }, 0x80, 3],
  ['an answer that is no verdict', { body: '{"groups":"room1"}' }, 0x80, 3]
]

for (const [what, answer, mqtt5, mqtt311] of REFUSALS) {
  connect(`refuses by ${what}: the code is that of the client's version`, () =>
    withWebPubSub({}, async (world) => {
      await handle(world, () => answer, CONNECT)
      assert.is((await world.mqtt()).connack.code, mqtt5)
      assert.is((await world.mqtt({ mqtt: { protocolVersion: 4 } })).connack.code, mqtt311)
    })
  )
}

connect('that reaches nobody lets nobody in', () =>
  withWebPubSub({ manualClock: true }, async (world) => {
    await configure(world, [{ urlTemplate: 'http://127.0.0.1:1/', ...CONNECT }])
    const both = Promise.all([
      world.mqtt({ mqtt: { clientId: 'new' } }),
      world.mqtt({ mqtt: { clientId: 'old', protocolVersion: 4 } })
    ])
    const [young, old] = await advanceUntil(world, both)
    assert.equal([young.connack.code, old.connack.code], [0x80, 3])
  })
)

connect.run()

const ends = suite('azure-web-pubsub disconnected event of MQTT')

ends('comes when the session ends, and describes its last socket', () =>
  withWebPubSub({ manualClock: true }, async (world) => {
    const handler = await handle(world, () => ({ status: 204 }), { systemEvents: ['disconnected'] })
    const options = { clean: false, properties: { sessionExpiryInterval: 30 } }
    const device = await world.mqtt({ mqtt: options })
    device.mqtt.stream.destroy()
    while (world.fogbank.core.spaces().length === 0) await new Promise(setImmediate)
    const space = await world.fogbank.core.space('hub:chat')
    while (space.session('azure-web-pubsub', 'device01')) await new Promise(setImmediate)
    world.clock!.advance(29_999)
    assert.is(handler.waiting.length, 0)
    world.clock!.advance(1)
    const { body } = await handler.next()
    assert.equal(JSON.parse(body.toString()), {
      reason: '',
      mqtt: { initiatedByClient: false, disconnectPacket: null }
    })
  })
)

ends('tells what the client said in its DISCONNECT', () =>
  withWebPubSub({}, async (world) => {
    const handler = await handle(world, () => ({ status: 204 }), { systemEvents: ['disconnected'] })
    const device = await world.mqtt()
    device.mqtt.end(false, {
      reasonCode: 4,
      properties: { userProperties: { a: ['1', '2'], b: '3' } }
    } as never)
    const { body } = await handler.next()
    const userProperties = [
      { name: 'a', value: '1' },
      { name: 'a', value: '2' },
      { name: 'b', value: '3' }
    ]
    assert.equal(JSON.parse(body.toString()), {
      reason: '',
      mqtt: { initiatedByClient: true, disconnectPacket: { code: 4, userProperties } }
    })
  })
)

ends('comes when the application server closes', () =>
  withWebPubSub({}, async (world) => {
    const handler = await handle(world, () => ({ status: 204 }), { systemEvents: ['disconnected'] })
    await world.mqtt()
    await world.service().closeConnection('device01', { reason: 'bye' })
    const { body } = await handler.next()
    assert.equal(JSON.parse(body.toString()), {
      reason: 'ClosedByAppServer',
      mqtt: { initiatedByClient: false, disconnectPacket: { code: 0x98, userProperties: null } }
    })
  })
)

ends('comes when the application server closes a session that would have lasted', () =>
  withWebPubSub({}, async (world) => {
    const handler = await handle(world, () => ({ status: 204 }), { systemEvents: ['disconnected'] })
    const lasting = { clean: false, properties: { sessionExpiryInterval: 30 } }
    await world.mqtt({ mqtt: { ...lasting, clientId: 'here' } })
    await world.service().closeConnection('here', { reason: 'bye' })
    const here = await handler.next()
    assert.is(here.headers['ce-connectionid'], 'here')
    assert.equal(JSON.parse(here.body.toString()), {
      reason: 'ClosedByAppServer',
      mqtt: { initiatedByClient: false, disconnectPacket: { code: 0x98, userProperties: null } }
    })
    const away = await world.mqtt({ mqtt: { ...lasting, clientId: 'away' } })
    await within(5000, away.mqtt.endAsync(), 'the goodbye')
    const space = await world.fogbank.core.space('hub:chat')
    while (space.session('azure-web-pubsub', 'away')) await new Promise(setImmediate)
    await world.service().closeConnection('away')
    const gone = await handler.next()
    assert.is(gone.headers['ce-connectionid'], 'away')
    // Its last socket had said goodbye.
    assert.equal(JSON.parse(gone.body.toString()), {
      reason: '',
      mqtt: { initiatedByClient: true, disconnectPacket: { code: 0, userProperties: null } }
    })
  })
)

ends('comes when a clean start takes the place of the session', () =>
  withWebPubSub({}, async (world) => {
    const handler = await handle(world, () => ({ status: 204 }), {
      systemEvents: ['connected', 'disconnected']
    })
    const properties = { sessionExpiryInterval: 30 }
    await world.mqtt({ mqtt: { clean: false, properties } })
    const first = await handler.next()
    await world.mqtt({ mqtt: { clean: true, properties } })
    // Two sessions, whose events need not come in order.
    const events = [await handler.next(), await handler.next()]
    const ended = events.find(({ url }) => url === '/chat/disconnected')!
    const second = events.find(({ url }) => url === '/chat/connected')!
    assert.is(ended.headers['ce-sessionid'], first.headers['ce-sessionid'])
    assert.is.not(second.headers['ce-sessionid'], first.headers['ce-sessionid'])
    assert.equal(JSON.parse(ended.body.toString()), {
      reason: '',
      mqtt: { initiatedByClient: false, disconnectPacket: { code: 0x8e, userProperties: null } }
    })
  })
)

ends.run()

const events = suite('azure-web-pubsub user events of MQTT')

events('go to the handler and are answered under the topic of the event', () =>
  withWebPubSub({}, async (world) => {
    const handler = await handle(
      world,
      () => ({ headers: { 'Content-Type': 'text/plain', 'mqtt-r': 's' }, body: 'ok' }),
      EVENTS
    )
    const device = await world.mqtt({ userId: 'alice' })
    await device.mqtt.publishAsync(ECHO_TOPIC, 'hi', {
      qos: 1,
      properties: {
        contentType: 'text/plain',
        correlationData: Buffer.from([1]),
        userProperties: { k: 'v' }
      }
    })
    const { url, headers, body } = await handler.next()
    assert.equal([url, body.toString()], ['/chat/echo', 'hi'])
    assert.is(headers['ce-type'], 'azure.webpubsub.user.echo')
    assert.is(headers['content-type'], 'text/plain')
    assert.is(headers['mqtt-k'], 'v')
    assert.is(headers['ce-userid'], 'alice')
    assert.match(String(headers['ce-sessionid']), /^[0-9a-f]{32}$/)
    assert.equal(await device.next(), {
      topic: `${ECHO_TOPIC}/succeeded`,
      text: 'ok',
      qos: 1,
      properties: {
        contentType: 'text/plain',
        correlationData: { type: 'Buffer', data: [1] },
        userProperties: { r: 's', 'azure-status-code': '200' }
      }
    })
  })
)

for (const [name, answer, topic, status] of [
  ['a success without a body', { status: 204 }, 'succeeded', '204'],
  ['a refusal', { status: 400, body: 'no' }, 'failed', '400'],
  ['nobody', undefined, 'failed', '404']
] as const) {
  events(`answered by ${name} say so`, () =>
    withWebPubSub({}, async (world) => {
      if (answer) await handle(world, () => answer, EVENTS)
      const device = await world.mqtt()
      device.mqtt.publish(ECHO_TOPIC, 'hi', { qos: 0 })
      const { topic: under, text, qos, properties } = await device.next()
      assert.is(under, `${ECHO_TOPIC}/${topic}`)
      assert.is(text, answer && 'body' in answer ? answer.body : '')
      assert.is(qos, 0)
      assert.equal(properties.userProperties, { 'azure-status-code': status })
    })
  )
}

events('of MQTT 3.1.1 are answered by topic and payload alone', () =>
  withWebPubSub({}, async (world) => {
    const handler = await handle(world, () => ({ body: 'ok' }), EVENTS)
    const device = await world.mqtt({ mqtt: { protocolVersion: 4 } })
    await device.mqtt.publishAsync(ECHO_TOPIC, 'hi', { qos: 1 })
    assert.is((await handler.next()).headers['content-type'], 'application/octet-stream')
    assert.equal(await device.next(), {
      topic: `${ECHO_TOPIC}/succeeded`,
      text: 'ok',
      qos: 1,
      properties: {}
    })
  })
)

events('need a content type that is one', () =>
  withWebPubSub({}, async (world) => {
    const handler = await handle(world, () => ({ status: 204 }), EVENTS)
    const device = await world.mqtt()
    const refused = await device.mqtt
      .publishAsync(ECHO_TOPIC, 'hi', { qos: 1, properties: { contentType: 'no type' } })
      .then(
        () => 0,
        (error: { code: number }) => error.code
      )
    assert.is(refused, 0x99)
    assert.is(handler.waiting.length, 0)
  })
)

events('whose properties no header can carry fail, and nothing else does', () =>
  withWebPubSub({}, async (world) => {
    await handle(world, () => ({ status: 204 }), EVENTS)
    const device = await world.mqtt()
    const unwritable: Record<string, string>[] = [{ 'a b': 'v' }, { k: 'a\nb' }, { k: '€' }]
    for (const userProperties of unwritable) {
      await device.mqtt.publishAsync(ECHO_TOPIC, 'hi', { qos: 1, properties: { userProperties } })
      const { topic, properties } = await device.next()
      assert.is(topic, `${ECHO_TOPIC}/failed`)
      assert.equal(properties.userProperties, { 'azure-status-code': '500' })
    }
    await device.mqtt.publishAsync(ECHO_TOPIC, 'hi', { qos: 1 })
    assert.is((await device.next()).topic, `${ECHO_TOPIC}/succeeded`)
  })
)

events.run()
