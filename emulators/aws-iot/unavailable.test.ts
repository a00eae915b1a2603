// A store that is gone, and what that is to each operation.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withAwsIot } from './testing.ts'

const SHADOW = '/things/lamp/shadow'
const STATE = '{"state":{}}'
const UNAVAILABLE = ['ServiceUnavailableException:', 'The service is temporarily unavailable.']
/** What the model has no 503 for. */
const INTERNAL = ['InternalFailureException:', 'Internal service failure']

const store = suite('aws-iot without its store')

for (const [method, target, body, status, told] of [
  ['GET', '/retainedMessage/a', undefined, 503, UNAVAILABLE],
  ['GET', '/retainedMessage', undefined, 503, UNAVAILABLE],
  ['GET', SHADOW, undefined, 503, UNAVAILABLE],
  ['POST', SHADOW, STATE, 503, UNAVAILABLE],
  ['DELETE', SHADOW, undefined, 503, UNAVAILABLE],
  ['GET', '/api/things/shadow/ListNamedShadowsForThing/lamp', undefined, 503, UNAVAILABLE],
  ['POST', '/topics/a?retain=true', 'a', 500, INTERNAL]
] as const) {
  store(`answers ${method} ${target} with ${status}`, () =>
    withAwsIot({}, async ({ signed, core }) => {
      await core.close()
      const answer = await signed({ method, target, ...(body === undefined ? {} : { body }) })
      const { message } = JSON.parse(answer.text) as { message: string }
      assert.is(answer.status, status)
      assert.equal([answer.headers['x-amzn-errortype'], message], told)
    })
  )
}

store.run()
