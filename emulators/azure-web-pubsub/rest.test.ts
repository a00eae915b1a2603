// What transcripts cannot say of REST: tokens taken apart, pages followed, limits that take a thousand calls.
import { createHmac } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import { EVERYTHING, FAR, spoil, withWebPubSub } from './testing.ts'
import { signJwt } from './transcript.ts'

const rest = suite('azure-web-pubsub REST')

const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as Record<string, unknown>

rest('signs client tokens with the primary key, and with the claims of the SDK', () =>
  withWebPubSub({ manualClock: true }, async ({ call, url, world }) => {
    const query =
      'clientType=mqtt&userId=alice&role=webpubsub.joinLeaveGroup.room1' +
      '&role=webpubsub.sendToGroup.room1&group=lobby&minutesToExpire=30'
    const reply = await call('POST', `:generateToken?${query}`)
    const { token } = JSON.parse(reply.body.toString()) as { token: string }
    const [header = '', payload = '', signature = ''] = token.split('.')
    const hmac = createHmac('sha256', DEVELOPMENT_KEYS.webPubSubKey).update(`${header}.${payload}`)
    assert.is(signature, hmac.digest('base64url'))
    const now = Math.floor(world.clock!.now() / 1000)
    assert.equal(claimsOf(token), {
      sub: 'alice',
      role: ['webpubsub.joinLeaveGroup.room1', 'webpubsub.sendToGroup.room1'],
      'webpubsub.group': 'lobby',
      nbf: now,
      iat: now,
      exp: now + 1800,
      aud: `${url}/clients/mqtt/hubs/chat`
    })
  })
)

rest('signs native tokens for an hour, in the folded name of the hub', () =>
  withWebPubSub({ manualClock: true }, async ({ call, url }) => {
    const reply = await call('POST', '/api/hubs/CHAT/:generateToken')
    const { nbf, exp, ...claims } = claimsOf(
      (JSON.parse(reply.body.toString()) as { token: string }).token
    )
    assert.is(Number(exp) - Number(nbf), 3600)
    assert.is(claims.aud, `${url}/client/hubs/chat`)
    assert.not.ok('sub' in claims || 'role' in claims || 'webpubsub.group' in claims)
  })
)

rest('takes a token for five minutes longer, and not a second more', () =>
  withWebPubSub({ manualClock: true }, async ({ world, url }) => {
    const aud = `${url}/api/hubs/chat/users/alice`
    const now = Math.floor(world.clock!.now() / 1000)
    const statusOf = async (claims: object) => {
      const authorization = `Bearer ${signJwt({ aud, ...claims })}`
      const target = '/api/hubs/chat/users/alice'
      const request = { method: 'HEAD', target, headers: { authorization } }
      return (await world.http({ at: 'azure-web-pubsub' }, request)).status
    }
    assert.is(await statusOf({ exp: now - 299 }), 404)
    assert.is(await statusOf({ exp: now - 300 }), 401)
    assert.is(await statusOf({ exp: now + 60, nbf: now + 300 }), 404)
    assert.is(await statusOf({ exp: now + 60, nbf: now + 301 }), 401)
  })
)

rest('takes an audience with a slash behind it, percent-encoded, or in a list', () =>
  withWebPubSub({}, async ({ world, url }) => {
    const resource = `${url}/api/hubs/chat/groups/a%20b`
    const decoded = `${url}/api/hubs/chat/groups/a b`
    for (const aud of [
      resource,
      decoded,
      `${decoded}/`,
      `${decoded}?x=1`,
      ['x', decoded.toUpperCase()]
    ]) {
      const authorization = `Bearer ${signJwt({ aud, exp: FAR })}`
      const target = '/api/hubs/chat/groups/a%20b'
      const request = { method: 'HEAD', target, headers: { authorization } }
      const { status } = await world.http({ at: 'azure-web-pubsub' }, request)
      assert.is(status, 404, String(aud))
    }
  })
)

rest('refuses tokens of every other kind', () =>
  withWebPubSub({}, async ({ world, url }) => {
    const good = { aud: `${url}/api/hubs/chat/users/alice`, exp: FAR }
    for (const token of spoil(good)) {
      const request = {
        method: 'HEAD',
        target: '/api/hubs/chat/users/alice',
        headers: { authorization: `Bearer ${token}` }
      }
      const { status } = await world.http({ at: 'azure-web-pubsub' }, request)
      assert.is(status, 401, token.slice(0, 100))
    }
    for (const authorization of ['Basic eDp5', 'Bearer', signJwt(good)]) {
      const request = {
        method: 'HEAD',
        target: '/api/hubs/chat/users/a',
        headers: { authorization }
      }
      assert.is((await world.http({ at: 'azure-web-pubsub' }, request)).status, 401)
    }
  })
)

rest('takes the token that the specification has computed', () =>
  withWebPubSub(
    { settings: { accessKeys: ['local-emulator-primary-key-0123456789abcdef'] } },
    async ({ url, world }) => {
      const { WebSocket } = await import('ws')
      const token =
        'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjpbIndlYnB1YnN1Yi5qb2luTGVhdmVHcm91cC5yb29tMSIsIndlYnB1YnN1Yi5zZW5kVG9Hcm91cC5yb29tMSJdLCJ3ZWJwdWJzdWIuZ3JvdXAiOlsibG9iYnkiXSwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjQxMDI0NDQ4MDAsImF1ZCI6Imh0dHA6Ly9sb2NhbGhvc3Q6ODA4MC9jbGllbnRzL21xdHQvaHVicy9jaGF0Iiwic3ViIjoiYWxpY2UifQ.nQtPINdPOiDsZZ7e7j0LSF0eyF0iNTfEO2QFcP0pg7U'
      const target = `${url.replace('http', 'ws')}/clients/mqtt/hubs/chat?access_token=${token}`
      const socket = new WebSocket(target, 'mqtt', { headers: { host: 'localhost:8080' } })
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
      socket.terminate()
      assert.ok(world.lines.includes('azure-web-pubsub ConnectMqtt 101 ok'))
    }
  )
)

rest('pages by connection id: what comes and goes shifts nothing', () =>
  withWebPubSub({}, async ({ call, connect, url }) => {
    for (const clientId of ['a', 'c', 'e']) await connect({ packet: { clientId } })
    await call('POST', ':addToGroups', { text: '{"groups":["room1"]}', type: 'application/json' })
    const page = async (target: string) =>
      JSON.parse((await call('GET', target)).body.toString()) as {
        value: { connectionId: string }[]
        nextLink: string | null
      }
    const ids = (value: { connectionId: string }[]) => value.map(({ connectionId }) => connectionId)
    const first = await page('groups/room1/connections?maxpagesize=1&api-version=2024-12-01&top=3')
    assert.equal(ids(first.value), ['a'])
    const next = new URL(first.nextLink!)
    assert.is(next.origin, url)
    assert.is(next.pathname, '/api/hubs/chat/groups/room1/connections')
    const token = next.searchParams.get('continuationToken')!
    assert.equal([...next.searchParams.keys()].sort(), [
      'api-version',
      'continuationToken',
      'maxpagesize',
      'top'
    ])
    assert.is(next.searchParams.get('top'), '2')
    await connect({ packet: { clientId: 'b' } })
    await call('PUT', 'groups/room1/connections/b')
    await call('DELETE', 'groups/room1/connections/a')
    const second = await page(`${next.pathname}${next.search}`)
    assert.equal(ids(second.value), ['b'])
    const third = new URL(second.nextLink!)
    const last = await page(`${third.pathname}${third.search}`)
    assert.equal(ids(last.value), ['c'])
    assert.is(last.nextLink, null)

    const asked = (target: string) => call('GET', target)
    const foreign = `continuationToken=${token}&api-version=2024-12-01`
    assert.is((await asked(`groups/room2/connections?${foreign}`)).status, 400)
    assert.is((await asked(`/api/hubs/other/groups/room1/connections?${foreign}`)).status, 400)
    assert.is((await asked(`groups/room1/connections?${foreign.replace('=', '=x')}`)).status, 400)
  })
)

rest('takes a thousand permissions of one connection, and not one more', () =>
  withWebPubSub({}, async ({ connect, call }) => {
    // Literal names of the token's roles are some of them; so many calls would take their time.
    const role = Array.from({ length: 990 }, (_, index) => `webpubsub.sendToGroup.room${index}`)
    await connect({ claims: { role } })
    const path = (name: string) => `permissions/sendToGroup/connections/dev1?targetName=${name}`
    for (let index = 990; index < 1000; index++) {
      assert.is((await call('PUT', path(`room${index}`))).status, 200, String(index))
    }
    const over = await call('PUT', path('overflow'))
    assert.is(over.status, 409)
    assert.is(over.headers['x-ms-error-code'], 'Error.Connection.Conflict')
    assert.is((await call('HEAD', path('overflow'))).status, 404)
    assert.is((await call('PUT', path('room0'))).status, 200)
    assert.is((await call('DELETE', path('room0'))).status, 204)
    assert.is((await call('PUT', path('overflow'))).status, 200)
  })
)

rest('takes 1 MB, and a byte more is refused; the service goes on', () =>
  withWebPubSub({}, async ({ call }) => {
    const send = (text: string | Buffer, type?: string) =>
      call('POST', ':send', { text, ...(type ? { type } : {}) })
    assert.is((await send('x'.repeat(1_048_576))).status, 202)
    assert.is((await send('x'.repeat(1_048_577))).status, 400)
    assert.is((await send(Buffer.from([0xff, 0xfe]), 'application/json')).status, 400)
    assert.is((await send('[]', 'application/json;charset=utf-16le')).status, 400)
    assert.is((await send('x', 'text/plain; charset=klingon')).status, 415)
    for (const type of ['text', 'text/', '/plain', 'text/plain, text/plain', 'text/html', ';']) {
      assert.is((await send('x', type)).status, 415, type)
    }
    assert.is((await send('x', 'TEXT/PLAIN; charset="utf-8"')).status, 202)
    assert.is((await send('x')).status, 202)
  })
)

rest('answers hostile targets, and goes on', () =>
  withWebPubSub({}, async ({ call, world }) => {
    const targets = [
      '/api/hubs/chat/groups/%00/:send',
      '/api/hubs/chat/groups/%ED%A0%80/:send',
      '/api/hubs/chat/groups/%zz/:send',
      '/api/hubs/chat//:send',
      '/api/hubs//:send',
      '/api/hubs/chat/groups/../:send',
      `/api/hubs/chat/groups/${'a%2F'.repeat(150)}/:send`,
      '/api/hubs/chat/:send?filter=%ff',
      '/api/hubs/chat/:send?filter=((((',
      '/api/hubs/__proto__/:send',
      '/api/hubs/chat/permissions/constructor/connections/x?targetName=x',
      '/api/hubs/chat/groups/__proto__/:send'
    ]
    for (const target of targets) {
      const authorization = `Bearer ${signJwt({ aud: 'x', exp: FAR })}`
      const request = { method: 'POST', target, headers: { authorization } }
      const { status } = await world.http({ at: 'azure-web-pubsub' }, request)
      assert.ok(status >= 400 && status < 500, `${target} was answered ${status}`)
    }
    assert.is((await call('POST', ':send', { text: 'x' })).status, 202)
    assert.equal(world.failures, [])
  })
)

rest('sends to groups that no topic can name, and no harm is done', () =>
  withWebPubSub({}, async ({ call, connect, world }) => {
    await connect()
    for (const group of [
      '%00',
      'a%2F'.repeat(150),
      '%24SYS%2Fx',
      '%24webpubsub%2Fserver%2Fx',
      '%23'
    ]) {
      assert.is((await call('PUT', `groups/${group}/connections/dev1`)).status, 200, group)
      assert.is((await call('POST', `groups/${group}/:send`, { text: 'x' })).status, 202, group)
      assert.is((await call('HEAD', `groups/${group}`)).status, 200, group)
    }
    assert.equal(world.failures, [])
  })
)

rest('forgets everybody at a reset', () =>
  withWebPubSub({}, async ({ connect, call, world }) => {
    const wire = await connect({ claims: { sub: 'alice', role: EVERYTHING } })
    await fetch(`${String(world.fogbank.endpoints.control!.http)}/reset`, { method: 'POST' })
    assert.is((await wire.next())?.reasonCode, 0x98)
    assert.is((await call('HEAD', 'connections/dev1')).status, 404)
    assert.is((await call('HEAD', 'users/alice')).status, 404)
    await connect()
    assert.is((await call('HEAD', 'connections/dev1')).status, 200)
  })
)

rest('takes any unexpired token when it is lenient', () =>
  withWebPubSub({ auth: 'lenient' }, async ({ world, call }) => {
    const statusOf = async (token: string) => {
      const headers = { authorization: `Bearer ${token}` }
      const request = { method: 'POST', target: '/api/hubs/chat/:send', headers }
      return (await world.http({ at: 'azure-web-pubsub' }, request)).status
    }
    assert.is(await statusOf(signJwt({ aud: 'anybody', exp: FAR }, 'any key')), 202)
    assert.is(await statusOf(signJwt({ aud: 'anybody', exp: 1 }, 'any key')), 401)
    assert.is((await call('POST', ':send', { text: 'x' })).status, 202)
  })
)

rest('names the setting that makes no sense', async () => {
  const started = withWebPubSub({ settings: { hubs: { Chat: {}, chat: {} } } }, async () => {})
  const error = await started.catch((thrown: unknown) => thrown as Error)
  assert.instance(error, Error)
  assert.match((error as Error).message, /hubs.*chat/)
})

rest.run()
