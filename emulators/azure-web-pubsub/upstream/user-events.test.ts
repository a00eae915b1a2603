import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { within } from '@fogbank/contract/testing'
import { JSON_PROTOCOL, withWebPubSub, type TestSocket } from '../clients/testing.ts'
import { advanceUntil, configure, handle } from './testing.ts'

const ECHO = { userEventPattern: '*' }

/** The answer to one event: what came before the ack, and the ack. */
async function raise(client: TestSocket, event: object): Promise<Record<string, any>[]> {
  const said: Record<string, any>[] = []
  client.send({ type: 'event', ...event })
  for (;;) {
    const message = await client.json()
    said.push(message)
    if (message.type === 'ack') return said
  }
}

const FAILED = {
  type: 'ack',
  ackId: 1,
  success: false,
  error: { name: 'InternalServerError', message: 'Internal server error' }
}

const user = suite('azure-web-pubsub user events')

user('carry data as its type says, metadata as headers', () =>
  withWebPubSub({}, async (world) => {
    const handler = await handle(world, () => ({ status: 204 }), ECHO)
    const client = await world.connect({ userId: 'älice', subprotocol: JSON_PROTOCOL })
    const { connectionId } = await client.json()
    for (const [index, [dataType, data, contentType, body]] of (
      [
        ['text', 'hï', 'text/plain', 'hï'],
        ['json', { n: 1 }, 'application/json', '{"n":1}'],
        ['binary', 'AP8=', 'application/octet-stream', Buffer.from([0, 255])],
        ['protobuf', 'CgFh', 'application/x-protobuf', '\n\x01a']
      ] as const
    ).entries()) {
      const event = { event: 'greet', dataType, data, ackId: index, metadata: { 'X-Key': 'v' } }
      assert.equal(await raise(client, event), [{ type: 'ack', ackId: index, success: true }])
      const { url, headers, body: sent } = await handler.next()
      assert.is(url, '/chat/greet')
      assert.is(headers['content-type'], contentType)
      assert.equal(sent, Buffer.from(body))
      assert.is(headers['ce-type'], 'azure.webpubsub.user.greet')
      assert.is(headers['ce-source'], `/hubs/chat/client/${connectionId}`)
      assert.is(headers['ce-eventname'], 'greet')
      assert.is(headers['ce-subprotocol'], JSON_PROTOCOL)
      assert.is(headers['ce-id'], String(index + 1))
      assert.is(Buffer.from(String(headers['ce-userid']), 'latin1').toString(), 'älice')
      assert.is(headers['x-webpubsub-metadata-x-key'], 'v')
    }
  })
)

user('are answered with a message before the ack, in the type of the answer', () =>
  withWebPubSub({}, async (world) => {
    const answers = [
      [{ 'Content-Type': 'text/plain; charset=utf-8' }, 'ok', { dataType: 'text', data: 'ok' }],
      [{ 'Content-Type': 'application/json' }, '{"a":1}', { dataType: 'json', data: { a: 1 } }],
      [{ 'Content-Type': 'application/octet-stream' }, 'ok', { dataType: 'binary', data: 'b2s=' }],
      [{ 'Content-Type': 'application/x-protobuf' }, 'ok', { dataType: 'protobuf', data: 'b2s=' }],
      [{}, 'ok', { dataType: 'binary', data: 'b2s=' }],
      [
        { 'X-WebPubSub-Metadata-Key': 'a, b' },
        '',
        { dataType: 'text', data: '', metadata: { key: 'b' } }
      ]
    ] as const
    let turn = 0
    await handle(
      world,
      () => ({ headers: answers[turn]![0] as never, body: answers[turn]![1] }),
      ECHO
    )
    const client = await world.connect({ subprotocol: JSON_PROTOCOL })
    await client.json()
    for (; turn < answers.length; turn++) {
      assert.equal(await raise(client, { event: 'e', data: 1, ackId: turn }), [
        { type: 'message', from: 'server', ...answers[turn]![2] },
        { type: 'ack', ackId: turn, success: true }
      ])
    }
  })
)

user('fail by name where the answer is a refusal or rubbish, and may be tried again', () =>
  withWebPubSub({}, async (world) => {
    const bad = [
      { status: 400 },
      { status: 404, body: 'no' },
      { status: 429 },
      { status: 304 },
      { headers: { 'Content-Type': 'text/html' }, body: '<p>' },
      { headers: { 'Content-Type': 'application/json' }, body: '{' },
      { body: Buffer.alloc(16 * 1024 * 1024 + 1) }
    ]
    let turn = 0
    await handle(world, () => bad[turn] ?? { status: 200 }, ECHO)
    const client = await world.connect({ subprotocol: JSON_PROTOCOL })
    await client.json()
    for (; turn < bad.length; turn++) {
      assert.equal(await raise(client, { event: 'e', data: 1, ackId: 1 }), [FAILED], `case ${turn}`)
    }
    const [ack] = await raise(client, { event: 'e', data: 1, ackId: 1 })
    assert.is(ack!.success, true)
    const [again] = await raise(client, { event: 'e', data: 1, ackId: 1 })
    assert.is(again!.error.name, 'Duplicate')
    assert.ok(world.lines.some((line) => / event InternalServerError EventFailed /.test(line)))
  })
)

user('of one client are handled in order; what it sends meanwhile waits, others do not', () =>
  withWebPubSub({ manualClock: true }, async (world) => {
    const handler = await handle(
      world,
      ({ body }) => (body.toString() === '"hang"' ? undefined : { status: 204 }),
      ECHO
    )
    const slow = await world.connect({ subprotocol: JSON_PROTOCOL })
    const quick = await world.connect({ subprotocol: JSON_PROTOCOL })
    await slow.json()
    await quick.json()
    slow.send({ type: 'event', event: 'e', data: 'hang', ackId: 1 })
    slow.send({ type: 'ping' })
    await handler.next()
    assert.is((await raise(quick, { event: 'e', data: 1, ackId: 1 })).length, 1)
    assert.is(slow.waiting.length, 0)
    const answer = slow.json()
    assert.equal(await advanceUntil(world, answer), FAILED)
    assert.equal(await slow.json(), { type: 'pong' })
  })
)

user('go to the first handler that wants them, by any case of the name', () =>
  withWebPubSub({}, async (world) => {
    const handler = await world.handler(() => ({ status: 204 }))
    const status = await configure(world, [
      { urlTemplate: `${handler.url}/a/{event}?hub={hub}`, userEventPattern: 'Join, leave' },
      { urlTemplate: `${handler.url}/b`, userEventPattern: '*' }
    ])
    assert.is(status.status, 200)
    const client = await world.connect({ hub: 'Chat', subprotocol: JSON_PROTOCOL })
    await client.json()
    for (const [index, [event, url]] of (
      [
        ['joiN', '/a/joiN?hub=chat'],
        ['leave', '/a/leave?hub=chat'],
        ['left', '/b']
      ] as const
    ).entries()) {
      await raise(client, { event, data: 1, ackId: index })
      assert.is((await handler.next()).url, url)
    }
  })
)

user('bring the state and the cookies of earlier answers', () =>
  withWebPubSub({}, async (world) => {
    let turn = 0
    const answers = [
      { 'ce-connectionState': 'one', 'Set-Cookie': ['a=1; Path=/', 'b=2; Path=/elsewhere'] },
      { 'Set-Cookie': 'a=; Max-Age=0; Path=/' },
      { 'ce-connectionState': '' },
      {}
    ]
    const handler = await handle(world, () => ({ headers: answers[turn++] as never }), {
      userEventPattern: '*',
      systemEvents: ['connect']
    })
    const client = await world.connect({ subprotocol: JSON_PROTOCOL })
    await client.json()
    const seen = []
    for (let index = 0; index < 4; index++) {
      if (index > 0) await raise(client, { event: 'e', data: 1, ackId: index })
      const { headers } = await handler.next()
      seen.push([headers['ce-connectionstate'], headers.cookie])
    }
    assert.equal(seen, [
      [undefined, undefined],
      ['one', 'a=1'],
      ['one', undefined],
      ['', undefined]
    ])
  })
)

user('of a simple client are its frames, answered by frames', () =>
  withWebPubSub({}, async (world) => {
    const handler = await handle(
      world,
      ({ body }) => ({
        headers: { 'Content-Type': body.length > 1 ? 'text/plain' : 'application/octet-stream' },
        body
      }),
      ECHO
    )
    const client = await world.connect()
    client.send('hi')
    assert.is(await client.next(), 'hi')
    client.send(Buffer.from([7]))
    assert.equal(await client.next(), Buffer.from([7]))
    const [first, second] = [await handler.next(), await handler.next()]
    assert.equal([first.url, first.headers['content-type']], ['/chat/message', 'text/plain'])
    assert.is(second.headers['content-type'], 'application/octet-stream')
  })
)

user('that fail end a simple client', () =>
  withWebPubSub({}, async (world) => {
    await handle(world, () => ({ status: 400 }), ECHO)
    const client = await world.connect()
    client.send('hi')
    assert.equal(await client.closed, { code: 1011, reason: 'Processing the event failed.' })
  })
)

user('can be invoked beside other requests, and cancelled', () =>
  withWebPubSub({ manualClock: true }, async (world) => {
    const handler = await handle(
      world,
      ({ url }) =>
        url === '/chat/hang'
          ? undefined
          : { headers: { 'Content-Type': 'text/plain' }, body: 'ok' },
      ECHO
    )
    const client = await world.connect({ subprotocol: JSON_PROTOCOL })
    await client.json()
    client.send({ type: 'invoke', invocationId: 'a', target: 'event', event: 'hang' })
    client.send({ type: 'invoke', invocationId: 'b', event: 'ask', dataType: 'text', data: 'x' })
    assert.equal(await client.json(), {
      type: 'invokeResponse',
      invocationId: 'b',
      success: true,
      dataType: 'text',
      data: 'ok'
    })
    await handler.next()
    client.send({ type: 'cancelInvocation', invocationId: 'a' })
    client.send({ type: 'ping' })
    assert.equal(await client.json(), { type: 'pong' })
    world.clock!.advance(100_000)
    client.send({ type: 'ping' })
    assert.equal(await client.json(), { type: 'pong' })
  })
)

user.run()

const notices = suite('azure-web-pubsub connected and disconnected')

notices('come once each, and say how it ended', () =>
  withWebPubSub({}, async (world) => {
    const handler = await handle(world, () => ({ status: 204 }), {
      systemEvents: ['connected', 'disconnected']
    })
    const client = await world.connect({ userId: 'alice', subprotocol: JSON_PROTOCOL })
    const { connectionId } = await client.json()
    client.ws.close(1000, 'bye')
    const [first, second] = [await handler.next(), await handler.next()]
    assert.equal([first.url, first.body.toString()], ['/chat/connected', '{}'])
    assert.equal([second.url, second.body.toString()], ['/chat/disconnected', '{"reason":"bye"}'])
    assert.is(first.headers['ce-type'], 'azure.webpubsub.sys.connected')
    assert.is(second.headers['ce-connectionid'], connectionId)
    assert.is(first.headers['ce-id'], '1')
    assert.is(second.headers['ce-id'], '2')
  })
)

notices('do not reject anybody when they fail', () =>
  withWebPubSub({}, async (world) => {
    await handle(world, () => ({ status: 400 }), { systemEvents: ['connected'] })
    const client = await world.connect({ subprotocol: JSON_PROTOCOL })
    await client.json()
    client.send({ type: 'ping' })
    assert.equal(await client.json(), { type: 'pong' })
  })
)

notices('do not hold up the end of the suite, hanging or not', () =>
  withWebPubSub({}, async (world) => {
    const handler = await handle(world, () => undefined)
    await configure(world, [
      { urlTemplate: handler.url, systemEvents: ['connected', 'disconnected'] }
    ])
    const client = await world.connect({ subprotocol: JSON_PROTOCOL })
    await handler.next()
    await within(5000, world.fogbank.close(), 'the end of the suite')
    assert.is((await client.closed).code, 1001)
    assert.is(handler.waiting.length, 0)
  })
)

notices.run()
