// The vendor's SDK for Python, in a virtual environment that this test makes.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import { withFogbank, type World } from '../../with-fogbank.ts'
import { within } from '../../within.ts'
import { findPython } from './environment.ts'

const ID = 'azure-event-grid-topics'
const SCRIPT_MS = 60_000

const SETTINGS = {
  topics: [
    { name: 'orders' },
    { name: 'cloud', inputSchema: 'CloudEventSchemaV1_0' },
    {
      name: 'custom',
      inputSchema: 'CustomEventSchema',
      inputSchemaMapping: { subject: { sourceField: 'sub' }, eventType: { defaultValue: 'Any' } }
    }
  ]
}

type Outcome = 'sent' | { type: string; status: number; code: string; message: string }

/** Runs the script against a suite and answers what it printed. */
async function publish(python: string, { fogbank }: World): Promise<Record<string, Outcome>> {
  const folder = mkdtempSync(join(tmpdir(), 'fogbank-python-'))
  const ca = join(folder, 'ca.pem')
  writeFileSync(ca, await fogbank.ca())
  const { http, https } = fogbank.endpoints[ID]!
  const reply = await fetch(`${String(fogbank.endpoints.control!.http)}/authority/tokens`, {
    method: 'POST',
    body: '{}'
  })
  const { access_token: token } = (await reply.json()) as { access_token: string }
  const script = spawn(python, [join(import.meta.dirname, 'event_grid_topics.py')], {
    env: { ...process.env, REQUESTS_CA_BUNDLE: ca, NO_PROXY: '127.0.0.1,localhost' }
  })
  try {
    script.stdin.end(
      JSON.stringify({ urls: { http, https }, key: DEVELOPMENT_KEYS.topicKey1, token })
    )
    const printed = Promise.all([text(script.stdout), text(script.stderr)])
    const [output, complaint] = await within(SCRIPT_MS, printed, 'the script of the SDK')
    if (output === '') throw new Error(complaint)
    return JSON.parse(output) as Record<string, Outcome>
  } finally {
    script.kill()
    rmSync(folder, { recursive: true })
  }
}

const sdk = suite('azure-event-grid-topics SDK for Python')
const found = await findPython()

if ('reason' in found) {
  sdk(`is left out: ${found.reason}`, () => console.log(found.reason))
} else {
  sdk('sends all three schemas with key, SAS and token over http and https; maps 401 and 413', () =>
    withFogbank({ only: [ID], config: { [ID]: SETTINGS } }, async (world) => {
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
