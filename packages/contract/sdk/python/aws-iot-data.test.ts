// boto3 and the AWS CLI, in a virtual environment that this test makes.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { TestClient } from '../../mqtt.ts'
import { withFogbank, type World } from '../../with-fogbank.ts'
import {
  connectDevice,
  expectedAnswers,
  expectedMessage,
  expectedRefusals,
  nextMessage,
  ROWS,
  withoutVolatile,
  type Refusals
} from '../aws-iot-data.ts'
import { findPython, runScript } from './environment.ts'

const ID = 'aws-iot'
const NAMES = ['boto3 http', 'boto3 https', 'cli http', 'cli https']

interface Outcome {
  answers: Record<string, any>
  refusals: Refusals
}

/** Runs the script against a suite and answers what it printed. */
function call(python: string, world: World): Promise<Record<string, Outcome> & { shell: string }> {
  const { endpoints } = world.fogbank
  const { http, https } = endpoints[ID]!
  return runScript(world, {
    python,
    name: 'aws_iot_data.py',
    given: () => ({ urls: { http, https }, control: endpoints.control!.http, rows: ROWS }),
    env: {
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_MAX_ATTEMPTS: '1'
    }
  })
}

/** The command line tells code and message only. */
function withoutStatus(refusals: Refusals): Refusals {
  for (const ofOperation of Object.values(refusals)) {
    for (const refusal of Object.values(ofOperation)) refusal.pop()
  }
  return refusals
}

const sdk = suite('aws-iot boto3 and AWS CLI')
const found = await findPython()

if ('reason' in found) {
  sdk(`are left out: ${found.reason}`, () => console.log(found.reason))
} else {
  sdk('run the eleven operations over http and https, and know every modelled error', () =>
    withFogbank({ only: [ID] }, async (world) => {
      const shell = await connectDevice(world, 'shell')
      await shell.subscribe('shell', 1)
      const devices = new Map<string, TestClient>()
      for (const name of NAMES) devices.set(name, await connectDevice(world, name))
      const outcomes = await call(found.python, world)
      assert.is(outcomes.shell, '')
      assert.is((await shell.next()).payload.toString(), 'hi')
      for (const name of NAMES) {
        const isCli = name.startsWith('cli')
        const { answers, refusals } = outcomes[name]!
        const expected = expectedAnswers(name, isCli ? undefined : (text) => text)
        assert.equal(withoutVolatile(answers), expected)
        assert.equal(
          refusals,
          isCli ? withoutStatus(expectedRefusals(world)) : expectedRefusals(world)
        )
        assert.equal(await nextMessage(devices.get(name)!), expectedMessage(name))
      }
    })
  )
}

sdk.run()
