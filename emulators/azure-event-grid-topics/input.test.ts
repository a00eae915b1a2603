// Bad input: always a row, never a hang and never a crash.
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import { within } from '@fogbank/contract'
import { CLOUD_EVENT, EVENT, BATCH, ID, messageOf, withTopics, type Topics } from './testing.ts'

const ONE = JSON.stringify([EVENT])
const LONG = 'x'.repeat(900_000)
const MEMBERS = Array.from({ length: 80_000 }, (_, index) => `"k${index}":1`).join()
const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)

const input = suite('azure-event-grid-topics input')

const BODIES: [what: string, body: string | Buffer, outcome: string][] = [
  ['nothing', '', '400 BodyEmpty'],
  ['white space', ' \r\n\t', '400 BodyEmpty'],
  ['a byte order mark alone', '\ufeff', '400 BodyEmpty'],
  ['a byte order mark before an event', `\ufeff${ONE}`, '200 ok'],
  ['two byte order marks', `\ufeff\ufeff${ONE}`, '400 JsonNonConforming'],
  ['UTF-16', Buffer.from(`\ufeff${ONE}`, 'utf16le'), '400 JsonNonConforming'],
  ['UTF-16BE', Buffer.from(`\ufeff${ONE}`, 'utf16le').swap16(), '400 JsonNonConforming'],
  [
    'UTF-32',
    Buffer.concat([
      Buffer.from([0xff, 0xfe, 0, 0]),
      Buffer.from(Uint32Array.from(Buffer.from(ONE)).buffer)
    ]),
    '400 JsonNonConforming'
  ],
  [
    'an overlong slash',
    Buffer.concat([Buffer.from('["'), Buffer.from([0xc0, 0xaf]), Buffer.from('"]')]),
    '400 JsonNonConforming'
  ],
  [
    'latin1',
    Buffer.from(JSON.stringify([{ ...EVENT, subject: 'é' }]), 'latin1'),
    '400 JsonNonConforming'
  ],
  [
    'a lone surrogate in WTF-8',
    Buffer.concat([Buffer.from('["'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"]')]),
    '400 JsonNonConforming'
  ],
  ['an escaped lone surrogate', ONE.replace('orders/1', '\\ud800'), '200 ok'],
  ['a NUL byte', ONE.replace('orders/1', '\0'), '400 JsonNonConforming'],
  ['gzip', gzipSync(ONE), '400 JsonNonConforming'],
  ['cut off in a string', ONE.slice(0, 20), '400 BodyEmpty'],
  ['cut off behind a comma', '[{"id":"1",', '400 BodyEmpty'],
  ['a trailing comma', '[{"id":"1"},]', '400 JsonNonConforming'],
  ['single quotes', "[{'id':'1'}]", '400 JsonNonConforming'],
  ['a comment', `// an event\n${ONE}`, '400 JsonNonConforming'],
  ['two documents', ONE + ONE, '400 JsonNonConforming'],
  ['NaN', '[{"id":NaN}]', '400 JsonNonConforming'],
  ['null', 'null', '400 JsonNonConforming'],
  ['a number', '7', '400 JsonNonConforming'],
  ['a string', '"[]"', '400 JsonNonConforming'],
  ['an empty array', '[]', '400 JsonNonConforming'],
  ['an array of null', '[null]', '400 JsonNonConforming'],
  ['an array of arrays', '[[]]', '400 JsonNonConforming'],
  ['an event beside a number', `[${JSON.stringify(EVENT)},1]`, '400 JsonNonConforming'],
  ['100,000 empty objects', `[${'{},'.repeat(99_999)}{}]`, '400 PropertyMissing'],
  ['500,000 open brackets', '['.repeat(500_000), '400 BodyEmpty'],
  ['500,000 levels', deep(500_000), '400 JsonNonConforming'],
  ['data of 998 levels', withData(deep(998)), '200 ok'],
  ['data of 999 levels', withData(deep(999)), '400 JsonNonConforming'],
  ['brackets in strings', withData(`"${'['.repeat(2_000)}"`), '200 ok'],
  ['escaped quotes and backslashes', withData('"\\\\\\"{\\\\"'), '200 ok'],
  ['a string of a million characters', withData(`"${'x'.repeat(1_000_000)}"`), '200 ok'],
  ['a string of 300,000 escaped quotes', withData(`"${'\\"'.repeat(300_000)}"`), '200 ok'],
  ['duplicate keys: the last counts', ONE.replace('"id":"e1"', '"id":"","id":"e2"'), '200 ok'],
  ['__proto__', ONE.replace('"id"', '"__proto__":{"id":"x"},"id"'), '400 UnexpectedProperty'],
  ['constructor', ONE.replace('"id"', '"constructor":1,"id"'), '400 UnexpectedProperty'],
  [
    'a key of 900,000 characters',
    ONE.replace('"id"', `"${LONG}":1,"id"`),
    '400 UnexpectedProperty'
  ],
  ['a foreign topic as long', ONE.replace('"id"', `"topic":"${LONG}","id"`), '401 TopicForeign'],
  [
    'a metadataVersion as long',
    ONE.replace('"id"', `"metadataVersion":"${LONG}","id"`),
    '400 MetadataVersionInvalid'
  ],
  ['an id as long', ONE.replace('"e1"', `"${LONG}"`), '200 ok'],
  ['a time as long', at(LONG), '400 JsonNonConforming'],
  ['80,000 members of data', withData(`{${MEMBERS}}`), '200 ok'],
  ['80,000 unknown members', `[{${MEMBERS}}]`, '400 UnexpectedProperty'],
  ['a digit for a key', ONE.replace('"id"', '"0":1,"id"'), '400 UnexpectedProperty'],
  ['a key in another case', ONE.replace('"id"', '"Id"'), '400 UnexpectedProperty'],
  ['an id of white space', ONE.replace('"e1"', '" \\t"'), '400 PropertyMissing'],
  ['an id that is null', ONE.replace('"e1"', 'null'), '400 PropertyMissing'],
  ['a number beyond 64 bits', withData('123456789012345678901234567890'), '200 ok'],
  ['a time without offset', at('2026-01-02T03:04:05'), '200 ok'],
  ['a time with a space', at('2026-01-02 03:04:05Z'), '200 ok'],
  ['a day', at('2026-01-02'), '200 ok'],
  ['the 31st of April', at('2026-04-31T00:00:00Z'), '400 JsonNonConforming'],
  ['the 25th hour', at('2026-01-02T25:00:00Z'), '400 JsonNonConforming'],
  ['a time in words', at('yesterday'), '400 JsonNonConforming'],
  [
    'a time in seconds',
    ONE.replace('"2026-01-02T03:04:05Z"', '1767323045'),
    '400 JsonNonConforming'
  ]
]

function withData(data: string): string {
  return ONE.replace('{"hello":"world"}', () => data)
}

function at(time: string): string {
  return ONE.replace(EVENT.eventTime, time)
}

input('every broken body has its row', () =>
  withTopics({}, async ({ outcome }) => {
    for (const [what, body, expected] of BODIES) {
      assert.is(await outcome(body), expected, what)
    }
  })
)

const CLOUD_BODIES: [what: string, body: unknown, outcome: string][] = [
  ['an event', [CLOUD_EVENT], '200 ok'],
  ['an object', CLOUD_EVENT, '400 JsonNonConforming'],
  ['an empty batch', [], '400 JsonNonConforming'],
  ['another version', [{ ...CLOUD_EVENT, specversion: '0.3' }], '400 JsonNonConforming'],
  ['a type that is a number', [{ ...CLOUD_EVENT, type: 7 }], '400 JsonNonConforming'],
  ['a blank id', [{ ...CLOUD_EVENT, id: ' ' }], '400 PropertyMissing'],
  ['a time in words', [{ ...CLOUD_EVENT, time: 'now' }], '400 JsonNonConforming'],
  ['a time that is null', [{ ...CLOUD_EVENT, time: null }], '200 ok'],
  ['an extension', [{ ...CLOUD_EVENT, traceparent: '00-1-2-00' }], '200 ok'],
  ['__proto__ as an extension', '[{"__proto__":{"a":1},' + text().slice(2), '200 ok'],
  [
    'data_base64 that is none',
    [{ ...CLOUD_EVENT, data: undefined, data_base64: '*' }],
    '400 JsonNonConforming'
  ],
  ['data twice', [{ ...CLOUD_EVENT, data_base64: 'YQ==' }], '400 JsonNonConforming']
]

function text(): string {
  return JSON.stringify([CLOUD_EVENT])
}

const CLOUD = { topics: [{ name: 'default', inputSchema: 'CloudEventSchemaV1_0' as const }] }

input('every broken batch of CloudEvents has its row', () =>
  withTopics({ settings: CLOUD }, async ({ outcome }) => {
    for (const [what, body, expected] of CLOUD_BODIES) {
      assert.is(await outcome(body, { headers: BATCH }), expected, what)
    }
  })
)

const BINARY = { 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't', 'ce-specversion': '1.0' }

const BINARY_CALLS: [what: string, headers: Record<string, string>, body: string, row: string][] = [
  ['data', {}, '{"a":1}', '200 ok'],
  ['data that is null', {}, 'null', '200 ok'],
  ['an escape that is none', { 'ce-subject': '100%' }, '1', '200 ok'],
  ['another version', { 'ce-specversion': '0.3' }, '1', '400 JsonNonConforming'],
  ['a source that is empty', { 'ce-source': '' }, '1', '400 CloudEventHeaderEmpty'],
  ['text', { 'content-type': 'text/plain' }, 'x', '415 ContentTypeUnacceptable'],
  ['no data', {}, '', '400 BodyEmpty'],
  ['data cut off', {}, '{"a"', '400 BodyEmpty'],
  ['data that tries to be more', {}, '1},"id":"2"', '400 JsonNonConforming']
]

input('every broken event in binary mode has its row', () =>
  withTopics({ settings: CLOUD }, async ({ outcome }) => {
    for (const [what, headers, body, expected] of BINARY_CALLS) {
      assert.is(await outcome(body, { headers: { ...BINARY, ...headers } }), expected, what)
    }
    for (const name of Object.keys(BINARY)) {
      const { [name]: _left, ...others } = BINARY as Record<string, string>
      assert.is(await outcome('1', { headers: others }), '400 CloudEventHeaderMissing', name)
    }
  })
)

input('the first of several unknown properties is named, before what is missing', () =>
  withTopics({}, async ({ publish }) => {
    const message = messageOf(await publish('[{"zeta":1,"alpha":2}]'))
    assert.match(message, "unexpected property 'zeta'")
  })
)

input('sizes come before what is in the events', () =>
  withTopics({ settings: { eventSizeLimit: '64KB' } }, async ({ outcome }) => {
    const large = { unknown: 'x'.repeat(65_536) }
    assert.is(await outcome([EVENT, large]), '413 EventTooLarge')
  })
)

/** Writes bytes on a connection of its own and reads until it ends, or the text shows. */
async function exchange({ world }: Topics, chunks: (string | Buffer)[], until: RegExp) {
  const { port, hostname } = new URL(String(world.fogbank.endpoints[ID]!.http))
  const socket = connect(Number(port), hostname)
  const answer = new Promise<string>((resolve, reject) => {
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
      if (until.test(received)) resolve(received)
    })
    socket.on('end', () => resolve(received))
    socket.on('error', reject)
  })
  for (const chunk of chunks) socket.write(chunk)
  try {
    return await within(20_000, answer, 'the answer')
  } finally {
    socket.destroy()
  }
}

const HEAD = [
  'POST /api/events HTTP/1.1',
  'Host: localhost',
  `aeg-sas-key: ${DEVELOPMENT_KEYS.topicKey1}`,
  'Transfer-Encoding: chunked',
  '',
  ''
].join('\r\n')

const toChunk = (bytes: string) => `${Buffer.byteLength(bytes).toString(16)}\r\n${bytes}\r\n`

input('a chunked body without length is taken', () =>
  withTopics({}, async (topics) => {
    const chunks = [...ONE].map(toChunk)
    const answer = await exchange(topics, [HEAD, ...chunks, '0\r\n\r\n'], /\r\n\r\n/)
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
  })
)

input('a chunked body past the limit is refused before it ends, in the recorded bytes', () =>
  withTopics({}, async (topics) => {
    const chunk = toChunk('x'.repeat(65_536))
    const chunks = Array.from({ length: 17 }, () => chunk)
    const answer = await exchange(topics, [HEAD, ...chunks], /0\r\n\r\n$/)
    const [head = '', body = ''] = answer.split(/\r\n\r\n(.*)/s)
    const lines = head.split('\r\n').filter((line) => !/^(Date|x-ms-request-id): /.test(line))
    assert.equal(lines, [
      'HTTP/1.1 413 Request Entity Too Large',
      'Transfer-Encoding: chunked',
      'Server: Microsoft-HTTPAPI/2.0',
      'Strict-Transport-Security: max-age=31536000; includeSubDomains',
      'Connection: keep-alive',
      'Keep-Alive: timeout=5'
    ])
    // The recorded body has 279 bytes with this number of digits.
    assert.match(body, /^117\r\n\{\r\n {4}"error": \{\r\n/)
  })
)

input('hostile headers are answered by a row', () =>
  withTopics({}, async ({ publish, outcome }) => {
    const headers: [Record<string, string>, string][] = [
      [{ 'aeg-sas-key': '=' }, '401 KeyLengthInvalid'],
      [{ 'aeg-sas-key': 'x'.repeat(30_000) }, '401 KeyWrong'],
      [{ 'aeg-sas-key': 'é' }, '401 KeyNotBase64'],
      [{ authorization: '', 'aeg-sas-key': '' }, '400 KeyEmpty']
    ]
    for (const [more, expected] of headers)
      assert.is(await outcome(ONE, { headers: more }), expected)
    const wrong = { host: 'a"b\\', 'aeg-sas-key': 'AAAA' }
    assert.match(messageOf(await publish(ONE, { headers: wrong })), 'is not authorized for A"B\\.')
  })
)

input.run()
