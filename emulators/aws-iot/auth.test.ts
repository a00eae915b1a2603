import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Reply } from '@fogbank/personality'
import {
  createSigner,
  presignMqtt,
  withAwsIot,
  type Answer,
  type AwsWorld,
  type Call,
  type Presigned
} from './testing.ts'

const CALL: Call = { target: '/topics/t?qos=1', body: '{"x":1}' }
const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.'
const INVALID_TOKEN = 'The security token included in the request is invalid.'

function refuses(
  answer: Answer,
  message: string | null,
  { status = 403, type = 'ForbiddenException' } = {}
): void {
  const traceId = answer.headers['x-amzn-requestid'] ?? ''
  assert.match(traceId, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  assert.is(answer.status, status)
  assert.is(answer.headers['x-amzn-errortype'], `${type}:`)
  assert.is(answer.headers['content-type'], 'application/json')
  assert.is(answer.text, JSON.stringify({ message, traceId }))
}

/** Signs the call and changes the headers before it goes out. */
async function tampered(
  { sign, send }: AwsWorld,
  change: (headers: Record<string, string>) => Record<string, string>
): Promise<Answer> {
  return send({ ...CALL, headers: change(await sign(CALL)) })
}

const edit =
  (from: string | RegExp, to: string) =>
  (headers: Record<string, string>): Record<string, string> => ({
    ...headers,
    authorization: (headers.authorization ?? '').replace(from, to)
  })

const header = suite('aws-iot signature in the header')

header('of the right key lets a Publish in, with an empty answer for iotdata', () =>
  withAwsIot({}, async ({ signed, published }) => {
    const answer = await signed(CALL)
    assert.is(answer.status, 200)
    assert.is(answer.text, '')
    assert.is(answer.headers['content-length'], '0')
    assert.is(answer.headers.date, 'Fri, 02 Jan 2026 03:04:05 GMT')
    assert.is(published.length, 1)
  })
)

header('with a session token is good until the token expires', () => {
  const accessKeyId = 'ASIATEMPORARY'
  const sessionToken = 'a session token'
  // Thirty seconds after the clock of these tests begins.
  const sessionTokenExpiresAt = '2026-01-02T03:04:35Z'
  const key = { accessKeyId, secretAccessKey: 'secret', sessionToken }
  const settings = { accessKeys: [{ ...key, sessionTokenExpiresAt }] }
  return withAwsIot({ settings }, async ({ signed, clock }) => {
    clock.advance(29_999)
    assert.is((await signed(CALL, key)).status, 200)
    clock.advance(1)
    refuses(await signed(CALL, key), 'The security token included in the request is expired')
  })
})

header('made for iotdevicegateway is answered as devices are', () =>
  withAwsIot({}, async ({ signed }) => {
    const answer = await signed(CALL, { service: 'iotdevicegateway' })
    const traceId = answer.headers['x-amzn-requestid']
    assert.is(answer.status, 200)
    assert.is(answer.headers['content-type'], 'application/json')
    assert.is(answer.text, JSON.stringify({ message: 'OK', traceId }))
  })
)

header('that is missing is 403 even where there is nothing', () =>
  withAwsIot({}, async ({ send }) => {
    for (const call of [CALL, { target: '/nowhere' }, { method: 'GET', target: '/mqtt' }]) {
      const answer = await send(call)
      refuses(answer, 'Missing Authentication Token')
      assert.is(answer.headers['content-length'], '91')
    }
  })
)

header('covers the body', () =>
  withAwsIot({}, async ({ sign, send, published }) => {
    const headers = await sign(CALL)
    refuses(await send({ ...CALL, headers, body: '{"x":2}' }), MISMATCH)
    const { 'x-amz-content-sha256': _hash, ...rest } = headers
    refuses(await send({ ...CALL, headers: rest }), MISMATCH)
    assert.is(published.length, 0)
  })
)

for (const [what, change] of [
  ['another signature', edit(/Signature=../, 'Signature=00')],
  ['a signature of another length', edit(/Signature=.*/, 'Signature=00')],
  ['a signed header that is not there', edit('SignedHeaders=', 'SignedHeaders=accept;')],
  ['another region', edit('eu-central-1', 'us-east-1')],
  ['another service', edit('iotdata', 'iotdevicegateway')]
] as const) {
  header(`fails with ${what}`, () =>
    withAwsIot({}, async (world) => refuses(await tampered(world, change), MISMATCH))
  )
}

header('fails with UNSIGNED-PAYLOAD', () =>
  withAwsIot({}, async ({ signed }) => {
    const headers = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }
    refuses(await signed({ ...CALL, headers }), MISMATCH)
  })
)

header('fails with another secret, and an unknown key is named so', () =>
  withAwsIot({}, async ({ signed }) => {
    refuses(await signed(CALL, { secretAccessKey: 'wrong' }), MISMATCH)
    refuses(await signed(CALL, { accessKeyId: 'AKIA' }), INVALID_TOKEN, {
      type: 'UnrecognizedClientException'
    })
  })
)

header('of a temporary key needs its token', () => {
  const key = { accessKeyId: 'ASIA', secretAccessKey: 's', sessionToken: 'tok/en==' }
  return withAwsIot({ settings: { accessKeys: [key] } }, async ({ signed }) => {
    const type = 'UnrecognizedClientException'
    assert.is((await signed(CALL, key)).status, 200)
    refuses(await signed(CALL, { ...key, sessionToken: 'other' }), INVALID_TOKEN, { type })
    const { sessionToken: _token, ...permanent } = key
    refuses(await signed(CALL, permanent), INVALID_TOKEN, { type })
  })
})

header('is good for five minutes either way and not a second longer', () =>
  withAwsIot({}, async ({ signed, clock }) => {
    const now = clock.now()
    assert.is((await signed(CALL, { dateMs: now + 300_000 })).status, 200)
    assert.is((await signed(CALL, { dateMs: now - 300_000 })).status, 200)
    const early = await signed(CALL, { dateMs: now + 301_000 })
    refuses(
      early,
      'Signature not yet current: 20260102T030906Z is still later than 20260102T030905Z (20260102T030405Z + 5 min.)'
    )
    // The length of the one real answer that was logged (aws-iot-device-sdk-cpp-v2 #221).
    assert.is(early.headers['content-length'], '171')
    refuses(
      await signed(CALL, { dateMs: now - 301_000 }),
      'Signature expired: 20260102T025904Z is now earlier than 20260102T025905Z (20260102T030405Z - 5 min.)'
    )
  })
)

for (const [authorization, parameter] of [
  ['Bearer abc', 'Credential'],
  ['AWS4-HMAC-SHA256', 'Credential'],
  ['AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00', 'Credential'],
  ['AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host', 'Signature'],
  ['AWS4-HMAC-SHA256 Credential=a/b/c/d/e, Signature=00', 'SignedHeaders']
] as const) {
  header(`without ${parameter} is malformed: ${authorization}`, () =>
    withAwsIot({}, async ({ send }) => {
      refuses(
        await send({ ...CALL, headers: { authorization } }),
        `Authorization header requires '${parameter}' parameter. Authorization=${authorization}`
      )
    })
  )
}

header('says what is wrong with its parts', () =>
  withAwsIot({}, async (world) => {
    refuses(
      await tampered(world, edit('/aws4_request', '')),
      "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'test/20260102/eu-central-1/iotdata'."
    )
    refuses(
      await tampered(world, edit('aws4_request', 'aws5_request')),
      "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'."
    )
    refuses(
      await tampered(world, edit('iotdata', 's3')),
      "Credential should be scoped to correct service: 'iotdevicegateway'."
    )
    refuses(
      await tampered(world, edit('20260102', '20260101')),
      "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20260101' != '20260102', from '20260102T030405Z'."
    )
    refuses(
      await tampered(world, edit('AWS4-HMAC-SHA256', 'AWS4-HMAC-SHA1')),
      "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA1'."
    )
    refuses(
      await tampered(world, edit('host;', '')),
      "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
    )
    refuses(
      await tampered(world, (headers) => ({ ...headers, 'x-amz-date': '20260231T000000Z' })),
      "Date must be in ISO-8601 'basic format'. Got '20260231T000000Z'. See http://en.wikipedia.org/wiki/ISO_8601"
    )
    const { 'x-amz-date': _date, ...undated } = await world.sign(CALL)
    refuses(
      await world.send({ ...CALL, headers: undated }),
      `Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=${undated.authorization}`
    )
  })
)

header('that is said to cover what no request has does not fit', () =>
  withAwsIot({}, async (world) => {
    for (const name of ['x-lost', 'constructor', '__proto__', '']) {
      refuses(await tampered(world, edit('host;', `host;${name};`)), MISMATCH)
    }
  })
)

header('sees the path as it was sent', () =>
  withAwsIot({}, async ({ signed, published }) => {
    for (const target of [
      '/topics/a%2Fb%20c%2F%2B%C3%A9',
      '/topics/a/b',
      '/topics/a%252Fb',
      '/topics/a~b!c*d(e)'
    ]) {
      const answer = await signed({ ...CALL, target })
      if (target.includes('%2B')) assert.is(answer.status, 400)
      else assert.is(answer.status, 200, target)
    }
    assert.equal(
      published.map(({ message }) => message.topic),
      ['a/b', 'a%2Fb', 'a~b!c*d(e)']
    )
  })
)

header('in lenient mode is not verified, only its form and its date', () =>
  withAwsIot({ auth: 'lenient' }, async ({ signed, send, clock }) => {
    const stranger = { accessKeyId: 'AKIA', secretAccessKey: 'any', service: 'iot' }
    assert.is((await signed(CALL, stranger)).status, 200)
    const headers = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }
    assert.is((await signed({ ...CALL, headers }, stranger)).status, 200)
    assert.is((await signed(CALL, { dateMs: clock.now() - 301_000 })).status, 403)
    refuses(await send(CALL), 'Missing Authentication Token')
  })
)

header.run()

const query = suite('aws-iot signature in the query')

const UPGRADE = { upgrade: 'websocket', connection: 'Upgrade', 'sec-websocket-protocol': 'mqtt' }

const presign = (clock: AwsWorld['clock'], options: Partial<Presigned> = {}) =>
  presignMqtt({ host: 'localhost', dateMs: clock.now(), ...options })

async function upgrade({ running }: AwsWorld, target: string): Promise<Reply> {
  return running.answer({
    method: 'GET',
    target,
    headers: { host: 'localhost', ...UPGRADE },
    peer: { address: '127.0.0.1', port: 1, transport: 'ws' },
    upgrade: true,
    readBody: async () => Buffer.alloc(0)
  })
}

/** What is wrong with a refused upgrade. */
function messageOf({ status, body }: Reply): [number, unknown] {
  return [status, JSON.parse(String(body)).message]
}

query('lets a WebSocket in and says who it is, for either service', () =>
  withAwsIot({}, async (world) => {
    for (const service of ['iotdevicegateway', 'iotdata']) {
      const reply = await upgrade(world, presign(world.clock, { service }))
      const principal = { kind: 'access-key', accessKeyId: 'test', service, region: 'us-east-1' }
      assert.equal([reply.status, reply.upgrade], [101, { principal }])
    }
  })
)

query('is the same that smithy makes', () =>
  withAwsIot({}, async (world) => {
    const request = { method: 'GET', protocol: 'ws:', hostname: 'localhost', path: '/mqtt' }
    const { query: pairs = {} } = await createSigner({ service: 'iotdevicegateway' }).presign(
      { ...request, query: {}, headers: { host: 'localhost' } },
      { signingDate: new Date(world.clock.now()), expiresIn: 86400 }
    )
    const rawQuery = Object.entries(pairs)
      .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
      .join('&')
    assert.is((await upgrade(world, `/mqtt?${rawQuery}`)).status, 101)
  })
)

query('takes a session token that was appended after signing', () => {
  const key = { accessKeyId: 'ASIA', secretAccessKey: 's', sessionToken: 'tok/en==' }
  return withAwsIot({ settings: { accessKeys: [key] } }, async (world) => {
    const appended = `&X-Amz-Security-Token=${encodeURIComponent(key.sessionToken)}`
    const { sessionToken: _token, ...pair } = key
    const target = presign(world.clock, { ...pair, appended })
    assert.is((await upgrade(world, target)).status, 101)
    const without = presign(world.clock, pair)
    assert.equal(messageOf(await upgrade(world, without)), [403, INVALID_TOKEN])
  })
})

query('that is missing is 403', () =>
  withAwsIot({}, async (world) => {
    assert.equal(messageOf(await upgrade(world, '/mqtt')), [403, 'Missing Authentication Token'])
  })
)

query('fails with another secret', () =>
  withAwsIot({}, async (world) => {
    const target = presign(world.clock, { secretAccessKey: 'wrong' })
    assert.equal(messageOf(await upgrade(world, target)), [403, MISMATCH])
  })
)

query('names the parameter that is missing', () =>
  withAwsIot({}, async (world) => {
    const target = presign(world.clock)
    for (const name of ['Algorithm', 'Credential', 'Date', 'SignedHeaders', 'Signature']) {
      const cut = target.replace(new RegExp(`X-Amz-${name}=[^&]*&?`), '')
      assert.equal(messageOf(await upgrade(world, cut)), [
        403,
        `AWS query-string parameters must include 'X-Amz-${name}'. Re-examine the query-string parameters.`
      ])
    }
  })
)

query('lasts five minutes, or what X-Amz-Expires says', () =>
  withAwsIot({}, async (world) => {
    const { clock } = world
    const plain = presign(clock)
    const long = presign(clock, { expiresIn: 86400 })
    clock.advance(300_000)
    assert.is((await upgrade(world, plain)).status, 101)
    clock.advance(1000)
    assert.equal(messageOf(await upgrade(world, plain)), [
      403,
      'Signature expired: 20260102T030405Z is now earlier than 20260102T030406Z (20260102T030906Z - 5 min.)'
    ])
    clock.advance(86_400_000 - 301_000)
    assert.is((await upgrade(world, long)).status, 101)
    clock.advance(1000)
    assert.equal(messageOf(await upgrade(world, long)), [
      403,
      'Signature expired: 20260102T030405Z is now earlier than 20260102T030406Z (20260103T030406Z - 1440 min.)'
    ])
  })
)

query('may last seven days and no longer', () =>
  withAwsIot({}, async (world) => {
    const longest = presign(world.clock, { expiresIn: 604_800 })
    assert.is((await upgrade(world, longest)).status, 101)
    for (const expiresIn of [604_801, 0]) {
      const target = presign(world.clock, { expiresIn })
      assert.equal(messageOf(await upgrade(world, target)), [
        403,
        `X-Amz-Expires must be between 1 and 604800 seconds, got '${expiresIn}'.`
      ])
    }
  })
)

query.run()
