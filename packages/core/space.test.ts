import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createCore, createManualClock, systemIds, type CoreError, type Message } from './index.ts'
import { inbox, withCore, withDirectory } from './testing.ts'

const message = (topic: string, text: string, more: Partial<Message> = {}): Message => ({
  topic,
  payload: Buffer.from(text),
  qos: 0,
  retain: false,
  ...more
})

const retained = suite('retained messages')

retained('survive a restart and reach a new subscriber with every property, in order', () =>
  withDirectory(async (directory) => {
    const properties = {
      payloadFormatIndicator: true,
      contentType: 'text/plain',
      responseTopic: 'reply/é',
      correlationData: Buffer.from([0, 1, 255, 254]),
      userProperties: [
        ['b', '1'],
        ['2', 'two'],
        ['a', 'é'],
        ['b', '3']
      ] as const
    }
    await withCore({ core: { directory } }, ({ space }) =>
      space.publish(message('lamp/é', 'on', { qos: 1, retain: true, properties })).then(() => {})
    )
    await withCore({ core: { directory } }, async ({ space, connect }) => {
      const kept = await space.retained.get('lamp/é')
      assert.equal(kept?.properties, properties)
      assert.is(kept?.payload.toString(), 'on')
      const client = await connect()
      const seen = inbox(client)
      await client.subscribeAsync('lamp/+', { qos: 1 })
      const received = await seen.next()
      assert.is(received.retain, true)
      assert.is(received.qos, 1)
      // mqtt.js merges repeated names into an array; the order on the wire is tested in session.test.ts.
      assert.equal(JSON.parse(JSON.stringify((received.properties as any).userProperties)), {
        '2': 'two',
        b: ['1', '3'],
        a: 'é'
      })
    })
  })
)

retained('an empty payload removes the one kept', () =>
  withCore({}, async ({ space }) => {
    await space.publish(message('lamp', 'on', { retain: true }))
    assert.ok(await space.retained.get('lamp'))
    await space.publish(message('lamp', '', { retain: true }))
    assert.is(await space.retained.get('lamp'), undefined)
  })
)

retained('expire by the clock and say what is left until then', () => {
  const clock = createManualClock()
  return withCore({ core: { clock } }, async ({ space }) => {
    const properties = { messageExpiryInterval: 60 }
    await space.publish(message('lamp', 'on', { retain: true, properties }))
    clock.advance(20_000)
    assert.is((await space.retained.get('lamp'))?.properties?.messageExpiryInterval, 40)
    clock.advance(40_000)
    assert.is(await space.retained.get('lamp'), undefined)
    assert.equal(await space.retained.list({ limit: 10 }), { messages: [] })
  })
})

retained('are listed page by page, in order, under a filter', () =>
  withCore({}, async ({ space }) => {
    const topics = ['a', 'a/b', 'a/c/d', 'a/é', 'a0', 'b/a', '$x/y']
    for (const topic of topics) await space.publish(message(topic, topic, { retain: true }))
    const listed = async (filter?: string) =>
      (await space.retained.list({ limit: 10, ...(filter ? { filter } : {}) })).messages.map(
        (m) => m.topic
      )
    assert.equal(await listed(), ['$x/y', 'a', 'a/b', 'a/c/d', 'a/é', 'a0', 'b/a'])
    assert.equal(await listed('a/#'), ['a', 'a/b', 'a/c/d', 'a/é'])
    assert.equal(await listed('a/+'), ['a/b', 'a/é'])
    assert.equal(await listed('#'), ['a', 'a/b', 'a/c/d', 'a/é', 'a0', 'b/a'])
    assert.equal(await listed('+/a'), ['b/a'])
    assert.equal(await listed('a/b'), ['a/b'])
    const first = await space.retained.list({ limit: 3 })
    assert.is(first.next, 'a/b')
    const second = await space.retained.list({ limit: 4, after: first.next! })
    assert.equal(
      second.messages.map((m) => m.topic),
      ['a/c/d', 'a/é', 'a0', 'b/a']
    )
    assert.is(second.next, undefined)
  })
)

retained.run()

const spaces = suite('spaces')

spaces('share nothing', () =>
  withCore({}, async ({ core, space }) => {
    const other = await core.space('hub:chat')
    await other.publish(message('a', '1', { retain: true }))
    assert.is(await space.retained.get('a'), undefined)
    assert.ok(await other.retained.get('a'))
    assert.equal(core.spaces().sort(), ['hub:chat', 'main'])
  })
)

spaces('are remembered over a restart, and reset empties those too', () =>
  withDirectory(async (directory) => {
    await withCore({ core: { directory } }, async ({ core }) => {
      const hub = await core.space('hub:a!b~c')
      await hub.publish(message('a', '1', { retain: true }))
    })
    await withCore({ core: { directory } }, async ({ core }) => {
      assert.ok(core.spaces().includes('hub:a!b~c'))
      await core.reset()
      assert.is(await (await core.space('hub:a!b~c')).retained.get('a'), undefined)
    })
  })
)

spaces('refuse what is no topic, and everything once closed', () =>
  withCore({}, async ({ core, space }) => {
    const code = (promise: Promise<unknown>) =>
      promise.then(
        () => 'accepted',
        (error: CoreError) => error.code
      )
    assert.is(await code(space.publish(message('', ''))), 'topic-invalid')
    assert.is(await code(space.publish(message('a/+', ''))), 'topic-invalid')
    assert.is(await code(space.publish(message('a/'.repeat(100), ''))), 'topic-invalid')
    await core.close()
    assert.is(await code(space.publish(message('a', ''))), 'closed')
  })
)

spaces(
  'know whether a message would be heard, by clients and by listeners that say what they hear',
  () =>
    withCore({}, async ({ space, connect }) => {
      const origin = { personality: 'open', clientId: '' }
      const heard = () => ['a', 'b'].map((topic) => space.isHeard(topic, origin))
      const stopSessions = space.listen({ session: () => {} })
      assert.equal(heard(), [false, false])
      const client = await connect()
      await client.subscribeAsync('a', { qos: 0 })
      assert.equal(heard(), [true, false])
      await client.unsubscribeAsync('a')
      const stopB = space.listen({ hears: (topic) => topic === 'b', published: () => {} })
      assert.equal(heard(), [false, true])
      stopB()
      const stopAll = space.listen({ keep: () => undefined })
      assert.equal(heard(), [true, true])
      stopAll()
      stopSessions()
      assert.equal(heard(), [false, false])
    })
)

spaces('a folder has one owner', () =>
  withDirectory(async (directory) => {
    const log = { info() {}, warn() {}, error() {} }
    const options = { directory, clock: createManualClock(), ids: systemIds, log }
    const core = await createCore(options)
    try {
      await createCore(options)
      assert.unreachable('a second owner was let in')
    } catch (error) {
      assert.is((error as CoreError).code, 'store-locked')
    } finally {
      await core.close()
    }
  })
)

spaces.run()
