import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { JSON_PROTOCOL, withWebPubSub, type World } from '../clients/testing.ts'
import { refusal } from './testing.ts'

async function call({ control }: World, method: string, hub = '', body?: object | string) {
  const path = hub === '' ? '' : `/${hub}`
  const reply = await fetch(`${control}/azure-web-pubsub/hubs${path}`, {
    method,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) })
  })
  const text = await reply.text()
  return { status: reply.status, body: text === '' ? undefined : (JSON.parse(text) as any) }
}

const control = suite('azure-web-pubsub hub settings')

control('are read and changed while the suite runs, and go back at a reset', () =>
  withWebPubSub(
    { settings: { hubs: { Chat: { anonymousConnectPolicy: 'allow' } } } },
    async (world) => {
      assert.equal(await call(world, 'GET'), {
        status: 200,
        body: { chat: { anonymousConnectPolicy: 'allow' } }
      })
      assert.is(await refusal(world, { token: null }), 'let in')
      const denied = { anonymousConnectPolicy: 'deny' }
      assert.equal(await call(world, 'PUT', 'CHAT', denied), { status: 200, body: denied })
      assert.equal((await call(world, 'GET', 'chat')).body, denied)
      assert.is(await refusal(world, { token: null }), '401 ')
      assert.equal(await call(world, 'DELETE', 'chat'), { status: 204, body: undefined })
      assert.equal((await call(world, 'GET', 'chat')).body, {})
      await fetch(`${world.control}/reset`, { method: 'POST' })
      assert.is(await refusal(world, { token: null }), 'let in')
    }
  )
)

for (const [what, body, sentence] of [
  ['no JSON', '{', /the body is not JSON/],
  ['an unknown key', { color: 1 }, /"color".*anonymousConnectPolicy, eventHandlers/],
  ['an unknown policy', { anonymousConnectPolicy: 'maybe' }, /"anonymousConnectPolicy"/],
  ['no URL', { eventHandlers: [{}] }, /urlTemplate/],
  ['an unknown system event', handlers({ systemEvents: ['closed'] }), /systemEvents/],
  ['a tunnel', handlers({ urlTemplate: 'tunnel:///events' }), /awps-tunnel/],
  ['a Key Vault reference', handlers({ urlTemplate: vault() }), /Key Vault/],
  ['another scheme', handlers({ urlTemplate: 'ftp://a/b' }), /http:\/\/ or https:\/\//],
  ['no host', handlers({ urlTemplate: 'http:///b' }), /http:\/\/ or https:\/\//],
  ['a parameter in the host', handlers({ urlTemplate: 'http://{hub}.a/b' }), /behind the host/],
  ['a port that is none', handlers({ urlTemplate: 'http://a:99999/b' }), /http:\/\/ or https/],
  ['an identity for nobody', handlers({ auth: { type: 'ManagedIdentity' } }), /resource/]
] as const) {
  control(`with ${what} are refused with a sentence`, () =>
    withWebPubSub({}, async (world) => {
      const reply = await call(world, 'PUT', 'chat', body)
      assert.is(reply.status, 400)
      assert.match(reply.body.error, sentence)
      assert.equal((await call(world, 'GET', 'chat')).body, {})
    })
  )
}

function handlers(of: object): object {
  return { eventHandlers: [{ urlTemplate: 'http://localhost/', ...of }] }
}

function vault(): string {
  return 'https://a/{@Microsoft.KeyVault(SecretUri=https://v/s)}'
}

control('of a hub that cannot be are refused', () =>
  withWebPubSub({}, async (world) => {
    assert.is((await call(world, 'PUT', '1chat', {})).status, 400)
    assert.is((await call(world, 'PUT', 'c'.repeat(129), {})).status, 400)
    assert.is((await call(world, 'PUT', 'c'.repeat(128), {})).status, 200)
  })
)

control('that make no sense stop the start, with a sentence', async () => {
  const eventHandlers = [{ urlTemplate: 'tunnel:///x' }]
  const failure = await withWebPubSub(
    { settings: { hubs: { chat: { eventHandlers } } } },
    async () => {}
  ).then(
    () => '',
    (error: Error) => error.message
  )
  assert.match(failure, /azure-web-pubsub: hubs\.chat\.eventHandlers\[0\]\.urlTemplate is "tunnel/)
})

control('let those stay who are connected', () =>
  withWebPubSub({}, async (world) => {
    const client = await world.connect({ subprotocol: JSON_PROTOCOL })
    await client.json()
    await call(world, 'PUT', 'chat', handlers({ systemEvents: ['connect'] }))
    client.send({ type: 'ping' })
    assert.equal(await client.json(), { type: 'pong' })
  })
)

control.run()
