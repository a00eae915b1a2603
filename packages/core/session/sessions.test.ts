import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SessionEvent } from '../index.ts'
import { connectPacket, joined, openPolicy, publish, wire, withCore } from '../testing.ts'

const sessions = suite('sessions')

sessions('of two personalities never take each other over', () =>
  withCore({}, async (world) => {
    const events: string[] = []
    world.space.listen({ session: (event: SessionEvent) => events.push(event.type) })
    await joined(world)
    const { acceptMqtt } = await import('../index.ts')
    const { createServer } = await import('node:net')
    const other = createServer((socket) =>
      acceptMqtt({ core: world.core, policy: { ...openPolicy, personality: 'other' } }, socket, {
        address: '127.0.0.1',
        port: 0,
        transport: 'tcp'
      })
    )
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { connect } = await import('node:net')
    const peer = wire(connect((other.address() as { port: number }).port, '127.0.0.1'))
    peer.send(connectPacket())
    await peer.next()
    assert.equal(events, ['connected', 'connected'])
    assert.equal(
      world.space.sessions().map((session) => `${session.policy.personality} ${session.clientId}`),
      ['open c1', 'other c1']
    )
    peer.socket.destroy()
    other.close()
  })
)

sessions('taking over tells the old connection 0x8E and the listener who did it', () =>
  withCore({}, async (world) => {
    const events: SessionEvent[] = []
    world.space.listen({ session: (event) => events.push(event) })
    const old = await joined(world)
    await joined(world)
    assert.equal(await old.next(), { cmd: 'disconnect', reasonCode: 0x8e })
    const gone = events.find((event) => event.type === 'disconnected')
    assert.equal(gone?.type === 'disconnected' && gone.cause, { by: 'takeover' })
    assert.ok(world.lines.includes('open c1 disconnect 0x8e SessionTakenOver'))
  })
)

sessions('a client that says goodbye is told apart from one that is lost', () =>
  withCore({}, async (world) => {
    const causes: string[] = []
    let heard = () => {}
    world.space.listen({
      session(event) {
        if (event.type !== 'disconnected') return
        causes.push(event.cause.by)
        heard()
      }
    })
    const polite = await joined(world)
    const first = new Promise<void>((resolve) => (heard = resolve))
    polite.send({ cmd: 'disconnect' })
    await first
    const rude = await joined(world)
    const second = new Promise<void>((resolve) => (heard = resolve))
    rude.socket.destroy()
    await second
    assert.equal(causes, ['client', 'connection-lost'])
  })
)

sessions('a persistent one is there again after a reconnect, with its queue', () =>
  withCore({}, async (world) => {
    const properties = { sessionExpiryInterval: 60 }
    const first = await joined(world, { properties })
    first.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'q/#', qos: 1 }] })
    await first.next()
    first.send({ cmd: 'disconnect' })
    assert.is(await first.next(), undefined)
    await world.space.publish({ topic: 'q/1', payload: Buffer.from('x'), qos: 1, retain: false })
    const again = wire(await world.socket())
    again.send(connectPacket({ clean: false, properties }))
    assert.is((await again.next())?.sessionPresent, true)
    const message = await again.next()
    assert.is(message?.topic, 'q/1')
    assert.is(message?.payload.toString(), 'x')
    assert.equal([...world.space.session('open', 'c1')!.subscriptions.keys()], ['q/#'])
  })
)

sessions('a half-done QoS 2 publish ends with its session, and its id is free again', () =>
  withCore({}, async (world) => {
    const seen: string[] = []
    world.space.listen({ published: ({ message }) => seen.push(String(message.payload)) })
    const first = await joined(world)
    first.send(publish({ qos: 2, messageId: 9, payload: 'first' }))
    assert.is((await first.next())?.cmd, 'pubrec')
    first.socket.destroy()
    const again = await joined(world)
    again.send(publish({ qos: 2, messageId: 9, payload: 'second' }))
    assert.is((await again.next())?.cmd, 'pubrec')
    assert.equal(seen, ['first', 'second'])
  })
)

sessions('a half-done QoS 2 publish of a session that goes on is not published twice', () =>
  withCore({}, async (world) => {
    const seen: string[] = []
    world.space.listen({ published: ({ message }) => seen.push(String(message.payload)) })
    const properties = { sessionExpiryInterval: 60 }
    const first = await joined(world, { properties })
    first.send(publish({ qos: 2, messageId: 9 }))
    assert.is((await first.next())?.cmd, 'pubrec')
    first.socket.destroy()
    const again = await joined(world, { clean: false, properties })
    again.send(publish({ qos: 2, messageId: 9, dup: true }))
    assert.is((await again.next())?.cmd, 'pubrec')
    again.send({ cmd: 'pubrel', messageId: 9, reasonCode: 0 })
    assert.is((await again.next())?.cmd, 'pubcomp')
    assert.is(seen.length, 1)
  })
)

sessions('are told on shutdown: 0x8B', () =>
  withCore({}, async (world) => {
    const peer = await joined(world)
    await world.core.close()
    assert.equal(await peer.next(), { cmd: 'disconnect', reasonCode: 0x8b })
  })
)

sessions('are told on reset: 0x98, and forget everything', () =>
  withCore({}, async (world) => {
    const peer = await joined(world, { properties: { sessionExpiryInterval: 60 } })
    peer.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 1 }] })
    await peer.next()
    await world.core.reset()
    assert.equal(await peer.next(), { cmd: 'disconnect', reasonCode: 0x98 })
    const again = wire(await world.socket())
    again.send(connectPacket({ clean: false, properties: { sessionExpiryInterval: 60 } }))
    assert.is((await again.next())?.sessionPresent, false)
  })
)

sessions('a will is published without its delay on it', () =>
  withCore({}, async (world) => {
    const watcher = await joined(world, { clientId: 'watcher' })
    watcher.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'w', qos: 0 }] })
    await watcher.next()
    const will = {
      topic: 'w',
      payload: 'gone',
      qos: 0,
      retain: false,
      properties: { willDelayInterval: 5, contentType: 't' }
    }
    const peer = await joined(world, { will })
    peer.socket.destroy()
    const message = await watcher.next()
    assert.is(message?.payload.toString(), 'gone')
    assert.equal(message?.properties, { contentType: 't' })
  })
)

sessions('a will is its client’s own publish: a No Local subscription does not get it', () =>
  withCore({}, async (world) => {
    const lasting = { clean: false, properties: { sessionExpiryInterval: 60 } }
    const will = { topic: 'a', payload: 'gone', qos: 1 }
    const peer = await joined(world, { ...lasting, will })
    const subscriptions = [{ topic: 'a', qos: 1, nl: true }]
    peer.send({ cmd: 'subscribe', messageId: 1, subscriptions })
    assert.is((await peer.next())?.cmd, 'suback')
    const published = new Promise((resolve) => world.space.listen({ published: resolve }))
    peer.socket.destroy()
    await published
    const again = wire(await world.socket())
    again.send(connectPacket(lasting))
    assert.is((await again.next())?.sessionPresent, true)
    again.send({ cmd: 'pingreq' })
    assert.is((await again.next())?.cmd, 'pingresp') // [MQTT-3.8.3-3]
  })
)

sessions.run()

const upstream = suite('aedes, where we touch it')

upstream('its client still has the parser that we replace, and one listener on it', async () => {
  const { Aedes } = await import('aedes')
  const { PassThrough } = await import('node:stream')
  const broker = await Aedes.createBroker()
  const client = broker.handle(new PassThrough()) as any
  assert.is(client._parser.listeners('packet').length, 1)
  assert.ok(Array.isArray(client._parser._queue))
  client.close()
  await new Promise<void>((resolve) => broker.close(resolve))
})

upstream('its own timers find nothing to do, and fail at nothing', async () => {
  const { startBroker } = await import('../broker.ts')
  const timers: (() => void)[] = []
  const failures: unknown[] = []
  const { setInterval } = globalThis
  globalThis.setInterval = ((run: () => void, ms: number) => {
    timers.push(run)
    return setInterval(run, ms)
  }) as typeof setInterval
  try {
    const broker = await startBroker({
      publish: (packet) => failures.push(packet.topic),
      incoming: { has: async () => false, release: async () => {} },
      failed: (error) => failures.push(error)
    })
    assert.ok(timers.length > 0)
    for (const run of timers) run()
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
    assert.equal(failures, [])
    await broker.close()
  } finally {
    globalThis.setInterval = setInterval
  }
})

upstream.run()
