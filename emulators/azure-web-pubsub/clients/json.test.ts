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

json.run()
