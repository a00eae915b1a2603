// The vendor's Web PubSub SDK for Python, in a virtual environment that this test makes.
import { createHmac } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import { withFogbank, type World } from '../../with-fogbank.ts'
import { findPython, runScript } from './environment.ts'

const ID = 'azure-web-pubsub'
const KEY = DEVELOPMENT_KEYS.webPubSubKey

/** Runs the script against a suite and answers what it printed. */
async function run(python: string, world: World): Promise<Record<string, unknown>> {
  const { http, https } = world.fogbank.endpoints[ID]!
  const toString = (endpoint: unknown) =>
    `Endpoint=${String(endpoint)};AccessKey=${KEY};Version=1.0;`
  const connectionStrings = { http: toString(http), https: toString(https) }
  return runScript(world, { python, name: 'web_pubsub.py', given: () => ({ connectionStrings }) })
}

/** Where MQTT client `device1` of Alice connects. */
function deviceUrl(http: string): string {
  const path = '/clients/mqtt/hubs/chat'
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = { aud: `${http}${path}`, exp: 4_102_444_800, sub: 'alice' }
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`
  const signature = createHmac('sha256', KEY).update(signed).digest('base64url')
  return `${http.replace('http', 'ws')}${path}?access_token=${signed}.${signature}`
}

const ANSWERS = {
  connection: true,
  'no connection': false,
  user: true,
  'no user': false,
  'no group': false,
  'add connection': null,
  group: true,
  all: null,
  'to group': null,
  'to user': null,
  'to connection': null,
  'remove connection': null,
  'add user': null,
  'remove user': null,
  'remove user everywhere': null,
  'remove connection everywhere': null,
  'no permission': false,
  grant: null,
  permission: true,
  revoke: null,
  'close group': null,
  'close user': null,
  'close connection': null,
  'close all': null
}

const sdk = suite('azure-web-pubsub SDK for Python')
const found = await findPython()

if ('reason' in found) {
  sdk(`is left out: ${found.reason}`, () => console.log(found.reason))
} else {
  sdk('runs every method over http and https, and is told of a wrong key', () =>
    withFogbank({ only: [ID] }, async (world) => {
      const { http, https } = world.fogbank.endpoints[ID] as { http: string; https: string }
      const options = { clientId: 'device1', keepalive: 60 }
      const device = await world.mqtt({ at: ID, url: deviceUrl(http) }, options)
      const outcomes = await run(found.python, world)
      const path = '/clients/mqtt/hubs/chat'
      assert.equal(outcomes, {
        http: { url: `${http.replace('http', 'ws')}${path}`, ...ANSWERS },
        https: { url: `${https.replace('http', 'ws')}${path}`, ...ANSWERS },
        'wrong key': 401
      })
      const wanted = ['to all', 'to group', '{"to": "user"}', 'to connection']
      for (const payload of [...wanted, ...wanted]) {
        assert.is((await device.next()).payload.toString(), payload)
      }
    })
  )
}

sdk.run()
