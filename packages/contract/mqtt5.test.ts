// What MQTT 5 has beside publishing and subscribing, one test an item, on the plain door over TCP and over
// WebSocket: packets written out whole, the standard's clause beside each.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ManualClock } from '@fogbank/core'
import type { Fogbank, StartOptions } from 'fogbank'
import { withFogbank } from './with-fogbank.ts'
import { openWire, type Wire, type WirePacket } from './wire.ts'

const TRANSPORTS = ['mqtt', 'ws'] as const

/** What an item is shown with. */
interface Stage {
  fogbank: Fogbank
  clock: ManualClock
  /** A connection that has said nothing yet. */
  open(): Promise<Wire>
  /** A client that is connected; its CONNACK is the first thing it has heard. */
  connect(clientId: string, more?: object): Promise<Wire & { connack: WirePacket }>
}

const CONNECT = {
  cmd: 'connect',
  protocolId: 'MQTT',
  protocolVersion: 5,
  clean: true,
  keepalive: 0
}

const PUBLISH = { cmd: 'publish', dup: false, qos: 0, retain: false }

const plain = (settings: object): StartOptions => ({ config: { plainDoor: settings } })

const url = (fogbank: Fogbank, transport: (typeof TRANSPORTS)[number]) =>
  fogbank.endpoints.control![transport] as string

async function connectTo(
  at: string,
  clientId: string,
  more: object = {}
): Promise<Wire & { connack: WirePacket }> {
  const wire = await openWire(at)
  wire.send({ ...CONNECT, clientId, ...more })
  return { ...wire, connack: (await wire.next())! }
}

const items = suite('MQTT 5')

function item(name: string, run: (stage: Stage) => Promise<void>, options: StartOptions = {}) {
  for (const transport of TRANSPORTS) {
    items(`${name}, ${transport}`, () =>
      withFogbank({ only: [], manualClock: true, ...options }, async ({ fogbank, clock }) => {
        const wires: Wire[] = []
        const keep = <W extends Wire>(wire: W) => (wires.push(wire), wire)
        const at = url(fogbank, transport)
        try {
          await run({
            fogbank,
            clock: clock!,
            open: async () => keep(await openWire(at)),
            connect: async (clientId, more) => keep(await connectTo(at, clientId, more))
          })
        } finally {
          for (const wire of wires) wire.cut()
        }
      })
    )
  }
}

async function subscribe(wire: Wire, topic: string, qos: 0 | 1 | 2, more: object = {}) {
  const { properties, ...options } = more as { properties?: object }
  wire.send({
    cmd: 'subscribe',
    messageId: 1,
    subscriptions: [{ topic, qos, ...options }],
    properties
  })
  assert.equal(await wire.next(), { cmd: 'suback', messageId: 1, granted: [qos] })
}

/** Publishes and takes the acknowledgement. */
async function publish(wire: Wire, topic: string, payload: string, more: object = {}) {
  wire.send({ ...PUBLISH, topic, payload, qos: 1, messageId: 9, ...more })
  assert.equal(await wire.next(), { cmd: 'puback', messageId: 9, reasonCode: 0 })
}

/** Everything sent so far has had its answer, and nothing more came. */
async function hearsNothing(wire: Wire) {
  wire.send({ cmd: 'pingreq' })
  assert.equal(await wire.next(), { cmd: 'pingresp' })
}

item(
  'receive maximum outbound: the rest waits for an acknowledgement [MQTT-3.3.4-9]',
  async ({ connect }) => {
    const receiver = await connect('r', { properties: { receiveMaximum: 2 } })
    const sender = await connect('s')
    await subscribe(receiver, 't', 1)
    for (const payload of ['1', '2', '3']) await publish(sender, 't', payload)
    const sent = (payload: string, messageId: number) => ({
      ...PUBLISH,
      topic: 't',
      payload,
      qos: 1,
      messageId
    })
    assert.equal(await receiver.next(), sent('1', 1))
    assert.equal(await receiver.next(), sent('2', 2))
    await hearsNothing(receiver)
    receiver.send({ cmd: 'puback', messageId: 1, reasonCode: 0 })
    assert.equal(await receiver.next(), sent('3', 3))
  }
)

item(
  'receive maximum inbound: one more ends the connection with 0x93 [MQTT-3.3.4-7]',
  async ({ connect }) => {
    const sender = await connect('s')
    assert.equal(sender.connack.properties, { receiveMaximum: 2, topicAliasMaximum: 16 })
    for (const messageId of [1, 2]) {
      sender.send({ ...PUBLISH, topic: 't', payload: 'x', qos: 2, messageId })
      assert.equal(await sender.next(), { cmd: 'pubrec', messageId, reasonCode: 0 })
    }
    sender.send({ ...PUBLISH, topic: 't', payload: 'x', qos: 2, messageId: 3 })
    assert.equal(await sender.next(), { cmd: 'disconnect', reasonCode: 0x93 })
    assert.is(await sender.next(), undefined)
  },
  plain({ receiveMaximum: 2 })
)

item('maximum packet size: what is larger is not sent [MQTT-3.1.2-24]', async ({ connect }) => {
  const receiver = await connect('r', { properties: { maximumPacketSize: 20 } })
  const sender = await connect('s')
  await subscribe(receiver, 't', 1)
  await publish(sender, 't', 'x'.repeat(13)) // 2 + 3 + 2 + 1 + 13 = 21 bytes
  await publish(sender, 't', 'x'.repeat(12))
  const payload = 'x'.repeat(12)
  assert.equal(await receiver.next(), { ...PUBLISH, topic: 't', payload, qos: 1, messageId: 2 })
})

item(
  'topic alias inbound: a known one stands for its topic [MQTT-3.3.2-12]',
  async ({ connect }) => {
    const receiver = await connect('r')
    const sender = await connect('s')
    await subscribe(receiver, 'long/name', 0)
    sender.send({ ...PUBLISH, topic: 'long/name', payload: '1', properties: { topicAlias: 3 } })
    sender.send({ ...PUBLISH, topic: '', payload: '2', properties: { topicAlias: 3 } })
    for (const payload of ['1', '2']) {
      assert.equal(await receiver.next(), { ...PUBLISH, topic: 'long/name', payload })
    }
    sender.send({ ...PUBLISH, topic: '', payload: '3', properties: { topicAlias: 4 } })
    assert.equal(await sender.next(), { cmd: 'disconnect', reasonCode: 0x94 }) // [MQTT-3.3.2-7]
  }
)

item('topic alias outbound: as many as the client allows [MQTT-3.1.2-26]', async ({ connect }) => {
  const receiver = await connect('r', { properties: { topicAliasMaximum: 1 } })
  const sender = await connect('s')
  await subscribe(receiver, '#', 0)
  for (const topic of ['a', 'a', 'b']) sender.send({ ...PUBLISH, topic, payload: 'x' })
  const properties = { topicAlias: 1 }
  assert.equal(await receiver.next(), { ...PUBLISH, topic: 'a', payload: 'x', properties })
  assert.equal(await receiver.next(), { ...PUBLISH, topic: '', payload: 'x', properties })
  assert.equal(await receiver.next(), { ...PUBLISH, topic: 'b', payload: 'x' })
})

item(
  'all matching subscription identifiers on one delivery [MQTT-3.3.4-4]',
  async ({ connect }) => {
    const receiver = await connect('r')
    const sender = await connect('s')
    await subscribe(receiver, 'a/+', 0, { properties: { subscriptionIdentifier: 7 } })
    await subscribe(receiver, 'a/#', 1, { properties: { subscriptionIdentifier: 300_000 } })
    await publish(sender, 'a/b', 'x')
    const message = (await receiver.next())!
    const { subscriptionIdentifier } = message.properties as { subscriptionIdentifier: number[] }
    assert.equal(
      [...subscriptionIdentifier].sort((a, b) => a - b),
      [7, 300_000]
    )
    // The highest QoS granted counts [MQTT-3.3.4-2].
    assert.equal(
      { ...message, properties: undefined },
      { ...PUBLISH, topic: 'a/b', payload: 'x', qos: 1, messageId: 1, properties: undefined }
    )
    await hearsNothing(receiver)
  }
)

item('shared subscription: members take turns [MQTT-4.8.2-3]', async ({ connect }) => {
  const members = [await connect('m1'), await connect('m2')]
  const sender = await connect('s')
  for (const member of members) await subscribe(member, '$share/g/t/#', 1)
  for (const payload of ['1', '2', '3', '4']) await publish(sender, 't/x', payload)
  for (const [index, member] of members.entries()) {
    for (const [turn, payload] of [String(index + 1), String(index + 3)].entries()) {
      const expected = { ...PUBLISH, topic: 't/x', payload, qos: 1, messageId: turn + 1 }
      assert.equal(await member.next(), expected)
    }
    await hearsNothing(member)
  }
})

item('shared subscription: retained messages are not sent for it [4.8.2]', async ({ connect }) => {
  const sender = await connect('s')
  await publish(sender, 't', 'kept', { retain: true })
  const member = await connect('m')
  await subscribe(member, '$share/g/t', 1)
  await hearsNothing(member)
})

item('shared subscription: No Local is a Protocol Error [MQTT-3.8.3-4]', async ({ connect }) => {
  const member = await connect('m')
  const subscriptions = [{ topic: '$share/g/t', qos: 0, nl: true }]
  member.send({ cmd: 'subscribe', messageId: 1, subscriptions })
  assert.equal(await member.next(), { cmd: 'disconnect', reasonCode: 0x82 })
})

item(
  'shared subscription: a name or filter that is none is refused [MQTT-4.8.2-1]',
  async ({ connect }) => {
    const member = await connect('m')
    const subscriptions = ['$share//t', '$share/g+/t', '$share/g', '$share/g/'].map((topic) => ({
      topic,
      qos: 0
    }))
    member.send({ cmd: 'subscribe', messageId: 1, subscriptions })
    const granted = [0x8f, 0x8f, 0x8f, 0x8f]
    assert.equal(await member.next(), { cmd: 'suback', messageId: 1, granted })
  }
)

item(
  'shared subscription: what nobody took waits for the next member [4.8.2]',
  async ({ connect }) => {
    const lasting = { clean: false, properties: { sessionExpiryInterval: 60 } }
    const first = await connect('m1', lasting)
    const sender = await connect('s')
    await subscribe(first, '$share/g/t', 1)
    first.send({ cmd: 'disconnect', reasonCode: 0 })
    assert.is(await first.next(), undefined)
    await publish(sender, 't', 'waits')
    const second = await connect('m2')
    await subscribe(second, '$share/g/t', 1)
    const expected = { ...PUBLISH, topic: 't', payload: 'waits', qos: 1, messageId: 1 }
    assert.equal(await second.next(), expected)
  }
)

item(
  'shared subscription: an unacknowledged QoS 1 message goes to another member [4.8.2]',
  async ({ connect }) => {
    const first = await connect('m1')
    const sender = await connect('s')
    await subscribe(first, '$share/g/t', 1)
    await publish(sender, 't', 'x')
    const expected = { ...PUBLISH, topic: 't', payload: 'x', qos: 1, messageId: 1 }
    assert.equal(await first.next(), expected)
    const second = await connect('m2')
    await subscribe(second, '$share/g/t', 1)
    await hearsNothing(second)
    first.cut()
    assert.equal(await second.next(), expected)
  }
)

item(
  'shared subscription: a sent QoS 2 message goes to nobody else [MQTT-4.8.2-5]',
  async ({ connect }) => {
    const first = await connect('m1')
    const sender = await connect('s')
    await subscribe(first, '$share/g/t', 2)
    sender.send({ ...PUBLISH, topic: 't', payload: 'x', qos: 2, messageId: 9 })
    const expected = { ...PUBLISH, topic: 't', payload: 'x', qos: 2, messageId: 1 }
    assert.equal(await first.next(), expected)
    const second = await connect('m2')
    await subscribe(second, '$share/g/t', 2)
    first.cut()
    await disconnected(second)
  }
)

item(
  'no local: what a client publishes itself does not come back [MQTT-3.8.3-3]',
  async ({ connect }) => {
    const client = await connect('c')
    const other = await connect('o')
    await subscribe(client, 't', 1, { nl: true })
    await publish(client, 't', 'own')
    await publish(other, 't', 'other')
    const expected = { ...PUBLISH, topic: 't', payload: 'other', qos: 1, messageId: 1 }
    assert.equal(await client.next(), expected)
  }
)

item('no local holds for what is queued, too', async ({ connect }) => {
  const lasting = { clean: false, properties: { sessionExpiryInterval: 60 } }
  const client = await connect('c', lasting)
  await subscribe(client, 't', 1, { nl: true })
  await publish(client, 't', 'own')
  client.cut()
  const again = await connect('c', lasting)
  assert.equal(again.connack.sessionPresent, true)
  await hearsNothing(again)
})

item(
  'retain as published keeps the flag, and its absence clears it [MQTT-3.3.1-12]',
  async ({ connect }) => {
    const keeping = await connect('k')
    const clearing = await connect('c')
    const sender = await connect('s')
    await subscribe(keeping, 't', 0, { rap: true })
    await subscribe(clearing, 't', 0)
    sender.send({ ...PUBLISH, topic: 't', payload: 'x', retain: true })
    assert.equal(await keeping.next(), { ...PUBLISH, topic: 't', payload: 'x', retain: true })
    assert.equal(await clearing.next(), { ...PUBLISH, topic: 't', payload: 'x' })
  }
)

item('retain handling 0, 1 and 2 [MQTT-3.3.1-9] to [MQTT-3.3.1-11]', async ({ connect }) => {
  const client = await connect('c')
  await publish(client, 't', 'kept', { retain: true })
  const kept = { ...PUBLISH, topic: 't', payload: 'kept', retain: true }
  await subscribe(client, 't', 0, { rh: 2 })
  await hearsNothing(client)
  await subscribe(client, 't', 0, { rh: 1 })
  await hearsNothing(client)
  await subscribe(client, 't', 0, { rh: 0 })
  assert.equal(await client.next(), kept)
  client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['t'] })
  assert.equal(await client.next(), { cmd: 'unsuback', messageId: 2, granted: [0] })
  await subscribe(client, 't', 0, { rh: 1 })
  assert.equal(await client.next(), kept)
})

item('reason string and user properties on an acknowledgement [3.4.2.2]', async ({ connect }) => {
  const client = await connect('c')
  client.send({ ...PUBLISH, topic: '$aws/x', payload: 'x', qos: 1, messageId: 5 })
  assert.equal(await client.next(), {
    cmd: 'puback',
    messageId: 5,
    reasonCode: 0x87,
    properties: {
      reasonString: 'the topics under $aws belong to another door',
      userProperties: { tree: '$aws' }
    }
  })
})

item('request problem information 0: neither of them [MQTT-3.1.2-29]', async ({ connect }) => {
  const client = await connect('c', { properties: { requestProblemInformation: false } })
  client.send({ ...PUBLISH, topic: '$aws/x', payload: 'x', qos: 1, messageId: 5 })
  assert.equal(await client.next(), { cmd: 'puback', messageId: 5, reasonCode: 0x87 })
})

item('request response information: only who asks is told [MQTT-3.1.2-28]', async ({ connect }) => {
  const asking = await connect('a', { properties: { requestResponseInformation: true } })
  const properties = { topicAliasMaximum: 16, responseInformation: 'reply/a/' }
  const connack = { cmd: 'connack', sessionPresent: false, reasonCode: 0 }
  assert.equal(asking.connack, { ...connack, properties })
  const silent = await connect('b')
  assert.equal(silent.connack, { ...connack, properties: { topicAliasMaximum: 16 } })
})

item(
  'server keep alive takes the place of the client’s [MQTT-3.1.2-21], and is watched [MQTT-3.1.2-22]',
  async ({ connect, clock }) => {
    const client = await connect('c', { keepalive: 600 })
    assert.equal(client.connack.properties, { serverKeepAlive: 60, topicAliasMaximum: 16 })
    clock.advance(60_000)
    await hearsNothing(client)
    clock.advance(89_999)
    await hearsNothing(client)
    clock.advance(90_000)
    assert.equal(await client.next(), { cmd: 'disconnect', reasonCode: 0x8d })
    assert.is(await client.next(), undefined)
  },
  plain({ keepAliveMaximumSeconds: 60 })
)

item('assigned client identifier [MQTT-3.1.3-7]', async ({ connect, fogbank }) => {
  const { connack } = await connect('')
  const { assignedClientIdentifier } = connack.properties as { assignedClientIdentifier: string }
  assert.match(assignedClientIdentifier, /^[0-9a-f-]{36}$/)
  const space = await fogbank.core.space('main')
  assert.ok(space.session('plain', assignedClientIdentifier))
})

item(
  'server reference: where to go instead [4.13]',
  async ({ open }) => {
    const client = await open()
    client.send({ ...CONNECT, clientId: 'elsewhere' })
    assert.equal(await client.next(), {
      cmd: 'connack',
      sessionPresent: false,
      reasonCode: 0x9c,
      properties: { serverReference: 'other.example:1883' }
    })
    assert.is(await client.next(), undefined)
    const other = await open()
    other.send({ ...CONNECT, clientId: 'constructor' })
    assert.is((await other.next())?.reasonCode, 0, 'whoever is not named is let in')
  },
  plain({ redirect: { elsewhere: 'other.example:1883' } })
)

const ECHO = { authenticationMethod: 'echo' }

/** Takes the AUTH of the server and gives its data. */
async function challenged(client: Wire): Promise<Buffer> {
  const auth = (await client.next())!
  const { authenticationData, ...properties } = auth.properties as { authenticationData: Buffer }
  assert.equal({ ...auth, properties }, { cmd: 'auth', reasonCode: 0x18, properties: ECHO })
  assert.is(authenticationData.length, 16)
  return authenticationData
}

async function authenticated(client: Wire, clientId: string) {
  client.send({ ...CONNECT, clientId, properties: ECHO })
  const authenticationData = await challenged(client)
  client.send({ cmd: 'auth', reasonCode: 0x18, properties: { ...ECHO, authenticationData } })
  assert.equal(await client.next(), {
    cmd: 'connack',
    sessionPresent: false,
    reasonCode: 0,
    properties: { topicAliasMaximum: 16, ...ECHO }
  })
}

item(
  'AUTH: a challenge before the CONNACK [MQTT-4.12.0-2] to [MQTT-4.12.0-5]',
  async ({ open }) => {
    const client = await open()
    await authenticated(client, 'c')
    await subscribe(client, 't', 1)
  }
)

item('AUTH: a wrong answer is refused in the CONNACK', async ({ open }) => {
  const client = await open()
  client.send({ ...CONNECT, clientId: 'c', properties: ECHO })
  await challenged(client)
  const authenticationData = Buffer.alloc(16)
  client.send({ cmd: 'auth', reasonCode: 0x18, properties: { ...ECHO, authenticationData } })
  assert.equal(await client.next(), { cmd: 'connack', sessionPresent: false, reasonCode: 0x87 })
  assert.is(await client.next(), undefined)
})

item('AUTH: a method that is not known is refused with 0x8C [MQTT-4.12.0-1]', async ({ open }) => {
  const client = await open()
  client.send({ ...CONNECT, clientId: 'c', properties: { authenticationMethod: 'SCRAM-SHA-1' } })
  assert.equal(await client.next(), { cmd: 'connack', sessionPresent: false, reasonCode: 0x8c })
})

item(
  're-authentication succeeds, and its failure ends the connection [MQTT-4.12.1-2]',
  async ({ open }) => {
    const client = await open()
    await authenticated(client, 'c')
    client.send({ cmd: 'auth', reasonCode: 0x19, properties: ECHO })
    const authenticationData = await challenged(client)
    client.send({ cmd: 'auth', reasonCode: 0x18, properties: { ...ECHO, authenticationData } })
    assert.equal(await client.next(), { cmd: 'auth', reasonCode: 0, properties: ECHO })
    client.send({ cmd: 'auth', reasonCode: 0x19, properties: ECHO })
    await challenged(client)
    client.send({ cmd: 'auth', reasonCode: 0x18, properties: ECHO })
    assert.equal(await client.next(), { cmd: 'disconnect', reasonCode: 0x87 })
    assert.is(await client.next(), undefined)
  }
)

item(
  'AUTH of a client that connected without a method is a Protocol Error [MQTT-4.12.0-6]',
  async ({ connect }) => {
    const client = await connect('c')
    client.send({ cmd: 'auth', reasonCode: 0x19, properties: ECHO })
    assert.equal(await client.next(), { cmd: 'disconnect', reasonCode: 0x82 })
  }
)

item('shutdown tells 0x8B [MQTT-3.14.4-1]', async ({ connect, fogbank }) => {
  const client = await connect('c')
  await fogbank.close()
  assert.equal(await client.next(), { cmd: 'disconnect', reasonCode: 0x8b })
})

item('takeover tells the earlier connection 0x8E [MQTT-3.1.4-3]', async ({ connect }) => {
  const first = await connect('c')
  await connect('c')
  assert.equal(await first.next(), { cmd: 'disconnect', reasonCode: 0x8e })
  assert.is(await first.next(), undefined)
})

item('an administrative end tells 0x98 [3.14.2.1]', async ({ connect, fogbank }) => {
  const client = await connect('c')
  await fogbank.reset()
  assert.equal(await client.next(), { cmd: 'disconnect', reasonCode: 0x98 })
})

const WILL = {
  topic: 'will',
  payload: 'gone',
  qos: 1,
  retain: false,
  properties: { willDelayInterval: 30, contentType: 'text/plain' }
}

item('will delay, and no trace of it in the PUBLISH [MQTT-3.1.3-9]', async ({ connect, clock }) => {
  const watcher = await connect('w')
  await subscribe(watcher, 'will', 1)
  const client = await connect('c', { will: WILL, properties: { sessionExpiryInterval: 60 } })
  client.cut()
  await disconnected(watcher)
  clock.advance(29_999)
  await hearsNothing(watcher)
  clock.advance(1)
  assert.equal(await watcher.next(), {
    ...PUBLISH,
    topic: 'will',
    payload: 'gone',
    qos: 1,
    messageId: 1,
    properties: { contentType: 'text/plain' }
  })
})

item('will delay ends with the session [MQTT-3.1.2-8]', async ({ connect, clock }) => {
  const watcher = await connect('w')
  await subscribe(watcher, 'will', 0)
  const client = await connect('c', { will: WILL, properties: { sessionExpiryInterval: 10 } })
  client.cut()
  await disconnected(watcher)
  clock.advance(10_000)
  const properties = { contentType: 'text/plain' }
  assert.equal(await watcher.next(), { ...PUBLISH, topic: 'will', payload: 'gone', properties })
})

item(
  'a client that is back before the delay is over has no will sent [MQTT-3.1.3-9]',
  async ({ connect, clock }) => {
    const watcher = await connect('w')
    await subscribe(watcher, 'will', 0)
    const lasting = { clean: false, properties: { sessionExpiryInterval: 60 } }
    const client = await connect('c', { will: WILL, ...lasting })
    client.cut()
    await disconnected(watcher)
    await connect('c', lasting)
    clock.advance(30_000)
    await hearsNothing(watcher)
  }
)

/** The end of another connection has reached the broker by the time this one was answered. */
async function disconnected(wire: Wire) {
  for (let turn = 0; turn < 5; turn++) await hearsNothing(wire)
}

item('QoS is lowered to what a wildcard filter was granted [MQTT-3.8.4-8]', async ({ connect }) => {
  const receiver = await connect('r')
  const sender = await connect('s')
  await subscribe(receiver, 'a/#', 1)
  sender.send({ ...PUBLISH, topic: 'a/b', payload: 'x', qos: 2, messageId: 4 })
  assert.equal(await receiver.next(), {
    ...PUBLISH,
    topic: 'a/b',
    payload: 'x',
    qos: 1,
    messageId: 1
  })
})

item(
  'the offline queue keeps identifier and flag, and counts the expiry down [MQTT-3.3.2-6]',
  async ({ connect, clock }) => {
    const lasting = { clean: false, properties: { sessionExpiryInterval: 600 } }
    const client = await connect('c', lasting)
    await subscribe(client, 't', 1, { rap: true, properties: { subscriptionIdentifier: 5 } })
    client.send({ cmd: 'disconnect', reasonCode: 0 })
    assert.is(await client.next(), undefined)
    const sender = await connect('s')
    const expiring = (seconds: number) => ({ properties: { messageExpiryInterval: seconds } })
    await publish(sender, 't', 'short', expiring(30))
    await publish(sender, 't', 'long', { retain: true, ...expiring(100) })
    clock.advance(40_000)
    const again = await connect('c', lasting)
    assert.is(again.connack.sessionPresent, true)
    assert.equal(await again.next(), {
      ...PUBLISH,
      topic: 't',
      payload: 'long',
      qos: 1,
      retain: true,
      messageId: 1,
      properties: { messageExpiryInterval: 60, subscriptionIdentifier: 5 }
    })
    await hearsNothing(again)
  }
)

item(
  'a retained message counts down, and is gone at its end [MQTT-3.3.2-6]',
  async ({ connect, clock }) => {
    const client = await connect('c')
    await publish(client, 't', 'x', { retain: true, properties: { messageExpiryInterval: 100 } })
    clock.advance(40_000)
    await subscribe(client, 't', 0)
    const properties = { messageExpiryInterval: 60 }
    assert.equal(await client.next(), {
      ...PUBLISH,
      topic: 't',
      payload: 'x',
      retain: true,
      properties
    })
    clock.advance(60_000)
    await subscribe(client, 't', 0)
    await hearsNothing(client)
  }
)

item('what was on its way is sent again, with its id [MQTT-4.4.0-1]', async ({ connect }) => {
  const lasting = { clean: false, properties: { sessionExpiryInterval: 60 } }
  const client = await connect('c', lasting)
  await subscribe(client, 't', 2)
  const sender = await connect('s')
  await publish(sender, 't', 'once')
  sender.send({ ...PUBLISH, topic: 't', payload: 'exactly', qos: 2, messageId: 4 })
  const once = { ...PUBLISH, topic: 't', payload: 'once', qos: 1, messageId: 1 }
  const exactly = { ...PUBLISH, topic: 't', payload: 'exactly', qos: 2, messageId: 2 }
  assert.equal(await client.next(), once)
  assert.equal(await client.next(), exactly)
  client.cut()
  const again = await connect('c', lasting)
  assert.equal(await again.next(), { ...once, dup: true })
  assert.equal(await again.next(), { ...exactly, dup: true })
  again.send({ cmd: 'pubrec', messageId: 2, reasonCode: 0 })
  assert.equal(await again.next(), { cmd: 'pubrel', messageId: 2, reasonCode: 0 })
  again.cut()
  const third = await connect('c', lasting)
  assert.equal(await third.next(), { ...once, dup: true })
  assert.equal(await third.next(), { cmd: 'pubrel', messageId: 2, reasonCode: 0 })
  third.send({ cmd: 'puback', messageId: 1, reasonCode: 0 })
  third.send({ cmd: 'pubcomp', messageId: 2, reasonCode: 0 })
  await hearsNothing(third)
  third.cut()
  await hearsNothing(await connect('c', lasting))
})

items.run()

const restarts = suite('MQTT 5 over a restart')

/** Two runs of the suite on one folder; time goes on between them as it is told. */
function restart(
  name: string,
  before: (at: string, clock: ManualClock, fogbank: Fogbank) => Promise<void>,
  betweenSeconds: number,
  after: (at: string, clock: ManualClock, fogbank: Fogbank) => Promise<void>
) {
  restarts(name, async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'fogbank-mqtt5-'))
    try {
      let endedMs = 0
      await withFogbank({ only: [], manualClock: true, dataDir }, async ({ fogbank, clock }) => {
        await before(url(fogbank, 'mqtt'), clock!, fogbank)
        endedMs = clock!.now()
      })
      await withFogbank(
        { only: [], manualClock: true, startMs: endedMs + betweenSeconds * 1000, dataDir },
        async ({ fogbank, clock }) => after(url(fogbank, 'mqtt'), clock!, fogbank)
      )
    } finally {
      rmSync(dataDir, { recursive: true })
    }
  })
}

restart(
  'a session left 50 s before expires 10 s after',
  async (at, clock) => {
    const client = await connectTo(at, 'c', { properties: { sessionExpiryInterval: 60 } })
    await subscribe(client, 't', 1)
    client.cut()
    await disconnected(await connectTo(at, 'other'))
    clock.advance(50_000)
  },
  0,
  async (_at, clock, fogbank) => {
    const space = await fogbank.core.space('main')
    const expired = new Promise<string>((resolve) =>
      space.listen({ expired: ({ clientId }) => resolve(clientId) })
    )
    clock.advance(9_999)
    assert.ok(space.clients.get('plain', 'c'))
    clock.advance(1)
    assert.is(await expired, 'c')
    assert.is(space.clients.get('plain', 'c'), undefined)
  }
)

restart(
  'a session whose time was over while nobody ran is gone',
  async (at) => {
    const client = await connectTo(at, 'c', { properties: { sessionExpiryInterval: 60 } })
    await subscribe(client, 't', 1)
  },
  61,
  async (at) => {
    const lasting = { clean: false, properties: { sessionExpiryInterval: 60 } }
    assert.is((await connectTo(at, 'c', lasting)).connack.sessionPresent, false)
  }
)

restart(
  'a will with delay 30 s whose client left 20 s before is sent 10 s after, whole',
  async (at, clock) => {
    const properties = { ...WILL.properties, userProperties: { b: '1', a: ['2', '3'] } }
    const client = await connectTo(at, 'c', {
      will: { ...WILL, retain: true, properties },
      properties: { sessionExpiryInterval: 600 }
    })
    client.cut()
    await disconnected(await connectTo(at, 'other'))
    clock.advance(20_000)
  },
  0,
  async (at, clock) => {
    const watcher = await connectTo(at, 'w')
    await subscribe(watcher, 'will', 1, { rap: true })
    clock.advance(9_999)
    await hearsNothing(watcher)
    clock.advance(1)
    assert.equal(await watcher.next(), {
      ...PUBLISH,
      topic: 'will',
      payload: 'gone',
      qos: 1,
      retain: true,
      messageId: 1,
      properties: { contentType: 'text/plain', userProperties: { b: '1', a: ['2', '3'] } }
    })
  }
)

restart(
  'a client that is connected when the process ends has its will sent by the next one',
  async (at) => {
    await connectTo(at, 'c', { will: { topic: 'will', payload: 'gone', qos: 1, retain: true } })
  },
  5,
  async (at) => {
    const watcher = await connectTo(at, 'w')
    await subscribe(watcher, 'will', 0)
    const expected = { ...PUBLISH, topic: 'will', payload: 'gone', retain: true }
    assert.equal(await watcher.next(), expected)
  }
)

restart(
  'a shared group keeps its members and what waits for them',
  async (at) => {
    const lasting = { clean: false, properties: { sessionExpiryInterval: 600 } }
    const member = await connectTo(at, 'm', lasting)
    await subscribe(member, '$share/g/t', 1)
    member.cut()
    const sender = await connectTo(at, 's')
    await disconnected(sender)
    for (const payload of ['1', '2']) await publish(sender, 't', payload)
  },
  5,
  async (at) => {
    const sender = await connectTo(at, 's')
    await publish(sender, 't', '3')
    const member = await connectTo(at, 'm', {
      clean: false,
      properties: { sessionExpiryInterval: 600 }
    })
    assert.is(member.connack.sessionPresent, true)
    for (const [index, payload] of ['1', '2', '3'].entries()) {
      const messageId = index + 1
      assert.equal(await member.next(), { ...PUBLISH, topic: 't', payload, qos: 1, messageId })
    }
  }
)

restart(
  'the queue of a session keeps its order across runs',
  async (at) => {
    const lasting = { clean: false, properties: { sessionExpiryInterval: 600 } }
    const client = await connectTo(at, 'c', lasting)
    await subscribe(client, 't', 1)
    client.cut()
    const sender = await connectTo(at, 's')
    await disconnected(sender)
    for (const payload of ['1', '2']) await publish(sender, 't', payload)
  },
  5,
  async (at) => {
    const sender = await connectTo(at, 's')
    await publish(sender, 't', '3')
    const client = await connectTo(at, 'c', {
      clean: false,
      properties: { sessionExpiryInterval: 600 }
    })
    for (const [index, payload] of ['1', '2', '3'].entries()) {
      const messageId = index + 1
      assert.equal(await client.next(), { ...PUBLISH, topic: 't', payload, qos: 1, messageId })
    }
  }
)

restarts.run()
