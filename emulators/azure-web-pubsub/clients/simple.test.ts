import type { WebPubSubServiceClient } from '@azure/web-pubsub'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ALL_ROLES, JSON_PROTOCOL, withWebPubSub } from './testing.ts'

const GROUP_MODE = 'webpubsub_mode=sendToGroup&group=g'

const simple = suite('azure-web-pubsub simple WebSocket clients')

simple('get what is sent, bare, and nothing else', () =>
  withWebPubSub({}, async ({ connect, service }) => {
    const client = await connect({ userId: 'alice', groups: ['g'] })
    assert.is(client.protocol, '')
    const group = service().group('g')
    await group.sendToAll('text', { contentType: 'text/plain' })
    assert.is(await client.next(), 'text')
    await group.sendToAll({ n: 1 })
    assert.is(await client.next(), '{"n":1}')
    await group.sendToAll(new Uint8Array([0, 255]))
    assert.equal(await client.next(), Buffer.from([0, 255]))
    await service().closeUserConnections('alice', { reason: 'bye' })
    assert.equal(await client.closed, { code: 1000, reason: '' })
    assert.equal(client.waiting, [])
  })
)

simple('of a subprotocol that nobody knows are answered none', () =>
  withWebPubSub({}, async ({ connect }) => {
    const refused = await connect({ subprotocol: 'mine' }).then(
      () => 'let in',
      (error: Error) => error.message
    )
    // That is the client's side of it: it wants one of those it offered.
    assert.is(refused, 'Server sent no subprotocol')
  })
)

simple('are echoed in the mode sendToGroup, unless they say noEcho', () =>
  withWebPubSub({}, async ({ connect }) => {
    const own = { roles: ALL_ROLES, groups: ['g'] }
    const loud = await connect({ ...own, query: GROUP_MODE })
    const quiet = await connect({ ...own, query: `${GROUP_MODE}&noEcho=TRUE` })
    quiet.send('from quiet')
    assert.is(await loud.next(), 'from quiet')
    loud.send('from loud')
    assert.is(await loud.next(), 'from loud')
    assert.is(await quiet.next(), 'from loud')
    assert.equal(quiet.waiting, [])
  })
)

simple('do not join the group they send to', () =>
  withWebPubSub({}, async ({ connect, service }) => {
    const sender = await connect({ userId: 'alice', roles: ALL_ROLES, query: GROUP_MODE })
    const member = await connect({ groups: ['g'], subprotocol: JSON_PROTOCOL })
    await member.json()
    sender.send('hi')
    assert.is((await member.json()).data, 'hi')
    await service().sendToUser('alice', 'you', { contentType: 'text/plain' })
    assert.is(await sender.next(), 'you')
  })
)

simple('may lose the permission while they last', () =>
  withWebPubSub({}, async ({ connect, service }) => {
    const options = { userId: 'alice', roles: ['webpubsub.sendToGroups.?'], query: GROUP_MODE }
    const sender = await connect(options)
    const member = await connect({ groups: ['g'], subprotocol: JSON_PROTOCOL })
    await member.json()
    sender.send('one')
    assert.is((await member.json()).data, 'one')
    const connectionId = await idOf(service(), 'alice')
    await service().revokePermission(connectionId, 'sendToGroup', { targetName: 'g' })
    sender.send('two')
    const reason = 'The connection is not authorized for raw sendToGroup mode.'
    assert.equal(await sender.closed, { code: 1008, reason })
  })
)

/** A simple client is never told its id; a group's list tells us. */
async function idOf(service: WebPubSubServiceClient, userId: string): Promise<string> {
  const ids = service.group('ids')
  await ids.addUser(userId)
  for await (const { connectionId } of await ids.listConnections()) return connectionId
  throw new Error(`${userId} is not there`)
}

simple('choose the last of repeated parameters, and any case of the mode', () =>
  withWebPubSub({}, async ({ connect }) => {
    const query = `webpubsub_mode=sendEvent&webpubsub_mode=SENDTOGROUP&group=other&group=g`
    const sender = await connect({ roles: ALL_ROLES, query })
    const member = await connect({ groups: ['g'], subprotocol: JSON_PROTOCOL })
    await member.json()
    sender.send('hi')
    assert.is((await member.json()).group, 'g')
  })
)

simple.run()
