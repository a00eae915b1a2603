import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { CoreError, Records } from './index.ts'
import { withCore, withDirectory } from './testing.ts'

const put = (key: string, value: string) => ({ put: key, value: Buffer.from(value) })

async function keysOf(records: Records, range = {}): Promise<string[]> {
  const keys: string[] = []
  for await (const [key] of records.range(range)) keys.push(key)
  return keys
}

const records = suite('records')

records('are there after a restart, by name, in key order', () =>
  withDirectory(async (directory) => {
    await withCore({ core: { directory } }, async ({ core }) => {
      const lamps = await core.records('test:lamps')
      await lamps.commit([put('b', '2'), put('a', '1'), put('c', '3')])
      await lamps.commit([{ del: 'c' }])
      await (await core.records('test:doors')).commit([put('d', '4')])
    })
    await withCore({ core: { directory } }, async ({ core }) => {
      const lamps = await core.records('test:lamps')
      assert.is((await lamps.get('a'))?.toString(), '1')
      assert.is(await lamps.get('d'), undefined)
      assert.equal(await keysOf(lamps), ['a', 'b'])
      assert.equal(await keysOf(lamps, { gt: 'a' }), ['b'])
      assert.equal(await keysOf(lamps, { reverse: true, limit: 1 }), ['b'])
    })
  })
)

records('are no space, and are emptied by a reset even when nobody asked for them yet', () =>
  withDirectory(async (directory) => {
    await withCore({ core: { directory } }, async ({ core }) => {
      await (await core.records('test:lamps')).commit([put('a', '1')])
    })
    await withCore({ core: { directory } }, async ({ core }) => {
      assert.equal(core.spaces(), ['main'])
      await core.reset()
      assert.equal(await keysOf(await core.records('test:lamps')), [])
    })
  })
)

records("fail with the core's own error when the database does", () =>
  withCore({}, async ({ core }) => {
    const lamps = await core.records('test:lamps')
    await core.close()
    for (const call of [
      () => lamps.get('a'),
      () => lamps.commit([put('a', '1')]),
      () => keysOf(lamps)
    ]) {
      const code = await call().then(
        () => 'done',
        (error: CoreError) => error.code
      )
      assert.is(code, 'store-failed')
    }
  })
)

records.run()

const sinks = suite('sinks')

sinks('hand events to whoever registered the name, until it ends', () =>
  withCore({}, async ({ core }) => {
    const taken: unknown[] = []
    const end = core.sinks.register('namespace-topic:orders', async (events) => {
      taken.push(...events)
    })
    await core.sinks.deliver('namespace-topic:orders', [{ id: '1' }, { id: '2' }])
    assert.equal(taken, [{ id: '1' }, { id: '2' }])
    assert.throws(() => core.sinks.register('namespace-topic:orders', async () => {}), /is taken/)
    end()
    assert.not(core.sinks.has('namespace-topic:orders'))
    const code = await core.sinks.deliver('namespace-topic:orders', []).then(
      () => 'delivered',
      (error: { code: string }) => error.code
    )
    assert.is(code, 'sink-unknown')
  })
)

sinks.run()
