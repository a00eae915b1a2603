import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { oneWebhook, order, readFolder, withDelivery, type DeliveryWorld } from './testing.ts'

const ORDERS =
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/fogbank/providers/Microsoft.EventGrid/topics/orders'

/** D1's body, to the byte. */
const DELIVERED = `[{"id":"e1","topic":"${ORDERS}","subject":"orders/1","data":{"hello":"world"},"eventType":"Shop.OrderPlaced","eventTime":"2026-01-02T03:04:05Z","dataVersion":"1.0","metadataVersion":"1"}]`

const plain = (url: string) => oneWebhook(url)
const validated = (world: DeliveryWorld) => world.logged(/handshake orders-webhook Succeeded/)

const exchange = suite('the exchanges of a delivery')

exchange('D1: the first attempt, to the byte', () =>
  withDelivery(plain, async (world) => {
    await validated(world)
    await world.publish([order()])
    const { method, url, headers, names, text } = await world.receiver.next()
    assert.is(`${method} ${url}`, 'POST /hook')
    const own = names.filter((name) => /^(aeg-|Content-Type)/.test(name))
    assert.equal(
      own.map((name) => `${name}: ${headers[name.toLowerCase()]}`),
      [
        'Content-Type: application/json; charset=utf-8',
        'aeg-event-type: Notification',
        'aeg-subscription-name: ORDERS-WEBHOOK',
        'aeg-delivery-count: 0',
        'aeg-data-version: 1.0',
        'aeg-metadata-version: 1'
      ]
    )
    assert.is(text, DELIVERED)
    assert.is(headers['content-length'], String(Buffer.byteLength(DELIVERED)))
  })
)

for (const status of [200, 201, 202, 203, 204]) {
  exchange(`D1: ${status} is done with it`, () =>
    withDelivery(plain, async (world) => {
      await validated(world)
      world.receiver.react = () => ({ status })
      await world.publish([order()])
      await world.receiver.next()
      await world.logged(/delivery orders-webhook delivered/)
      world.clock.advance(24 * 3600_000)
      await world.publish([order({ id: 'marker' })])
      assert.match((await world.receiver.next()).text, '"id":"marker"')
    })
  )
}

exchange('D1: 500 is tried again after 10 s with count 1, and not a moment before', () =>
  withDelivery(plain, async (world) => {
    await validated(world)
    world.receiver.react = () => ({ status: 500 })
    await world.publish([order()])
    assert.is((await world.receiver.next()).headers['aeg-delivery-count'], '0')
    await world.logged(/orders-webhook 500 .*next in 10 s/)
    world.clock.advance(9_999)
    world.receiver.react = () => ({ status: 200 })
    await world.publish([order({ id: 'marker' })])
    assert.match((await world.receiver.next()).text, '"id":"marker"')
    world.clock.advance(1)
    const again = await world.receiver.next()
    assert.is(again.headers['aeg-delivery-count'], '1')
    assert.is(again.text, DELIVERED)
    await world.logged(/delivery orders-webhook delivered/, 2)
  })
)

exchange('D4: the dead letter, five minutes after the last attempt', () =>
  withDelivery(
    (url, path) =>
      oneWebhook(url, {
        retryPolicy: { maxDeliveryAttempts: 1 },
        deadLetterDestination: { endpointType: 'LocalFolder', properties: { path } }
      }),
    async (world, folder) => {
      await validated(world)
      world.receiver.react = () => ({ status: 404 })
      await world.publish([order()])
      await world.receiver.next()
      await world.logged(/404 .*MaxDeliveryAttemptsExceeded, a dead letter/)
      world.clock.advance(299_999)
      assert.equal(readFolder(folder), {})
      world.clock.advance(1)
      await world.logged(/dead letters of orders-webhook written/)
      const [[name, letters] = ['', []], ...others] = Object.entries(readFolder(folder))
      assert.equal(others, [])
      assert.match(name, /^ORDERS-WEBHOOK\/2026\/1\/2\/3\/[0-9a-f-]{36}\.json$/)
      assert.equal(letters, [
        {
          ...(JSON.parse(DELIVERED) as [object])[0],
          deadLetterReason: 'MaxDeliveryAttemptsExceeded',
          deliveryAttempts: 1,
          lastDeliveryOutcome: 'NotFound',
          publishTime: '2026-01-02T03:04:05Z',
          lastDeliveryAttemptTime: '2026-01-02T03:04:05Z'
        }
      ])
    }
  )
)

exchange.run()
