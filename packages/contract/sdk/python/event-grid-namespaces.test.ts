// The vendor's SDK for Python, in a virtual environment that this test makes.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createIdentityWorld } from '../azure-identity.ts'
import { findPython, runScript } from './environment.ts'

const sdk = suite('azure-event-grid-namespaces SDK for Python')
const found = await findPython()

if ('reason' in found) {
  sdk(`is left out: ${found.reason}`, () => console.log(found.reason))
} else {
  sdk(
    'sends, receives, renews, acknowledges, rejects and releases with a key and with a token',
    () =>
      createIdentityWorld(async ({ fogbank, env }) => {
        const events = fogbank.endpoints['azure-event-grid-namespaces']
        const outcomes = await runScript<Record<string, unknown>>(
          { fogbank },
          {
            python: found.python,
            name: 'event_grid_namespaces.py',
            given: () => ({
              url: events.https.replace('127.0.0.1', 'localhost'),
              key: events.credentials.key
            }),
            env
          }
        )
        const settled = {
          first: ['one', 'two', 'three'].map((id) => [id, { site: 'north' }, 1]),
          second: [['three', { site: 'north' }, 2]],
          done: {
            renew: [1, []],
            acknowledge: [1, []],
            reject: [1, []],
            release: [1, []],
            again: [0, ['TokenLost']]
          },
          nowhere: ['HttpResponseError', 410, 'Gone']
        }
        assert.equal(outcomes, {
          key: settled,
          token: settled,
          'wrong key': ['ClientAuthenticationError', 401, 'Unauthorized']
        })
      })
  )
}

sdk.run()
