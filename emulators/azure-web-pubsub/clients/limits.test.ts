// Each limit of a WebSocket client, at it and one past it.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { within } from '@fogbank/contract/testing'
import {
  ALL_ROLES,
  JSON_PROTOCOL,
  RELIABLE_JSON,
  withWebPubSub,
  type TestSocket
} from './testing.ts'

const MIB = 1024 * 1024
const PLAIN = { contentType: 'text/plain' } as const

const send = (data: string) =>
  JSON.stringify({ type: 'sendToGroup', group: 'g', dataType: 'text', data, ackId: 1 })

const limits = suite('azure-web-pubsub limits of WebSocket clients')

limits('a message has 1 MiB', () =>
  withWebPubSub({}, async ({ connect, lines }) => {
    const client = await connect({ roles: ALL_ROLES, subprotocol: JSON_PROTOCOL })
    await client.json()
    const longest = 'x'.repeat(MIB - send('').length)
    client.send(send(longest))
    assert.equal(await client.json(), { type: 'ack', ackId: 1, success: true })
    client.send(send(`${longest}x`))
    const reason = 'The client message is too large.'
    assert.equal(await client.closed, { code: 1009, reason })
    const line = ` closed 1009 ClientMessageTooLarge clientMessageBytes=${MIB + 1}`
    assert.ok(lines.some((one) => one.endsWith(line)))
  })
)

limits('a simple client has the same one, and a reliable one is not recovered after it', () =>
  withWebPubSub({}, async ({ connect, service }) => {
    const simple = await connect({ roles: ALL_ROLES, query: 'webpubsub_mode=sendToGroup&group=g' })
    simple.send('x'.repeat(MIB + 1))
    assert.is((await simple.closed).code, 1009)
    const reliable = await connect({ userId: 'alice', subprotocol: RELIABLE_JSON })
    await reliable.json()
    reliable.send('x'.repeat(MIB + 1))
    assert.is((await reliable.closed).code, 1009)
    assert.not.ok(await service().userExists('alice'))
  })
)

/** A reliable member of group g that confirms nothing. */
async function connectMember(connect: (options: object) => Promise<TestSocket>) {
  const client = await connect({ groups: ['g'], subprotocol: RELIABLE_JSON })
  const { connectionId, reconnectionToken } = await client.json()
  const query = `awps_connection_id=${connectionId}&awps_reconnection_token=${reconnectionToken}`
  return { client, query }
}

limits('a reliable client may leave 1000 messages unconfirmed', () =>
  withWebPubSub({}, async ({ connect, service }) => {
    const { client, query } = await connectMember(connect)
    const sender = await connect({ roles: ALL_ROLES, subprotocol: JSON_PROTOCOL })
    await sender.json()
    for (let n = 1; n <= 1000; n++) sender.send({ type: 'sendToGroup', group: 'g', data: n })
    for (let n = 1; n <= 1000; n++) assert.is((await client.json()).sequenceId, n)
    // One confirmed makes room for one.
    client.send({ type: 'sequenceAck', sequenceId: 1 })
    client.send({ type: 'ping' })
    assert.equal(await client.json(), { type: 'pong' })
    await service().group('g').sendToAll('1001', PLAIN)
    assert.is((await client.json()).sequenceId, 1001)
    await service().group('g').sendToAll('1002', PLAIN)
    const reason = 'The reliable message buffer is full.'
    assert.equal(await client.closed, { code: 1008, reason })
    const again = await connect({ token: null, query, subprotocol: RELIABLE_JSON })
    assert.is((await again.closed).code, 1008)
  })
)

limits('a reliable client may leave 16 MiB unconfirmed, its being away included', () =>
  withWebPubSub({}, async ({ connect, service, lines }) => {
    const { client, query } = await connectMember(connect)
    const group = service().group('g')
    const text = 'x'.repeat(MIB - 1024)
    for (let n = 0; n < 8; n++) await group.sendToAll(text, PLAIN)
    client.ws.terminate()
    for (let n = 0; n < 8; n++) await group.sendToAll(text, PLAIN)
    const again = await connect({ token: null, query, subprotocol: RELIABLE_JSON })
    for (let n = 1; n <= 16; n++) assert.is((await again.json()).sequenceId, n)
    // Each had 1 MiB less 1 KiB and its envelope: what is left is less than one more.
    await group.sendToAll(text, PLAIN)
    assert.is((await again.closed).code, 1008)
    assert.ok(lines.some((line) => / closed 1008 ReliableBufferFull reliableBytes=/.test(line)))
  })
)

limits('a client that stops reading is ended, and nobody else waits for it', () =>
  withWebPubSub({}, async ({ connect, service, lines }) => {
    const stuck = await connect({ groups: ['g'], subprotocol: JSON_PROTOCOL })
    const reader = await connect({ groups: ['g'], subprotocol: JSON_PROTOCOL })
    await stuck.json()
    await reader.json()
    stuck.ws.pause()
    const text = 'x'.repeat(MIB - 1024)
    const full = () =>
      lines.some((line) => / closed 1008 OutboundQueueFull outboundBytes=/.test(line))
    for (let n = 0; n < 200 && !full(); n++) {
      await service().group('g').sendToAll(text, PLAIN)
      assert.is((await reader.json()).data.length, text.length)
    }
    assert.ok(full())
  })
)

limits('1000 acknowledged ids are remembered', () =>
  withWebPubSub({}, async ({ connect }) => {
    const client = await connect({ roles: ALL_ROLES, subprotocol: JSON_PROTOCOL })
    await client.json()
    const join = async (ackId: number) => {
      client.send({ type: 'joinGroup', group: 'g', ackId })
      return (await client.json()).success as boolean
    }
    for (let ackId = 1; ackId <= 1000; ackId++) assert.is(await join(ackId), true)
    assert.is(await join(1), false)
    assert.is(await join(1001), true)
    assert.is(await join(1), true)
    assert.is(await join(3), false)
  })
)

limits('100 invocations wait at once', () =>
  withWebPubSub({}, async (world) => {
    const handler = await world.handler(() => undefined)
    await fetch(`${world.control}/azure-web-pubsub/hubs/chat`, {
      method: 'PUT',
      body: JSON.stringify({
        eventHandlers: [{ urlTemplate: handler.url, userEventPattern: '*' }]
      })
    })
    const client = await world.connect({ subprotocol: JSON_PROTOCOL })
    await client.json()
    const invoke = (invocationId: string) =>
      client.send({ type: 'invoke', invocationId, event: 'e' })
    for (let n = 1; n <= 100; n++) invoke(`i${n}`)
    client.send({ type: 'ping' })
    assert.equal(await client.json(), { type: 'pong' })
    invoke('i101')
    const { invocationId, success, error } = await client.json()
    assert.equal([invocationId, success, error.name], ['i101', false, 'InvocationFailed'])
    // A name that is waited for already is refused, too, and the first goes on.
    client.send({ type: 'cancelInvocation', invocationId: 'nobody' })
    client.send({ type: 'ping' })
    assert.equal(await within(5000, client.json(), 'the pong'), { type: 'pong' })
  })
)

limits.run()
