// A process that dies while a session ends: after each of the writes that this takes.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createManualClock } from './index.ts'
import { joined, publish, wire, connectPacket, withCore, withDirectory } from './testing.ts'
import { dieAfter, revive } from './testing-dying.ts'

const LASTING = { clean: false, properties: { sessionExpiryInterval: 600 } }
/** One more than the end of a session takes. */
const WRITES = 4

const dying = suite('a process that dies while a session ends')

dying.after.each(revive)

for (let writes = 0; writes < WRITES; writes++) {
  dying(`after ${writes} writes leaves nothing to a later session`, () =>
    withDirectory(async (directory) => {
      const clock = createManualClock()
      const core = { directory, clock }
      await withCore({ core }, async (world) => {
        const peer = await joined(world, LASTING)
        peer.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 1 }] })
        await peer.next()
        peer.send(publish({ topic: 'b', qos: 2, messageId: 5 }))
        assert.is((await peer.next())?.cmd, 'pubrec')
        peer.send({ cmd: 'disconnect' })
        assert.is(await peer.next(), undefined)
        for (const text of ['1', '2']) {
          const payload = Buffer.from(text)
          await world.space.publish({ topic: 'a', payload, qos: 1, retain: false })
        }
        dieAfter(writes)
        clock.advance(600_000)
        await new Promise((resolve) => setImmediate(resolve))
      })
      revive()
      const seen: (string | undefined)[] = []
      for (const life of ['first', 'second']) {
        await withCore({ core }, async (world) => {
          const peer = wire(await world.socket())
          peer.send(connectPacket(LASTING))
          assert.is((await peer.next())?.sessionPresent, life === 'second')
          world.space.listen({ published: ({ message }) => seen.push(String(message.payload)) })
          await world.space.publish({
            topic: 'a',
            payload: Buffer.from(life),
            qos: 1,
            retain: false
          })
          peer.send({ cmd: 'pingreq' })
          assert.is((await peer.next())?.cmd, 'pingresp')
          assert.equal([...world.space.session('open', 'c1')!.subscriptions], [])
          peer.send(publish({ topic: 'b', qos: 2, messageId: 5, payload: `again ${life}` }))
          assert.is((await peer.next())?.cmd, 'pubrec')
          peer.send({ cmd: 'pubrel', messageId: 5, reasonCode: 0 })
          assert.is((await peer.next())?.cmd, 'pubcomp')
        })
      }
      assert.equal(seen, ['first', 'again first', 'second', 'again second'])
    })
  )
}

dying.run()
