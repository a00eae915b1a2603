import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { handle } from '../upstream/testing.ts'
import {
  ALL_ROLES,
  JSON_PROTOCOL,
  RELIABLE_JSON,
  withWebPubSub,
  type ConnectOptions,
  type World
} from './testing.ts'

const PLAIN = { contentType: 'text/plain' } as const
const REFUSED = { code: 1008, reason: 'The connection could not be recovered.' }

/** A reliable client, and how it comes back. */
async function connectReliable({ connect }: World, options: ConnectOptions = {}) {
  const client = await connect({ userId: 'alice', ...options, subprotocol: RELIABLE_JSON })
  const { connectionId, reconnectionToken } = await client.json()
  const again = (more: Partial<Record<'id' | 'token' | 'hub', string>> = {}) => {
    const { id = connectionId, token = reconnectionToken, hub = 'chat' } = more
    const query = `awps_connection_id=${id}&awps_reconnection_token=${token}`
    return connect({ token: null, hub, query, subprotocol: RELIABLE_JSON })
  }
  return { client, connectionId, reconnectionToken, again }
}

const recovery = suite('azure-web-pubsub recovery')

recovery('keeps groups, permissions, numbers and acknowledged ids', () =>
  withWebPubSub({}, async (world) => {
    const { client, again } = await connectReliable(world, { roles: ALL_ROLES })
    client.send({ type: 'joinGroup', group: 'g', ackId: 1 })
    await client.json()
    client.ws.terminate()
    const back = await again()
    await world.service().group('g').sendToAll('one', PLAIN)
    assert.is((await back.json()).sequenceId, 1)
    back.send({ type: 'joinGroup', group: 'g', ackId: 1 })
    assert.is((await back.json()).error.name, 'Duplicate')
    back.send({ type: 'joinGroup', group: 'h', ackId: 2 })
    assert.is((await back.json()).success, true)
  })
)

recovery('takes the place of a socket that seems to live', () =>
  withWebPubSub({}, async (world) => {
    const { client, again } = await connectReliable(world, { groups: ['g'] })
    const back = await again()
    assert.is((await client.closed).code, 1006)
    await world.service().group('g').sendToAll('one', PLAIN)
    assert.is((await back.json()).data, 'one')
    assert.ok(await world.service().userExists('alice'))
  })
)

recovery('tells no handler of anything', () =>
  withWebPubSub({}, async (world) => {
    const handler = await handle(world, () => ({ status: 204 }))
    const { client, again } = await connectReliable(world)
    assert.equal(
      [(await handler.next()).url, (await handler.next()).url],
      ['/chat/connect', '/chat/connected']
    )
    client.ws.terminate()
    const back = await again()
    back.send({ type: 'event', event: 'e', data: 1, ackId: 1 })
    await back.json()
    const { url, headers } = await handler.next()
    assert.is(url, '/chat/e')
    assert.is(headers['ce-id'], '2')
    back.ws.close(1000)
    assert.is((await handler.next()).url, '/chat/disconnected')
  })
)

for (const code of [1000, undefined, 4000]) {
  const ends = code === 1000
  recovery(`is ${ends ? 'not ' : ''}possible after a close with ${code ?? 'no code'}`, () =>
    withWebPubSub({}, async (world) => {
      const { client, again } = await connectReliable(world)
      client.ws.close(code)
      await client.closed
      assert.is(await world.service().userExists('alice'), !ends)
      const back = await again()
      if (ends) return assert.equal(await back.closed, REFUSED)
      back.send({ type: 'ping' })
      assert.equal(await back.json(), { type: 'pong' })
    })
  )
}

recovery('needs the token of this connection, in its hub', () =>
  withWebPubSub({}, async (world) => {
    const alice = await connectReliable(world)
    const bob = await connectReliable(world, { userId: 'bob' })
    const plain = await world.connect({ subprotocol: JSON_PROTOCOL })
    const { connectionId } = await plain.json()
    for (const bad of [
      { token: 'rubbish' },
      { token: '' },
      { token: bob.reconnectionToken },
      { token: await world.token() },
      { id: bob.connectionId },
      { hub: 'other' },
      // Not a reliable one.
      { id: connectionId }
    ]) {
      assert.equal(await (await alice.again(bad)).closed, REFUSED, JSON.stringify(bad))
    }
    alice.client.send({ type: 'ping' })
    assert.equal(await alice.client.json(), { type: 'pong' })
  })
)

recovery('is waited for 30 seconds, and then the user is gone', () =>
  withWebPubSub({ manualClock: true }, async (world) => {
    const handler = await handle(world, () => ({ status: 204 }), { systemEvents: ['disconnected'] })
    const { client, again } = await connectReliable(world)
    client.ws.terminate()
    // What comes now is noticed after the end of the socket was.
    const other = await world.connect({ subprotocol: JSON_PROTOCOL })
    await other.json()
    world.clock!.advance(29_999)
    assert.ok(await world.service().userExists('alice'))
    const back = await again()
    back.ws.terminate()
    const another = await world.connect({ subprotocol: JSON_PROTOCOL })
    await another.json()
    world.clock!.advance(29_999)
    assert.ok(await world.service().userExists('alice'))
    world.clock!.advance(1)
    assert.not.ok(await world.service().userExists('alice'))
    assert.is((await handler.next()).url, '/chat/disconnected')
    assert.equal(await (await again()).closed, REFUSED)
  })
)

recovery('goes on without the application server noticing, whom it closes for good', () =>
  withWebPubSub({}, async (world) => {
    const { client, connectionId, again } = await connectReliable(world)
    client.ws.terminate()
    await world.service().closeConnection(connectionId)
    assert.equal(await (await again()).closed, REFUSED)
  })
)

recovery.run()
