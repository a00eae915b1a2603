// What $events tells, to whom, and what it keeps to itself meanwhile.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withShiftr, type TestClient } from './testing.ts'

const events = suite('shiftr $events')

async function types(client: TestClient, count: number): Promise<unknown[]> {
  const seen: unknown[] = []
  while (seen.length < count) seen.push((await client.event()).type)
  return seen
}

events('other subscriptions fall silent and come back after unsubscribing', () =>
  withShiftr({}, async ({ post, client }) => {
    const watcher = await client()
    await watcher.subscribe('a')
    await post('/broker/a', 'before')
    assert.is((await watcher.next()).text, 'before')
    await watcher.subscribe('$events')
    await post('/broker/a', 'meanwhile')
    const { type, message } = (await watcher.event()) as {
      type: string
      message: { topic: string }
    }
    assert.equal({ type, topic: message.topic }, { type: 'published', topic: 'a' })
    await watcher.mqtt.unsubscribeAsync('$events')
    await post('/broker/a', 'after')
    assert.equal(await watcher.next(), { topic: 'a', text: 'after', qos: 0, retain: false })
  })
)

events('ids are 24 hex digits that begin with the time and rise', () =>
  withShiftr({ manualClock: true }, async ({ post, client, clock }) => {
    const watcher = await client()
    await watcher.subscribe('$events')
    await post('/broker/a', '1')
    await post('/broker/a', '2')
    const ids: string[] = []
    for (let i = 0; i < 3; i++) {
      ids.push((JSON.parse((await watcher.next()).text) as { id: string }).id)
    }
    const seconds = Math.floor(clock!.now() / 1000)
    for (const id of ids) {
      assert.match(id, /^[0-9a-f]{24}$/)
      assert.is(Number.parseInt(id.slice(0, 8), 16), seconds)
    }
    assert.is(new Set(ids).size, 3)
  })
)

events('an HTTP client is a connection until it was silent for ten seconds', () =>
  withShiftr({ manualClock: true }, async ({ post, call, client, clock }) => {
    const watcher = await client()
    await watcher.subscribe('$events')
    await post('/broker/a', '1')
    const joined = (await watcher.event()) as { connection: { id: string; name: string } }
    const { id } = joined.connection
    assert.equal(joined, {
      type: 'connected',
      connection: { id, name: 'local', read_only: false }
    } as never)
    assert.equal(await watcher.event(), {
      type: 'published',
      message: { topic: 'a', payload: 'MQ==', qos: 0, retained: false, connection_id: id }
    })
    clock!.advance(6_000)
    await call('/broker/a')
    clock!.advance(9_999)
    await call('/broker/$info')
    clock!.advance(9_999)
    await post('/broker/a', '2')
    assert.is((await watcher.event()).type, 'published')
    clock!.advance(10_000)
    assert.equal(await watcher.event(), {
      type: 'disconnected',
      disconnection: { id, name: 'local' }
    })
  })
)

events('one token on one address is one connection, another token another', () =>
  withShiftr({}, async ({ post, client }) => {
    const watcher = await client()
    await watcher.subscribe('$events')
    await post('/broker/a', '1')
    await post('/broker/a', '2')
    await post('/broker/a', '3', { pair: 'public:public' })
    assert.equal(await types(watcher, 5), [
      'connected',
      'published',
      'published',
      'connected',
      'published'
    ])
  })
)

/** Refused publishes over HTTP and the code that `$events` gives. */
const REFUSED: [target: string, body: string, code: string, topic: string][] = [
  ['/broker/foo/+', 'x', 'invalid-topic', 'foo/+'],
  ['/broker//two%20words', 'x', 'invalid-topic', 'two words'],
  ['/broker/a%zz', 'x', 'invalid-topic', 'a%zz'],
  ['/broker/a?qos=9', 'x', 'invalid-qos', 'a'],
  ['/broker/a?retained=9', 'x', 'invalid-retained', 'a'],
  ['/broker/a', 'x'.repeat(65_537), 'payload-too-large', 'a'],
  ['/broker/$action', '{}', 'invalid-action', '$action'],
  ['/broker/$info', 'x', 'invalid-topic', '$info']
]

events('every refused POST is an errored event', () =>
  withShiftr({}, async ({ post, client }) => {
    const watcher = await client()
    await watcher.subscribe('$events')
    for (const [index, [target, body, code, topic]] of REFUSED.entries()) {
      await post(target, body)
      if (index === 0) assert.is((await watcher.event()).type, 'connected')
      const { error, type } = (await watcher.event()) as { type: string; error: object }
      assert.is(type, 'errored')
      const { connection_id: _id, ...rest } = error as { connection_id: string }
      assert.equal(rest, { code, topic } as never)
    }
  })
)

events('a bad publish over MQTT is an errored event, then the connection closes', () =>
  withShiftr({}, async ({ client }) => {
    const watcher = await client()
    await watcher.subscribe('$events')
    const one = await client({ clientId: 'c1' })
    const { connection } = (await watcher.event()) as { connection: { id: string } }
    one.mqtt.publish('two words', 'x')
    await one.closed
    assert.equal(await watcher.event(), {
      type: 'errored',
      error: { code: 'invalid-topic', topic: 'two words', connection_id: connection.id }
    })
    assert.equal(await watcher.event(), {
      type: 'disconnected',
      disconnection: { id: connection.id, name: 'c1' }
    })
  })
)

events('a will is told of, and so is who unsubscribes', () =>
  withShiftr({}, async ({ client }) => {
    const watcher = await client()
    await watcher.subscribe('$events')
    const will = { topic: '/gone', payload: Buffer.from('bye'), qos: 0 as const, retain: false }
    const one = await client({ clientId: 'c1', will })
    await one.subscribe('/a/*')
    await one.mqtt.unsubscribeAsync('/a/*')
    one.mqtt.stream.destroy()
    const { connection } = (await watcher.event()) as { connection: { id: string } }
    const id = connection.id
    assert.equal(await watcher.event(), {
      type: 'subscribed',
      subscription: { topic: 'a/+', qos: 0, root_slash: true, connection_id: id }
    })
    assert.equal(await watcher.event(), {
      type: 'unsubscribed',
      unsubscription: { topic: 'a/+', connection_id: id }
    })
    const last = [await watcher.event(), await watcher.event()]
    assert.equal(last.map(({ type }) => type).sort(), ['disconnected', 'published'])
  })
)

events('what another door publishes is told of too, and nobody hears of system topics', () =>
  withShiftr({}, async ({ client, endpoint, post }) => {
    const watcher = await client()
    await watcher.subscribe('$events')
    const second = await client()
    await second.subscribe('$events')
    assert.equal(await types(watcher, 2), ['connected', 'subscribed'])
    const plain = await client({ url: endpoint('control', 'mqtt'), username: '', password: '' })
    await plain.publish('/a', 'x', 1)
    await post('/broker/$weather', 'rain')
    for (const one of [watcher, second]) {
      const seen = [await one.event(), await one.event(), await one.event(), await one.event()]
      const topics = seen.map(({ message }) => (message as { topic: string } | undefined)?.topic)
      assert.equal(topics, [undefined, 'a', undefined, '$weather'])
      assert.equal(one.waiting, [])
    }
  })
)

events('closing an HTTP connection makes its next request a new one', () =>
  withShiftr({}, async ({ client, post }) => {
    const watcher = await client()
    await watcher.subscribe('$events')
    await post('/broker/a', '1')
    const { connection } = (await watcher.event()) as { connection: { id: string } }
    assert.is((await watcher.event()).type, 'published')
    await watcher.publish('$action', JSON.stringify({ type: 'close', target_id: connection.id }), 1)
    await post('/broker/a', '2')
    assert.equal(await types(watcher, 4), ['triggered', 'disconnected', 'connected', 'published'])
  })
)

events.run()
