import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withAwsIot, type Answer, type AwsWorld } from './testing.ts'

const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64')

function isError(answer: Answer, status: number, type: string, message: string): void {
  assert.equal(
    [answer.status, answer.headers['x-amzn-errortype'], JSON.parse(answer.text)],
    [status, `${type}:`, { message, traceId: answer.headers['x-amzn-requestid'] }]
  )
}

const isInvalid = (answer: Answer, message: string) =>
  isError(answer, 400, 'InvalidRequestException', message)

/** What came out of a Publish: the one message, in full. */
async function publishes(
  world: AwsWorld,
  target: string,
  more: { headers?: Record<string, string>; body?: string | Buffer } = {}
): Promise<object | undefined> {
  const before = world.published.length
  const answer = await world.signed({ target, ...more })
  assert.is(answer.status, 200, answer.text)
  assert.ok(world.published.length <= before + 1)
  return world.published[before]?.message
}

const publish = suite('aws-iot Publish')

publish('defaults to QoS 0, not retained, no properties', () =>
  withAwsIot({}, async (world) => {
    const payload = Buffer.from([0, 0xff, 0x7b])
    assert.equal(await publishes(world, '/topics/a', { body: payload }), {
      topic: 'a',
      payload,
      qos: 0,
      retain: false
    })
  })
)

publish('carries every MQTT 5 member', () =>
  withAwsIot({}, async (world) => {
    const message = await publishes(
      world,
      '/topics/plant%2Fline1?contentType=application%2Fjson&messageExpiry=60&qos=1&responseTopic=r%2Ft&retain=TRUE',
      {
        headers: {
          'content-type': 'application/octet-stream',
          'x-amz-mqtt5-user-properties': base64('[{"b":"1"},{"a":"2"},{"b":"3"},{"7":"é"}]'),
          'x-amz-mqtt5-payload-format-indicator': 'UTF8_DATA',
          'x-amz-mqtt5-correlation-data': 'YWJj/w=='
        },
        body: '{"temp":21}'
      }
    )
    assert.equal(message, {
      topic: 'plant/line1',
      payload: Buffer.from('{"temp":21}'),
      qos: 1,
      retain: true,
      properties: {
        payloadFormatIndicator: true,
        messageExpiryInterval: 60,
        contentType: 'application/json',
        responseTopic: 'r/t',
        correlationData: Buffer.from('abc\xff', 'latin1'),
        userProperties: [
          ['b', '1'],
          ['a', '2'],
          ['b', '3'],
          ['7', 'é']
        ]
      }
    })
  })
)

publish('moves an expiry into the range of 1 second to 7 days', () =>
  withAwsIot({}, async (world) => {
    for (const [asked, effective] of [
      ['0', 1],
      ['1', 1],
      ['604800', 604_800],
      ['604801', 604_800],
      ['99999999999999999999', 604_800]
    ] as const) {
      const message = await publishes(world, `/topics/a?messageExpiry=${asked}`)
      assert.equal((message as { properties: object }).properties, {
        messageExpiryInterval: effective
      })
    }
  })
)

publish('takes UNSPECIFIED_BYTES as said expressly', () =>
  withAwsIot({}, async (world) => {
    const headers = { 'x-amz-mqtt5-payload-format-indicator': 'UNSPECIFIED_BYTES' }
    const message = await publishes(world, '/topics/a', { headers })
    assert.equal((message as { properties: object }).properties, { payloadFormatIndicator: false })
  })
)

publish('takes what goes to the rule engine and to jobs, and shows it to nobody', () =>
  withAwsIot({}, async (world) => {
    for (const topic of ['$aws/rules/r/a/b', '$aws/things/lamp/jobs/get']) {
      const target = `/topics/${encodeURIComponent(topic)}`
      assert.is(await publishes(world, target, { body: '{}' }), undefined)
    }
  })
)

publish('takes a payload of 128 KB and refuses a byte more with 413', () =>
  withAwsIot({}, async (world) => {
    const target = '/topics/a?qos=1'
    await publishes(world, target, { body: Buffer.alloc(131_072) })
    isError(
      await world.signed({ target, body: Buffer.alloc(131_073) }),
      413,
      'RequestEntityTooLargeException',
      'The payload exceeds the maximum size allowed'
    )
    assert.is(world.published.length, 1)
  })
)

const USER_PROPERTIES =
  'Invalid user properties: a JSON array of objects of one string each is expected, base64 encoded'
const INDICATOR = 'it must be UNSPECIFIED_BYTES or UTF8_DATA'

for (const [what, target, headers, message] of [
  ['QoS 2', '/topics/t?qos=2', {}, "Invalid QoS '2': it must be 0 or 1"],
  ['QoS abc', '/topics/t?qos=abc', {}, "Invalid QoS 'abc': it must be 0 or 1"],
  ['an empty QoS', '/topics/t?qos=', {}, "Invalid QoS '': it must be 0 or 1"],
  ['retain=1', '/topics/t?retain=1', {}, "Invalid retain '1': it must be true or false"],
  [
    'a negative expiry',
    '/topics/t?messageExpiry=-1',
    {},
    "Invalid messageExpiry '-1': it must be a number of seconds"
  ],
  ['no topic', '/topics/', {}, 'Invalid topic'],
  ['a NUL in the topic', '/topics/a%00b', {}, 'Invalid topic'],
  ['#', '/topics/a%2F%23', {}, 'Invalid topic: wildcards are not allowed'],
  ['+', '/topics/+%2Fa', {}, 'Invalid topic: wildcards are not allowed'],
  ['257 bytes', `/topics/${'a'.repeat(257)}`, {}, 'Topic exceeds 256 bytes'],
  ['8 slashes', '/topics/a/b/c/d/e/f/g/h/i', {}, 'Topic has more than 7 slashes'],
  ['101 levels', `/topics/${'a/'.repeat(100)}a`, {}, 'Topic has more than 7 slashes'],
  ['a reserved topic', '/topics/%24SYS%2Fa', {}, 'Topic is reserved'],
  [
    'RETAIN on a reserved topic',
    '/topics/%24aws%2Frules%2Fr?retain=true',
    {},
    'Messages on reserved topics cannot be retained'
  ],
  ['a malformed escape in the topic', '/topics/a%zz', {}, 'The request is not valid.'],
  ['half a surrogate pair in the topic', '/topics/a%ED%A0%80', {}, 'The request is not valid.'],
  ['a malformed escape in the query', '/topics/a?contentType=%f', {}, 'The request is not valid.'],
  ['a NUL in the content type', '/topics/a?contentType=%00', {}, 'Invalid content type'],
  [
    'a content type of 257 bytes',
    `/topics/a?contentType=${'a'.repeat(257)}`,
    {},
    'Content type exceeds 256 bytes'
  ],
  [
    'a wildcard in the response topic',
    '/topics/a?responseTopic=%23',
    {},
    'Invalid response topic: it must be a topic without wildcards'
  ],
  [
    'a response topic of 257 bytes',
    `/topics/a?responseTopic=${'a'.repeat(257)}`,
    {},
    'Response topic exceeds 256 bytes'
  ],
  [
    'an unknown payload format',
    '/topics/a',
    { 'x-amz-mqtt5-payload-format-indicator': 'utf8_data' },
    `Invalid payload format indicator 'utf8_data': ${INDICATOR}`
  ],
  [
    'correlation data that is not base64',
    '/topics/a',
    { 'x-amz-mqtt5-correlation-data': 'a' },
    'Invalid correlation data: base64 is expected'
  ],
  [
    'doubled correlation data',
    '/topics/a',
    { 'x-amz-mqtt5-correlation-data': 'YQ==, YQ==' },
    'Invalid correlation data: base64 is expected'
  ],
  [
    'correlation data of 4097 bytes',
    '/topics/a',
    { 'x-amz-mqtt5-correlation-data': base64(Buffer.alloc(4097)) },
    'Correlation data exceeds 4096 bytes'
  ],
  [
    'user properties of 8193 bytes',
    '/topics/a',
    { 'x-amz-mqtt5-user-properties': base64(JSON.stringify([{ a: 'b'.repeat(8192) }])) },
    'User properties exceed 8192 bytes'
  ],
  ...[
    '[{"a":"b"}]',
    base64('[{"a":"b"}'),
    base64('{"a":"b"}'),
    base64('"a"'),
    base64('[null]'),
    base64('[{}]'),
    base64('[["a","b"]]'),
    base64('[{"a":"b","c":"d"}]'),
    base64('[{"a":1}]'),
    base64('[{"a":"\\ud800"}]'),
    base64('[{"a\\u0000":"b"}]'),
    base64(Buffer.from('[{"a":"\xff"}]', 'latin1')),
    `${base64('[{"a":"b"}]')}, ${base64('[{"a":"b"}]')}`
  ].map(
    (value) =>
      [
        `user properties ${value.slice(0, 60)}`,
        '/topics/a',
        { 'x-amz-mqtt5-user-properties': value },
        USER_PROPERTIES
      ] as const
  )
] as const) {
  publish(`refuses ${what} and publishes nothing`, () =>
    withAwsIot({}, async (world) => {
      isInvalid(await world.signed({ target, headers, body: 'x' }), message)
      assert.is(world.published.length, 0)
    })
  )
}

publish('takes every member at its limit', () =>
  withAwsIot({}, async (world) => {
    const long = 'a'.repeat(256)
    const headers = {
      'x-amz-mqtt5-correlation-data': base64(Buffer.alloc(4096)),
      'x-amz-mqtt5-user-properties': base64(JSON.stringify([{ a: 'b'.repeat(8191) }]))
    }
    const target = `/topics/a?contentType=${long}&responseTopic=${long}`
    assert.ok(await publishes(world, target, { headers }))
  })
)

publish('answers what does not exist', () =>
  withAwsIot({}, async ({ signed }) => {
    isError(
      await signed({ target: '/nowhere' }),
      404,
      'ResourceNotFoundException',
      'The specified resource does not exist.'
    )
    isError(
      await signed({ method: 'PUT', target: '/topics/a' }),
      405,
      'MethodNotAllowedException',
      'The specified combination of HTTP verb and URI is not supported.'
    )
  })
)

publish.run()

const retained = suite('aws-iot retained messages')

const list = async ({ signed }: AwsWorld, query = '') => {
  const answer = await signed({ method: 'GET', target: `/retainedMessage${query}` })
  assert.is(answer.status, 200, answer.text)
  assert.is(answer.headers['content-type'], 'application/json')
  return JSON.parse(answer.text)
}

retained('come back as they were published', () =>
  withAwsIot({}, async (world) => {
    const headers = { 'x-amz-mqtt5-user-properties': base64('[{"a":"1"},{"a":"2"}]') }
    await publishes(world, '/topics/a%2Fb?retain=true&qos=1', { headers, body: '{"temp":21}' })
    const answer = await world.signed({ method: 'GET', target: '/retainedMessage/a%2Fb' })
    assert.is(answer.status, 200)
    assert.is(
      answer.text,
      `{"topic":"a/b","payload":"eyJ0ZW1wIjoyMX0=","qos":1,"lastModifiedTime":${world.clock.now()},"userProperties":"${headers['x-amz-mqtt5-user-properties']}"}`
    )
  })
)

retained('without user properties say null', () =>
  withAwsIot({}, async (world) => {
    await publishes(world, '/topics/a?retain=true', { body: 'x' })
    const answer = await world.signed({ method: 'GET', target: '/retainedMessage/a' })
    assert.is(JSON.parse(answer.text).userProperties, null)
  })
)

retained('go with an empty payload, with a QoS 0 publish as well, and with their expiry', () =>
  withAwsIot({}, async (world) => {
    const { signed, clock } = world
    const get = () => signed({ method: 'GET', target: '/retainedMessage/a' })
    const missing = 'The specified resource does not exist.'
    await publishes(world, '/topics/a?retain=true&qos=1', { body: 'x' })
    await publishes(world, '/topics/a?retain=true')
    isError(await get(), 404, 'ResourceNotFoundException', missing)
    await publishes(world, '/topics/a?retain=true&messageExpiry=60', { body: 'x' })
    clock.advance(59_000)
    assert.is((await get()).status, 200)
    clock.advance(1_000)
    isError(await get(), 404, 'ResourceNotFoundException', missing)
    assert.equal(await list(world), { retainedTopics: [], nextToken: null })
  })
)

retained('are listed by topic, page by page', () =>
  withAwsIot({}, async (world) => {
    for (const topic of ['b', 'a', 'a/b', 'é']) {
      await publishes(world, `/topics/${encodeURIComponent(topic)}?retain=true&qos=1`, {
        body: 'x'
      })
    }
    const entry = (topic: string) => ({
      topic,
      payloadSize: 1,
      qos: 1,
      lastModifiedTime: world.clock.now()
    })
    assert.equal(await list(world), {
      retainedTopics: ['a', 'a/b', 'b', 'é'].map(entry),
      nextToken: null
    })
    const first = await list(world, '?maxResults=3')
    assert.equal(first.retainedTopics, ['a', 'a/b', 'b'].map(entry))
    const second = await list(world, `?maxResults=3&nextToken=${first.nextToken}`)
    assert.equal(second, { retainedTopics: [entry('é')], nextToken: null })
    const exact = await list(world, '?maxResults=4')
    assert.is(exact.nextToken, null)
  })
)

retained('of other doors are listed where their topic is legal here', () =>
  withAwsIot({}, async (world) => {
    for (const topic of ['$x/a', 'a/b/c/d/e/f/g/h/i', 'z'.repeat(257), 'm']) {
      const payload = Buffer.from('x')
      await world.space.publish({ topic, payload, qos: 2, retain: true })
    }
    const { retainedTopics, nextToken } = await list(world, '?maxResults=1')
    assert.equal([retainedTopics[0].topic, retainedTopics[0].qos, nextToken], ['m', 1, null])
    const deep = await world.signed({ method: 'GET', target: '/retainedMessage/%24x%2Fa' })
    assert.is(deep.status, 404)
  })
)

for (const maxResults of ['0', '201', 'abc', '-1', '']) {
  retained(`are not listed for maxResults=${maxResults}`, () =>
    withAwsIot({}, async ({ signed }) => {
      isInvalid(
        await signed({ method: 'GET', target: `/retainedMessage?maxResults=${maxResults}` }),
        `Invalid maxResults '${maxResults}': it must be between 1 and 200`
      )
    })
  )
}

for (const token of ['', 'x', '%2B', base64('another:a'), `${base64('retained:a')}x`]) {
  retained(`are not listed for the token ${token}`, () =>
    withAwsIot({}, async ({ signed }) => {
      const target = `/retainedMessage?nextToken=${encodeURIComponent(token)}`
      isInvalid(await signed({ method: 'GET', target }), 'Invalid nextToken')
    })
  )
}

for (const [target, message] of [
  ['/retainedMessage/', 'Invalid topic'],
  ['/retainedMessage/a%2F%2B', 'Invalid topic: wildcards are not allowed'],
  [`/retainedMessage/${'a'.repeat(257)}`, 'Topic exceeds 256 bytes'],
  ['/retainedMessage/a/b/c/d/e/f/g/h/i', 'Topic has more than 7 slashes']
] as const) {
  retained(`cannot be asked for by ${target.slice(0, 40)}`, () =>
    withAwsIot({}, async ({ signed }) =>
      isInvalid(await signed({ method: 'GET', target }), message)
    )
  )
}

retained.run()
