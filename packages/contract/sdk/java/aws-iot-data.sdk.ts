// The AWS SDK for Java.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  connectDevice,
  expectedAnswers,
  expectedMessage,
  expectedRefusals,
  nextMessage,
  ROWS,
  withoutVolatile
} from '../aws-iot-data.ts'
import { missingJava, prepareJava, runJava, withTrustedFogbank } from './environment.ts'

const ID = 'aws-iot'
const NAMES = ['java http', 'java https']
/** What the version in pom.xml, the newest that is to be had, does not know yet. */
const NEWER = ['GetConnection', 'ListSubscriptions', 'SendDirectMessage', 'gone']

const known = (all: object) =>
  Object.fromEntries(Object.entries(all).filter(([name]) => !NEWER.includes(name)))

interface Outcome {
  answers: object
  refusals: object
}

const sdk = suite('aws-iot SDK for Java')
const reason = await missingJava()

if (reason !== undefined) {
  sdk(`is left out: ${reason}`, () => console.log(reason))
} else {
  sdk('runs its eight operations over http and https, and knows every declared exception', () =>
    withTrustedFogbank({ only: [ID] }, async (world) => {
      await prepareJava()
      const { http, https } = world.fogbank.endpoints[ID]!
      const devices = await Promise.all(NAMES.map((name) => connectDevice(world, name)))
      const outcomes = await runJava<Outcome>(world, {
        name: 'AwsIotData',
        given: () => ({
          urls: { http, https },
          control: world.fogbank.endpoints.control!.http,
          rows: ROWS
        }),
        env: {
          AWS_ACCESS_KEY_ID: 'test',
          AWS_SECRET_ACCESS_KEY: 'test',
          AWS_REGION: 'us-east-1',
          AWS_MAX_ATTEMPTS: '1'
        }
      })
      assert.equal(Object.keys(outcomes), NAMES)
      for (const [index, name] of NAMES.entries()) {
        const { answers, refusals } = outcomes[name]!
        assert.equal(withoutVolatile(answers), known(expectedAnswers(name, (text) => text)))
        assert.equal(refusals, known(expectedRefusals(world)))
        assert.equal(await nextMessage(devices[index]!), expectedMessage(name))
      }
    })
  )
}

sdk.run()
