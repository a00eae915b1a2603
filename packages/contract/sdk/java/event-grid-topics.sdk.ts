// The vendor's SDK for Java: custom topics.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import { mintToken } from '../../token.ts'
import { TOPICS, TOPIC_SETTINGS } from '../event-grid-topics.ts'
import { missingJava, prepareJava, runJava, withTrustedFogbank } from './environment.ts'

const ORDERED: Record<string, [type: string, status: number, code: string]> = {
  BodyEmpty: ['HttpResponseException', 400, 'BadRequest'],
  RoleMissing: ['HttpResponseException', 403, 'Forbidden'],
  NotFound: ['HttpResponseException', 404, 'NotFound'],
  TooManyEvents: ['HttpResponseException', 429, 'TooManyRequests'],
  InternalServerError: ['HttpResponseException', 500, 'InternalServerError'],
  ServiceUnavailable: ['HttpResponseException', 503, 'ServiceUnavailable']
}

const sdk = suite('azure-event-grid-topics SDK for Java')
const reason = await missingJava()

if (reason !== undefined) {
  sdk(`is left out: ${reason}`, () => console.log(reason))
} else {
  sdk('sends all three schemas with key, SAS and token, and tells refusals apart', () =>
    withTrustedFogbank({ only: [TOPICS], config: { [TOPICS]: TOPIC_SETTINGS } }, async (world) => {
      await prepareJava()
      const { https } = world.fogbank.endpoints[TOPICS]!
      const control = String(world.fogbank.endpoints.control!.http)
      const token = await mintToken(world.fogbank)
      const outcomes = await runJava(world, {
        name: 'EventGridTopics',
        given: () => ({
          url: https,
          control,
          key: DEVELOPMENT_KEYS.topicKey1,
          token,
          rows: Object.keys(ORDERED)
        })
      })
      const calls = ['orders', 'cloud', 'custom'].flatMap((topic) =>
        ['key', 'sas', 'token'].map((credential) => `${topic} ${credential}`)
      )
      assert.equal(outcomes, {
        ...Object.fromEntries(calls.map((call) => [call, 'done'])),
        'bad key': ['HttpResponseException', 401, 'Unauthorized'],
        'too large': ['HttpResponseException', 413, 'RequestEntityTooLarge'],
        ...ORDERED
      })
    })
  )
}

sdk.run()
