// From an MQTT publish, or one over HTTP, to the event that pull delivery hands out.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { within } from '@fogbank/contract/testing'
import type { Message } from '@fogbank/core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { issueClient, withNamespace, type World } from '../testing.ts'
import type { Settings } from '../settings.ts'
import { compileEnrichments } from './enrichments.ts'
import { toRoutedEvent } from './routed-event.ts'
import { toRouteSink } from './route-sink.ts'

const KEY = { authorization: 'SharedAccessKey Zm9nYmFuay1sb2NhbC1uYW1lc3BhY2Uta2V5LW9uZSE=' }
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/
const OID = 'f09ba2c0-0000-4000-8000-000000000003'

const routed = (more: object = {}): Settings => ({
  allowShortWait: true,
  topicSpacesConfiguration: { routeTopicResourceId: '/topics/default', ...more }
})

const NAMED = {
  routingEnrichments: { dynamic: [{ key: 'client', value: '${client.authenticationName}' }] }
}

/** The next event of the route topic, without its id. */
async function receive(world: World): Promise<Record<string, unknown>> {
  const target =
    '/topics/default/eventsubscriptions/default:receive?api-version=2024-06-01&maxWaitTime=10'
  const answer = await within(20_000, world.send({ target, headers: KEY }), 'the event')
  const { id, ...event } = JSON.parse(answer.text).value[0].event
  assert.match(id, UUID)
  return event
}

const routing = suite('azure-event-grid-namespaces routing')

routing('makes the documented event of a publish, in base64 unless it says that it is text', () =>
  withNamespace({ settings: routed() }, async (world) => {
    const client = await world.client(await world.jwt())
    await client.next()
    const event = {
      specversion: '1.0',
      time: '2026-01-02T03:04:05Z',
      type: 'MQTT.EventPublished',
      source: 'default',
      subject: 'lab/dev1/telemetry'
    }
    await client.mqtt.publishAsync('lab/dev1/telemetry', '{"t":7}', { qos: 1 })
    assert.equal(await receive(world), { ...event, data_base64: 'eyJ0Ijo3fQ==' })
    const properties = { payloadFormatIndicator: true }
    await client.mqtt.publishAsync('lab/dev1/telemetry', '{"t":7}', { qos: 1, properties })
    assert.equal(await receive(world), { ...event, data: { t: 7 } })
    await client.mqtt.publishAsync('lab/dev1/telemetry', 'hot', { qos: 0, properties })
    assert.equal(await receive(world), { ...event, data: 'hot' })
  })
)

routing('enriches, with what is fixed and with what client and message have', () => {
  const routingEnrichments = {
    static: [{ key: 'plant', value: 'north', valueType: 'String' }],
    dynamic: [
      { key: 'client', value: '${client.authenticationName}' },
      { key: 'shift', value: "${mqtt.message.userProperties['shift']}" },
      { key: 'line', value: '${client.attributes.line}' }
    ]
  }
  return withNamespace({ settings: routed({ routingEnrichments }) }, async (world) => {
    const client = await world.client(await world.jwt())
    await client.next()
    const properties = { userProperties: { shift: ['early', 'late'] } }
    await client.mqtt.publishAsync('lab/a', 'x', { qos: 1, properties })
    const { plant, client: name, shift, line } = await receive(world)
    assert.equal(
      { plant, name, shift, line },
      { plant: 'north', name: OID, shift: 'early,late', line: '' }
    )
  })
})

routing('takes a publish over HTTP on once, and answers 202', () =>
  withNamespace({ settings: routed() }, async (world) => {
    assert.is((await world.publish('lab/a')).status, 202)
    assert.is((await receive(world)).subject, 'lab/a')
    const target =
      '/topics/default/eventsubscriptions/default:receive?api-version=2024-06-01&maxWaitTime=0'
    assert.is((await world.send({ target, headers: KEY })).text, '{"value":[]}')
  })
)

const CUSTOM = '/subscriptions/s/providers/Microsoft.EventGrid/topics/slow'

routing('stores its copy before the client is acknowledged', () =>
  withNamespace({ settings: routed({ routeTopicResourceId: CUSTOM }) }, async (world) => {
    let stored = () => {}
    const arrived = new Promise<void>((resolve) =>
      world.core.sinks.register('custom-topic:slow', () => {
        resolve()
        return new Promise<void>((done) => (stored = done))
      })
    )
    const client = await world.client(await world.jwt())
    await client.next()
    const acknowledged = client.mqtt.publishAsync('lab/a', 'x', { qos: 1 })
    await within(20_000, arrived, 'the copy')
    await client.mqtt.subscribeAsync('lab/b', { qos: 1 })
    assert.is((await client.next())?.cmd, 'suback', 'the PUBACK did not wait')
    stored()
    assert.is((await client.next())?.cmd, 'puback')
    await acknowledged
  })
)

routing('is tried again on the documented schedule, and acknowledged meanwhile', () =>
  withNamespace({ settings: routed({ routeTopicResourceId: CUSTOM }) }, async (world) => {
    const tries: number[] = []
    let full = true
    const startedAtMs = world.clock.now()
    world.core.sinks.register('custom-topic:slow', async () => {
      tries.push((world.clock.now() - startedAtMs) / 1000)
      if (full) throw new Error('full')
    })
    const client = await world.client(await world.jwt())
    await client.next()
    await client.mqtt.publishAsync('lab/a', 'x', { qos: 1 })
    const waits = [10, 30, 60, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 43_200]
    for (const seconds of waits) {
      // A step on its own: what failed has to have set its next try.
      await new Promise((resolve) => setImmediate(resolve))
      world.clock.advance(seconds * 1000 - 1)
      const before = tries.length
      world.clock.advance(1)
      assert.is(tries.length, before + 1, `after ${seconds} s`)
    }
    await new Promise((resolve) => setImmediate(resolve))
    full = false
    world.clock.advance(43_200_000)
    await new Promise((resolve) => setImmediate(resolve))
    world.clock.advance(43_200_000)
    assert.is(tries.length, waits.length + 2, 'what is stored is not sent again')
  })
)

routing('is tried again after a restart', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'fogbank-routing-'))
  const settings = routed({ routeTopicResourceId: CUSTOM })
  try {
    await withNamespace({ settings, directory }, async (world) => {
      world.core.sinks.register('custom-topic:slow', () => Promise.reject(new Error('full')))
      const client = await world.client(await world.jwt())
      await client.next()
      await client.mqtt.publishAsync('lab/a', 'x', { qos: 1 })
    })
    for (const expected of [['lab/a'], []]) {
      await withNamespace({ settings, directory }, async (world) => {
        const taken: unknown[] = []
        world.core.sinks.register('custom-topic:slow', async ([event]) => {
          taken.push(event!.subject)
        })
        world.clock.advance(10_000)
        assert.equal(taken, expected)
        // Behind what forgets it.
        await (await world.core.records('azure-event-grid-namespaces:waiting')).commit([])
      })
    }
  } finally {
    await rm(directory, { recursive: true })
  }
})

routing('enriches with attributes of the client, repeated ones by commas', () => {
  const dynamic = [
    { key: 'client', value: '${client.authenticationName}' },
    { key: 'kinds', value: '${client.attributes.kinds}' },
    { key: 'floor', value: '${client.attributes.floor}' },
    { key: 'none', value: '${client.attributes.none}' },
    { key: 'inherited', value: '${client.attributes.constructor}' }
  ]
  const settings: Settings = {
    ...routed({ routingEnrichments: { dynamic } }),
    clients: [{ name: 'dev1', attributes: { kinds: ['meter', 'lamp'], floor: 2 } }],
    permissionBindings: [
      { clientGroupName: '$all', topicSpaceName: 'all', permission: 'Publisher' }
    ]
  }
  return withNamespace({ settings }, async (world) => {
    const client = await world.client(
      { username: 'dev1' },
      { certificate: await issueClient('dev1') }
    )
    assert.is((await client.next())?.reasonCode, 0)
    await client.mqtt.publishAsync('lab/a', 'x', { qos: 1 })
    const { client: name, kinds, floor, none, inherited } = await receive(world)
    assert.equal([name, kinds, floor, none, inherited], ['dev1', 'meter,lamp', '2', '', ''])
  })
})

routing('takes wills on, under the name of the client that left', () =>
  withNamespace({ settings: routed(NAMED) }, async (world) => {
    const will = { topic: 'lab/gone', payload: Buffer.from('bye'), qos: 1 as const, retain: false }
    const client = await world.client({ ...(await world.jwt()), will })
    await client.next()
    client.mqtt.stream.destroy()
    const { subject, client: name, data_base64 } = await receive(world)
    assert.equal([subject, name, data_base64], ['lab/gone', OID, 'Ynll'])
  })
)

routing('answers 500 when the topic is not there, and publishes nothing', () => {
  const routeTopicResourceId = '/subscriptions/s/providers/Microsoft.EventGrid/topics/gone'
  return withNamespace({ settings: routed({ routeTopicResourceId }) }, async (world) => {
    const answer = await world.publish('lab/a')
    assert.is(answer.status, 500)
    assert.is(JSON.parse(answer.text).error.message, 'Routing the message failed.')
    assert.equal(world.published, [])
    const client = await world.client(await world.jwt())
    await client.next()
    await client.mqtt.publishAsync('lab/a', 'x', { qos: 1 })
    assert.ok(world.lines.some((line) => line.includes('there is no sink custom-topic:gone')))
  })
})

const REFUSED: [what: string, more: object, sentence: RegExp][] = [
  [
    'a topic of its own that is not there',
    { routeTopicResourceId: '/topics/nowhere' },
    /routeTopicResourceId: there is no topic \/topics\/nowhere/
  ],
  ['an upper-case key', enriched('Site', 'x'), /the key Site is not of/],
  ['a key of 21 characters', enriched('a'.repeat(21), 'x'), /is not of 1 to 20/],
  ['a name of CloudEvents', enriched('subject', 'x'), /the key subject is reserved/],
  ['a key of the service', enriched('azspx', 'x'), /the key azspx is reserved/],
  ['an unknown variable', enriched('site', '${client.name}'), /unknown variable 'client.name'/],
  ['a word of JavaScript', enriched('site', '${toString}'), /unknown variable 'toString'/],
  [
    'a key twice',
    {
      routingEnrichments: { static: [{ key: 'a', value: '' }], dynamic: [{ key: 'a', value: '' }] }
    },
    /the key a stands there twice/
  ]
]
for (const [what, more, sentence] of REFUSED) {
  routing(`refuses ${what} at start`, async () => {
    const error = await withNamespace({ settings: routed(more) }, async () => {}).then(
      () => undefined,
      (thrown: Error) => thrown
    )
    assert.match(error?.message ?? '', sentence)
  })
}

function enriched(key: string, value: string): object {
  return { routingEnrichments: { dynamic: [{ key, value }] } }
}

const events = suite('azure-event-grid-namespaces routed events')

const ARRIVAL = { id: 'i', timeMs: 0, source: 'labns' }
const message = (payload: string | Buffer, properties: Message['properties'] = {}): Message => ({
  topic: 'a',
  payload: Buffer.from(payload),
  qos: 1,
  retain: false,
  properties
})
const CASES: [what: string, message: Message, expected: object][] = [
  [
    'JSON in UTF-8',
    message('[1]', { contentType: 'Application/JSON;charset=UTF-8' }),
    { data: [1] }
  ],
  [
    'JSON of no charset',
    message('[1]', { contentType: 'application/json' }),
    { data_base64: 'WzFd' }
  ],
  ['text that is no JSON', message('{', { payloadFormatIndicator: true }), { data: '{' }],
  ['the text null', message('null', { payloadFormatIndicator: true }), { data: 'null' }],
  [
    'text that is no UTF-8',
    message(Buffer.from([0xff]), { payloadFormatIndicator: true }),
    { data_base64: '/w==' }
  ],
  ['nothing', message(''), { data_base64: '' }]
]
for (const [what, given, expected] of CASES) {
  events(`of ${what} have it as ${Object.keys(expected)[0]}`, () => {
    const { data, data_base64 } = toRoutedEvent(given, ARRIVAL)
    assert.equal(data === undefined ? { data_base64 } : { data }, expected)
  })
}

events('of what is an event already keep its attributes', () => {
  const own = { specversion: '1.0', id: '7', source: '/own', type: 'own', data: { a: 1 } }
  const structured = message(JSON.stringify(own), {
    contentType: 'application/cloudevents+json; charset=utf-8'
  })
  assert.equal(toRoutedEvent(structured, ARRIVAL), own)
  const { data: _, ...attributes } = own
  const binary = message('x', { userProperties: Object.entries(attributes) })
  assert.equal(toRoutedEvent(binary, ARRIVAL), { ...attributes, data_base64: 'eA==' })
})

events('have every variable of an enrichment', () => {
  const enrich = compileEnrichments({
    dynamic: [
      { key: 'topic', value: '${mqtt.message.topicName}' },
      { key: 'reply', value: '${mqtt.message.responseTopic}' },
      { key: 'correlation', value: '${mqtt.message.correlationData}' },
      { key: 'pfi', value: '${mqtt.message.pfi}' },
      { key: 'lines', value: '${client.attributes.lines}' },
      { key: 'both', value: '${client.authenticationName}/${mqtt.message.pfi}' },
      { key: 'dotted', value: '${mqtt.message.userProperties.shift}' }
    ]
  })
  const source = { authenticationName: 'dev1', attributes: { lines: ['a', 'b'] } }
  assert.equal(
    enrich({
      ...source,
      message: message('x', {
        payloadFormatIndicator: true,
        responseTopic: 'r',
        correlationData: Buffer.from([1, 2]),
        userProperties: [['shift', 'early']]
      })
    }),
    {
      ...{ topic: 'a', reply: 'r', correlation: 'AQI=', pfi: 1, lines: 'a,b' },
      ...{ both: 'dev1/1', dotted: 'early' }
    }
  )
  assert.equal(enrich({ ...source, attributes: {}, message: message('x') }), {
    ...{ topic: 'a', reply: '', correlation: '', pfi: 0, lines: '' },
    ...{ both: 'dev1/0', dotted: '' }
  })
})

events('go to the topic that the resource id means', () => {
  const arm = '/subscriptions/s/resourceGroups/g/providers/Microsoft.EventGrid'
  const own = { sink: 'namespace-topic:labns/orders', ownTopic: 'orders' }
  assert.equal(toRouteSink('orders', 'labns'), own)
  assert.equal(toRouteSink('/topics/orders', 'labns'), own)
  assert.equal(toRouteSink(`${arm}/namespaces/labns/topics/orders`, 'labns'), own)
  const other = { sink: 'namespace-topic:other/orders' }
  assert.equal(toRouteSink(`${arm}/namespaces/other/topics/orders`, 'labns'), other)
  assert.equal(toRouteSink(`${arm}/topics/orders`, 'labns'), { sink: 'custom-topic:orders' })
  assert.is(toRouteSink(`${arm}/domains/orders`, 'labns'), undefined)
})

routing.run()
events.run()
