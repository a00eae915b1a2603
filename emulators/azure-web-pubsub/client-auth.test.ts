// Who is not let in at the client endpoints, and that nobody gets further than the upgrade.
import http from 'node:http'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { within } from '@fogbank/contract'
import { FAR, spoil, withWebPubSub } from './testing.ts'
import { signJwt } from './transcript.ts'

const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'MDEyMzQ1Njc4OWFiY2RlZg==',
  'sec-websocket-protocol': 'mqtt'
}

/** The status of an upgrade. */
function open(target: string, headers: Record<string, string> = {}): Promise<number> {
  const answer = new Promise<number>((resolve, reject) => {
    const request = http.get(target, { headers: { ...UPGRADE, ...headers }, agent: false })
    request.on('upgrade', (_answer, socket) => {
      socket.destroy()
      resolve(101)
    })
    request.on('response', ({ statusCode = 0 }) => {
      request.destroy()
      resolve(statusCode)
    })
    request.on('error', reject)
  })
  return within(5_000, answer, 'the answer to an upgrade')
}

const clients = suite('azure-web-pubsub client tokens')

for (const path of ['/client/hubs/chat', '/clients/mqtt/hubs/chat']) {
  clients(`${path} refuses those of every wrong kind`, () =>
    withWebPubSub({}, async ({ url }) => {
      const aud = `${url}${path}`
      const good = { aud, exp: FAR }
      const other = path.includes('mqtt') ? '/client/hubs/chat' : '/clients/mqtt/hubs/chat'
      const strangers = [other, '/api/hubs/chat', path.replace('chat', 'other')]
      const tokens = [
        ...spoil(good),
        ...strangers.map((elsewhere) => signJwt({ ...good, aud: `${url}${elsewhere}` }))
      ]
      for (const token of tokens) {
        const query = `access_token=${encodeURIComponent(token)}`
        assert.is(await open(`${aud}?${query}`), 401, token.slice(0, 200))
        const authorization = `Bearer ${token}`
        assert.is(await open(aud, { authorization }), 401, token.slice(0, 200))
      }
      assert.is(await open(aud), 401)
      assert.is(await open(aud, { authorization: `Basic ${signJwt(good)}` }), 401)
      // The one in the query counts, whatever the header says.
      const authorization = `Bearer ${signJwt(good)}`
      assert.is(await open(`${aud}?access_token=x`, { authorization }), 401)
      assert.is(await open(aud, { authorization }), 101)
      assert.is(await open(`${aud}?Access_Token=${signJwt(good)}`), 101)
    })
  )
}

clients.run()
