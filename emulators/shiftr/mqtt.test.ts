// MQTT as shiftr.io has it, where a transcript cannot say it.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { LOCAL, withShiftr } from './testing.ts'

const mqtt = suite('shiftr MQTT')

mqtt('sessions are temporary: the clean-session flag is without effect', () =>
  withShiftr({}, async ({ client, post, fogbank }) => {
    const first = await client({ clientId: 'c1', clean: false })
    await first.subscribe('a', 1)
    first.mqtt.stream.destroy()
    await first.closed
    await post('/broker/a?qos=1', 'missed')
    const second = await client({ clientId: 'c1', clean: false })
    const space = await fogbank.core.space('main')
    assert.is(space.session('shiftr', 'c1')!.subscriptions.size, 0)
    await second.subscribe('a', 1)
    await post('/broker/a?qos=1', 'heard')
    assert.is((await second.next()).text, 'heard')
  })
)

mqtt('the slash comes back to a filter that had it, for live and retained messages', () =>
  withShiftr({}, async ({ client, post }) => {
    await post('/broker/x/lamp?retained=true', 'on')
    const slash = await client()
    await slash.subscribe('/x/*', 1)
    assert.equal(await slash.next(), { topic: '/x/lamp', text: 'on', qos: 0, retain: true })
    const plain = await client()
    await plain.subscribe('x/#')
    assert.is((await plain.next()).topic, 'x/lamp')
    const both = await client()
    await both.subscribe('/y')
    await both.subscribe('y')
    await slash.publish('/y', '1', 1)
    assert.is((await both.next()).topic, 'y')
    await both.mqtt.unsubscribeAsync('y')
    await slash.publish('y', '2', 1)
    assert.equal(await both.next(), { topic: '/y', text: '2', qos: 0, retain: false })
    assert.equal(both.waiting, [])
  })
)

mqtt('a second leading slash is a level of its own', () =>
  withShiftr({}, async ({ client, call }) => {
    const [one, empty] = [await client(), await client()]
    await one.subscribe('a')
    await empty.subscribe('+/a')
    await one.publish('//a', 'below an empty level', 1)
    await one.publish('/a', 'plain', 1)
    assert.is((await empty.next()).topic, '/a')
    assert.is((await one.next()).text, 'plain')
    assert.equal([...one.waiting, ...empty.waiting], [])
    assert.is((await call('/broker/a')).text, 'plain')
    assert.is((await call('/broker///a')).text, 'below an empty level')
  })
)

mqtt('a topic of 100 levels, the most there may be, can be subscribed to', () =>
  withShiftr({}, async ({ client, post }) => {
    const [deepest, rooted] = [`a${'/'.repeat(99)}`, `a${'/'.repeat(98)}`]
    const plain = await client()
    assert.is(await plain.subscribe(deepest, 1), 1)
    assert.is(await plain.subscribe(`${deepest}/`), 0x80)
    assert.is((await post(`/broker/${deepest}`, 'deep')).status, 200)
    assert.equal(await plain.next(), { topic: deepest, text: 'deep', qos: 0, retain: false })
    const slash = await client()
    assert.is(await slash.subscribe(`/${rooted}`), 0)
    assert.is((await post(`/broker/${rooted}`, 'rooted')).status, 200)
    assert.is((await slash.next()).topic, `/${rooted}`)
  })
)

mqtt('an MQTT 5 client is let in, and the log says once that this is newer', () =>
  withShiftr({}, async ({ client, lines }) => {
    await client({ protocolVersion: 5 })
    await client({ protocolVersion: 5 })
    assert.is(lines.filter((line) => line.includes('newer than shiftr.io')).length, 1)
  })
)

mqtt('every quality of service arrives as it was granted', () =>
  withShiftr({}, async ({ client }) => {
    const [one, two] = [await client(), await client()]
    assert.is(await one.subscribe('a', 2), 2)
    assert.is(await two.subscribe('+', 1), 1)
    for (const qos of [0, 1, 2] as const) {
      await one.publish('a', String(qos), qos)
      assert.is((await one.next()).qos, qos)
      assert.is((await two.next()).qos, Math.min(qos, 1))
    }
  })
)

mqtt('two clients of one id are one connection, of two providers two', () =>
  withShiftr({}, async ({ client, endpoint, fogbank }) => {
    const first = await client({ clientId: 'same' })
    await client({ clientId: 'same', url: endpoint('control', 'mqtt'), username: '', password: '' })
    await client({ clientId: 'same', ...LOCAL })
    await first.closed
    const sessions = (await fogbank.core.space('main')).sessions()
    assert.equal(
      sessions.map(({ policy, clientId }) => `${policy.personality} ${clientId}`).sort(),
      ['plain same', 'shiftr same']
    )
  })
)

mqtt.run()
