// Who gets in where, and what is still there after a restart.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Settings } from './state.ts'
import { withShiftr, type World } from './testing.ts'

const instances = suite('shiftr instances')

const TWO: Settings = {
  instances: [
    { name: 'one', tokens: [{ name: 'rw', secret: 'first' }] },
    {
      name: 'two',
      tokens: [
        { name: 'rw', secret: 'sec:ond' },
        { name: 'ro', secret: 'look', readOnly: true },
        { name: 'old', secret: 'legacy', key: 'oldkey' }
      ]
    }
  ]
}
const ONE = 'one:first'
const SECOND = 'two:sec:ond'

instances('two of them never meet', () =>
  withShiftr({ settings: TWO }, async ({ call, post, client }) => {
    const watcher = await client({ username: 'two', password: 'sec:ond' })
    await watcher.subscribe('$events')
    const listener = await client({ username: 'two', password: 'look' })
    await listener.subscribe('#')
    assert.is((await watcher.event()).type, 'connected')
    assert.is((await watcher.event()).type, 'subscribed')

    await post('/broker/a?retained=true', 'of one', { pair: ONE })
    for (const target of [
      '/broker/a',
      '/broker/@',
      '/broker/a?retained=true',
      '/broker/@?retained=true'
    ]) {
      assert.is((await call(target, { pair: ONE })).text, 'of one')
      assert.is((await call(target, { pair: SECOND })).status, 404)
    }
    // The first thing that two hears of is its own.
    await post('/broker/b', 'of two', { pair: SECOND })
    assert.is((await listener.next()).text, 'of two')
    const events = [await watcher.event(), await watcher.event()]
    assert.equal(
      events.map(({ type }) => type),
      ['connected', 'published']
    )
  })
)

/** Pair and Host header, and whether a GET of cloud mode gets past them. */
const CLOUD: [pair: string | null, host: string | undefined, status: 401 | 404][] = [
  [SECOND, undefined, 404],
  ['two:look', undefined, 404],
  ['oldkey:legacy', undefined, 404],
  ['two:legacy', undefined, 404],
  ['oldkey:look', undefined, 401],
  ['two:sec', undefined, 401],
  ['two:', undefined, 401],
  ['two', undefined, 401],
  ['', undefined, 401],
  ['TWO:look', undefined, 401],
  ['one:look', undefined, 401],
  [null, undefined, 401],
  [null, 'two.localhost', 401],
  [SECOND, 'two.cloud.shiftr.io', 404],
  [SECOND, 'two.localhost:4650', 404],
  [SECOND, 'one.cloud.shiftr.io', 401],
  [SECOND, 'one.localhost', 401],
  [SECOND, 'fogbank.localhost', 404],
  [SECOND, 'nobody.cloud.shiftr.io', 401]
]

instances('cloud mode takes exactly the pairs that there are, on their own hosts', () =>
  withShiftr({ settings: TWO }, async ({ call }) => {
    for (const [pair, host, status] of CLOUD) {
      const reply = await call('/broker/a', { pair, ...(host ? { headers: { host } } : {}) })
      assert.is(reply.status, status, `${pair} on ${host}`)
      if (status === 404) continue
      assert.is(reply.text, 'unauthorized: instance name and token secret required\n')
      assert.is(reply.headers['www-authenticate'], 'Basic realm="shiftr.io", charset="UTF-8"')
      assert.not.match(String(reply.headers['x-fogbank-hint']), 'first')
    }
    for (const authorization of ['Bearer abc', 'Basic', 'Basic !!!', 'Digest x="y"']) {
      assert.is((await call('/broker/a', { pair: null, headers: { authorization } })).status, 401)
    }
  })
)

async function readBoth({ call }: World, init: Parameters<World['call']>[1]): Promise<string[]> {
  const reply = await call('/broker/who', init)
  return [String(reply.status), reply.text]
}

instances('desktop mode asks for nothing, and a known name still picks its instance', () =>
  withShiftr({ settings: { ...TWO, auth: 'desktop' } }, async (world) => {
    await world.post('/broker/who', 'one', { pair: null })
    await world.post('/broker/who', 'two', { pair: 'two:wrong' })
    assert.equal(await readBoth(world, { pair: null }), ['200', 'one'])
    assert.equal(await readBoth(world, { pair: 'nobody:x' }), ['200', 'one'])
    assert.equal(await readBoth(world, { pair: 'two:x' }), ['200', 'two'])
    assert.equal(await readBoth(world, { pair: 'two:look' }), ['200', 'two'])
    assert.equal(await readBoth(world, { pair: null, headers: { host: 'two.localhost' } }), [
      '200',
      'two'
    ])
    assert.is((await world.post('/broker/who', 'again', { pair: 'two:look' })).status, 200)
  })
)

instances("the suite's lenient mode takes any well-formed pair", () =>
  withShiftr({ settings: TWO, auth: 'lenient' }, async (world) => {
    await world.post('/broker/who', 'one', { pair: 'nobody:x' })
    await world.post('/broker/who', 'two', { pair: 'two:wrong' })
    assert.equal(await readBoth(world, { pair: ONE }), ['200', 'one'])
    assert.equal(await readBoth(world, { pair: SECOND }), ['200', 'two'])
    assert.is((await world.call('/broker/who', { pair: null })).status, 401)
    assert.is((await world.post('/broker/who', 'x', { pair: 'two:look' })).status, 403)
  })
)

instances('limits: lenient warns and lets pass what only shiftr.io limits', () =>
  withShiftr({ settings: { limits: 'lenient' } }, async ({ call, post, client, lines }) => {
    const one = await client({ clientId: 'c'.repeat(65) })
    for (let i = 0; i <= 100; i++) assert.is(await one.subscribe(`t ${i}`), 0)
    await one.publish('t 1', 'x'.repeat(65_537), 1)
    assert.is((await one.next()).text.length, 65_537)
    assert.is((await post('/broker/t%202', 'x'.repeat(65_537))).status, 200)
    assert.is((await one.next()).topic, 't 2')
    assert.is((await call('/broker/t%201')).text.length, 65_537)
    assert.is((await post('/broker/a+', 'x')).status, 400)
    assert.is((await post('/broker/a(b/c?retained=true', 'x')).status, 200)
    assert.is((await call('/broker/a(b/+')).text, 'x')
    for (const row of ['ClientIdTooLong', 'TopicCharacterInvalid', 'PayloadTooLarge']) {
      assert.ok(lines.some((line) => line.includes(`lets pass what shiftr.io refuses: ${row}`)))
    }
  })
)

for (const persistRetained of [true, false]) {
  const fate = persistRetained ? 'kept over' : 'gone after'
  instances(
    `retained messages are ${fate} a restart with persistRetained: ${persistRetained}`,
    async () => {
      const dataDir = mkdtempSync(join(tmpdir(), 'fogbank-shiftr-'))
      const options = { dataDir, settings: { persistRetained } }
      try {
        await withShiftr(options, async ({ post, client, endpoint }) => {
          await post('/broker/lamp?retained=true', 'on')
          await post('/broker/lamp', 'flicker')
          await post('/broker/never', 'x')
          const plain = await client({
            url: endpoint('control', 'mqtt'),
            username: '',
            password: ''
          })
          await plain.publish('foreign', 'kept', 1, true)
        })
        await withShiftr(options, async ({ call }) => {
          const statuses: number[] = []
          for (const topic of [
            'lamp?retained=true',
            'lamp',
            'never',
            'foreign',
            'foreign?retained=true'
          ]) {
            statuses.push((await call(`/broker/${topic}`)).status)
          }
          const lamp = persistRetained ? 200 : 404
          assert.equal(statuses, [lamp, lamp, 404, 200, 200])
          if (persistRetained) assert.is((await call('/broker/lamp')).text, 'on')
        })
      } finally {
        rmSync(dataDir, { recursive: true })
      }
    }
  )
}

instances('the last messages are bounded; the quietest topic goes first', () =>
  withShiftr({ settings: { maxLastTopics: 2 } }, async ({ call, post }) => {
    for (const topic of ['a', 'b', 'a', 'c']) await post(`/broker/${topic}`, topic)
    assert.is((await call('/broker/b')).status, 404)
    assert.is((await call('/broker/a')).text, 'a')
    assert.is((await call('/broker/c')).text, 'c')
  })
)

instances('a reset forgets the last messages', () =>
  withShiftr({}, async ({ fogbank, call, post }) => {
    await post('/broker/a?retained=true', 'x')
    await fogbank.reset()
    assert.is((await call('/broker/a')).status, 404)
    assert.is((await call('/broker/a?retained=true')).status, 404)
    await post('/broker/a', 'y')
    assert.is((await call('/broker/a')).text, 'y')
  })
)

instances.run()
