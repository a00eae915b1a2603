import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  oneWebhook,
  order,
  shakeAsFunction,
  TOPICS,
  webhook,
  withDelivery,
  type DeliveryWorld,
  type Reaction,
  type Received
} from './testing.ts'

const SUBSCRIPTION = '/topics/orders/eventSubscriptions/orders-webhook'
const topicOnly = (inputSchema: string) => () => ({ topics: [{ name: 'orders', inputSchema }] })
const cloudEvents = topicOnly('CloudEventSchemaV1_0')
const eventGrid = topicOnly('EventGridSchema')

/** Makes the subscription at run time, where nobody is patient. */
async function create(world: DeliveryWorld, shake: (request: Received) => Reaction, more = {}) {
  world.receiver.shake = shake
  const { name: _name, ...properties } = webhook('orders-webhook', world.receiver.url, more)
  const made = await world.arm('PUT', SUBSCRIPTION, { properties })
  assert.is(made.status, 201)
  assert.is(made.body.properties.provisioningState, 'Creating')
  return world.receiver.next()
}

const stateOf = async (world: DeliveryWorld) =>
  (await world.arm('GET', SUBSCRIPTION)).body.properties.provisioningState as string

async function settles(world: DeliveryWorld, state: 'Succeeded' | 'Failed') {
  await world.logged(new RegExp(`handshake orders-webhook ${state}`))
  assert.is(await stateOf(world), state)
}

/** Calls a validation URL; the test's ports are on 127.0.0.1 only under that name. */
const call = (url: string, method = 'GET') => fetch(url, { method })

const urlIn = ({ text }: Received) =>
  (JSON.parse(text) as [{ data: { validationUrl: string } }])[0].data.validationUrl

const validation = suite('D2: validation of a webhook')

validation('sends the event of the service, and takes the code back', () =>
  withDelivery(eventGrid, async (world) => {
    const { method, headers, text } = await create(world, (request) => shakeAsFunction(request))
    assert.is(method, 'POST')
    assert.is(headers['content-type'], 'application/json; charset=utf-8')
    assert.is(headers['aeg-event-type'], 'SubscriptionValidation')
    assert.is(headers['aeg-subscription-name'], 'ORDERS-WEBHOOK')
    const [{ id, data, ...event }, ...others] = JSON.parse(text) as [Record<string, any>]
    assert.equal(others, [])
    assert.equal(event, {
      topic:
        '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/fogbank/providers/Microsoft.EventGrid/topics/orders',
      subject: '',
      eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent',
      eventTime: '2026-01-02T03:04:05.000Z',
      metadataVersion: '1',
      dataVersion: '2'
    })
    assert.match(id, /^[0-9a-f-]{36}$/)
    assert.match(data.validationCode, /^[0-9A-F-]{36}$/)
    assert.match(
      data.validationUrl,
      `/eventsubscriptions/orders-webhook/validate?id=${data.validationCode}&t=`
    )
    await settles(world, 'Succeeded')
    await world.publish([order()])
    assert.match((await world.receiver.next()).text, '"id":"e1"')
  })
)

for (const status of [201, 202, 204, 404, 500]) {
  validation(`${status} with the code is a failure`, () =>
    withDelivery(eventGrid, async (world) => {
      await create(world, (request) => ({ ...(shakeAsFunction(request) as object), status }))
      await settles(world, 'Failed')
      await world.publish([order()])
      world.receiver.shake = shakeAsFunction
      world.receiver.received.length = 0
      await world.arm('PUT', SUBSCRIPTION, {
        properties: { destination: webhook('x', world.receiver.url).destination }
      })
      await world.logged(/handshake orders-webhook Succeeded/)
      await world.publish([order({ id: 'e2' })])
      assert.match(
        (await world.receiver.next()).text,
        '"id":"e2"',
        'e1 came before anybody said yes'
      )
    })
  )
}

validation('another code is a failure', () =>
  withDelivery(eventGrid, async (world) => {
    await create(world, () => ({ status: 200, body: '{"validationResponse":"x"}' }))
    await settles(world, 'Failed')
  })
)

for (const body of ['', '{}', 'ok', '{"validationResponse":5}', '[]', 'null']) {
  validation(`200 with ${body || 'no body'} waits for a call of the URL`, () =>
    withDelivery(eventGrid, async (world) => {
      const request = await create(world, () => ({ status: 200, body }))
      await world.logged(/handshake orders-webhook AwaitingManualAction/)
      assert.is(await stateOf(world), 'AwaitingManualAction')
      const answer = await call(urlIn(request))
      assert.is(answer.status, 200)
      await settles(world, 'Succeeded')
    })
  )
}

validation('nobody calls for ten minutes: a failure, and a call after that is not heard', () =>
  withDelivery(eventGrid, async (world) => {
    const request = await create(world, () => ({ status: 200 }))
    await world.logged(/handshake orders-webhook AwaitingManualAction/)
    world.clock.advance(599_999)
    assert.is(await stateOf(world), 'AwaitingManualAction')
    world.clock.advance(1)
    await settles(world, 'Failed')
    assert.is((await call(urlIn(request))).status, 404)
  })
)

validation("a URL with another token is nobody's, and so is one with another id", () =>
  withDelivery(eventGrid, async (world) => {
    const request = await create(world, () => ({ status: 200 }))
    await world.logged(/handshake orders-webhook AwaitingManualAction/)
    const url = urlIn(request)
    assert.is((await call(url.replace(/token=.*/, 'token=00'))).status, 404)
    assert.is((await call(url.replace(/id=[^&]*/, 'id=x'))).status, 404)
    assert.is(await stateOf(world), 'AwaitingManualAction')
  })
)

validation('an attempt ends after 30 s, is made again 5 s later, three times in all', () =>
  withDelivery(eventGrid, async (world) => {
    await create(world, () => 'hang')
    for (const _attempt of [2, 3]) {
      world.clock.advance(30_000)
      await world.logged(/handshake orders-webhook: no answer/, _attempt - 1)
      world.clock.advance(5_000)
      await world.receiver.next()
    }
    world.clock.advance(30_000)
    await settles(world, 'Failed')
  })
)

validation('a subscription of the configuration is patient, and loses nothing meanwhile', () =>
  withDelivery(
    (url) => oneWebhook(url),
    async (world) => {
      // The suite has just asked; from here on nobody is at home.
      await world.logged(/handshake orders-webhook Succeeded/)
      world.receiver.shake = () => 'reset'
      await world.fogbank.reset()
      await world.receiver.next()
      await world.publish([order()])
      for (let attempt = 1; attempt < 30; attempt++) {
        await world.logged(/handshake orders-webhook: no answer/, attempt)
        world.clock.advance(5_000)
        await world.receiver.next()
      }
      world.receiver.shake = shakeAsFunction
      await world.logged(/handshake orders-webhook: no answer/, 30)
      world.clock.advance(5_000)
      await world.logged(/handshake orders-webhook Succeeded/, 2)
      assert.match((await world.receiver.next()).text, '"id":"e1"')
    }
  )
)

validation.run()

const abuse = suite('D3: abuse protection of CloudEvents')

abuse('asks with OPTIONS and takes the allowed origin', () =>
  withDelivery(cloudEvents, async (world) => {
    const { method, headers, text } = await create(world, (request) => shakeAsFunction(request))
    assert.is(`${method} ${text}`, 'OPTIONS ')
    assert.is(headers['webhook-request-origin'], 'eventgrid.azure.net')
    assert.match(
      headers['webhook-request-callback'] ?? '',
      '/eventsubscriptions/orders-webhook/validate?id='
    )
    await settles(world, 'Succeeded')
  })
)

const consents: [string, Record<string, string>, number, 'Succeeded' | 'Failed'][] = [
  ['everybody', { 'WebHook-Allowed-Origin': '*' }, 200, 'Succeeded'],
  ['us, in other letters', { 'webhook-allowed-origin': 'EventGrid.Azure.Net' }, 204, 'Succeeded'],
  ['somebody else', { 'WebHook-Allowed-Origin': 'example.com' }, 200, 'Failed'],
  ['nobody, with a 204', {}, 204, 'Failed'],
  ['nobody, with a 405', { Allow: 'POST' }, 405, 'Failed']
]
for (const [who, headers, status, state] of consents) {
  abuse(`${who}: ${state}`, () =>
    withDelivery(cloudEvents, async (world) => {
      await create(world, () => ({ status, headers }))
      await settles(world, state)
    })
  )
}

for (const method of ['GET', 'POST']) {
  abuse(`200 without the header waits for the callback, by ${method}`, () =>
    withDelivery(cloudEvents, async (world) => {
      const request = await create(world, () => ({ status: 200 }))
      await world.logged(/handshake orders-webhook AwaitingManualAction/)
      assert.is((await call(request.headers['webhook-request-callback']!, method)).status, 200)
      await settles(world, 'Succeeded')
    })
  )
}

abuse('200 without the header and no callback: Failed', () =>
  withDelivery(cloudEvents, async (world) => {
    await create(world, () => ({ status: 200 }))
    await world.logged(/handshake orders-webhook AwaitingManualAction/)
    world.clock.advance(600_000)
    await settles(world, 'Failed')
  })
)

abuse('a callback before the answer is not heard', () =>
  withDelivery(cloudEvents, async (world) => {
    const request = await create(world, () => 'hang')
    assert.is((await call(request.headers['webhook-request-callback']!)).status, 404)
  })
)

abuse('no more requests a minute go out than WebHook-Allowed-Rate says', () =>
  withDelivery(cloudEvents, async (world) => {
    await create(world, () => ({
      status: 200,
      headers: { 'WebHook-Allowed-Origin': '*', 'WebHook-Allowed-Rate': '60' }
    }))
    await settles(world, 'Succeeded')
    for (const id of ['1', '2', '3']) {
      await world.publish({ specversion: '1.0', id, source: '/shop', type: 'placed' })
    }
    const idOf = async () => (JSON.parse((await world.receiver.next()).text) as { id: string }).id
    assert.is(await idOf(), '1')
    await world.logged(/delivery orders-webhook delivered/, 1)
    world.clock.advance(999)
    assert.equal(world.receiver.received, [])
    world.clock.advance(1)
    assert.is(await idOf(), '2')
    world.clock.advance(1000)
    assert.is(await idOf(), '3')
  })
)

abuse.run()

const others = suite('what needs no handshake')

others("a destination that is not somebody's webhook", () =>
  withDelivery(
    () => ({
      topics: [
        {
          name: 'orders',
          eventSubscriptions: [
            {
              name: 'to-mqtt',
              destination: { endpointType: 'MqttTopic', properties: { topic: 'a' } }
            }
          ]
        }
      ]
    }),
    async (world) => {
      const { body } = await world.arm('GET', '/topics/orders/eventSubscriptions/to-mqtt')
      assert.is(body.properties.provisioningState, 'Succeeded')
      assert.not.ok(world.lines.some((line) => line.includes(`${TOPICS} handshake`)))
    }
  )
)

others.run()
