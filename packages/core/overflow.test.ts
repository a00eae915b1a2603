// Sessions whose policy ends them when their queue is full.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createManualClock, type ClientSession, type SessionEvent } from './index.ts'
import { connectPacket, joined, wire, withCore, withDirectory, type TestWorld } from './testing.ts'

const LASTING = { clean: false, properties: { sessionExpiryInterval: 600 } }
const policy = {
  offlineQueue: { messages: 3, bytes: 3_000, whenFull: 'end-session' as const }
}

/** Whether there is a session to come back to. */
async function isPresent(world: TestWorld): Promise<boolean> {
  const peer = wire(await world.socket())
  peer.send(connectPacket({ protocolVersion: 5, protocolId: 'MQTT', ...LASTING }))
  return (await peer.next())?.sessionPresent as boolean
}

const overflow = suite('a queue whose end is the session’s')

/** Publishes and lets what follows from it be done. */
async function publish(world: TestWorld, topic: string, size = 1): Promise<void> {
  await world.space.publish({ topic, payload: Buffer.alloc(size), qos: 1, retain: false })
}

function overflowed(world: TestWorld): Promise<ClientSession> {
  return new Promise((resolve) => world.space.listen({ overflowed: resolve }))
}

const ended = (world: TestWorld) =>
  new Promise<Extract<SessionEvent, { type: 'disconnected' }>>((resolve) =>
    world.space.listen({ session: (event) => event.type === 'disconnected' && resolve(event) })
  )

async function subscribed(world: TestWorld, options: object) {
  const peer = await joined(world, options)
  peer.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '#', qos: 1 }] })
  await peer.next()
  return peer
}

async function away(world: TestWorld): Promise<void> {
  const peer = await subscribed(world, LASTING)
  const gone = ended(world)
  peer.socket.destroy()
  await gone
}

overflow('holds as many messages as it may; one more ends it, with all that it held', () =>
  withCore({ policy }, async (world) => {
    await away(world)
    const told = overflowed(world)
    for (const topic of ['1', '2', '3']) await publish(world, topic)
    assert.is(world.space.clients.get('open', 'c1')?.queuedMessages, 3)
    await publish(world, '4')
    const { clientId, queuedMessages } = await told
    assert.equal([clientId, queuedMessages], ['c1', 3])
    assert.is(world.space.clients.get('open', 'c1'), undefined)
    await publish(world, '5')
    assert.is(await isPresent(world), false)
  })
)

overflow('counts bytes, too', () =>
  withCore({ policy }, async (world) => {
    await away(world)
    const told = overflowed(world)
    await publish(world, '1', 1_400)
    await publish(world, '2', 1_400)
    assert.is(world.space.clients.get('open', 'c1')?.queuedMessages, 2)
    await publish(world, '3', 200)
    assert.is((await told).queuedMessages, 2)
  })
)

overflow('publishes the will that was still waiting', () =>
  withCore({ policy }, async (world) => {
    const will = { topic: 'gone', payload: 'x', qos: 0, properties: { willDelayInterval: 60 } }
    const peer = await subscribed(world, { ...LASTING, will })
    const gone = ended(world)
    peer.socket.destroy()
    await gone
    const seen = new Promise((resolve) =>
      world.space.listen({
        published: ({ message }) => message.topic === 'gone' && resolve(message.topic)
      })
    )
    for (const topic of ['1', '2', '3', '4']) await publish(world, topic)
    assert.is(await seen, 'gone')
  })
)

overflow('is remembered over a restart', () =>
  withDirectory(async (directory) => {
    await withCore({ policy, core: { directory } }, async (world) => {
      await away(world)
      for (const topic of ['1', '2', '3']) await publish(world, topic)
    })
    await withCore({ core: { directory } }, async (world) => {
      const told = overflowed(world)
      await publish(world, '4')
      assert.is((await told).clientId, 'c1')
    })
  })
)

for (const [kind, options] of [
  ['a lasting session', { ...LASTING, properties: { ...LASTING.properties, receiveMaximum: 2 } }],
  ['a session that ends with its connection', { properties: { receiveMaximum: 2 } }]
] as const) {
  overflow(`${kind}: a client that takes nothing for ten seconds counts as away`, () => {
    const clock = createManualClock()
    return withCore({ policy, core: { clock } }, async (world) => {
      const peer = await subscribed(world, options)
      const gone = ended(world)
      for (const topic of ['1', '2', '3', '4']) await publish(world, topic)
      for (const topic of ['1', '2']) assert.is((await peer.next())?.topic, topic)
      clock.advance(9_999)
      await publish(world, '5')
      peer.send({ cmd: 'pingreq' })
      assert.is((await peer.next())?.cmd, 'pingresp', 'it may still be working on the first')
      clock.advance(1)
      await publish(world, '6')
      assert.equal(await peer.next(), { cmd: 'disconnect', reasonCode: 0x97 })
      const { cause } = await gone
      assert.equal(cause, { by: 'server', reasonCode: 0x97, rule: 'SessionOverflow' })
      assert.is(await isPresent(world), false)
    })
  })
}

overflow('a client that acknowledges may have more on its way', () => {
  const clock = createManualClock()
  return withCore({ policy, core: { clock } }, async (world) => {
    const peer = await subscribed(world, LASTING)
    for (const topic of ['1', '2', '3', '4']) await publish(world, topic)
    for (const id of [1, 2, 3, 4]) {
      await peer.next()
      peer.send({ cmd: 'puback', messageId: id, reasonCode: 0 })
    }
    peer.send({ cmd: 'pingreq' })
    assert.is((await peer.next())?.cmd, 'pingresp')
    clock.advance(10_000)
    await publish(world, '5')
    assert.is((await peer.next())?.topic, '5')
  })
})

overflow.run()
