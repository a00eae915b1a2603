import { createHmac } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { decodeBase64 } from './base64.ts'
import { coversPath, isSignedBy, parseExpiry, parseSasToken } from './sas.ts'
import { toSasToken } from './transcript.ts'

const KEY = Buffer.from('local-development-key-0123456789')
const RESOURCE = 'https://orders.westus2-1.eventgrid.azure.net/api/events'
const AFTERNOON = Date.UTC(2030, 0, 2, 15, 4, 5)

const tokens = suite('azure-event-grid-topics SAS tokens')

const EXPIRIES: [text: string, expiresAtMs: number | undefined][] = [
  ['1/2/2030 3:04:05 PM', AFTERNOON],
  ['1/2/2030 3:04:05\u202fPM', AFTERNOON],
  ['1/2/2030 3:04:05 pm', AFTERNOON],
  ['1/2/2030 3:4:5 PM', AFTERNOON],
  ['12/31/2030 12:00:00 AM', Date.UTC(2030, 11, 31)],
  ['12/31/2030 12:00:00 PM', Date.UTC(2030, 11, 31, 12)],
  ['2030-01-02 15:04:05.000000+00:00', AFTERNOON],
  ['2030-01-02 16:04:05+01:00', AFTERNOON],
  ['2030-01-02T15:04:05', AFTERNOON],
  ['2030-01-02T15:04:05.000Z', AFTERNOON],
  ['1893596645', AFTERNOON],
  ['2030-01-02', undefined],
  ['2030-13-02T15:04:05', undefined],
  ['tomorrow', undefined],
  ['', undefined]
]

for (const [text, expected] of EXPIRIES) {
  tokens(`the expiry ${JSON.stringify(text)} is ${expected ?? 'none'}`, () => {
    assert.is(parseExpiry(text), expected)
  })
}

const MALFORMED = [
  '',
  'lrPU',
  'r=a&e=b',
  'e=1/2/2030 3:04:05 PM&r=a&s=b',
  'r=&e=1893596645&s=YQ==',
  'r=%zz&e=1893596645&s=YQ==',
  'r=a&e=never&s=YQ==',
  'r=a&e=1893596645&s=',
  'r=a&e=1893596645&s=YQ==&x=1'
]

for (const text of MALFORMED) {
  tokens(`${JSON.stringify(text)} is no token`, () => {
    assert.is(parseSasToken(text), undefined)
  })
}

tokens('the signature covers the text as it was encoded', () => {
  const token = toSasToken(RESOURCE, '1/2/2030 3:04:05 PM', KEY.toString('base64'))
  assert.ok(isSignedBy(parseSasToken(token)!, KEY))
  assert.not.ok(isSignedBy(parseSasToken(token)!, Buffer.alloc(32)))
  const recased = token.replaceAll('%2F', '%2f')
  assert.not.ok(isSignedBy(parseSasToken(recased)!, KEY))
})

tokens('a count of seconds may be signed in the way of the prose', () => {
  const hash = createHmac('sha256', KEY).update(`${RESOURCE}\n1893596645`).digest('base64')
  const form = (expiry: string) =>
    `r=${encodeURIComponent(RESOURCE)}&e=${expiry}&s=${encodeURIComponent(hash)}`
  assert.ok(isSignedBy(parseSasToken(form('1893596645'))!, KEY))
  assert.not.ok(isSignedBy(parseSasToken(form('1893596646'))!, KEY))
})

const COVERED: [resource: string, path: string, covers: boolean][] = [
  [RESOURCE, '/api/events', true],
  [`${RESOURCE}?apiVersion=2018-01-01`, '/api/events', true],
  ['https://x.example', '/orders/api/events', true],
  ['https://x.example/API/', '/api/events', true],
  ['x.example/api/events', '/api/events', true],
  ['https://x.example/api/event', '/api/events', false],
  ['https://x.example/billing/api/events', '/api/events', false],
  ['https://', '/api/events', false]
]

for (const [resource, path, covers] of COVERED) {
  tokens(`a token for ${resource} ${covers ? 'opens' : 'does not open'} ${path}`, () => {
    assert.is(coversPath(resource, path), covers)
  })
}

tokens.run()

const keys = suite('azure-event-grid-topics base64')

const TEXTS: [text: string, outcome: string][] = [
  ['aGVsbG8=', 'hello'],
  ['aGVs bG8=\n', 'hello'],
  ['', ''],
  ['bad credential', 'length'],
  ['aGVsbG8', 'length'],
  ['aGVsbG8==', 'length'],
  ['@@@@', 'characters'],
  ['@', 'characters'],
  ['a===', 'characters'],
  ['aG=sbG8=', 'characters'],
  ['aGVs_G8=', 'characters'],
  ['é===', 'characters']
]

for (const [text, outcome] of TEXTS) {
  keys(`${JSON.stringify(text)} is ${outcome || 'nothing'}`, () => {
    const decoded = decodeBase64(text)
    assert.is('fault' in decoded ? decoded.fault : decoded.bytes.toString(), outcome)
  })
}

keys.run()
