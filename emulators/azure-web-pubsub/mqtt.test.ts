// What transcripts cannot say of MQTT: packets that clients do not send by themselves, and whole answers.
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openWire, within } from '@fogbank/contract'
import mqtt from 'mqtt'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WebSocket } from 'ws'
import { EVERYTHING, ID, toConnect, withWebPubSub, type Fixture } from './testing.ts'

const VERSIONS = [5, 4] as const
const JOIN_ROOM1 = ['webpubsub.joinLeaveGroup.room1']

const connections = suite('azure-web-pubsub MQTT connections')

connections('are told what there is not, and no more', () =>
  withWebPubSub({}, async ({ open }) => {
    const wire = await open()
    wire.send(toConnect('dev1'))
    assert.equal(await wire.next(), {
      cmd: 'connack',
      sessionPresent: false,
      reasonCode: 0,
      properties: {
        retainAvailable: false,
        maximumPacketSize: 1_048_576,
        wildcardSubscriptionAvailable: false,
        sharedSubscriptionAvailable: false
      }
    })
  })
)

connections('without an id are given one of letters and digits, that resumes its session', () =>
  withWebPubSub({}, async ({ open, call }) => {
    const wire = await open()
    wire.send(toConnect('', 5, { properties: { sessionExpiryInterval: 30 } }))
    const connack = (await wire.next()) as { properties: { assignedClientIdentifier: string } }
    const id = connack.properties.assignedClientIdentifier
    assert.match(id, /^[0-9a-z]{32}$/)
    assert.is((await call('HEAD', `connections/${id}`)).status, 200)
    wire.cut()
    const again = await open()
    again.send(toConnect(id, 5, { clean: false, properties: { sessionExpiryInterval: 30 } }))
    assert.is((await again.next())?.sessionPresent, true)
  })
)

connections('of MQTT 3.1 are refused with 1, of a version to come with 0x84', () =>
  withWebPubSub({}, async ({ mqttUrl }) => {
    const old = await openWire(mqttUrl(), 4)
    old.stream.write(Buffer.from('100f00064d51497364700300003c0001', 'hex'))
    old.stream.write(Buffer.from('61', 'hex'))
    assert.is((await old.next())?.returnCode, 1)
    old.cut()
    const young = await openWire(mqttUrl(), 5)
    young.stream.write(Buffer.from('100e00044d5154540602003c00000161', 'hex'))
    assert.is((await young.next())?.reasonCode, 0x84)
    assert.is(await young.next(), undefined)
  })
)

for (const [version, code] of [
  [5, 0x85],
  [4, 2]
] as const) {
  // It has an underscore, which the service does not take: Azure/azure-webpubsub issue 791.
  connections(`of version ${version} with the id that MQTT.js makes up are refused`, () =>
    withWebPubSub({}, async ({ mqttUrl }) => {
      const client = mqtt.connect(mqttUrl(), { protocolVersion: version, reconnectPeriod: 0 })
      const refused = new Promise<number>((resolve) =>
        client.once('error', (error) => resolve((error as { code?: number }).code ?? 0))
      )
      assert.match(String(client.options.clientId), /^mqttjs_/)
      assert.is(await within(5_000, refused, 'the CONNACK'), code)
      client.end(true)
    })
  )

  connections(`of version ${version} make way for another one of the same id`, () =>
    withWebPubSub({}, async ({ connect, call }) => {
      const kept = {
        clean: false,
        ...(version === 5 ? { properties: { sessionExpiryInterval: 30 } } : {})
      }
      const first = await connect({ version, packet: kept })
      first.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'room1', qos: 1 }] })
      await first.next()
      const second = await connect({ version, packet: kept })
      if (version === 5) assert.is((await first.next())?.reasonCode, 0x8e)
      assert.is(await first.next(), undefined)
      await call('POST', 'groups/room1/:send', { text: 'handed over' })
      assert.is((await second.next())?.payload, 'handed over')
    })
  )
}

connections('end at a text frame', () =>
  withWebPubSub({}, async ({ mqttUrl, world }) => {
    const socket = new WebSocket(mqttUrl(), 'mqtt')
    await new Promise((resolve) => socket.once('open', resolve))
    socket.send('text')
    await new Promise((resolve) => socket.once('close', resolve))
    assert.ok(world.lines.includes(`${ID} closed WebSocketText`))
  })
)

connections('come over WebSocket alone', () =>
  withWebPubSub({}, async ({ url, world }) => {
    assert.is(world.fogbank.endpoints[ID]!.mqtt, undefined)
    const socket = net.connect(Number(new URL(url).port), 'localhost')
    socket.on('error', () => {})
    socket.write(Buffer.from('100d00044d5154540402003c000161', 'hex'))
    await new Promise((resolve) => socket.once('close', resolve))
    assert.ok(world.lines.includes(`${ID} closed FirstByte 0x10`))
  })
)

for (const version of VERSIONS) {
  connections(
    `of version ${version} end after one and a half keep-alives of silence, and say why`,
    () =>
      withWebPubSub({ manualClock: true }, async ({ connect, world }) => {
        const wire = await connect({ version, packet: { keepalive: 10 } })
        world.clock!.advance(14_999)
        wire.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'room1', qos: 0 }] })
        assert.is((await wire.next())?.cmd, 'suback')
        world.clock!.advance(15_001)
        if (version === 5) {
          assert.equal(await wire.next(), {
            cmd: 'disconnect',
            reasonCode: 0x8d,
            properties: {
              reasonString: 'No packet has been received for 1.5 times the Keepalive time.'
            }
          })
        }
        assert.is(await wire.next(), undefined)
      })
  )
}

connections('that REST closes are told the reason; older ones just end', () =>
  withWebPubSub({}, async ({ connect, call }) => {
    const wire = await connect({ packet: { clientId: 'conn0001' } })
    const old = await connect({ version: 4, packet: { clientId: 'old' } })
    assert.is((await call('POST', ':closeConnections?reason=bye')).status, 204)
    assert.equal(await wire.next(), {
      cmd: 'disconnect',
      reasonCode: 0x98,
      properties: { reasonString: 'bye' }
    })
    assert.is(await wire.next(), undefined)
    assert.is(await old.next(), undefined)
  })
)

for (const [publishWillOnClose, wanted] of [
  [true, 'gone'],
  [false, 'after']
] as const) {
  connections(`that REST closes ${publishWillOnClose ? 'leave' : 'leave no'} will`, () =>
    withWebPubSub({ settings: { publishWillOnClose } }, async ({ connect, call }) => {
      const other = await connect({ packet: { clientId: 'other' } })
      other.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'room1', qos: 0 }] })
      await other.next()
      await connect({ packet: { will: { topic: 'room1', payload: 'gone', qos: 0 } } })
      await call('DELETE', 'connections/dev1')
      await call('POST', 'groups/room1/:send', { text: 'after' })
      assert.is((await other.next())?.payload, wanted)
    })
  )
}

/** Runs with a folder of its own, for those who start twice. */
async function withFolder(run: (dataDir: string) => Promise<void>): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'fogbank-wps-'))
  try {
    await run(dataDir)
  } finally {
    rmSync(dataDir, { recursive: true })
  }
}

const KEPT = { clean: false, properties: { sessionExpiryInterval: 30 } }

connections('survive a restart for the rest of their time', () =>
  withFolder(async (dataDir) => {
    const claims = { sub: 'alice', role: JOIN_ROOM1 }
    await withWebPubSub({ dataDir }, async ({ connect }) => {
      const wire = await connect({ claims, packet: KEPT })
      wire.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'room1', qos: 1 }] })
      await wire.next()
    })
    await withWebPubSub({ dataDir }, async ({ call, connect }) => {
      assert.is((await call('HEAD', 'users/alice')).status, 200)
      assert.is((await call('HEAD', 'groups/room1')).status, 200)
      await call('POST', 'groups/room1/:send', { text: 'kept' })
      const wire = await connect({ packet: { clean: false } })
      assert.is((await wire.next())?.payload, 'kept')
      const path = 'permissions/joinLeaveGroup/connections/dev1?targetName='
      assert.is((await call('HEAD', `${path}room1`)).status, 200)
      assert.is((await call('HEAD', `${path}room2`)).status, 404)
    })
  })
)

connections('keep what REST granted and revoked for as long as their session lasts', () =>
  withFolder(async (dataDir) => {
    const claims = { role: [...JOIN_ROOM1, 'webpubsub.sendToGroup'] }
    const toPath = (action: string, group: string) =>
      `permissions/${action}/connections/dev1?targetName=${group}`
    /** In the order: granted, granted and revoked, revoked of all, revoked by name. */
    const seenBy = async (call: Fixture['call']) => {
      const asked = [
        toPath('joinLeaveGroup', 'a%2Fb'),
        toPath('joinLeaveGroup', 'room2'),
        toPath('sendToGroup', 'room3'),
        toPath('joinLeaveGroup', 'room1')
      ]
      return Promise.all(asked.map(async (path) => (await call('HEAD', path)).status))
    }
    await withWebPubSub({ dataDir }, async ({ connect, call }) => {
      await connect({ claims, packet: KEPT })
      await call('PUT', toPath('joinLeaveGroup', 'a%2Fb'))
      await call('PUT', toPath('joinLeaveGroup', 'room2'))
      await call('DELETE', toPath('joinLeaveGroup', 'room2'))
      await call('DELETE', toPath('sendToGroup', 'room3'))
      await call('DELETE', toPath('joinLeaveGroup', 'room1'))
      assert.equal(await seenBy(call), [200, 404, 404, 404])
    })
    await withWebPubSub({ dataDir }, async ({ connect, call }) => {
      assert.equal(await seenBy(call), [200, 404, 404, 404])
      const wire = await connect({ claims, packet: KEPT })
      const subscriptions = [
        { topic: 'a/b', qos: 0 },
        { topic: 'room1', qos: 0 }
      ]
      wire.send({ cmd: 'subscribe', messageId: 1, subscriptions })
      assert.equal((await wire.next())?.granted, [0, 0x87])
      await call('PUT', toPath('joinLeaveGroup', 'room1'))
      assert.equal(await seenBy(call), [200, 404, 404, 200])
    })
    // A session that begins is what its token says, though the one before it had more.
    await withWebPubSub({ dataDir }, async ({ connect, call }) => {
      assert.equal(await seenBy(call), [200, 404, 404, 200])
      await connect({ claims, packet: { ...KEPT, clean: true } })
      assert.equal(await seenBy(call), [404, 404, 200, 200])
    })
    await withWebPubSub({ dataDir }, async ({ call }) => {
      assert.equal(await seenBy(call), [404, 404, 200, 200])
    })
  })
)

connections.run()

const packets = suite('azure-web-pubsub MQTT packets')

for (const version of VERSIONS) {
  const granted = version === 5 ? [0x87, 0x11, 0] : []

  packets(
    `of version ${version}: UNSUBSCRIBE needs permission, and keeps what it may not end`,
    () =>
      withWebPubSub({}, async ({ connect, call }) => {
        const wire = await connect({ version, claims: { role: JOIN_ROOM1 } })
        await call('PUT', 'groups/room2/connections/dev1')
        wire.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'room1', qos: 0 }] })
        await wire.next()
        wire.send({
          cmd: 'unsubscribe',
          messageId: 2,
          unsubscriptions: ['room2', 'room3', 'room1']
        })
        const unsuback = await wire.next()
        assert.is(unsuback?.cmd, 'unsuback')
        assert.equal(unsuback?.granted ?? [], granted)
        assert.is((await call('HEAD', 'groups/room2')).status, 200)
        assert.is((await call('HEAD', 'groups/room1')).status, 404)
      })
  )

  packets(`of version ${version}: a PUBLISH to a wildcard ends the connection`, () =>
    withWebPubSub({}, async ({ connect }) => {
      const wire = await connect({ version })
      // PUBLISH, QoS 1, to a/#, id 1.
      const body = Buffer.from(version === 5 ? '0003612f23000100' : '0003612f230001', 'hex')
      wire.stream.write(Buffer.concat([Buffer.from([0x32, body.length]), body]))
      if (version === 5) assert.equal(await wire.next(), { cmd: 'disconnect', reasonCode: 0x90 })
      assert.is(await wire.next(), undefined)
    })
  )

  packets(`of version ${version}: 1 MB is taken, and a byte more ends the connection`, () =>
    withWebPubSub({}, async ({ connect }) => {
      const wire = await connect({ version })
      // One byte of type, three of length, two of topic length, the topic, in MQTT 5 an empty property list.
      const room = 1_048_576 - 1 - 3 - 2 - 5 - (version === 5 ? 1 : 0)
      const publish = (bytes: number) =>
        wire.send({ cmd: 'publish', topic: 'room1', payload: Buffer.alloc(bytes), qos: 0 })
      publish(room)
      wire.send({ cmd: 'pingreq' })
      assert.is((await wire.next())?.cmd, 'pingresp')
      publish(room + 1)
      if (version === 5) assert.equal(await wire.next(), { cmd: 'disconnect', reasonCode: 0x95 })
      assert.is(await wire.next(), undefined)
    })
  )

  packets(
    `of version ${version}: what is malformed ends the connection, and the service goes on`,
    () =>
      withWebPubSub({}, async ({ connect, call }) => {
        const wire = await connect({ version })
        wire.stream.write(Buffer.from('ffffffffffffff', 'hex'))
        if (version === 5) assert.equal(await wire.next(), { cmd: 'disconnect', reasonCode: 0x81 })
        assert.is(await wire.next(), undefined)
        assert.is((await call('POST', ':send', { text: 'x' })).status, 202)
      })
  )

  packets(`of version ${version}: a second CONNECT is a protocol error`, () =>
    withWebPubSub({}, async ({ connect }) => {
      const wire = await connect({ version })
      wire.send(toConnect('dev1', version))
      if (version === 5) assert.equal(await wire.next(), { cmd: 'disconnect', reasonCode: 0x82 })
      assert.is(await wire.next(), undefined)
    })
  )
}

packets('with a topic alias end the connection', () =>
  withWebPubSub({}, async ({ connect }) => {
    const wire = await connect()
    wire.send({ cmd: 'publish', topic: 'room1', payload: 'x', properties: { topicAlias: 1 } })
    assert.equal(await wire.next(), { cmd: 'disconnect', reasonCode: 0x94 })
  })
)

packets('answer refusals byte for byte (golden exchange G15)', () =>
  withWebPubSub({}, async ({ open }) => {
    const wire = await open({ role: JOIN_ROOM1 })
    const bytes: Buffer[] = []
    wire.stream.on('data', (chunk: Buffer) => bytes.push(chunk))
    wire.send(toConnect('dev1'))
    await wire.next()
    bytes.length = 0
    wire.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a/#', qos: 0 }] })
    wire.send({ cmd: 'subscribe', messageId: 2, subscriptions: [{ topic: 'other', qos: 0 }] })
    wire.send({ cmd: 'publish', messageId: 3, topic: 'room1', payload: 'x', qos: 1 })
    wire.send({ cmd: 'publish', topic: 'room1', payload: 'x', qos: 0 })
    while (await wire.next());
    const answers = ['9004000100a2', '900400020087', '4003000387', 'e00187']
    assert.is(Buffer.concat(bytes).toString('hex'), answers.join(''))
  })
)

packets('do not come back to a No Local sender', () =>
  withWebPubSub({}, async ({ connect, call }) => {
    const wire = await connect()
    const subscription = { topic: 'room1', qos: 0, nl: true }
    wire.send({ cmd: 'subscribe', messageId: 1, subscriptions: [subscription] })
    await wire.next()
    wire.send({ cmd: 'publish', topic: 'room1', payload: 'own', qos: 0 })
    wire.send({ cmd: 'pingreq' })
    assert.is((await wire.next())?.cmd, 'pingresp')
    await call('POST', 'groups/room1/:send', { text: 'other' })
    assert.is((await wire.next())?.payload, 'other')
  })
)

packets('carry the subscription identifier', () =>
  withWebPubSub({}, async ({ connect, call }) => {
    const wire = await connect({ claims: { role: EVERYTHING } })
    const subscriptions = [{ topic: 'room1', qos: 0 }]
    wire.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions,
      properties: { subscriptionIdentifier: 7 }
    })
    await wire.next()
    await call('POST', 'groups/room1/:send', { text: 'x' })
    const { properties } = (await wire.next()) as { properties: { subscriptionIdentifier: number } }
    assert.is(properties.subscriptionIdentifier, 7)
  })
)

packets.run()
