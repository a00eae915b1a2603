// Whatever comes in, the answer is the provider's: never 500, and nothing is published that was refused.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withAwsIot } from './testing.ts'

const RUNS = { numRuns: 300, seed: 4610 }

/** What HTTP lets through as a header value. */
const headerValue = fc.string({ unit: 'grapheme-ascii', maxLength: 200 }).map((s) => s.trim())

const part = fc.oneof(
  fc.constantFrom('test', '20260102', 'us-east-1', 'iotdata', 'aws4_request', '', 'Infinity'),
  headerValue
)
const authorization = fc
  .record({
    algorithm: fc.oneof(fc.constant('AWS4-HMAC-SHA256'), headerValue),
    credential: fc.array(part, { maxLength: 6 }).map((parts) => parts.join('/')),
    signedHeaders: fc.oneof(fc.constant('host;x-amz-date;__proto__;constructor'), headerValue),
    signature: fc.oneof(fc.constant('0'.repeat(64)), headerValue)
  })
  .map(
    ({ algorithm, credential, signedHeaders, signature }) =>
      `${algorithm} Credential=${credential}, SignedHeaders=${signedHeaders}, Signature=${signature}`
  )

const input = suite('aws-iot input')

input('any Authorization header is 403', () =>
  withAwsIot({}, async ({ running, published }) => {
    const dates = fc.oneof(fc.constant('20260102T030405Z'), headerValue)
    await fc.assert(
      fc.asyncProperty(authorization, dates, async (value, date) => {
        const reply = await running.answer({
          method: 'POST',
          target: '/topics/a',
          headers: { host: 'localhost', authorization: value, 'x-amz-date': date },
          peer: { address: '127.0.0.1', port: 1, transport: 'tcp' },
          upgrade: false,
          readBody: async () => Buffer.from('x')
        })
        assert.is(reply.status, 403, `${value} ${String(reply.body)}`)
      }),
      RUNS
    )
    assert.is(published.length, 0)
  })
)

input('any target and any member of a Publish is 200, 400 or 404', () =>
  withAwsIot({ auth: 'lenient' }, async ({ sign, running, published }) => {
    const signed = await sign({ target: '/topics/a' })
    const escaped = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }).filter((s) => s.isWellFormed()),
      fc.constantFrom('$aws/rules/r', '$share/g/a', '../..', 'a\0', '#')
    )
    const raw = fc.oneof(escaped.map(encodeURIComponent), fc.constantFrom('%', '%zz', '%ED%A0%80'))
    const properties = fc.oneof(
      headerValue,
      fc.json().map((text) => Buffer.from(text).toString('base64')),
      fc
        .array(fc.dictionary(fc.string(), fc.string(), { minKeys: 1, maxKeys: 1 }))
        .map((pairs) => Buffer.from(JSON.stringify(pairs)).toString('base64'))
    )
    await fc.assert(
      fc.asyncProperty(
        fc.record({ topic: raw, qos: raw, retain: raw, expiry: raw, contentType: raw, reply: raw }),
        fc.record({ properties, correlation: headerValue, indicator: headerValue }),
        async ({ topic, qos, retain, expiry, contentType, reply: responseTopic }, headers) => {
          const before = published.length
          const reply = await running.answer({
            method: 'POST',
            target: `/topics/${topic}?qos=${qos.length % 2}&x=${qos}&retain=${retain.length % 3 === 0 ? retain : 'true'}&messageExpiry=${expiry.length}&contentType=${contentType}&responseTopic=${responseTopic}`,
            headers: {
              ...signed,
              'x-amz-mqtt5-user-properties': headers.properties,
              'x-amz-mqtt5-correlation-data': Buffer.from(headers.correlation).toString('base64'),
              ...(headers.indicator.length % 2 === 0
                ? { 'x-amz-mqtt5-payload-format-indicator': 'UTF8_DATA' }
                : {})
            },
            peer: { address: '127.0.0.1', port: 1, transport: 'tcp' },
            upgrade: false,
            readBody: async () => Buffer.from('x')
          })
          assert.ok([200, 400, 404].includes(reply.status), String(reply.body))
          if (reply.status !== 200) assert.is(published.length, before)
        }
      ),
      RUNS
    )
  })
)

input.run()
