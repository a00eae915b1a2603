// What comes while something else is on its way into the store.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createManualClock } from './index.ts'
import { connectPacket, joined, wire, withCore, withDirectory, within } from './testing.ts'
import { holdReads, holdWrites, revive } from './testing-dying.ts'

const LASTING = { clean: false, properties: { sessionExpiryInterval: 600 } }

/** Lets everything happen that waits for no write. */
const turns = async () => {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
}

const overlaps = suite('while the store is busy')

overlaps.after.each(revive)

overlaps('a retained message outlives the sweep of the expired one that it replaces', () =>
  withDirectory(async (directory) => {
    const clock = createManualClock()
    await withCore({ core: { directory, clock } }, async ({ space }) => {
      const message = { topic: 'a', payload: Buffer.from('old'), qos: 1 as const, retain: true }
      await space.publish({ ...message, properties: { messageExpiryInterval: 1 } })
      clock.advance(59_999)
      const go = holdWrites()
      const published = space.publish({ ...message, payload: Buffer.from('new') })
      clock.advance(1)
      await turns()
      go()
      await published
      await turns()
      assert.is(String((await space.retained.get('a'))?.payload), 'new')
    })
  })
)

overlaps('a session whose client is coming back does not expire meanwhile', () =>
  withDirectory(async (directory) => {
    const clock = createManualClock()
    const core = { directory, clock }
    await withCore({ core }, async (world) => {
      const peer = await joined(world, LASTING)
      peer.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 1 }] })
      await peer.next()
      peer.send({ cmd: 'disconnect' })
      assert.is(await peer.next(), undefined)
      const { begun, go } = holdReads('sent:')
      const again = wire(await world.socket())
      again.send(connectPacket({ ...LASTING, keepalive: 0 }))
      await within(5_000, begun, 'the reading of what was begun')
      clock.advance(600_000)
      await turns()
      go()
      assert.is((await again.next())?.sessionPresent, true)
      await turns()
      assert.ok(world.space.clients.get('open', 'c1')?.subscriptions.has('a'))
    })
    await withCore({ core }, async ({ space }) => {
      assert.ok(space.clients.get('open', 'c1')?.subscriptions.has('a'), 'it is stored, too')
    })
  })
)

overlaps.run()
