// Namespace topics with the vendor's core and identity libraries for Java; the one for the service is not to be had.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createIdentityWorld } from '../azure-identity.ts'
import { missingJava, prepareJava, runJava } from './environment.ts'

/** Rows that are told as an HttpResponseException of this status, with this code in its value. */
const ORDERED: Record<string, [status: number, code: string]> = {
  EventMalformed: [400, 'BadRequest'],
  TokenExpired: [401, 'Unauthorized'],
  EventsTooLarge: [403, 'Forbidden'],
  NotFound: [404, 'NotFound'],
  MethodNotAllowed: [405, 'MethodNotAllowed'],
  Throttled: [429, 'TooManyRequests'],
  InternalError: [500, 'InternalServerError'],
  ServiceUnavailable: [503, 'ServiceUnavailable']
}

const REFUSALS = {
  'wrong key': [401, 'Unauthorized'],
  'no topic': [410, 'Gone'],
  ...ORDERED
}

const sdk = suite('azure-event-grid-namespaces by REST in Java')
const reason = await missingJava()

if (reason !== undefined) {
  sdk(`is left out: ${reason}`, () => console.log(reason))
} else {
  sdk('sends, receives and acknowledges with a key and with a token, and is told refusals', () =>
    createIdentityWorld(async ({ fogbank, env }) => {
      await prepareJava()
      const events = fogbank.endpoints['azure-event-grid-namespaces']
      const outcomes = await runJava(
        { fogbank },
        {
          name: 'EventGridNamespaces',
          given: () => ({
            url: events.https.replace('127.0.0.1', 'localhost'),
            key: events.credentials.key,
            control: fogbank.endpoints.control.http,
            rows: Object.keys(ORDERED)
          }),
          env
        }
      )
      const settled = ['lab.reading', { celsius: 21.5 }, 1, 1]
      const refusals = Object.entries(REFUSALS).map(([name, told]) => [
        name,
        ['HttpResponseException', ...told]
      ])
      assert.equal(outcomes, { key: settled, token: settled, ...Object.fromEntries(refusals) })
    })
  )
}

sdk.run()
