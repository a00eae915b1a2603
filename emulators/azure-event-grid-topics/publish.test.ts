// What a publish leaves behind, as a subscription to an MQTT topic sees it.
import { HTTP, CloudEvent } from 'cloudevents'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { InputSchemaMapping, ResourceSettings, Settings } from './settings.ts'
import { BATCH, CLOUD_EVENT, EVENT, STRUCTURED, withTopics, type Topics } from './testing.ts'

const SCOPE = '/subscriptions/s1/resourceGroups/rg1/providers/Microsoft.EventGrid'

/** A subscription that hands everything to the MQTT topic `events`. */
const toMqtt = (schema?: string) => ({
  name: 'all-events',
  destination: { endpointType: 'MqttTopic', properties: { topic: 'events' } },
  ...(schema ? { eventDeliverySchema: schema } : {})
})

const subscribed = (settings: ResourceSettings, schema?: string) =>
  ({ ...settings, eventSubscriptions: [toMqtt(schema)] }) as ResourceSettings

interface Listening extends Topics {
  /** The next event that was delivered, parsed; its text as it came. */
  next(): Promise<{ event: any; text: string }>
  nothing(): Promise<void>
}

function withSubscriber(settings: Settings, run: (topics: Listening) => Promise<void>) {
  const all: Settings = { subscriptionId: 's1', resourceGroup: 'rg1', ...settings }
  return withTopics({ settings: all, manualClock: true }, async (topics) => {
    const { world } = topics
    const client = await world.mqtt({ at: 'control' }, { clientId: 'reader' })
    await client.subscribe('events', 1)
    await run({
      ...topics,
      async next() {
        const text = (await world.next(client)).payload.toString()
        return { event: JSON.parse(text), text }
      },
      nothing: () => world.nothing(client)
    })
  })
}

const publishing = suite('azure-event-grid-topics PublishEvents')

publishing('an event gets its topic and versions, and keeps the rest', () =>
  withSubscriber({ topics: [subscribed({ name: 'default' })] }, async ({ outcome, next }) => {
    const bare = { id: 7, subject: 's', eventType: 't', eventTime: '2026-01-02T03:04:05+0100' }
    assert.is(await outcome([bare]), '200 ok')
    assert.equal((await next()).event, {
      id: '7',
      topic: `${SCOPE}/topics/default`,
      subject: 's',
      eventType: 't',
      eventTime: '2026-01-02T03:04:05+0100',
      dataVersion: '',
      metadataVersion: '1'
    })
    assert.is(await outcome([{ ...EVENT, data: null }]), '200 ok')
    assert.equal((await next()).event, {
      ...EVENT,
      data: null,
      topic: `${SCOPE}/topics/default`,
      metadataVersion: '1'
    })
  })
)

publishing('a batch is taken whole or not at all', () =>
  withSubscriber({ topics: [subscribed({ name: 'default' })] }, async (topics) => {
    const { outcome, next, nothing } = topics
    const bad = [
      [EVENT, { ...EVENT, subject: '' }],
      [EVENT, { ...EVENT, colour: 'red' }],
      [EVENT, { ...EVENT, topic: '/subscriptions/x' }],
      [EVENT, { ...EVENT, eventTime: 'now' }]
    ]
    for (const batch of bad) assert.match(await outcome(batch), /^40[01] /)
    await nothing()
    assert.is(await outcome([EVENT, { ...EVENT, id: 'e2' }]), '200 ok')
    assert.equal([(await next()).event.id, (await next()).event.id], ['e1', 'e2'])
  })
)

publishing('whose topic it is comes after everything else, for all events', () =>
  withTopics({}, async ({ outcome }) => {
    const foreign = { ...EVENT, topic: '/subscriptions/x' }
    assert.is(await outcome([foreign, { ...EVENT, id: '' }]), '400 PropertyMissing')
    assert.is(await outcome([foreign, EVENT]), '401 TopicForeign')
  })
)

const MAPPING: InputSchemaMapping = {
  id: { sourceField: 'Key' },
  eventTime: { sourceField: 'when' },
  subject: { sourceField: 'sub', defaultValue: 'nothing' },
  eventType: { defaultValue: 'Shop.Any' },
  dataVersion: { sourceField: 'ver' }
}

const CUSTOM = { name: 'default', inputSchema: 'CustomEventSchema' as const }

publishing('a custom event fills the envelope by its mapping, and is its data whole', () =>
  withSubscriber(
    { topics: [subscribed({ ...CUSTOM, inputSchemaMapping: MAPPING })] },
    async ({ outcome, next }) => {
      const event = { key: 7, when: '2026-01-02T03:04:05Z', ver: 2, total: 1.5 }
      assert.is(await outcome([event]), '200 ok')
      assert.equal((await next()).event, {
        id: '7',
        topic: `${SCOPE}/topics/default`,
        subject: 'nothing',
        eventType: 'Shop.Any',
        eventTime: '2026-01-02T03:04:05Z',
        dataVersion: '2',
        metadataVersion: '1',
        data: event
      })
    }
  )
)

publishing('what is not mapped of id and time is made', () =>
  withSubscriber(
    {
      topics: [
        subscribed({
          ...CUSTOM,
          inputSchemaMapping: {
            subject: { sourceField: 'sub' },
            eventType: { sourceField: 'typ' }
          }
        })
      ]
    },
    async ({ outcome, next }) => {
      assert.is(await outcome([{ sub: 's', typ: 't' }]), '200 ok')
      const { event } = await next()
      assert.match(event.id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
      assert.is(event.eventTime, '2026-01-02T03:04:05Z')
      assert.is(event.dataVersion, '')
    }
  )
)

const REFUSED: [what: string, event: object, outcome: string][] = [
  ['an id that is mapped and not there', { ver: 1, when: '2026-01-02' }, '400 PropertyMissing'],
  ['a time that is mapped and not there', { key: 1, ver: 1 }, '400 PropertyMissing'],
  ['a version that is blank', { key: 1, when: '2026-01-02', ver: ' ' }, '400 PropertyMissing'],
  ['a time that is none', { key: 1, when: 'now', ver: 1 }, '400 JsonNonConforming'],
  ['an id that is an object', { key: {}, when: '2026-01-02', ver: 1 }, '400 JsonNonConforming'],
  ['the default for a blank subject', { key: 1, when: '2026-01-02', ver: 1, sub: '' }, '200 ok']
]

publishing('a custom event that does not fit its mapping has its row', () =>
  withTopics(
    { settings: { topics: [{ ...CUSTOM, inputSchemaMapping: MAPPING }] } },
    async ({ outcome }) => {
      for (const [what, event, expected] of REFUSED) {
        assert.is(await outcome([event]), expected, what)
      }
    }
  )
)

publishing('a custom event delivered as it is keeps every digit', () =>
  withSubscriber(
    {
      topics: [subscribed({ ...CUSTOM, inputSchemaMapping: MAPPING }, 'CustomInputSchema')]
    },
    async ({ publish, next }) => {
      const text = '{"key": 1, "when": "2026-01-02", "ver": 1, "n": 12345678901234567890.10}'
      assert.is((await publish(`[ ${text} ]`)).status, 200)
      assert.match((await next()).text, '12345678901234567890.10')
    }
  )
)

const DOMAIN = { name: 'shop', inputSchema: 'EventGridSchema' as const }

publishing('a domain event goes by its bare topic or the full id, in any case', () =>
  withSubscriber({ domains: [subscribed(DOMAIN)] }, async ({ outcome, next }) => {
    const target = '/shop/api/events'
    const topics = ['Topic-0', `${SCOPE.toUpperCase()}/domains/SHOP/topics/Topic-1`]
    const events = topics.map((topic) => ({ ...EVENT, topic }))
    assert.is(await outcome(events, { target }), '200 ok')
    assert.is((await next()).event.topic, `${SCOPE}/domains/shop/topics/Topic-0`)
    assert.is((await next()).event.topic, `${SCOPE}/domains/shop/topics/Topic-1`)
    const refused: [topic: string, outcome: string][] = [
      ['', '400 PropertyMissing'],
      ['ab', '400 DomainTopicInvalid'],
      ['x'.repeat(51), '400 DomainTopicInvalid'],
      ['a_b_c', '400 DomainTopicInvalid'],
      [`${SCOPE}/domains/other/topics/Topic-0`, '401 TopicForeign']
    ]
    for (const [topic, expected] of refused) {
      assert.is(await outcome([{ ...EVENT, topic }], { target }), expected, topic)
    }
    for (const topic of ['abc', 'x'.repeat(50)]) {
      assert.is(await outcome([{ ...EVENT, topic }], { target }), '200 ok')
    }
  })
)

publishing('a CloudEvents domain goes by source, or by the attribute that is mapped', () =>
  withSubscriber(
    {
      domains: [
        subscribed({ name: 'by-source', inputSchema: 'CloudEventSchemaV1_0' }),
        subscribed({
          name: 'by-shop',
          inputSchema: 'CloudEventSchemaV1_0',
          inputSchemaMapping: { topic: { sourceField: 'shop' } }
        })
      ]
    },
    async ({ outcome, next }) => {
      const bySource = { target: '/by-source/api/events', headers: BATCH }
      const event = { ...CLOUD_EVENT, source: 'Subject-0' }
      assert.is(await outcome([event], bySource), '200 ok')
      assert.is((await next()).event.source, 'Subject-0')
      assert.is(await outcome([CLOUD_EVENT], bySource), '400 DomainTopicInvalid')
      const byShop = { target: '/by-shop/api/events', headers: BATCH }
      assert.is(await outcome([{ ...CLOUD_EVENT, shop: 'Shop-0' }], byShop), '200 ok')
      assert.is((await next()).event.source, '/shop')
      assert.is(await outcome([CLOUD_EVENT], byShop), '400 PropertyMissing')
    }
  )
)

const CLOUD = subscribed({ name: 'default', inputSchema: 'CloudEventSchemaV1_0' })

publishing('the library of the CNCF is understood in all three modes', () =>
  withSubscriber({ topics: [CLOUD] }, async ({ world, publish, next }) => {
    const event = new CloudEvent({
      ...CLOUD_EVENT,
      time: '2026-01-02T03:04:05.000Z',
      datacontenttype: 'application/json',
      comexample: 'Käse'
    })
    const plain = JSON.parse(JSON.stringify(event)) as object
    const messages = {
      structured: HTTP.structured(event),
      binary: HTTP.binary(event),
      batch: { headers: BATCH, body: JSON.stringify([event]) }
    }
    for (const [mode, { headers, body }] of Object.entries(messages)) {
      const sent = headers as Record<string, string>
      // The library sends what is not ASCII as it is; Node wants to be told that it is UTF-8.
      const encoded = Object.fromEntries(
        Object.entries(sent).map(([name, value]) => [
          name,
          Buffer.from(value, 'utf8').toString('latin1')
        ])
      )
      assert.is((await publish(String(body), { headers: encoded })).status, 200, mode)
      assert.equal((await next()).event, plain, mode)
    }
    assert.equal(world.failures, [])
  })
)

publishing('in binary mode headers are unescaped, and data keeps its digits', () =>
  withSubscriber({ topics: [CLOUD] }, async ({ publish, next }) => {
    const headers = {
      'ce-specversion': '1.0',
      'ce-type': 'a%20b',
      'ce-source': '/x%2Fy',
      'ce-id': '%E2%82%AC',
      'ce-subject': '100%'
    }
    assert.is((await publish(' 1.10 ', { headers })).status, 200)
    const { event, text } = await next()
    assert.equal(event, {
      specversion: '1.0',
      type: 'a b',
      source: '/x/y',
      id: '€',
      subject: '100%',
      datacontenttype: 'application/json',
      data: 1.1
    })
    assert.match(text, '"data":1.10')
  })
)

publishing('bytes stay bytes', () =>
  withSubscriber({ topics: [CLOUD] }, async ({ outcome, next }) => {
    const { data: _data, ...event } = CLOUD_EVENT
    const bytes = { ...event, data_base64: 'AP8=' }
    assert.is(await outcome(bytes, { headers: STRUCTURED }), '200 ok')
    assert.equal((await next()).event, bytes)
  })
)

publishing('another personality can route to a topic that takes CloudEvents', () =>
  withSubscriber(
    { topics: [CLOUD, { name: 'orders' }] },
    async ({ world: { fogbank }, next, nothing }) => {
      const { sinks } = fogbank.core
      await sinks.deliver('custom-topic:default', [CLOUD_EVENT])
      assert.equal((await next()).event, CLOUD_EVENT)
      for (const [name, event, sentence] of [
        ['custom-topic:default', { ...CLOUD_EVENT, id: '' }, "requires 'id'"],
        ['custom-topic:orders', CLOUD_EVENT, 'custom topic orders takes EventGridSchema']
      ] as const) {
        const refusal = await sinks.deliver(name, [CLOUD_EVENT, event]).then(
          () => 'taken',
          (error: Error) => error.message
        )
        assert.match(refusal, sentence)
      }
      await nothing()
    }
  )
)

publishing.run()
