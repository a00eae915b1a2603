import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WELL_KNOWN_PRINCIPAL } from '@fogbank/authority'
import { API_VERSION, withNamespace, type Answer } from './testing.ts'

const publish = suite('azure-event-grid-namespaces HttpPublish')

const TARGET = `/mqtt/messages?topic=a&${API_VERSION}`
const toText = (value: unknown) => JSON.stringify(value)
const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64')

/** Status, code and message; the rest of an error answer has the one form that is checked below. */
function refusal({ status, headers, text }: Answer): [number, string, string] {
  const { error } = JSON.parse(text) as { error: { code: string; message: string } }
  assert.is(headers['broker-errorcode'], error.code)
  return [status, error.code, error.message]
}

publish('hands over every part of the message', () =>
  withNamespace({}, async (world) => {
    const reply = await world.publish('lab/dev1/cmd/reboot', {
      headers: {
        'mqtt-qos': '1',
        'mqtt-retain': '1',
        'mqtt-response-topic': 'lab%2Fdev1%2Freply',
        'mqtt-correlation-data': 'AQID/w==',
        'mqtt-user-properties': 'W3sicHJpb3JpdHkiOiJoaWdoIn0seyJ0aWNrZXQiOiJULTc3In1d',
        'mqtt-message-expiry': '3600',
        'mqtt-payload-format-indicator': '1',
        'Content-Type': 'text/plain;charset=UTF-8'
      }
    })
    assert.equal([reply.status, reply.text], [204, ''])
    assert.is(reply.headers['content-length'], undefined)
    const [{ message, origin }] = world.published as never as [Record<string, any>]
    assert.equal(
      { ...message, payload: message.payload.toString() },
      {
        topic: 'lab/dev1/cmd/reboot',
        payload: 'go',
        qos: 1,
        retain: true,
        properties: {
          payloadFormatIndicator: true,
          messageExpiryInterval: 3600,
          contentType: 'text/plain;charset=UTF-8',
          responseTopic: 'lab/dev1/reply',
          correlationData: Buffer.from([1, 2, 3, 255]),
          userProperties: [
            ['priority', 'high'],
            ['ticket', 'T-77']
          ]
        }
      }
    )
    assert.equal(origin, {
      personality: 'azure-event-grid-namespaces',
      clientId: WELL_KNOWN_PRINCIPAL.oid
    })
  })
)

/** Query, header, and the QoS and retain flag that the message has. */
const FLAGS: [query: string, headers: Record<string, string>, qos: number, retain: boolean][] = [
  ['', {}, 1, false],
  ['&qos=0', { 'mqtt-qos': '1' }, 0, false],
  ['&qos=1', { 'mqtt-qos': '0' }, 1, false],
  ['', { 'mqtt-qos': '0' }, 0, false],
  ['&QoS=0', {}, 0, false],
  ['&qos=0', { 'mqtt-qos': '7' }, 0, false],
  ['&retain=0', { 'mqtt-retain': '1' }, 1, false],
  ['&retain=1', { 'mqtt-retain': '0' }, 1, true],
  ['', { 'mqtt-retain': '1' }, 1, true]
]

publish('is logged with what the diagnostics of the service have', () =>
  withNamespace({}, async (world) => {
    await world.publish('lab/dev1')
    const line = world.lines.find((one) => one.includes(' HttpPublish 204 ')) ?? ''
    assert.match(
      line,
      /HttpPublish 204 ok http-publish request=[0-9a-f-]{36} topic=lab\/dev1 ip=\S+ principal=f09ba2c0-0000-4000-8000-000000000003$/
    )
  })
)

publish('takes no session, and no lifecycle event tells of it', () =>
  withNamespace({}, async (world) => {
    const client = await world.client(await world.jwt())
    assert.is((await client.next())?.reasonCode, 0)
    const told = async () =>
      (await world.control('GET', '/namespaces/default/lifecycleEvents')).body
    const before = await told()
    assert.is(before.value.length, 1)
    for (let index = 0; index < 3; index++) {
      assert.is((await world.publish('lab/dev1')).status, 204)
    }
    assert.equal(await told(), before)
    const { body } = await world.control('GET', '/namespaces/default/sessions')
    assert.is(body.value.length, 1)
    client.mqtt.sendPing()
    assert.is((await client.next())?.cmd, 'pingresp')
  })
)

publish('takes QoS and retain flag from the query first, then from the header', () =>
  withNamespace({}, async (world) => {
    for (const [query, headers, qos, retain] of FLAGS) {
      assert.is((await world.publish('a', { query, headers })).status, 204)
      const { message } = world.published.at(-1)!
      assert.equal([message.qos, message.retain], [qos, retain], `${query} ${toText(headers)}`)
    }
  })
)

publish('a message without parameters has no MQTT properties', () =>
  withNamespace({}, async (world) => {
    const Authorization = `Bearer ${await world.mint()}`
    const reply = await world.send({ target: TARGET, headers: { Authorization } })
    assert.is(reply.status, 204)
    const { message } = world.published[0]!
    assert.equal(message, { topic: 'a', payload: Buffer.alloc(0), qos: 1, retain: false })
  })
)

publish("forwards curl's form type as the content type", () =>
  withNamespace({}, async (world) => {
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
    await world.publish('a', { headers })
    assert.equal(world.published[0]!.message.properties, {
      contentType: 'application/x-www-form-urlencoded'
    })
  })
)

publish('an expiry of zero means never', () =>
  withNamespace({}, async (world) => {
    const headers = { 'mqtt-message-expiry': '0', 'Content-Type': 'a/b' }
    await world.publish('a', { headers })
    assert.equal(world.published[0]!.message.properties, { contentType: 'a/b' })
  })
)

publish('keeps repeated user properties and several in one object, in order', () =>
  withNamespace({}, async (world) => {
    const properties = [{ b: '1', a: '2' }, { b: '3' }, {}, { 'ключ ☁': '' }]
    await world.publish('a', {
      headers: { 'mqtt-user-properties': base64(properties), 'Content-Type': 'a/b' }
    })
    assert.equal(world.published[0]!.message.properties?.userProperties, [
      ['b', '1'],
      ['a', '2'],
      ['b', '3'],
      ['ключ ☁', '']
    ])
  })
)

publish('takes user properties as plain JSON only where configured', async () => {
  const headers = { 'mqtt-user-properties': '[{"a":"1"}]' }
  await withNamespace({}, async (world) => {
    assert.is((await world.publish('a', { headers })).status, 400)
  })
  await withNamespace({ settings: { rawUserProperties: true } }, async (world) => {
    assert.is((await world.publish('a', { headers })).status, 204)
    assert.equal(world.published[0]!.message.properties?.userProperties, [['a', '1']])
  })
})

/** The topic as it stands in the URL, and the one that is published to. */
const TOPICS: [encoded: string, topic: string][] = [
  ['a%2Fb', 'a/b'],
  ['a/b', 'a/b'],
  ['50%25', '50%'],
  ['a%252Fb', 'a%2Fb'],
  ['%C3%A9', 'é'],
  ['a%20b', 'a b'],
  ['/', '/']
]

publish('decodes the topic once', () =>
  withNamespace({}, async (world) => {
    for (const [encoded, topic] of TOPICS) {
      const target = `/mqtt/messages?topic=${encoded}&${API_VERSION}`
      assert.is((await world.signed({ target })).status, 204)
      assert.is(world.published.at(-1)!.message.topic, topic)
    }
  })
)

const FORBIDDEN_TOPICS: [topic: string, message: string][] = [
  ['a/+', 'The topic name is not valid.'],
  ['a/#', 'The topic name is not valid.'],
  ['a\0', 'The topic name is not valid.'],
  ['$SYS/x', "Topics beginning with '$' are reserved."],
  ['é'.repeat(128) + 'a', 'The topic name exceeds 256 bytes.'],
  [Array(16).fill('x').join('/'), 'The topic name has more than 15 segments.'],
  [Array(101).fill('x').join('/'), 'The topic name has more than 15 segments.']
]

publish('refuses topics that cannot be one with 403', () =>
  withNamespace({}, async (world) => {
    for (const [topic, message] of FORBIDDEN_TOPICS) {
      assert.equal(refusal(await world.publish(topic)), [403, 'Forbidden', message], topic)
    }
    assert.is(world.published.length, 0)
  })
)

publish('accepts topics at the limits', () =>
  withNamespace({}, async (world) => {
    for (const topic of ['é'.repeat(128), Array(15).fill('x').join('/')]) {
      assert.is((await world.publish(topic)).status, 204)
    }
  })
)

const BAD_TARGETS: [target: string, message: string][] = [
  ['/mqtt/messages?topic=a', "The query parameter 'api-version' is required."],
  [`/mqtt/messages?${API_VERSION}`, "The query parameter 'topic' is required."],
  [`/mqtt/messages?topic=&${API_VERSION}`, "The query parameter 'topic' is required."],
  [`/mqtt/messages?topic&${API_VERSION}`, "The query parameter 'topic' is required."],
  [
    `/mqtt/messages?topic=%ZZ&${API_VERSION}`,
    'The request URL holds a malformed percent-encoding.'
  ],
  [
    `/mqtt/messages?topic=%C3&${API_VERSION}`,
    'The request URL holds a malformed percent-encoding.'
  ],
  // A lone surrogate in what would be UTF-8.
  [
    `/mqtt/messages?topic=%ED%A0%80&${API_VERSION}`,
    'The request URL holds a malformed percent-encoding.'
  ],
  [`${TARGET}&qos=2`, "The QoS '2' is not valid; it must be 0 or 1."],
  [`${TARGET}&qos=`, "The QoS '' is not valid; it must be 0 or 1."],
  [`${TARGET}&qos=01`, "The QoS '01' is not valid; it must be 0 or 1."],
  [`${TARGET}&retain=true`, "The retain flag 'true' is not valid; it must be 0 or 1."]
]

publish('answers a query that is wrong with 400', () =>
  withNamespace({}, async (world) => {
    for (const [target, message] of BAD_TARGETS) {
      const reply = await world.signed({ target })
      assert.equal(refusal(reply), [400, 'BadRequest', message], target)
    }
    assert.is(world.published.length, 0)
  })
)

const USER_PROPERTIES =
  "The header 'mqtt-user-properties' is not a base64-encoded JSON array of objects with string values."
const CORRELATION = "The header 'mqtt-correlation-data' is not base64."
const RESPONSE_TOPIC = "The header 'mqtt-response-topic' is not a percent-encoded topic name."
const EXPIRY = "The header 'mqtt-message-expiry' must be an unsigned integer."
const INDICATOR = "The header 'mqtt-payload-format-indicator' must be 0 or 1."
const QOS = (qos: string) => `The QoS '${qos}' is not valid; it must be 0 or 1.`

/** A header and the message it is refused with; empty: it is fine. */
const HEADERS: [name: string, value: string, message: string][] = [
  ['mqtt-qos', '2', QOS('2')],
  ['mqtt-qos', '1, 1', QOS('1, 1')], // a doubled header, as Node joins it
  ['mqtt-qos', '', QOS('')],
  ['mqtt-retain', 'yes', "The retain flag 'yes' is not valid; it must be 0 or 1."],
  ['mqtt-message-expiry', '-1', EXPIRY],
  ['mqtt-message-expiry', '1.5', EXPIRY],
  ['mqtt-message-expiry', '4294967296', EXPIRY],
  ['mqtt-message-expiry', '1e3', EXPIRY],
  ['mqtt-message-expiry', '', EXPIRY],
  ['mqtt-payload-format-indicator', '2', INDICATOR],
  ['mqtt-payload-format-indicator', 'true', INDICATOR],
  ['mqtt-response-topic', '%zz', RESPONSE_TOPIC],
  ['mqtt-response-topic', 'a%2F%23', RESPONSE_TOPIC],
  ['mqtt-response-topic', '', RESPONSE_TOPIC],
  ['mqtt-response-topic', 'a%00', RESPONSE_TOPIC],
  ['mqtt-response-topic', 'x'.repeat(257), 'The response topic exceeds 256 bytes.'],
  ['mqtt-correlation-data', 'AQID', ''],
  ['mqtt-correlation-data', 'AQI', CORRELATION],
  ['mqtt-correlation-data', 'AQ=D', CORRELATION],
  ['mqtt-correlation-data', '-_-_', CORRELATION],
  [
    'mqtt-correlation-data',
    Buffer.alloc(257).toString('base64'),
    'The correlation data exceeds 256 bytes.'
  ],
  ['mqtt-correlation-data', Buffer.alloc(256).toString('base64'), ''],
  ['mqtt-user-properties', '[{"a":"1"}]', USER_PROPERTIES],
  ['mqtt-user-properties', '%%%', USER_PROPERTIES],
  ['mqtt-user-properties', Buffer.from('[{').toString('base64'), USER_PROPERTIES],
  ['mqtt-user-properties', Buffer.from([0xff, 0xfe]).toString('base64'), USER_PROPERTIES],
  ['mqtt-user-properties', base64({ a: '1' }), USER_PROPERTIES],
  ['mqtt-user-properties', base64(null), USER_PROPERTIES],
  ['mqtt-user-properties', base64([null]), USER_PROPERTIES],
  ['mqtt-user-properties', base64([['a', '1']]), USER_PROPERTIES],
  ['mqtt-user-properties', base64(['a']), USER_PROPERTIES],
  ['mqtt-user-properties', base64([{ a: 1 }]), USER_PROPERTIES],
  ['mqtt-user-properties', base64([{ a: null }]), USER_PROPERTIES],
  ['mqtt-user-properties', base64([{ a: 'x\0' }]), USER_PROPERTIES],
  ['mqtt-user-properties', Buffer.from('[{"a":"\\ud800"}]').toString('base64'), USER_PROPERTIES],
  ['mqtt-user-properties', base64([{ a: 'x'.repeat(32_767) }]), ''],
  [
    'mqtt-user-properties',
    base64([{ a: 'x'.repeat(32_768) }]),
    'The user properties exceed 32768 bytes.'
  ],
  ['content-type', `a/${'b'.repeat(254)}`, ''],
  ['content-type', `a/${'b'.repeat(255)}`, 'The content type exceeds 256 bytes.']
]

publish('answers a header that is wrong with 400, and takes it at its limit', () =>
  withNamespace({}, async (world) => {
    for (const [name, value, message] of HEADERS) {
      const reply = await world.publish('a', { headers: { [name]: value } })
      const what = `${name}: ${value.slice(0, 40)}`
      if (message === '') assert.is(reply.status, 204, what)
      else assert.equal(refusal(reply), [400, 'BadRequest', message], what)
    }
    const accepted = HEADERS.filter(([, , message]) => message === '').length
    assert.is(world.published.length, accepted)
  })
)

publish('takes a body of 512 KiB and refuses one byte more with 413', () =>
  withNamespace({}, async (world) => {
    assert.is((await world.publish('a', { body: Buffer.alloc(524_288) })).status, 204)
    for (const bytes of [524_289, 10_000_000]) {
      assert.equal(refusal(await world.publish('a', { body: Buffer.alloc(bytes) })), [
        413,
        'RequestEntityTooLarge',
        'The message exceeds 524288 bytes.'
      ])
    }
    assert.is(world.published.length, 1)
  })
)

publish('keeps retained messages of 64 KiB, not of one byte more', () =>
  withNamespace({}, async (world) => {
    const query = '&retain=1'
    assert.is((await world.publish('a', { query, body: Buffer.alloc(65_536) })).status, 204)
    const reply = await world.publish('a', { query, body: Buffer.alloc(65_537) })
    assert.equal(refusal(reply), [
      413,
      'RequestEntityTooLarge',
      'The retained message exceeds 65536 bytes.'
    ])
  })
)

publish('refuses in the envelope of the events host', () =>
  withNamespace({}, async (world) => {
    const { status, headers, text } = await world.send({ target: TARGET })
    assert.is(status, 401)
    assert.equal(headers, {
      'broker-errorcode': 'Unauthorized',
      'content-length': String(text.length),
      'content-type': 'application/json; charset=utf-8'
    })
    const { error } = JSON.parse(text)
    assert.match(error.tracking_id, /^[0-9A-F]{8}-(?:[0-9A-F]{4}-){3}[0-9A-F]{12}$/)
    assert.is(
      text,
      `{"error":{"code":"Unauthorized","message":"The request has no bearer token in its Authorization header.","timestamp_utc":"2026-01-02T03:04:05.000000000+00:00","tracking_id":"${error.tracking_id}"}}`
    )
  })
)

publish('answers 202 when routing is configured, or whatever is asked for', async () => {
  const route = { topicSpacesConfiguration: { routeTopicResourceId: '/topics/default' } }
  const cases = [
    [{}, 204],
    [route, 202],
    [{ ...route, httpPublishSuccess: 204 as const }, 204],
    [{ httpPublishSuccess: 202 as const }, 202]
  ] as const
  for (const [settings, status] of cases) {
    await withNamespace({ settings }, async (world) => {
      const reply = await world.publish('a')
      assert.equal([reply.status, reply.text], [status, ''])
    })
  }
})

publish('knows its paths and methods', () =>
  withNamespace({}, async (world) => {
    const lost = await world.signed({ target: `/mqtt/message?topic=a&${API_VERSION}` })
    assert.equal(refusal(lost).slice(0, 2), [404, 'NotFound'])
    const put = await world.signed({ target: TARGET, method: 'PUT' })
    assert.equal(refusal(put).slice(0, 2), [405, 'MethodNotAllowed'])
    assert.is(put.headers.allow, 'POST')
  })
)

publish('answers 429 with Retry-After and 500 where they are ordered', () =>
  withNamespace({}, async (world) => {
    world.running.faults.order('HttpPublish', 'Throttled', 1)
    const throttled = await world.publish('a')
    assert.is(throttled.status, 429)
    assert.is(throttled.headers['retry-after'], '1')
    world.running.faults.order('HttpPublish', 'RoutingFailed', 1)
    assert.is((await world.publish('a')).status, 500)
    assert.is((await world.publish('a')).status, 204)
  })
)

publish.run()
