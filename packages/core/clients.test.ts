import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createManualClock, type SessionEvent } from './index.ts'
import { joined, wire, withCore, withDirectory, type TestWorld } from './testing.ts'

const LASTING = { clean: false, properties: { sessionExpiryInterval: 600 } }

const message = (topic: string, qos: 0 | 1 | 2 = 1) => ({
  topic,
  payload: Buffer.from('x'),
  qos
})

async function left(world: TestWorld, peer: { socket: { destroy(): void } }) {
  const gone = new Promise<void>((resolve) => {
    const stop = world.space.listen({
      session(event: SessionEvent) {
        if (event.type !== 'disconnected') return
        stop()
        resolve()
      }
    })
  })
  peer.socket.destroy()
  await gone
}

const clients = suite('clients')

clients('are described whether they are connected or not', () => {
  const clock = createManualClock()
  return withCore({ core: { clock } }, async (world) => {
    const peer = await joined(world, { ...LASTING, keepalive: 30 })
    const subscriptions = [{ topic: 'a/+', qos: 1, rap: true, nl: true, rh: 1 }]
    const properties = { subscriptionIdentifier: 4 }
    peer.send({ cmd: 'subscribe', messageId: 1, subscriptions, properties })
    await peer.next()
    const connected = world.space.clients.get('open', 'c1')!
    assert.is(connected.session, world.space.session('open', 'c1'))
    assert.is(connected.connectedAtMs, clock.now())
    assert.is(connected.disconnectedAtMs, undefined)
    assert.is(connected.expiresAtMs, undefined)
    assert.is(connected.keepAliveSeconds, 30)
    assert.is(connected.sessionExpirySeconds, 600)
    assert.is(connected.cleanStart, false)
    assert.is(connected.peer.address, '127.0.0.1')
    assert.equal(
      [...connected.subscriptions.values()],
      [
        {
          filter: 'a/+',
          qos: 1,
          noLocal: true,
          retainAsPublished: true,
          retainHandling: 1,
          identifier: 4,
          spaceFilters: ['a/+']
        }
      ]
    )
    clock.advance(5_000)
    await left(world, peer)
    await world.space.publish({ ...message('a/b'), retain: false })
    const away = world.space.clients.get('open', 'c1')!
    assert.is(away.session, undefined)
    assert.is(away.disconnectedAtMs, clock.now())
    assert.is(away.expiresAtMs, clock.now() + 600_000)
    assert.is(away.queuedMessages, 1)
    assert.ok(away.queuedBytes > 0)
    assert.equal(
      world.space.clients.list('open').map(({ clientId }) => clientId),
      ['c1']
    )
    assert.equal(world.space.clients.list('other'), [])
    assert.is(world.space.clients.get('open', 'c2'), undefined)
  })
})

clients(
  'are subscribed and unsubscribed on their behalf, connected or not, over a restart too',
  () =>
    withDirectory(async (directory) => {
      await withCore({ core: { directory } }, async (world) => {
        const peer = await joined(world, LASTING)
        const { clients: all } = world.space
        assert.ok(await all.subscribe('open', 'c1', [{ filter: 'a', qos: 1 }]))
        await world.space.publish({ ...message('a'), retain: false })
        assert.is((await peer.next())?.topic, 'a')
        peer.send({ cmd: 'puback', messageId: 1, reasonCode: 0 })
        await left(world, peer)
        assert.ok(await all.subscribe('open', 'c1', [{ filter: 'b/#', qos: 1 }]))
        assert.equal(await all.unsubscribe('open', 'c1', ['a', 'never']), ['a'])
        assert.not(await all.subscribe('open', 'nobody', [{ filter: 'a', qos: 1 }]))
        assert.is(await all.unsubscribe('open', 'nobody', ['a']), undefined)
      })
      await withCore({ core: { directory } }, async (world) => {
        await world.space.publish({ ...message('a'), retain: false })
        await world.space.publish({ ...message('b/c'), retain: false })
        const peer = wire(await world.socket())
        const connect = { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 5, keepalive: 0 }
        peer.send({ ...connect, clientId: 'c1', ...LASTING })
        assert.is((await peer.next())?.sessionPresent, true)
        assert.is((await peer.next())?.topic, 'b/c')
        peer.send({ cmd: 'pingreq' })
        assert.is((await peer.next())?.cmd, 'pingresp')
      })
    })
)

clients('are sent messages that they are not subscribed to', () => {
  const clock = createManualClock()
  return withCore({ core: { clock } }, async (world) => {
    const { clients: all } = world.space
    const peer = await joined(world, LASTING)
    assert.is(await all.send('open', 'nobody', message('direct')), undefined)

    assert.is(await all.send('open', 'c1', message('direct', 0)), 'sent')
    assert.is((await peer.next())?.topic, 'direct')

    const acknowledged = all.send('open', 'c1', message('direct'), { acknowledgedWithinMs: 1000 })
    assert.is((await peer.next())?.qos, 1)
    peer.send({ cmd: 'puback', messageId: 1, reasonCode: 0 })
    assert.is(await acknowledged, 'acknowledged')

    const late = all.send('open', 'c1', message('direct'), { acknowledgedWithinMs: 1000 })
    assert.is((await peer.next())?.messageId, 2)
    clock.advance(1000)
    assert.is(await late, 'unacknowledged')

    const lost = all.send('open', 'c1', message('direct'), { acknowledgedWithinMs: 1000 })
    await peer.next()
    await left(world, peer)
    assert.is(await lost, 'unacknowledged')
    assert.is(await all.send('open', 'c1', message('direct')), 'stored')
    assert.is(await all.send('open', 'c1', message('direct', 0)), 'not-delivered')
    const codes = await all.send('open', 'c1', message('a/#')).then(
      () => 'sent',
      ({ code }) => code
    )
    assert.is(codes, 'topic-invalid')
  })
})

clients('reads on when the window was full, and still tells who waits for the PUBACK', () =>
  withCore({}, async (world) => {
    const peer = await joined(world, {
      clean: false,
      properties: { sessionExpiryInterval: 600, receiveMaximum: 1 }
    })
    const { clients: all } = world.space
    const both = [1, 2].map(() =>
      all.send('open', 'c1', message('direct'), { acknowledgedWithinMs: 5000 })
    )
    for (const messageId of [1, 2]) {
      assert.is((await peer.next())?.messageId, messageId)
      peer.send({ cmd: 'puback', messageId, reasonCode: 0 })
    }
    assert.equal(await Promise.all(both), ['acknowledged', 'acknowledged'])
    assert.is(all.get('open', 'c1')?.queuedMessages, 0)
  })
)

for (const will of ['publish', 'suppress'] as const) {
  clients(`are ended with all they left, their will: ${will}`, () =>
    withCore({}, async (world) => {
      const topics: string[] = []
      world.space.listen({ published: ({ message: { topic } }) => topics.push(topic) })
      const packet = { topic: 'will', payload: 'gone', qos: 0, retain: false }
      const delayed = { ...packet, properties: { willDelayInterval: 60 } }
      const peer = await joined(world, { ...LASTING, will: delayed })
      peer.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 1 }] })
      await peer.next()
      const order = { reasonCode: 0x98, rule: 'DeletedByTest', will }
      assert.ok(await world.space.clients.end('open', 'c1', order))
      assert.equal(await peer.next(), { cmd: 'disconnect', reasonCode: 0x98 })
      assert.is(world.space.clients.get('open', 'c1'), undefined)
      assert.not(await world.space.clients.end('open', 'c1', order))
      assert.equal(topics, will === 'publish' ? ['will'] : [])
      const again = wire(await world.socket())
      const connect = { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 5, keepalive: 0 }
      again.send({ ...connect, clientId: 'c1', ...LASTING })
      assert.is((await again.next())?.sessionPresent, false)
    })
  )
}

clients('an older client’s session ends when the policy says, too', () => {
  const clock = createManualClock()
  const policy = { sessionExpiryMaximumSeconds: 3600 }
  return withCore({ core: { clock }, policy }, async (world) => {
    const expired: string[] = []
    const peer = await joined(world, { clean: false }, 4)
    await left(world, peer)
    const gone = new Promise<void>((resolve) =>
      world.space.listen({
        expired({ clientId }) {
          expired.push(clientId)
          resolve()
        }
      })
    )
    clock.advance(3_599_999)
    assert.equal(expired, [])
    clock.advance(1)
    await gone
    assert.equal(expired, ['c1'])
  })
})

clients(
  'whose session belongs to somebody else are refused by the policy, the owner there or not',
  () => {
    const policy = {
      authenticate: async ({ username = '' }) => ({
        space: 'main',
        identity: username,
        owner: username
      }),
      checkSession: (
        { identity }: { identity: unknown },
        kept: { owner: string | undefined } | undefined
      ) =>
        !kept || identity === kept.owner ? undefined : { rule: 'NotTheOwner', reasonCode: 0x87 }
    }
    return withCore({ policy }, async (world) => {
      const peer = await joined(world, { ...LASTING, username: 'ann' })
      await left(world, peer)
      const other = wire(await world.socket())
      const connect = { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 5, keepalive: 0 }
      other.send({ ...connect, clientId: 'c1', ...LASTING, username: 'bob' })
      assert.is((await other.next())?.reasonCode, 0x87)
      await joined(world, { ...LASTING, username: 'ann' })
    })
  }
)

clients.run()

const bounds = suite('bounds')

bounds('one connection more than allowed is refused, in the words of each version', () =>
  withCore({ core: { bounds: { connections: 1 } } }, async (world) => {
    await joined(world)
    const connect = { cmd: 'connect', clean: true, keepalive: 0, clientId: 'c2' }
    const peer = wire(await world.socket())
    peer.send({ ...connect, protocolId: 'MQTT', protocolVersion: 5 })
    assert.is((await peer.next())?.reasonCode, 0x97)
    const older = wire(await world.socket(), 4)
    older.send({ ...connect, protocolId: 'MQTT', protocolVersion: 4 })
    assert.is((await older.next())?.returnCode, 3)
  })
)

bounds('a queue that is full takes no more, says so once, and has room again afterwards', () =>
  withCore({ core: { bounds: { queuedMessages: 2 } } }, async (world) => {
    const peer = await joined(world, LASTING)
    peer.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '#', qos: 1 }] })
    await peer.next()
    await left(world, peer)
    for (const topic of ['1', '2', '3', '4']) {
      await world.space.publish({ ...message(topic), retain: false })
    }
    assert.is(world.space.clients.get('open', 'c1')?.queuedMessages, 2)
    assert.is(world.lines.filter((line) => line.includes('queue full')).length, 1)
    const again = await joined(world, LASTING)
    for (const [index, topic] of ['1', '2'].entries()) {
      assert.is((await again.next())?.topic, topic)
      again.send({ cmd: 'puback', messageId: index + 1, reasonCode: 0 })
    }
    again.send({ cmd: 'pingreq' })
    await again.next()
    assert.is(world.space.clients.get('open', 'c1')?.queuedMessages, 0)
  })
)

bounds('bytes count, too, and the policy’s own limit before the core’s', () =>
  withCore({ policy: { offlineQueue: { messages: 100, bytes: 150 } } }, async (world) => {
    const peer = await joined(world, LASTING)
    peer.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '#', qos: 1 }] })
    await peer.next()
    await left(world, peer)
    const payload = Buffer.alloc(200)
    for (const topic of ['1', '2']) {
      await world.space.publish({ topic, payload, qos: 1, retain: false })
    }
    assert.is(world.space.clients.get('open', 'c1')?.queuedMessages, 1)
  })
)

bounds('a client in whose window nothing moves is let go at one message more than may wait', () =>
  withCore({ core: { bounds: { waitingMessages: 2 } } }, async (world) => {
    const peer = await joined(world, { properties: { receiveMaximum: 1 } })
    peer.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '#', qos: 1 }] })
    await peer.next()
    for (const topic of ['1', '2', '3']) {
      await world.space.publish({ ...message(topic), retain: false })
    }
    assert.is((await peer.next())?.topic, '1')
    peer.send({ cmd: 'pingreq' })
    assert.is((await peer.next())?.cmd, 'pingresp')
    await world.space.publish({ ...message('4'), retain: false })
    assert.equal(await peer.next(), { cmd: 'disconnect', reasonCode: 0x97 })
  })
)

bounds('a session may hold so many subscriptions and not one more', () =>
  withCore({ core: { bounds: { subscriptions: 2 } } }, async (world) => {
    const peer = await joined(world)
    const subscriptions = ['a', 'b', 'c'].map((topic) => ({ topic, qos: 0 }))
    peer.send({ cmd: 'subscribe', messageId: 1, subscriptions })
    assert.equal((await peer.next())?.granted, [0, 0, 0x97])
  })
)

bounds('expired retained messages are swept, what came later stays', () => {
  const clock = createManualClock()
  return withCore({ core: { clock } }, async (world) => {
    const expiring = { properties: { messageExpiryInterval: 10 } }
    await world.space.publish({ ...message('a'), ...expiring, retain: true })
    await world.space.publish({ ...message('b'), ...expiring, retain: true })
    await world.space.publish({ ...message('b'), retain: true })
    clock.advance(60_000)
    // The sweep was begun by the clock; a commit behind it has it done.
    await world.space.publish({ ...message('c'), retain: true })
    const { messages } = await world.space.retained.list({ limit: 10 })
    assert.equal(
      messages.map(({ topic }) => topic),
      ['b', 'c']
    )
  })
})

bounds.run()
