// Shared subscriptions whose messages wait: for a member that is away, and past the group's end.
import { Level } from 'level'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { connectPacket, joined, wire, withCore, withDirectory, within } from './testing.ts'
import type { Peer, TestWorld } from './testing.ts'
import { dieAfter, revive } from './testing-dying.ts'

const LASTING = { clean: false, properties: { sessionExpiryInterval: 600 } }
const SHARED = '$share/g/a'
const policy = { sharedSubscriptionAvailable: true }

const groups = suite('a shared subscription')

const put = (world: TestWorld, text: string) =>
  world.space.publish({ topic: 'a', payload: Buffer.from(text), qos: 1, retain: false })

async function member(world: TestWorld): Promise<Peer> {
  const peer = await joined(world, LASTING)
  peer.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: SHARED, qos: 1 }] })
  assert.is((await peer.next())?.cmd, 'suback')
  return peer
}

async function goAway(peer: Peer): Promise<void> {
  peer.send({ cmd: 'disconnect' })
  assert.is(await peer.next(), undefined)
}

/** What the session gets that comes back, up to `last`. */
async function gotBack(world: TestWorld, last: string): Promise<string[]> {
  const peer = wire(await world.socket())
  peer.send(connectPacket(LASTING))
  assert.is((await peer.next())?.sessionPresent, true)
  const got: string[] = []
  while (got[got.length - 1] !== last) {
    const { messageId, payload } = (await peer.next())!
    got.push(String(payload))
    peer.send({ cmd: 'puback', messageId, reasonCode: 0 })
  }
  return got
}

groups.after.each(revive)

groups('that is made anew keeps what is published while its first end is being stored', () =>
  withDirectory((directory) =>
    withCore({ core: { directory }, policy }, async (world) => {
      const peer = await member(world)
      await goAway(peer)
      await put(world, 'of the first')
      const again = wire(await world.socket())
      again.send(
        connectPacket({ ...LASTING, properties: { ...LASTING.properties, receiveMaximum: 1 } })
      )
      assert.is((await again.next())?.cmd, 'connack')
      assert.is((await again.next())?.cmd, 'publish')
      await put(world, 'of the first, too')

      const level = Level.prototype as unknown as { _clear(options: object): Promise<void> }
      const { _clear } = level
      let go = () => {}
      const gate = new Promise<void>((resolve) => (go = resolve))
      let isCleared = () => {}
      const cleared = new Promise<void>((resolve) => (isCleared = resolve))
      let calls = 0
      level._clear = async function (options) {
        await gate
        await _clear.call(this, options)
        if (++calls === 2) isCleared()
      }
      again.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [SHARED] })
      assert.is((await again.next())?.cmd, 'unsuback')
      again.send({ cmd: 'subscribe', messageId: 3, subscriptions: [{ topic: SHARED, qos: 1 }] })
      assert.is((await again.next())?.cmd, 'suback')
      await goAway(again)
      await put(world, 'of the second')
      go()
      await within(5_000, cleared, 'the end of the first')
      await put(world, 'last')
      assert.equal(await gotBack(world, 'last'), ['of the second', 'last'])
    })
  )
)

groups('that its one member subscribes to again keeps what waits', () =>
  withCore({ policy }, async (world) => {
    const peer = await member(world)
    await goAway(peer)
    for (const text of ['1', '2', '3']) await put(world, text)
    const back = wire(await world.socket())
    const properties = { ...LASTING.properties, receiveMaximum: 1 }
    back.send(connectPacket({ ...LASTING, properties }))
    assert.is((await back.next())?.sessionPresent, true)
    assert.is(String((await back.next())?.payload), '1')
    back.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: SHARED, qos: 1 }] })
    assert.is((await back.next())?.cmd, 'suback')
    for (const [messageId, next] of [
      [1, '2'],
      [2, '3']
    ] as const) {
      back.send({ cmd: 'puback', messageId, reasonCode: 0 })
      assert.is(String((await back.next())?.payload), next)
    }
  })
)

groups('leaves nothing behind in memory of what a member has taken with QoS 2', () =>
  withCore({ policy }, async (world) => {
    const peer = await joined(world, LASTING)
    peer.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: SHARED, qos: 2 }] })
    assert.is((await peer.next())?.cmd, 'suback')
    const take = async () => {
      const payload = Buffer.from('x')
      await world.space.publish({ topic: 'a', payload, qos: 2, retain: false })
      const { messageId } = (await peer.next())!
      peer.send({ cmd: 'pubrec', messageId, reasonCode: 0 })
      assert.is((await peer.next())?.cmd, 'pubrel')
      peer.send({ cmd: 'pubcomp', messageId, reasonCode: 0 })
    }
    await take()
    const { sets, unwatch } = watchPositions()
    try {
      for (let count = 0; count < 10; count++) await take()
      peer.send({ cmd: 'pingreq' })
      assert.is((await peer.next())?.cmd, 'pingresp')
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
      const kept = [...sets].reduce((sum, set) => sum + set.size, 0)
      assert.ok(sets.size > 0, 'nothing was watched')
      assert.is(kept, 0)
    } finally {
      unwatch()
    }
  })
)

/** Sets that positions in a queue are put into, from here on. */
function watchPositions() {
  const sets = new Set<Set<unknown>>()
  const { add } = Set.prototype
  Set.prototype.add = function (this: Set<unknown>, value: unknown) {
    if (typeof value === 'string' && /^\d{8}-\d{16}$/.test(value)) add.call(sets, this)
    return add.call(this, value)
  }
  return { sets, unwatch: () => void (Set.prototype.add = add) }
}

for (let writes = 0; writes < 4; writes++) {
  groups(`leaves nothing to the next when the process dies ${writes} writes after its end`, () =>
    withDirectory(async (directory) => {
      const core = { directory }
      await withCore({ core, policy }, async (world) => {
        const peer = await member(world)
        await goAway(peer)
        await put(world, 'old')
        dieAfter(writes)
        await world.space.clients
          .unsubscribe('open', 'c1', [SHARED])
          .catch((error: Error) => assert.is(error.message, 'the process is dead'))
        for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
      })
      revive()
      await withCore({ core, policy }, async (world) => {
        const isStored = !world.space.clients.get('open', 'c1')!.subscriptions.has(SHARED)
        assert.is(isStored, writes > 0)
        const peer = wire(await world.socket())
        peer.send(connectPacket(LASTING))
        assert.is((await peer.next())?.sessionPresent, true)
        peer.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: SHARED, qos: 1 }] })
        const packets = [(await peer.next())!, isStored ? undefined : (await peer.next())!]
        assert.ok(packets.some((packet) => packet?.cmd === 'suback'))
        await put(world, 'new')
        assert.is(String((await peer.next())?.payload), 'new')
      })
    })
  )
}

groups('keeps as many messages as a session, and says once that it dropped others', () =>
  withCore({ core: { bounds: { queuedMessages: 2 } }, policy }, async (world) => {
    const peer = await member(world)
    await goAway(peer)
    for (const text of ['1', '2', '3', '4']) await put(world, text)
    const said = world.lines.filter((line) => line.includes('queue full'))
    assert.is(said.length, 1)
    assert.match(said[0]!, /^share:open:g:a queue full, messages dropped: messages=2 bytes=/)
    const back = wire(await world.socket())
    back.send(connectPacket(LASTING))
    assert.is((await back.next())?.sessionPresent, true)
    assert.is(String((await back.next())?.payload), '1')
    assert.is(String((await back.next())?.payload), '2')
    for (const messageId of [1, 2]) back.send({ cmd: 'puback', messageId, reasonCode: 0 })
    back.send({ cmd: 'pingreq' })
    assert.is((await back.next())?.cmd, 'pingresp')
    await put(world, '5')
    assert.is(String((await back.next())?.payload), '5')
  })
)

groups.run()
