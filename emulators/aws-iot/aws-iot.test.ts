import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { matchesFilter } from '@fogbank/core'
import { ProviderError } from '@fogbank/personality'
import { createSignatures } from './signature.ts'
import { createSigner } from './testing.ts'
import { checkFilter, checkPublishTopic, isRetainable, withoutParent } from './topics.ts'

/** The key of the row that a check throws; undefined when it does not throw. */
function rowOf(check: () => unknown): string | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    if (error instanceof ProviderError) return error.key
    throw error
  }
}

const topics = suite('aws-iot topics')

const AT_256_BYTES = 'é'.repeat(128)
const AT_7_SLASHES = 'a/b/c/d/e/f/g/h'

for (const [topic, row] of [
  ['a', undefined],
  ['/', undefined],
  [AT_256_BYTES, undefined],
  [`${AT_256_BYTES}a`, 'TopicTooLong'],
  [AT_7_SLASHES, undefined],
  [`${AT_7_SLASHES}/i`, 'TopicTooManySlashes'],
  ['', 'TopicInvalid'],
  ['a\0b', 'TopicInvalid'],
  ['a\ud800b', 'TopicInvalid'],
  ['a/+/b', 'TopicWildcard'],
  ['a/#', 'TopicWildcard'],
  [`${'a/'.repeat(100)}a`, 'TopicTooManySlashes'],
  ['$SYS/a', 'TopicReserved'],
  ['$aws/events/presence/connected/a', 'TopicReserved'],
  ['$aws/things/lamp/shadow/get/accepted', 'TopicReserved'],
  ['$aws/things/lamp/shadow/update', undefined],
  ['$aws/things/lamp/shadow/name/night/delete', undefined],
  ['$aws/rules/r', undefined],
  [`$aws/rules/${'r'.repeat(300)}/${AT_7_SLASHES}`, undefined],
  [`$aws/rules/r/${AT_7_SLASHES}/i`, 'TopicTooManySlashes'],
  [`$aws/rules/r/${AT_256_BYTES}`, undefined],
  [`$aws/rules/r/${AT_256_BYTES}a`, 'TopicTooLong']
] as const) {
  topics(`publishing to ${JSON.stringify(topic.slice(0, 60))} is ${row ?? 'fine'}`, () => {
    assert.is(
      rowOf(() => checkPublishTopic(topic, false)),
      row
    )
  })
}

topics('a reserved topic cannot be retained on', () => {
  assert.is(
    rowOf(() => checkPublishTopic('$aws/rules/r/a', true)),
    'RetainOnReservedTopic'
  )
})

for (const [filter, row] of [
  ['#', undefined],
  ['a/+/#', undefined],
  [AT_256_BYTES, undefined],
  [`${AT_256_BYTES}a`, 'FilterTooLong'],
  [AT_7_SLASHES, undefined],
  [`${AT_7_SLASHES}/#`, 'FilterTooManySlashes'],
  ['a+/b', 'FilterInvalid'],
  ['', 'FilterInvalid'],
  [`$share/g/${AT_7_SLASHES}`, undefined],
  [`$share/g/${AT_256_BYTES}`, undefined],
  [`$share/${'g'.repeat(128)}/a`, undefined],
  [`$share/${'g'.repeat(129)}/a`, 'FilterInvalid'],
  ['$share/g', 'FilterInvalid'],
  ['$share/g/', 'FilterInvalid'],
  ['$share//a', 'FilterInvalid'],
  ['$share/+/a', 'FilterInvalid'],
  ['$aws/things/lamp/shadow/update/delta', undefined],
  ['$aws/events/#', undefined],
  ['$aws/rules/r/a', 'TopicReserved'],
  ['$SYS/#', 'TopicReserved']
] as const) {
  topics(`subscribing to ${JSON.stringify(filter.slice(0, 60))} is ${row ?? 'fine'}`, () => {
    assert.is(
      rowOf(() => checkFilter(filter)),
      row
    )
  })
}

for (const [filter, topic, reached] of [
  ['sensor/#', 'sensor/a', true],
  ['sensor/#', 'sensor/a/b', true],
  ['sensor/#', 'sensor/', true],
  ['sensor/#', 'sensor', false],
  ['+/#', 'sensor', false],
  ['#', 'sensor', true],
  ['#', 'sensor/a', true],
  ['sensor/a', 'sensor/a', true]
] as const) {
  topics(`${filter} ${reached ? 'reaches' : 'misses'} ${topic}`, () => {
    assert.is(matchesFilter(withoutParent(filter), topic), reached)
  })
}

topics('what other doors retain is listed only where the topic is legal here', () => {
  assert.ok(isRetainable('a/b'))
  assert.not.ok(isRetainable('$aws/a'))
  assert.not.ok(isRetainable(`${AT_7_SLASHES}/i`))
})

topics.run()

const signatures = suite('aws-iot signatures')

// Produced with the SDK's signer and derived again by an independent verifier (spec, section 3).
const KEY = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
}
const HOST = 'data-ats.iot.us-east-1.amazonaws.com'
const DATE = '20260102T030405Z'
const scopeOf = (service: string) => ({
  accessKeyId: KEY.accessKeyId,
  day: '20260102',
  region: 'us-east-1',
  service,
  terminator: 'aws4_request'
})

signatures('a Publish signed in the header', () => {
  const signature = createSignatures().of(KEY, scopeOf('iotdata'), {
    method: 'POST',
    path: '/topics/a%2Fb%20c',
    rawQuery: 'qos=1&responseTopic=r%2Ft',
    headers: {
      host: HOST,
      'content-type': 'application/octet-stream',
      'content-length': '7',
      'x-amz-date': '20260102T030405Z',
      'x-amz-content-sha256': '5041bf1f713df204784353e82f6a4a535931cb64f1f4b4a5aeaffcb720918b22',
      'user-agent': 'not signed'
    },
    signedHeaders: 'content-type;host;x-amz-content-sha256;x-amz-date',
    date: DATE,
    payloadHash: undefined,
    body: Buffer.from('{"x":1}')
  })
  assert.is(signature, '4f850a4e2371b24921083731a75b0b5ccd13c1a32d7370fc43c0774705d2c606')
})

signatures('a presigned GET /mqtt', () => {
  const signature = createSignatures().of(KEY, scopeOf('iotdevicegateway'), {
    method: 'GET',
    path: '/mqtt',
    rawQuery:
      'X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20260102%2Fus-east-1%2Fiotdevicegateway%2Faws4_request&X-Amz-Date=20260102T030405Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=00&X-Amz-Security-Token=appended%20later',
    headers: { host: HOST, upgrade: 'websocket' },
    signedHeaders: 'host',
    date: DATE,
    payloadHash: undefined,
    body: Buffer.alloc(0)
  })
  assert.is(signature, '222116d112b6f925b9eab62a0181b51a25a17d3e656de81fde31c2229ad947cb')
})

signatures('whatever a client signs, as its SDK does', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('a', 'a b', 'é', '%2F', "!'()*", '.', '..', '', '~', '+'), {
        maxLength: 5
      }),
      fc.dictionary(fc.constantFrom('qos', 'x y', 'é', 'A', 'b+'), fc.string(), { maxKeys: 4 }),
      fc.dictionary(fc.constantFrom('x-a', 'accept', 'x-b'), fc.stringMatching(/^[ !-~]*$/)),
      async (segments, query, headers) => {
        const path = `/topics/${segments.map((segment) => encodeURIComponent(segment)).join('/')}`
        const signed = await createSigner(KEY).sign(
          {
            method: 'POST',
            protocol: 'https:',
            hostname: HOST,
            path,
            query,
            headers: { ...headers, host: HOST },
            body: '{}'
          },
          { signingDate: new Date(Date.UTC(2026, 0, 2, 3, 4, 5)) }
        )
        const [, credential = '', signedHeaders = '', signature = ''] =
          /Credential=(.+), SignedHeaders=(.+), Signature=(.+)$/.exec(
            signed.headers.authorization!
          ) ?? []
        const [, , region = ''] = credential.split('/')
        const rawQuery = Object.entries(query)
          .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
          .join('&')
        const expected = createSignatures().of(
          KEY,
          { ...scopeOf('iotdata'), region },
          {
            method: 'POST',
            path,
            rawQuery,
            headers: signed.headers,
            signedHeaders,
            date: DATE,
            payloadHash: undefined,
            body: Buffer.from('{}')
          }
        )
        assert.is(signature, expected)
      }
    )
  )
)

signatures.run()
