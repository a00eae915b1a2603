import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  connectPacket,
  joined,
  publish,
  wire,
  withCore,
  withDirectory,
  type Peer,
  type TestWorld
} from '../testing.ts'
import { createManualClock } from '../index.ts'

const deliveries = suite('what a client can take')

const feed = (world: TestWorld, topic: string, text: string, qos: 0 | 1 | 2 = 1) =>
  world.space.publish({ topic, payload: Buffer.from(text), qos, retain: false })

const subscribed = async (peer: Peer, filters: Record<string, object>, properties = {}) => {
  const subscriptions = Object.entries(filters).map(([topic, more]) => ({ topic, qos: 1, ...more }))
  peer.send({ cmd: 'subscribe', messageId: 1, subscriptions, properties })
  assert.is((await peer.next())?.cmd, 'suback')
}

deliveries('Receive Maximum: what there is no room for waits its turn [MQTT-3.3.4-9]', () =>
  withCore({}, async (world) => {
    const peer = await joined(world, { properties: { receiveMaximum: 2 } })
    await subscribed(peer, { 'a/#': { qos: 2 } })
    for (const text of ['1', '2', '3']) await feed(world, 'a/b', text, 1)
    await feed(world, 'a/b', '4', 2)
    const [one, two] = [await peer.next(), await peer.next()]
    assert.equal([String(one?.payload), String(two?.payload)], ['1', '2'])
    peer.send({ cmd: 'pingreq' })
    assert.equal(await peer.next(), { cmd: 'pingresp' })
    peer.send({ cmd: 'puback', messageId: two?.messageId, reasonCode: 0 })
    assert.is(String((await peer.next())?.payload), '3')
    peer.send({ cmd: 'puback', messageId: one?.messageId, reasonCode: 0 })
    const four = await peer.next()
    assert.is(String(four?.payload), '4')
    peer.send({ cmd: 'pubrec', messageId: four?.messageId, reasonCode: 0 })
    assert.equal(await peer.next(), { cmd: 'pubrel', messageId: four?.messageId, reasonCode: 0 })
  })
)

deliveries('Receive Maximum of ours: one publish too many is DISCONNECT 0x93 [MQTT-3.3.4-7]', () =>
  withCore({ policy: { receiveMaximum: 2 } }, async (world) => {
    const peer = await joined(world)
    for (const messageId of [1, 2]) {
      peer.send(publish({ qos: 2, messageId }))
      assert.is((await peer.next())?.cmd, 'pubrec')
    }
    peer.send({ cmd: 'pubrel', messageId: 1, reasonCode: 0 })
    assert.is((await peer.next())?.cmd, 'pubcomp')
    peer.send(publish({ qos: 2, messageId: 3 }))
    assert.is((await peer.next())?.cmd, 'pubrec')
    peer.send(publish({ qos: 2, messageId: 4 }))
    assert.equal(await peer.next(), { cmd: 'disconnect', reasonCode: 0x93 })
  })
)

deliveries('Maximum Packet Size: at the limit it comes, one past it does not [MQTT-3.1.2-24]', () =>
  withCore({}, async (world) => {
    const peer = await joined(world, { properties: { maximumPacketSize: 100 } })
    await subscribed(peer, { a: {} })
    // fixed header 2, topic 3, message id 2, no properties 1
    await feed(world, 'a', 'x'.repeat(93))
    await feed(world, 'a', 'x'.repeat(92))
    const received = await peer.next()
    assert.is(received?.payload.length, 92)
    assert.ok(world.lines.includes('open c1 deliver 0x95 ClientMaximumPacketSize packetBytes=101'))
  })
)

deliveries('Topic Alias Maximum: topics are shortened once they are known [MQTT-3.1.2-26]', () =>
  withCore({ policy: { assignsTopicAliases: true } }, async (world) => {
    const peer = await joined(world, { properties: { topicAliasMaximum: 1 } })
    await subscribed(peer, { '#': { qos: 0 } })
    for (const topic of ['first', 'second', 'first']) await feed(world, topic, topic, 0)
    const seen = [await peer.next(), await peer.next(), await peer.next()]
    assert.equal(
      seen.map((packet) => [
        packet?.topic,
        packet?.properties?.topicAlias,
        String(packet?.payload)
      ]),
      [
        ['first', 1, 'first'],
        ['second', undefined, 'second'],
        ['', 1, 'first']
      ]
    )
  })
)

deliveries('every matching subscription identifier is on one delivery [MQTT-3.3.4-4]', () =>
  withCore({}, async (world) => {
    const peer = await joined(world)
    await subscribed(peer, { 'a/#': {} }, { subscriptionIdentifier: 7 })
    await subscribed(peer, { 'a/b': {} }, { subscriptionIdentifier: 9 })
    await subscribed(peer, { c: {} })
    await feed(world, 'a/b', 'both')
    assert.equal((await peer.next())?.properties, { subscriptionIdentifier: [7, 9] })
    await feed(world, 'a/c', 'one')
    assert.equal((await peer.next())?.properties, { subscriptionIdentifier: 7 })
    await feed(world, 'c', 'none')
    assert.is((await peer.next())?.properties?.subscriptionIdentifier, undefined)
  })
)

deliveries(
  'a queued message has its identifier, and its retain flag only where it was asked for',
  () =>
    withCore({}, async (world) => {
      const properties = { sessionExpiryInterval: 60 }
      const first = await joined(world, { properties })
      await subscribed(first, { plain: {}, kept: { rap: true } }, { subscriptionIdentifier: 5 })
      first.send({ cmd: 'disconnect' })
      assert.is(await first.next(), undefined)
      for (const topic of ['plain', 'kept']) {
        await world.space.publish({ topic, payload: Buffer.from('x'), qos: 1, retain: true })
      }
      const again = wire(await world.socket())
      again.send(connectPacket({ clean: false, properties }))
      assert.is((await again.next())?.sessionPresent, true)
      for (const [topic, retain] of [
        ['plain', false],
        ['kept', true]
      ] as const) {
        const message = await again.next()
        assert.is(message?.topic, topic)
        assert.is(message?.retain, retain)
        assert.equal(message?.properties, { subscriptionIdentifier: 5 })
      }
    })
)

deliveries('a client that lets twice what is kept wait is sent away, and finds what was kept', () =>
  withCore({ core: { bounds: { queuedMessages: 2 } } }, async (world) => {
    const properties = { sessionExpiryInterval: 600, receiveMaximum: 1 }
    const peer = await joined(world, { clean: false, properties })
    await subscribed(peer, { a: {} })
    for (const text of ['1', '2', '3', '4']) await feed(world, 'a', text)
    assert.is(String((await peer.next())?.payload), '1')
    peer.send({ cmd: 'pingreq' })
    assert.equal(await peer.next(), { cmd: 'pingresp' })
    await feed(world, 'a', '5')
    const { cmd, reasonCode } = (await peer.next())!
    assert.equal([cmd, reasonCode], ['disconnect', 0x97])
    assert.is(await peer.next(), undefined)
    assert.ok(world.lines.some((line) => /0x97 SlowClient queuedMessages=4 /.test(line)))
    const again = wire(await world.socket())
    again.send(connectPacket({ clean: false, properties: { sessionExpiryInterval: 600 } }))
    assert.is((await again.next())?.sessionPresent, true)
    for (const text of ['1', '2', '3', '4']) {
      assert.is(String((await again.next())?.payload), text)
    }
  })
)

const GIVES_UP = { givesUpAfterSeconds: 3600, marksRepeats: false }

deliveries('what is not acknowledged in time is given up, and makes room', () => {
  const clock = createManualClock()
  return withCore({ core: { clock }, policy: GIVES_UP }, async (world) => {
    const properties = { receiveMaximum: 2 }
    const peer = await joined(world, { keepalive: 0, properties })
    await subscribed(peer, { a: {} })
    await feed(world, 'a', '1')
    assert.is(String((await peer.next())?.payload), '1')
    clock.advance(1000)
    for (const text of ['2', '3', '4']) await feed(world, 'a', text)
    const second = await peer.next()
    assert.is(String(second?.payload), '2')
    clock.advance(3_598_999)
    peer.send({ cmd: 'pingreq' })
    assert.equal(await peer.next(), { cmd: 'pingresp' })
    clock.advance(1)
    assert.is(String((await peer.next())?.payload), '3')
    // What came later has its own hour.
    clock.advance(999)
    peer.send({ cmd: 'puback', messageId: second?.messageId, reasonCode: 0 })
    assert.is(String((await peer.next())?.payload), '4')
    assert.is(world.lines.filter((line) => line.includes('given up')).length, 1)
  })
})

deliveries('the time for an acknowledgement goes on over connections and their absence', () => {
  const clock = createManualClock()
  return withCore({ core: { clock }, policy: GIVES_UP }, async (world) => {
    const properties = { sessionExpiryInterval: 10_000 }
    const connect = () => joined(world, { clean: false, keepalive: 0, properties })
    const leave = async (peer: Peer) => {
      peer.send({ cmd: 'disconnect' })
      assert.is(await peer.next(), undefined)
    }
    const first = await connect()
    await subscribed(first, { a: {} })
    await feed(world, 'a', '1')
    assert.is(String((await first.next())?.payload), '1')
    await leave(first)
    clock.advance(3_599_999)
    const second = await connect()
    const repeated = await second.next()
    assert.equal([String(repeated?.payload), repeated?.dup], ['1', false])
    await leave(second)
    clock.advance(1)
    const third = await connect()
    await feed(world, 'a', '2')
    assert.is(String((await third.next())?.payload), '2')
  })
})

for (const filter of ['a/0', 'a/+', '#']) {
  for (const qos of [0, 1] as const) {
    deliveries(
      `what is published at the SUBACK comes behind the retained: ${filter}, QoS ${qos}`,
      () =>
        withDirectory((directory) =>
          withCore({ core: { directory } }, async (world) => {
            const message = { topic: 'a/0', payload: Buffer.from('old'), qos, retain: true }
            await world.space.publish(message)
            for (let round = 0; round < 20; round++) {
              const peer = await joined(world)
              await subscribed(peer, { [filter]: { qos } })
              peer.send(publish({ topic: 'a/0', payload: 'new', qos, messageId: 9 }))
              const texts: string[] = []
              while (texts.length < 2) {
                const packet = await peer.next()
                if (packet?.cmd === 'publish') texts.push(String(packet.payload))
              }
              assert.equal(texts, ['old', 'new'])
              peer.socket.destroy()
            }
          })
        )
    )
  }
}

deliveries('retained messages of more than is read before the SUBACK come all the same', () =>
  withCore({}, async (world) => {
    const topics = Array.from(
      { length: 200 },
      (_, index) => `many/${String(index).padStart(4, '0')}`
    )
    for (const topic of topics) {
      await world.space.publish({ topic, payload: Buffer.alloc(10_000), qos: 1, retain: true })
    }
    const peer = await joined(world, { properties: { receiveMaximum: 3 } })
    await subscribed(peer, { 'many/+': { qos: 1 } })
    const seen: string[] = []
    while (seen.length < topics.length) {
      const packet = await peer.next()
      seen.push(packet?.topic)
      peer.send({ cmd: 'puback', messageId: packet?.messageId, reasonCode: 0 })
    }
    assert.equal(seen, topics)
  })
)

deliveries.run()
