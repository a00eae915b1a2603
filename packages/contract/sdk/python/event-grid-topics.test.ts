// The vendor's SDK for Python, in a virtual environment that this test makes.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import { mintToken } from '../../token.ts'
import { withFogbank, type World } from '../../with-fogbank.ts'
import { TOPICS, TOPIC_SETTINGS } from '../event-grid-topics.ts'
import { findPython, runScript } from './environment.ts'

type Outcome = 'sent' | { type: string; status: number; code: string; message: string }

/** Runs the script against a suite and answers what it printed. */
async function publish(python: string, world: World): Promise<Record<string, Outcome>> {
  const { endpoints } = world.fogbank
  const { http, https } = endpoints[TOPICS]!
  const token = await mintToken(world.fogbank)
  return runScript(world, {
    python,
    name: 'event_grid_topics.py',
    given: () => ({ urls: { http, https }, key: DEVELOPMENT_KEYS.topicKey1, token })
  })
}

const sdk = suite('azure-event-grid-topics SDK for Python')
const found = await findPython()

if ('reason' in found) {
  sdk(`is left out: ${found.reason}`, () => console.log(found.reason))
} else {
  sdk('sends all three schemas with key, SAS and token over http and https; maps 401 and 413', () =>
    withFogbank({ only: [TOPICS], config: { [TOPICS]: TOPIC_SETTINGS } }, async (world) => {
      const {
        'bad key': badKey,
        'too large': tooLarge,
        ...sent
      } = await publish(found.python, world)
      const calls = ['orders', 'cloud', 'custom'].flatMap((topic) => [
        `http ${topic} key`,
        `http ${topic} sas`,
        `https ${topic} key`,
        `https ${topic} sas`,
        `https ${topic} token`
      ])
      assert.equal(sent, Object.fromEntries(calls.map((call) => [call, 'sent'])))
      const { message, ...refusal } = badKey as Exclude<Outcome, 'sent'>
      assert.equal(refusal, {
        type: 'ClientAuthenticationError',
        status: 401,
        code: 'Unauthorized'
      })
      assert.match(message, 'Invalid length for a Base-64 char array or string.')
      assert.equal(tooLarge, {
        type: 'HttpResponseError',
        status: 413,
        code: 'RequestEntityTooLarge',
        message: 'The maximum size (1048576) has been exceeded.'
      })
    })
  )
}

sdk.run()
