import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ALL_ROLES, JSON_PROTOCOL, withWebPubSub } from './testing.ts'

const json = suite('azure-web-pubsub json.webpubsub.azure.v1')

json('says connected first, and answers ping', () =>
  withWebPubSub({}, async ({ connect }) => {
    const alice = await connect({ userId: 'alice', subprotocol: JSON_PROTOCOL })
    assert.is(alice.protocol, JSON_PROTOCOL)
    const { connectionId, ...connected } = await alice.json()
    assert.equal(connected, { type: 'system', event: 'connected', userId: 'alice' })
    assert.match(connectionId, /^[0-9a-f]{32}$/)
    alice.send({ type: 'ping' })
    assert.equal(await alice.json(), { type: 'pong' })
  })
)

json('joins, sends to whom is in, and leaves', () =>
  withWebPubSub({}, async ({ connect }) => {
    const options = { roles: ALL_ROLES, subprotocol: JSON_PROTOCOL }
    const alice = await connect({ ...options, userId: 'alice' })
    const bob = await connect(options)
    assert.is((await alice.json()).event, 'connected')
    assert.is((await bob.json()).userId, null)
    bob.send({ type: 'joinGroup', group: 'room1', ackId: 1 })
    assert.is(await bob.next(), '{"type":"ack","ackId":1,"success":true}')
    alice.send({ type: 'sendToGroup', group: 'room1', dataType: 'text', data: 'hi', ackId: 7 })
    assert.is(await alice.next(), '{"type":"ack","ackId":7,"success":true}')
    assert.is(
      await bob.next(),
      '{"type":"message","from":"group","group":"room1","fromUserId":"alice","dataType":"text","data":"hi"}'
    )
    bob.send({ type: 'leaveGroup', group: 'room1', ackId: 2 })
    assert.is(await bob.next(), '{"type":"ack","ackId":2,"success":true}')
    alice.send({ type: 'sendToGroup', group: 'room1', data: 1, ackId: 8 })
    assert.is(await alice.next(), '{"type":"ack","ackId":8,"success":true}')
    bob.send({ type: 'ping' })
    assert.equal(await bob.json(), { type: 'pong' })
  })
)

const INVALID: [what: string, frame: string | Buffer][] = [
  ['no JSON', 'hello'],
  ['a list', '[{"type":"ping"}]'],
  ['no type', '{"group":"g"}'],
  ['a type that is no text', '{"type":1}'],
  ['an unknown type', '{"type":"shout"}'],
  ['no group', '{"type":"joinGroup"}'],
  ['a group of 1025 characters', `{"type":"joinGroup","group":"${'g'.repeat(1025)}"}`],
  ['a blank group', '{"type":"leaveGroup","group":" "}'],
  ['an ackId that is a text', '{"type":"joinGroup","group":"g","ackId":"1"}'],
  ['an ackId with a fraction', '{"type":"joinGroup","group":"g","ackId":1.5}'],
  ['an ackId past uint64', '{"type":"joinGroup","group":"g","ackId":18446744073709551616}'],
  ['no data', '{"type":"sendToGroup","group":"g"}'],
  ['null as data', '{"type":"sendToGroup","group":"g","data":null}'],
  ['text that is none', '{"type":"sendToGroup","group":"g","dataType":"text","data":1}'],
  ['base64 that is none', '{"type":"sendToGroup","group":"g","dataType":"binary","data":"a"}'],
  ['an unknown dataType', '{"type":"sendToGroup","group":"g","dataType":"xml","data":"a"}'],
  ['a noEcho that is a text', '{"type":"sendToGroup","group":"g","data":1,"noEcho":"true"}'],
  ['a TTL of 301 seconds', '{"type":"sendToGroup","group":"g","data":1,"ttlSeconds":301}'],
  ['an event name with a space', '{"type":"event","event":"a b","data":1}'],
  ['an event name of 129 characters', `{"type":"event","event":"${'e'.repeat(129)}","data":1}`],
  ['metadata that is a list', '{"type":"event","event":"e","data":1,"metadata":[]}'],
  ['metadata with a number', '{"type":"event","event":"e","data":1,"metadata":{"a":1}}'],
  ['a metadata key of 257 bytes', metadata({ ['k'.repeat(257)]: '' })],
  ['a metadata value of 1025 bytes', metadata({ k: 'v'.repeat(1025) })],
  ['a metadata value beyond ASCII', metadata({ k: 'ü' })],
  ['metadata of 8193 bytes', metadata(parts(8193))],
  ['no sequenceId', '{"type":"sequenceAck"}'],
  ['no invocationId', '{"type":"invoke","event":"e"}'],
  [
    'an invocation of something else',
    '{"type":"invoke","invocationId":"i","target":"x","event":"e"}'
  ],
  ['a binary frame that is no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ['a member named like a prototype', '{"__proto__":{"type":"ping"}}']
]

function metadata(of: Record<string, string>): string {
  return JSON.stringify({ type: 'event', event: 'e', data: 1, metadata: of, ackId: 1 })
}

/** Metadata of so many bytes, none of its parts too long. */
function parts(bytes: number): Record<string, string> {
  const all: Record<string, string> = {}
  for (let left = bytes; left > 0; left -= 1000) {
    const key = String(Object.keys(all).length + 1)
    all[key] = 'v'.repeat(Math.min(left, 1000) - 1)
  }
  return all
}

for (const [what, frame] of INVALID) {
  json(`ends a client that sends ${what}`, () =>
    withWebPubSub({}, async ({ connect, lines }) => {
      const client = await connect({ roles: ALL_ROLES, subprotocol: JSON_PROTOCOL })
      await client.json()
      client.send(frame)
      const reason = 'The client message is not a valid JSON protocol message.'
      assert.equal(await client.closed, { code: 1007, reason })
      assert.ok(lines.some((line) => / closed 1007 MessageInvalid ./.test(line)))
    })
  )
}

const VALID: [what: string, frame: string][] = [
  ['a type in other letters', '{"type":"JOINGROUP","group":"g","ackId":1}'],
  ['a group of 1024 characters', `{"type":"joinGroup","group":"${'g'.repeat(1024)}","ackId":1}`],
  [
    'a TTL of 300 seconds',
    '{"type":"sendToGroup","group":"h","data":1,"ttlSeconds":300,"ackId":1}'
  ],
  ['metadata without data', '{"type":"sendToGroup","group":"h","metadata":{"a":"b"},"ackId":1}'],
  ['members nobody knows', '{"type":"joinGroup","group":"g","ackId":1,"more":{"ackId":2}}']
]

for (const [what, frame] of VALID) {
  json(`takes ${what}`, () =>
    withWebPubSub({}, async ({ connect }) => {
      const client = await connect({ roles: ALL_ROLES, subprotocol: JSON_PROTOCOL })
      await client.json()
      client.send(frame)
      assert.equal(await client.json(), { type: 'ack', ackId: 1, success: true })
    })
  )
}

json('takes an event name of 128 characters and metadata of 8192 bytes', () =>
  withWebPubSub({}, async ({ connect }) => {
    const client = await connect({ subprotocol: JSON_PROTOCOL })
    await client.json()
    const event = 'e'.repeat(128)
    client.send({ type: 'event', event, data: 1, metadata: parts(8192), ackId: 1 })
    // Nobody handles it; it was read, though.
    assert.is((await client.json()).error.name, 'InternalServerError')
  })
)

json('survives whatever bytes come', () =>
  withWebPubSub({}, async ({ connect }) => {
    const frames = [
      Buffer.alloc(0),
      Buffer.alloc(1000, 0xff),
      '{'.repeat(10_000),
      '"'.repeat(9_999)
    ]
    for (const frame of frames) {
      const client = await connect({ subprotocol: JSON_PROTOCOL })
      client.send(frame)
      assert.is((await client.closed).code, 1007)
    }
    const client = await connect({ subprotocol: JSON_PROTOCOL })
    assert.is((await client.json()).event, 'connected')
  })
)

json('is told when the application server ends it (golden exchange G13)', () =>
  withWebPubSub({}, async ({ connect, service }) => {
    const client = await connect({ subprotocol: JSON_PROTOCOL })
    const { connectionId } = await client.json()
    await service().closeConnection(connectionId, { reason: 'bye' })
    assert.equal(await client.json(), {
      type: 'system',
      event: 'disconnected',
      message: 'Application server closed the connection. Reason: bye'
    })
    assert.equal(await client.closed, { code: 1000, reason: '' })
    assert.not.ok(await service().connectionExists(connectionId))
  })
)

json('loses and gains permissions while it lasts', () =>
  withWebPubSub({}, async ({ connect, service }) => {
    const client = await connect({
      roles: ['webpubsub.joinLeaveGroup'],
      subprotocol: JSON_PROTOCOL
    })
    const { connectionId } = await client.json()
    const join = async (ackId: number) => {
      client.send({ type: 'joinGroup', group: 'g', ackId })
      return (await client.json()).success as boolean
    }
    assert.is(await join(1), true)
    await service().revokePermission(connectionId, 'joinLeaveGroup', { targetName: 'g' })
    assert.is(await join(2), false)
    await service().grantPermission(connectionId, 'joinLeaveGroup', { targetName: 'g' })
    // What failed under an id may be asked again under it.
    assert.is(await join(2), true)
  })
)

json.run()
