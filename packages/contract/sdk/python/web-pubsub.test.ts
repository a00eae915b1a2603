// The vendor's Web PubSub SDK for Python, in a virtual environment that this test makes.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import { withFogbank, type World } from '../../with-fogbank.ts'
import { ANSWERS, deviceUrl, MESSAGES } from '../web-pubsub.ts'
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

/** Of methods that this SDK alone has, and the names of those that were left out. */
const OWN_ANSWERS = { members: [['device1', 'alice']], request: 200, end: null, 'left out': [] }

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
      const answers = { ...ANSWERS, ...OWN_ANSWERS }
      assert.equal(outcomes, {
        http: { url: `${http.replace('http', 'ws')}${path}`, ...answers },
        https: { url: `${https.replace('http', 'ws')}${path}`, ...answers },
        'wrong key': 401
      })
      for (const payload of [...MESSAGES, ...MESSAGES]) {
        assert.is((await device.next()).payload.toString(), payload)
      }
    })
  )
}

sdk.run()
