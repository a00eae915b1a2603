// The forms that values of the events host have: times, tokens, signatures, JSON.
import { createHmac } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createLockTokens, readLockToken } from './lock-token.ts'
import { parseJson, toOrderedJson } from './ordered-json.ts'
import { readSas } from './sas.ts'
import { durationMs, toUtcTime } from './time.ts'

const time = suite('azure-event-grid-namespaces times')

const TIMES: [text: string, utc: string | undefined][] = [
  ['2026-01-02T03:04:45.000Z', '2026-01-02T03:04:45Z'],
  ['2026-01-02T10:12:46.2525140-07:00', '2026-01-02T17:12:46.252514Z'],
  ['2026-01-02T03:04:05.1234567Z', '2026-01-02T03:04:05.1234567Z'],
  ['2026-01-01T00:30:00+01:00', '2025-12-31T23:30:00Z'],
  ['2026-01-02t03:04:05z', '2026-01-02T03:04:05Z'],
  ['2026-02-29T03:04:05Z', undefined],
  ['2026-01-02T24:00:00Z', undefined],
  ['2026-01-02T03:04:05', undefined],
  ['2026-01-02', undefined],
  ['2026-01-02T03:04:05+25:00', undefined],
  ['soon', undefined]
]
for (const [text, utc] of TIMES) {
  time(`${text} is ${utc ?? 'no time'}`, () => assert.is(toUtcTime(text), utc))
}

const DURATIONS: [text: string, ms: number | undefined][] = [
  ['PT1M', 60_000],
  ['P1D', 86_400_000],
  ['P1DT2H3M4S', 93_784_000],
  ['P', undefined],
  ['PT', undefined],
  ['1D', undefined],
  ['P1W', undefined]
]
for (const [text, ms] of DURATIONS) {
  time(`${text} lasts ${ms ?? 'no'} ms`, () => assert.is(durationMs(text), ms))
}

const tokens = suite('azure-event-grid-namespaces lock tokens')

tokens('have the observed length and shape, and are read back', () => {
  const id = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
  const token = createLockTokens('default/ingest/worker').write(id)
  assert.is(token.length, 80)
  assert.match(token, /^CiYKJ/)
  assert.match(Buffer.from(token, 'base64').toString('latin1', 4, 40), /^[0-9A-F-]{36}$/)
  assert.is(readLockToken(token), id.toString('hex'))
})

tokens('of the documented samples are read', () => {
  const sample = 'CiYKJDBCMUMyRDNFLTRGNTAtNEE2Qi04QzdELTlFMEYxQTJCM0M0RBISChAAESIzRFVmd4iZqrvM3e7/'
  assert.is(readLockToken(sample), '00112233445566778899aabbccddeeff')
})

for (const text of ['', 'x', 'AAAA', 'é'.repeat(80), 'A'.repeat(80), 'A'.repeat(100_000)]) {
  tokens(`'${text.slice(0, 10)}' of ${text.length} characters is none`, () => {
    assert.is(readLockToken(text), undefined)
  })
}

const json = suite('azure-event-grid-namespaces JSON')

const TEXTS: [text: string, ordered: string][] = [
  ['{"b":1,"a":{"d":[{"z":0,"y":1}],"c":null}}', '{"a":{"c":null,"d":[{"y":1,"z":0}]},"b":1}'],
  ['{"10":1,"9":2}', '{"10":1,"9":2}'],
  ['{"a": 1.50, "b": 12345678901234567890}', '{"a":1.50,"b":12345678901234567890}'],
  ['{"a":1e3}', '{"a":1e3}'],
  ['"é\\u0000\\n"', '"é\\u0000\\n"'],
  ['{"__proto__":{"x":1.0},"a":1.0}', '{"__proto__":{"x":1.0},"a":1.0}'],
  ['{"a":1.0,"a":2.0}', '{"a":2.0}'],
  ['[]', '[]']
]
for (const [text, ordered] of TEXTS) {
  json(`${text} becomes ${ordered}`, () => {
    assert.is(toOrderedJson(parseJson(text).exact), ordered)
  })
}

json('goes 128 levels deep and no further', () => {
  const nested = (depth: number) => parseJson('['.repeat(depth) + ']'.repeat(depth)).exact
  assert.is(toOrderedJson(nested(128)).length, 256)
  assert.throws(() => toOrderedJson(nested(129)), /recursion limit/)
})

const sas = suite('azure-event-grid-namespaces shared access signatures')
const KEY = Buffer.from('k'.repeat(32)).toString('base64')

function sign(resource: string, expiry: string): string {
  const text = `r=${encodeURIComponent(resource)}&e=${encodeURIComponent(expiry)}`
  const hmac = createHmac('sha256', Buffer.from(KEY, 'base64')).update(text).digest('base64')
  return `${text}&s=${encodeURIComponent(hmac)}`
}

const EXPIRIES: [text: string, ms: number][] = [
  ['1/2/2026 3:04:05 AM', Date.UTC(2026, 0, 2, 3, 4, 5)],
  ['12/31/2026 12:00:00 PM', Date.UTC(2026, 11, 31, 12)],
  ['12/31/2026 12:00:00 AM', Date.UTC(2026, 11, 31)],
  ['1/2/2026 3:04:05\u202fPM', Date.UTC(2026, 0, 2, 15, 4, 5)],
  ['2026-01-02 03:04:05', Date.UTC(2026, 0, 2, 3, 4, 5)],
  ['2026-01-02 03:04:05.678901', Date.UTC(2026, 0, 2, 3, 4, 5, 678)],
  ['2026-01-02T03:04:05Z', Date.UTC(2026, 0, 2, 3, 4, 5)],
  ['2026-01-02T03:04:05+01:00', Date.UTC(2026, 0, 2, 2, 4, 5)]
]
for (const [text, expiresAtMs] of EXPIRIES) {
  sas(`expire at ${text}`, () => {
    const resource = new URL('https://labns.westeurope-1.eventgrid.azure.net/topics/ingest')
    const read = readSas(sign(resource.href, text), ['bm90IGl0', KEY])
    assert.equal(read, { resource, expiresAtMs })
  })
}

sas('that are malformed, or signed by nobody we know, say so', () => {
  const good = sign('https://x/', '2026-01-02 03:04:05')
  assert.is(readSas(good, ['bm90IGl0']), 'signature')
  assert.is(readSas(good.replace('&e=', '&e=1'), [KEY]), 'malformed')
  for (const text of [
    '',
    'r=1',
    good.replace('r=', 'q='),
    `${good}&s=`,
    good.replace('%3A', '%')
  ]) {
    assert.is(readSas(text, [KEY]), 'malformed', text)
  }
  assert.is(readSas(sign('not a url', '2026-01-02 03:04:05'), [KEY]), 'malformed')
  assert.is(readSas(sign('https://x', 'tomorrow'), [KEY]), 'malformed')
})

time.run()
tokens.run()
json.run()
sas.run()
