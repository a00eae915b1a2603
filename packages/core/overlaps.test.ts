// What comes while something else is on its way into the store.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createManualClock } from './index.ts'
import { withCore, withDirectory } from './testing.ts'
import { holdWrites, revive } from './testing-dying.ts'

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

overlaps.run()
