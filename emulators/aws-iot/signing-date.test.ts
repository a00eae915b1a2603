// Signatures that the Date header dates.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withAwsIot, type Answer, type AwsWorld } from './testing.ts'
import { signByHand } from './testing-signature.ts'

const CALL = { method: 'POST', target: '/topics/t?qos=1', body: '{"x":1}' }
/** When the clock of these tests begins. */
const NOW = '20260102T030405Z'
const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.'
const malformed = (date: string) =>
  `Date must be in ISO-8601 'basic format'. Got '${date}'. See http://en.wikipedia.org/wiki/ISO_8601`

interface Dated {
  headers: Record<string, string>
  /** What is signed. */
  date?: string
  secretAccessKey?: string
}

const post = ({ send }: AwsWorld, { headers, date = NOW, ...signer }: Dated): Promise<Answer> =>
  send({ ...CALL, headers: signByHand({ ...CALL, ...signer, host: 'localhost', headers, date }) })

function refuses({ status, headers, text }: Answer, message: string): void {
  const traceId = headers['x-amzn-requestid']
  assert.is(status, 403)
  assert.is(headers['x-amzn-errortype'], 'ForbiddenException:')
  assert.is(text, JSON.stringify({ message, traceId }))
}

const date = suite('aws-iot signature with a Date header')

for (const given of [
  'Fri, 02 Jan 2026 03:04:05 GMT',
  'Fri, 2 Jan 2026 03:04:05 GMT',
  'Fri, 02 Jan 2026 03:04:05 -0000',
  // The published test suite has a Monday that was a Friday.
  'Mon, 02 Jan 2026 03:04:05 GMT',
  NOW
]) {
  date(`of ${given} is good`, () =>
    withAwsIot({}, async (world) => {
      assert.is((await post(world, { headers: { date: given } })).status, 200)
      assert.is(world.published.length, 1)
    })
  )
}

date('has to fit, as it does with x-amz-date', () =>
  withAwsIot({}, async (world) => {
    const headers = { date: 'Fri, 02 Jan 2026 03:04:05 GMT' }
    refuses(await post(world, { headers, secretAccessKey: 'wrong' }), MISMATCH)
    refuses(await post(world, { headers, date: '20260102T030406Z' }), MISMATCH)
    assert.equal(world.published, [])
  })
)

date('is of the day that its credential names', () =>
  withAwsIot({}, async (world) => {
    refuses(
      await post(world, {
        headers: { date: 'Fri, 02 Jan 2026 03:04:05 GMT' },
        date: '20260101T030405Z'
      }),
      "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20260101' != '20260102', from '20260102T030405Z'."
    )
  })
)

date('is good for five minutes either way and not a second longer', () =>
  withAwsIot({}, async (world) => {
    for (const [given, signed, message] of [
      ['Fri, 02 Jan 2026 03:09:05 GMT', '20260102T030905Z', undefined],
      ['Fri, 02 Jan 2026 02:59:05 GMT', '20260102T025905Z', undefined],
      [
        'Fri, 02 Jan 2026 03:09:06 GMT',
        '20260102T030906Z',
        'Signature not yet current: 20260102T030906Z is still later than 20260102T030905Z (20260102T030405Z + 5 min.)'
      ],
      [
        'Fri, 02 Jan 2026 02:59:04 GMT',
        '20260102T025904Z',
        'Signature expired: 20260102T025904Z is now earlier than 20260102T025905Z (20260102T030405Z - 5 min.)'
      ]
    ] as const) {
      const answer = await post(world, { headers: { date: given }, date: signed })
      if (message) refuses(answer, message)
      else assert.is(answer.status, 200, given)
    }
  })
)

for (const given of [
  '',
  'now',
  '2026-01-02T03:04:05Z',
  'Friday, 02-Jan-26 03:04:05 GMT',
  'Fri, 02 Jan 2026 03:04:05 +0100',
  'Fri, 02 Jnr 2026 03:04:05 GMT',
  'Sat, 31 Feb 2026 03:04:05 GMT',
  'Fri, 02 Jan 2026 25:04:05 GMT'
]) {
  date(`of ${given || 'nothing'} is malformed`, () =>
    withAwsIot({}, async (world) => {
      refuses(await post(world, { headers: { date: given } }), malformed(given))
    })
  )
}

date('does not count where there is x-amz-date', () =>
  withAwsIot({}, async (world) => {
    const other = 'Thu, 01 Jan 2026 00:00:00 GMT'
    const both = { date: other, 'x-amz-date': NOW }
    assert.is((await post(world, { headers: both })).status, 200)
    assert.is((await post(world, { headers: { ...both, date: 'now' } })).status, 200)
    const good = 'Fri, 02 Jan 2026 03:04:05 GMT'
    for (const amzDate of ['', 'now', good]) {
      const headers = { date: good, 'x-amz-date': amzDate }
      refuses(await post(world, { headers }), malformed(amzDate))
    }
    refuses(
      await post(world, { headers: { date: good, 'x-amz-date': '20260102T025904Z' } }),
      'Signature expired: 20260102T025904Z is now earlier than 20260102T025905Z (20260102T030405Z - 5 min.)'
    )
  })
)

date.run()
