import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { oneWebhook, order, webhook, withDelivery, type DeliveryWorld } from './testing.ts'

const ORDERS =
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/fogbank/providers/Microsoft.EventGrid/topics/orders'

const ready = (world: DeliveryWorld) => world.logged(/handshake orders-webhook Succeeded/)

const conversion = suite('what a subscriber is sent')

conversion('EventGrid to CloudEvents: one object, attribute by attribute', () =>
  withDelivery(
    (url) => oneWebhook(url, { eventDeliverySchema: 'CloudEventSchemaV1_0' }),
    async (world) => {
      await ready(world)
      await world.publish([order()])
      const { headers, text } = await world.receiver.next()
      assert.is(headers['content-type'], 'application/cloudevents+json; charset=utf-8')
      assert.is(headers['aeg-metadata-version'], '1.0')
      assert.is(headers['aeg-data-version'], undefined)
      assert.is(headers['webhook-request-origin'], 'eventgrid.azure.net')
      assert.equal(JSON.parse(text), {
        specversion: '1.0',
        type: 'Shop.OrderPlaced',
        source: ORDERS,
        id: 'e1',
        time: '2026-01-02T03:04:05.000Z',
        subject: 'orders/1',
        dataschema: '#1.0',
        data: { hello: 'world' }
      })
    }
  )
)

conversion('CloudEvents as they came, to the byte, extensions and odd numbers too', () =>
  withDelivery(
    (url) => oneWebhook(url, {}, { inputSchema: 'CloudEventSchemaV1_0' }),
    async (world) => {
      await ready(world)
      const text =
        '{"specversion":"1.0","id":"c1","source":"/shop","type":"placed","myext":"x","data":{"n":1.0,"big":12345678901234567890}}'
      const answer = await world.post('/orders/api/events', text, {
        'content-type': 'application/cloudevents+json'
      })
      assert.is(answer.status, 200)
      assert.is((await world.receiver.next()).text, text)
    }
  )
)

conversion('an event without dataVersion has an empty one', () =>
  withDelivery(
    (url) => oneWebhook(url),
    async (world) => {
      await ready(world)
      const { dataVersion: _version, ...event } = order()
      await world.publish([event])
      const { headers, text } = await world.receiver.next()
      assert.is(headers['aeg-data-version'], '')
      assert.is((JSON.parse(text) as [{ dataVersion: string }])[0].dataVersion, '')
    }
  )
)

const times: [sent: string, delivered: string][] = [
  ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05Z'],
  ['2026-01-02T03:04:05.120Z', '2026-01-02T03:04:05.12Z'],
  ['2026-01-02T03:04:05.0736882-07:00', '2026-01-02T03:04:05.0736882-07:00'],
  ['2026-01-02T03:04:05.1000001Z', '2026-01-02T03:04:05.1000001Z']
]
for (const [sent, delivered] of times) {
  conversion(`eventTime ${sent} goes out as ${delivered}`, () =>
    withDelivery(
      (url) => oneWebhook(url),
      async (world) => {
        await ready(world)
        await world.publish([order({ eventTime: sent })])
        const [event] = JSON.parse((await world.receiver.next()).text) as [{ eventTime: string }]
        assert.is(event.eventTime, delivered)
      }
    )
  )
}

const CUSTOM = {
  inputSchema: 'CustomEventSchema',
  inputSchemaMapping: {
    subject: { sourceField: 'sub' },
    eventType: { sourceField: 'typ' },
    dataVersion: { sourceField: 'ver' }
  }
}
const custom = { ver: '1.0', typ: 'Shop.OrderPlaced', sub: 'orders/1', payload: { hello: 'world' } }

conversion('a custom event in Event Grid schema: mapped, and whole under data', () =>
  withDelivery(
    (url) => oneWebhook(url, {}, CUSTOM),
    async (world) => {
      await ready(world)
      await world.publish([custom])
      const [event] = JSON.parse((await world.receiver.next()).text) as [Record<string, unknown>]
      assert.match(String(event.id), /^[0-9a-f-]{36}$/)
      assert.equal(event, {
        id: event.id,
        topic: ORDERS,
        subject: 'orders/1',
        data: custom,
        eventType: 'Shop.OrderPlaced',
        eventTime: event.eventTime,
        dataVersion: '1.0',
        metadataVersion: '1'
      })
    }
  )
)

conversion('a custom event as it came', () =>
  withDelivery(
    (url) => oneWebhook(url, { eventDeliverySchema: 'CustomInputSchema' }, CUSTOM),
    async (world) => {
      await ready(world)
      await world.publish([custom])
      const { headers, text } = await world.receiver.next()
      assert.is(headers['content-type'], 'application/json; charset=utf-8')
      assert.is(text, JSON.stringify([custom]))
    }
  )
)

conversion.run()

const batches = suite('batches')

const batched = (properties: object) => (url: string) => ({
  topics: [
    {
      name: 'orders',
      eventSubscriptions: [
        {
          name: 'orders-webhook',
          destination: {
            endpointType: 'WebHook',
            properties: { endpointUrl: url, ...properties }
          }
        }
      ]
    }
  ]
})

const idsOf = (text: string) => (JSON.parse(text) as { id: string }[]).map(({ id }) => id)
const manyOrders = (count: number, more: object = {}) =>
  Array.from({ length: count }, (_, index) => order({ id: `${index}`, ...more }))

batches('hold as many events as are there, up to the maximum', () =>
  withDelivery(batched({ maxEventsPerBatch: 3 }), async (world) => {
    await ready(world)
    await world.publish(manyOrders(7))
    const sizes = []
    for (let count = 0; count < 3; count++) {
      sizes.push(idsOf((await world.receiver.next()).text))
    }
    // Each has a connection of its own, so they come in any order.
    assert.equal(sizes.sort(), [['0', '1', '2'], ['3', '4', '5'], ['6']])
  })
)

batches('stay within the preferred size, but for a single event', () =>
  withDelivery(batched({ preferredBatchSizeInKilobytes: 2 }), async (world) => {
    await ready(world)
    const small = { data: 'x'.repeat(600) }
    await world.publish([
      ...manyOrders(4, small),
      order({ id: 'large', data: 'x'.repeat(3000) }),
      order({ id: 'last' })
    ])
    const sizes = []
    for (let count = 0; count < 4; count++) {
      sizes.push(idsOf((await world.receiver.next()).text))
    }
    // Each has a connection of its own, so they come in any order.
    assert.equal(sizes.sort(), [['0', '1'], ['2', '3'], ['large'], ['last']])
  })
)

batches('fail whole, and come again whole', () =>
  withDelivery(batched({ maxEventsPerBatch: 2 }), async (world) => {
    await ready(world)
    world.receiver.react = () => ({ status: 500 })
    await world.publish(manyOrders(2))
    assert.equal(idsOf((await world.receiver.next()).text), ['0', '1'])
    await world.logged(/orders-webhook 500 events=2 .*next in/)
    world.receiver.react = () => ({ status: 200 })
    world.clock.advance(10_000)
    const again = await world.receiver.next()
    assert.equal(idsOf(again.text), ['0', '1'])
    assert.is(again.headers['aeg-delivery-count'], '1')
  })
)

batches('are not waited for', () =>
  withDelivery(batched({ maxEventsPerBatch: 5000 }), async (world) => {
    await ready(world)
    await world.publish(manyOrders(1))
    assert.equal(idsOf((await world.receiver.next()).text), ['0'])
  })
)

batches('are off unless somebody asks for them', () =>
  withDelivery(batched({}), async (world) => {
    await ready(world)
    await world.publish(manyOrders(2))
    const sizes = [await world.receiver.next(), await world.receiver.next()]
    assert.equal(
      sizes.map(({ text }) => idsOf(text).length),
      [1, 1]
    )
  })
)

batches('of CloudEvents are arrays of their own type, even of one', () =>
  withDelivery(
    (url) => {
      const [topic] = batched({ maxEventsPerBatch: 2 })(url).topics
      return { topics: [{ ...topic, inputSchema: 'CloudEventSchemaV1_0' }] }
    },
    async (world) => {
      await ready(world)
      await world.publish({ specversion: '1.0', id: 'c1', source: '/shop', type: 'placed' })
      const { headers, text } = await world.receiver.next()
      assert.is(headers['content-type'], 'application/cloudevents-batch+json; charset=utf-8')
      assert.equal(idsOf(text), ['c1'])
    }
  )
)

batches.run()

const attributes = suite('delivery attributes')

attributes('are headers: fixed, secret, and read from the event', () =>
  withDelivery(
    (url) => ({
      topics: [
        {
          name: 'orders',
          eventSubscriptions: [
            {
              ...webhook('orders-webhook', url),
              destination: {
                endpointType: 'WebHook',
                properties: {
                  endpointUrl: url,
                  deliveryAttributeMappings: [
                    { name: 'X-Shop', type: 'Static', properties: { value: 'north' } },
                    {
                      name: 'Authorization',
                      type: 'Static',
                      properties: { value: 'Bearer s3cret', isSecret: true }
                    },
                    { name: 'X-Size', type: 'Dynamic', properties: { sourceField: 'data.size' } },
                    { name: 'X-Gift', type: 'Dynamic', properties: { sourceField: '$.data.gift' } },
                    { name: 'X-Type', type: 'Dynamic', properties: { sourceField: 'eventType' } },
                    { name: 'X-None', type: 'Dynamic', properties: { sourceField: 'data.none' } },
                    { name: 'X-Deep', type: 'Dynamic', properties: { sourceField: 'data' } },
                    { name: 'X-Bad', type: 'Dynamic', properties: { sourceField: 'data.bad' } }
                  ]
                }
              }
            }
          ]
        }
      ]
    }),
    async (world) => {
      await ready(world)
      await world.publish([order({ data: { size: 5, gift: true, bad: 'a\r\nX-Evil: 1' } })])
      const { headers } = await world.receiver.next()
      const own = Object.fromEntries(
        Object.entries(headers).filter(([name]) => /^(x-|authorization)/.test(name))
      )
      assert.equal(own, {
        'x-shop': 'north',
        authorization: 'Bearer s3cret',
        'x-size': '5',
        'x-gift': 'true',
        'x-type': 'Shop.OrderPlaced'
      })
      const shown = await world.arm('GET', '/topics/orders/eventSubscriptions/orders-webhook')
      const text = JSON.stringify(shown.body)
      assert.not.match(text, 's3cret')
      assert.match(text, 'north')
      const all = await world.arm(
        'POST',
        '/topics/orders/eventSubscriptions/orders-webhook/getDeliveryAttributes'
      )
      assert.is(all.body.value[1].properties.value, 'Bearer s3cret')
    }
  )
)

attributes('a data version of 4096 bytes goes into its header', () =>
  withDelivery(
    (url) => oneWebhook(url),
    async (world) => {
      await ready(world)
      await world.publish([order({ dataVersion: 'x'.repeat(4096) })])
      const { headers } = await world.receiver.next()
      assert.is(headers['aeg-data-version'], 'x'.repeat(4096))
    }
  )
)

for (const dataVersion of ['1\r\nX-Evil: 1', '漢字', 'x'.repeat(4097)]) {
  attributes(
    `a data version that fits no header is in the event alone: ${dataVersion.slice(0, 9)}`,
    () =>
      withDelivery(
        (url) => oneWebhook(url),
        async (world) => {
          await ready(world)
          await world.publish([order({ dataVersion })])
          const { headers, text } = await world.receiver.next()
          assert.is(headers['aeg-data-version'], undefined)
          assert.is((JSON.parse(text) as [{ dataVersion: string }])[0].dataVersion, dataVersion)
        }
      )
  )
}

attributes.run()
