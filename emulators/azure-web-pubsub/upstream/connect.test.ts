import { createHmac } from 'node:crypto'
import https from 'node:https'
import { json } from 'node:stream/consumers'
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { JSON_PROTOCOL, RELIABLE_JSON, withWebPubSub } from '../clients/testing.ts'
import { advanceUntil, configure, early, handle, refusal } from './testing.ts'

const PRIMARY = 'local-emulator-primary-key-0123456789abcdef'
const SECONDARY = 'local-emulator-secondary-key-0123456789abcd'

function getJson(url: string, ca: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    https
      .get(url, { ca, agent: false }, (reply) => json(reply).then(resolve, reject))
      .on('error', reject)
  })
}

const connect = suite('azure-web-pubsub connect event')

connect('says who connects, to the letter', () =>
  withWebPubSub({ settings: { accessKeys: [PRIMARY, SECONDARY] } }, async (world) => {
    const handler = await handle(world, () => ({ status: 204 }))
    const alice = await world.connect({
      userId: 'alice',
      subprotocol: ['mine', JSON_PROTOCOL],
      query: 'a=1&a=2&b=%20',
      headers: { 'X-Mine': 'yes', Authorization: 'Bearer secret' }
    })
    const { connectionId } = await alice.json()
    const { method, url, headers, rawHeaders, body } = await handler.next()
    assert.is(`${method} ${url}`, 'POST /chat/connect')
    const named = (name: string) => rawHeaders[rawHeaders.indexOf(name) + 1]
    assert.is(headers['content-type'], 'application/json; charset=utf-8')
    assert.is(named('ce-specversion'), '1.0')
    assert.is(named('ce-awpsversion'), '1.0')
    assert.is(named('ce-type'), 'azure.webpubsub.sys.connect')
    assert.is(named('ce-source'), `/hubs/chat/client/${connectionId}`)
    assert.is(named('ce-id'), '0')
    assert.match(named('ce-time')!, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    assert.is(named('ce-connectionId'), connectionId)
    assert.is(named('ce-hub'), 'chat')
    assert.is(named('ce-eventName'), 'connect')
    assert.is(named('ce-userId'), 'alice')
    assert.is(named('WebHook-Request-Origin'), new URL(world.url).hostname)
    assert.is(headers['ce-subprotocol'], undefined)
    const part = (key: string) =>
      `sha256=${createHmac('sha256', key).update(String(connectionId)).digest('hex')}`
    assert.is(named('ce-signature'), `${part(PRIMARY)},${part(SECONDARY)}`)
    const said = JSON.parse(body.toString())
    assert.equal(Object.keys(said).sort(), [
      'claims',
      'clientCertificates',
      'headers',
      'query',
      'subprotocols'
    ])
    assert.equal(said.claims.sub, ['alice'])
    assert.equal(said.claims.aud, [`${world.url}/client/hubs/chat`])
    assert.equal(said.query, { a: ['1', '2'], b: [' '] })
    assert.equal(said.headers['x-mine'], ['yes'])
    assert.is(said.headers.authorization, undefined)
    assert.equal(said.subprotocols, ['mine', JSON_PROTOCOL])
    assert.equal(said.clientCertificates, [])
  })
)

connect('proves itself to a handler that asks for an identity', () =>
  withWebPubSub({}, async (world) => {
    const resource = 'api://mine'
    const auth = { type: 'ManagedIdentity', managedIdentity: { resource } }
    const of = { systemEvents: ['connect'], auth }
    const handler = await handle(world, () => ({ status: 204 }), of)
    assert.is(await refusal(world), 'let in')
    const { authorization = '' } = (await handler.next()).headers
    const authority = String(world.fogbank.endpoints.authority!.https)
    const keys = await getJson(`${authority}/common/discovery/v2.0/keys`, await world.fogbank.ca())
    const token = authorization.replace(/^Bearer /, '')
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys as JSONWebKeySet))
    assert.is(payload.aud, resource)
  })
)

connect('takes user, roles, groups and subprotocol from the answer', () =>
  withWebPubSub({}, async (world) => {
    const verdict = {
      userId: 'bob',
      roles: ['webpubsub.sendToGroup.room1'],
      groups: ['room1'],
      subprotocol: RELIABLE_JSON
    }
    await handle(world, ({ url }) => ({
      body: url === '/chat/connect' ? JSON.stringify(verdict) : ''
    }))
    const client = await world.connect({
      userId: 'alice',
      roles: ['webpubsub.joinLeaveGroup'],
      subprotocol: [JSON_PROTOCOL, RELIABLE_JSON]
    })
    assert.is(client.protocol, RELIABLE_JSON)
    assert.is((await client.json()).userId, 'bob')
    client.send({ type: 'sendToGroup', group: 'room1', data: 1 })
    assert.is((await client.json()).fromUserId, 'bob')
    client.send({ type: 'joinGroup', group: 'room2', ackId: 1 })
    assert.is((await client.json()).error.name, 'Forbidden')
  })
)

for (const [name, body, userId, joins] of [
  ['nothing', '', 'alice', true],
  ['null', 'null', 'alice', true],
  ['empty lists and texts', '{"userId":"","roles":[],"groups":[]}', '', false]
] as const) {
  connect(`leaves what the token says where the answer says ${name}`, () =>
    withWebPubSub({}, async (world) => {
      await handle(world, ({ url }) => ({ body: url === '/chat/connect' ? body : '' }))
      const client = await world.connect({
        userId: 'alice',
        roles: ['webpubsub.joinLeaveGroup', 'webpubsub.sendToGroup'],
        groups: ['room1'],
        subprotocol: JSON_PROTOCOL
      })
      assert.is((await client.json()).userId, userId)
      client.send({ type: 'joinGroup', group: 'room2', ackId: 1 })
      assert.is((await client.json()).success, joins)
    })
  )
}

connect('chooses a subprotocol of the application, whose client is a simple one', () =>
  withWebPubSub({}, async (world) => {
    const handler = await handle(world, ({ url }) => ({
      body: url === '/chat/connect' ? '{"subprotocol":"mine"}' : 'hello'
    }))
    const client = await world.connect({ subprotocol: ['mine', JSON_PROTOCOL] })
    assert.is(client.protocol, 'mine')
    await handler.next()
    client.send('hi')
    assert.equal(await client.next(), Buffer.from('hello'))
    const requests = [await handler.next(), await handler.next()]
    const event = requests.find(({ url }) => url === '/chat/message')!
    assert.is(event.headers['ce-subprotocol'], 'mine')
  })
)

for (const status of [400, 401, 403, 404, 429]) {
  connect(`passes on a refusal with ${status}, asked once`, () =>
    withWebPubSub({}, async (world) => {
      const handler = await handle(world, () => ({ status, body: 'go away' }))
      assert.is(await refusal(world), `${status} `)
      await handler.next()
      assert.is(handler.waiting.length, 0)
    })
  )
}

for (const [name, answer] of [
  ['is not JSON', { body: '<html>' }],
  ['is no object', { body: '[1]' }],
  ['has a member of another type', { body: '{"groups":"room1"}' }],
  ['names a blank group', { body: '{"groups":[" "]}' }],
  ['is too long', { body: Buffer.alloc(16 * 1024 * 1024 + 1, ' ') }]
] as const) {
  connect(`lets nobody in when the answer ${name}`, () =>
    withWebPubSub({}, async (world) => {
      await handle(world, () => answer)
      assert.is(await refusal(world), '500 ')
      assert.ok(world.lines.some((line) => / ConnectClient 500 ConnectFailed /.test(line)))
      // The process goes on.
      await configure(world, [])
      assert.is(await refusal(world), 'let in')
    })
  )
}

connect('asks four times where the answer is 5xx, with the same event', () =>
  withWebPubSub({ manualClock: true }, async (world) => {
    let times = 0
    const handler = await handle(world, () => ({ status: ++times < 4 ? 503 : 204 }))
    const outcome = refusal(world)
    assert.is(await advanceUntil(world, outcome), 'let in')
    const tries = [1, 2, 3, 4].map(() => handler.waiting.shift()!)
    assert.equal(new Set(tries.map(({ headers }) => headers['x-ms-client-request-id'])).size, 1)
    assert.equal([...new Set(tries.map(({ headers }) => headers['ce-id']))], ['0'])
  })
)

connect('gives up with the last answer', () =>
  withWebPubSub({ manualClock: true }, async (world) => {
    const handler = await handle(world, () => ({ status: 503 }))
    assert.is(await advanceUntil(world, refusal(world)), '503 ')
    assert.is(handler.waiting.length, 4)
  })
)

connect('waits 100 seconds for a handler that hangs', () =>
  withWebPubSub({ manualClock: true }, async (world) => {
    const handler = await handle(world, () => undefined)
    const outcome = refusal(world)
    await handler.next()
    world.clock!.advance(99_999)
    assert.is(await early(outcome), 'nothing yet')
    world.clock!.advance(1)
    assert.is(await outcome, '500 ')
    assert.ok(world.lines.some((line) => /no answer within 100 s/.test(line)))
  })
)

connect('follows redirects, but not for ever', () =>
  withWebPubSub({}, async (world) => {
    const handler = await handle(world, ({ url }) =>
      url.startsWith('/there')
        ? { body: '{"userId":"there"}' }
        : { status: 307, headers: { Location: url === '/chat/connect' ? '/there' : '/ring' } }
    )
    const client = await world.connect({ subprotocol: JSON_PROTOCOL })
    assert.is((await client.json()).userId, 'there')
    const [first, second] = [await handler.next(), await handler.next()]
    assert.is(first.url, '/chat/connect')
    assert.equal([second.method, second.url, second.body], ['POST', '/there', first.body])
    await configure(world, [{ urlTemplate: `${handler.url}/ring`, systemEvents: ['connect'] }])
    assert.is(await refusal(world), '500 ')
  })
)

connect('lets nobody in when nobody listens at the URL', () =>
  withWebPubSub({ manualClock: true }, async (world) => {
    await configure(world, [{ urlTemplate: 'http://127.0.0.1:1/', systemEvents: ['connect'] }])
    assert.is(await advanceUntil(world, refusal(world)), '500 ')
  })
)

connect.run()
