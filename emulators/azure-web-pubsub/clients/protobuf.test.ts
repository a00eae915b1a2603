import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ALL_ROLES, JSON_PROTOCOL, withWebPubSub } from './testing.ts'
import { decodeDown, encodeUp, PROTOBUF, RELIABLE_PROTOBUF } from './testing-protobuf.ts'

const protobuf = suite('azure-web-pubsub protobuf.webpubsub.azure.v1')

const OPTIONS = { userId: 'alice', roles: ALL_ROLES, subprotocol: PROTOBUF }

protobuf('joins, sends, is acknowledged and pinged', () =>
  withWebPubSub({}, async ({ connect }) => {
    const alice = await connect(OPTIONS)
    assert.is(alice.protocol, PROTOBUF)
    const answer = async () => decodeDown(await alice.next())
    const { system } = await answer()
    assert.match(system.connected.connectionId, /^[0-9a-f]{32}$/)
    assert.is(system.connected.userId, 'alice')
    assert.is(system.connected.token, undefined)
    alice.send(encodeUp({ ping: {} }))
    assert.equal(await answer(), { pong: {} })
    const ackId = '18446744073709551615'
    alice.send(encodeUp({ join: { group: 'room1', ackId } }))
    assert.equal(await answer(), { ack: { ackId, success: true } })
    alice.send(encodeUp({ join: { group: 'room1', ackId } }))
    const message = `Message with ack-id: ${ackId} has been processed`
    assert.equal(await answer(), { ack: { ackId, error: { name: 'Duplicate', message } } })
    alice.send(
      encodeUp({ send: { group: 'room1', data: { text: '' }, metadata: { k: 'v' }, ackId: 2 } })
    )
    const data = { from: 'group', group: 'room1', data: { text: '' }, metadata: { k: 'v' } }
    assert.equal(await answer(), { data })
    assert.equal(await answer(), { ack: { ackId: '2', success: true } })
    alice.send(encodeUp({ send: { group: 'room1', data: { text: 'x' }, noEcho: true, ackId: 3 } }))
    assert.equal(await answer(), { ack: { ackId: '3', success: true } })
    alice.send(encodeUp({ leave: { group: 'room1' } }))
    alice.send(encodeUp({ send: { group: 'room1', data: { text: 'x' }, ackId: 4 } }))
    assert.equal(await answer(), { ack: { ackId: '4', success: true } })
  })
)

const INVALID: [what: string, frame: Buffer][] = [
  ['garbage', Buffer.from([0xff, 0xff, 0xff])],
  ['nothing', Buffer.alloc(0)],
  ['a length past the end', Buffer.from([0x32, 0x7f])],
  ['a blank group', encodeUp({ join: { group: ' ' } })],
  ['no data', encodeUp({ send: { group: 'g' } })],
  ['an event name that is none', encodeUp({ event: { event: '1', data: { text: '' } } })],
  ['a TTL of 301 seconds', encodeUp({ send: { group: 'g', data: { text: '' }, ttl: 301 } })],
  ['JSON that is none', encodeUp({ send: { group: 'g', data: { json: '{' } } })],
  ['a stream', encodeUp({ send: { group: 'g', data: { text: '' }, stream: { id: 'a' } } })],
  [
    'a metadata key with a space',
    encodeUp({ send: { group: 'g', data: { text: '' }, metadata: { 'a b': 'v' } } })
  ]
]

for (const [what, frame] of INVALID) {
  protobuf(`ends a client that sends ${what}`, () =>
    withWebPubSub({}, async ({ connect, lines }) => {
      const alice = await connect(OPTIONS)
      alice.send(frame)
      const reason = `The client message is not a valid ${PROTOBUF} protocol message.`
      assert.equal(await alice.closed, { code: 1007, reason })
      assert.ok(lines.some((line) => / closed 1007 MessageInvalid ./.test(line)))
    })
  )
}

protobuf('takes a TTL of 300 seconds', () =>
  withWebPubSub({}, async ({ connect }) => {
    const alice = await connect(OPTIONS)
    await alice.next()
    alice.send(encodeUp({ send: { group: 'g', data: { text: '' }, ttl: 300, ackId: 1 } }))
    assert.equal(decodeDown(await alice.next()), { ack: { ackId: '1', success: true } })
  })
)

protobuf('is told the reason when the application server ends it', () =>
  withWebPubSub({}, async ({ connect, service }) => {
    const alice = await connect(OPTIONS)
    await alice.next()
    await service().closeUserConnections('alice', { reason: 'bye' })
    const reason = 'Application server closed the connection. Reason: bye'
    assert.equal(decodeDown(await alice.next()), { system: { disconnected: { reason } } })
    assert.equal(await alice.closed, { code: 1000, reason: '' })
  })
)

protobuf('numbers messages and recovers, in its reliable variant', () =>
  withWebPubSub({}, async ({ connect, service }) => {
    const alice = await connect({ ...OPTIONS, groups: ['g'], subprotocol: RELIABLE_PROTOBUF })
    const { connectionId, token } = decodeDown(await alice.next()).system.connected
    const send = (text: string) =>
      service().group('g').sendToAll(text, { contentType: 'text/plain' })
    const message = (text: string, sequenceId: string) => ({
      data: { from: 'group', group: 'g', data: { text }, sequenceId }
    })
    await send('one')
    await send('two')
    assert.equal(decodeDown(await alice.next()), message('one', '1'))
    assert.equal(decodeDown(await alice.next()), message('two', '2'))
    alice.send(encodeUp({ seq: { id: 1 } }))
    alice.send(encodeUp({ ping: {} }))
    await alice.next()
    alice.ws.terminate()
    const again = await connect({
      token: null,
      query: `awps_connection_id=${connectionId}&awps_reconnection_token=${token}`,
      // It stays what it was, whatever is offered now.
      subprotocol: [JSON_PROTOCOL, RELIABLE_PROTOBUF]
    })
    assert.is(again.protocol, RELIABLE_PROTOBUF)
    assert.equal(decodeDown(await again.next()), message('two', '2'))
  })
)

protobuf.run()
