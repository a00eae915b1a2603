import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startFogbank } from 'fogbank'
import { order, readFolder, TOPICS, webhook, withDelivery, type Reaction } from './testing.ts'

const ORDERS =
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/fogbank/providers/Microsoft.EventGrid/topics/orders'

const toTopic =
  (destination: object, more: object = {}) =>
  () => ({
    topics: [
      { name: 'orders', eventSubscriptions: [{ name: 'to-somewhere', destination, ...more }] }
    ]
  })

const inside = suite('destinations inside the suite')

inside('an MQTT topic: the event in the schema of the subscription, at QoS 1', () =>
  withDelivery(
    toTopic({ endpointType: 'MqttTopic', properties: { topic: 'shop/orders' } }),
    async (world) => {
      const client = await world.mqtt({ at: 'control' }, { clientId: 'c1' })
      await client.subscribe('shop/#', 1)
      await world.publish([order()])
      const { topic, payload, qos, retain, properties } = await world.next(client)
      assert.equal([topic, qos, retain], ['shop/orders', 1, false])
      assert.is(properties?.contentType, 'application/json; charset=utf-8')
      const event = JSON.parse(payload.toString()) as Record<string, unknown>
      assert.is(event.id, 'e1')
      assert.is(event.topic, ORDERS)
    }
  )
)

inside('an MQTT topic of CloudEvents, retained', () =>
  withDelivery(
    toTopic(
      { endpointType: 'MqttTopic', properties: { topic: 'shop/last', retain: true, qos: 0 } },
      { eventDeliverySchema: 'CloudEventSchemaV1_0' }
    ),
    async (world) => {
      await world.publish([order()])
      await world.logged(/delivery to-somewhere delivered/)
      const client = await world.mqtt({ at: 'control' }, { clientId: 'c1' })
      await client.subscribe('shop/#', 1)
      const { payload, retain, properties } = await world.next(client)
      assert.is(retain, true)
      assert.is(properties?.contentType, 'application/cloudevents+json; charset=utf-8')
      assert.is((JSON.parse(payload.toString()) as { source: string }).source, ORDERS)
    }
  )
)

const NAMESPACE_TOPIC = {
  endpointType: 'NamespaceTopic',
  properties: {
    resourceId:
      '/subscriptions/s/resourceGroups/r/providers/Microsoft.EventGrid/namespaces/default/topics/inbox'
  }
}

inside('an MQTT topic takes an event at once, or else from the store', () =>
  withDelivery(
    toTopic({ endpointType: 'MqttTopic', properties: { topic: 'shop/orders' } }),
    async (world) => {
      const { core } = world.fogbank
      const records = await core.records(`${TOPICS}:delivery`)
      const space = await core.space('main')
      const { commit } = records
      const { publish } = space
      let commits = 0
      records.commit = (changes) => {
        commits++
        return commit(changes)
      }
      await world.publish([order({ id: '1' })])
      await world.logged(/delivery to-somewhere delivered/)
      assert.is(commits, 0)
      space.publish = () => {
        space.publish = publish
        return Promise.reject(new Error('no room'))
      }
      await world.publish([order({ id: '2' })])
      await world.logged(/delivery to-somewhere delivered/, 2)
      // Stored before the 200, and forgotten once delivered.
      assert.ok(commits > 0)
    }
  )
)

inside('a namespace topic takes CloudEvents through its sink', () =>
  withDelivery(toTopic(NAMESPACE_TOPIC), async (world) => {
    const taken: unknown[] = []
    world.fogbank.core.sinks.register('namespace-topic:inbox', async (events) => {
      taken.push(...events)
    })
    await world.publish([order()])
    await world.logged(/delivery to-somewhere delivered/)
    assert.equal(taken, [
      {
        specversion: '1.0',
        type: 'Shop.OrderPlaced',
        source: ORDERS,
        id: 'e1',
        time: '2026-01-02T03:04:05.000Z',
        subject: 'orders/1',
        dataschema: '#1.0',
        data: { hello: 'world' }
      }
    ])
  })
)

inside(
  "a namespace topic that is not there is tried again after five minutes, as Azure's own are",
  () =>
    withDelivery(toTopic(NAMESPACE_TOPIC), async (world) => {
      await world.publish([order()])
      await world.logged(/to-somewhere 404 .*next in 300 s/)
      const taken: unknown[] = []
      world.fogbank.core.sinks.register('namespace-topic:inbox', async (events) => {
        taken.push(...events)
      })
      world.clock.advance(300_000)
      await world.logged(/delivery to-somewhere delivered/)
      assert.is(taken.length, 1)
    })
)

inside('a subscriber that hangs holds back nobody else', () =>
  withDelivery(
    (url) => ({
      topics: [
        {
          name: 'orders',
          eventSubscriptions: [webhook('hanging', `${url}/hang`), webhook('quick', `${url}/quick`)]
        }
      ]
    }),
    async (world) => {
      await world.logged(/handshake .* Succeeded/, 2)
      const quick: string[] = []
      world.receiver.react = ({ url, text }): Reaction => {
        if (url.endsWith('/hang')) return 'hang'
        quick.push(text)
        return { status: 200 }
      }
      for (let count = 0; count < 100; count++) await world.publish([order({ id: `${count}` })])
      await world.logged(/delivery quick delivered/, 100)
      assert.is(quick.length, 100)
    }
  )
)

inside.run()

const clients = suite('destinations that an official client is for')
/** What is no connection string, by destination. */
const unreadable: [string, object][] = [
  ['StorageQueue', { queueName: 'q' }],
  ['EventHub', { eventHubName: 'h' }],
  ['ServiceBusQueue', { queueName: 'q' }],
  ['ServiceBusTopic', { topicName: 't' }]
]
for (const connectionString of ['nothing', 'Endpoint=;SharedAccessKeyName=;SharedAccessKey=']) {
  for (const [endpointType, properties] of unreadable) {
    clients(`${endpointType} with ${connectionString} for a connection is refused at start`, () =>
      refuses(
        toTopic({ endpointType, properties: { connectionString, ...properties } })(),
        /^configuration of azure-event-grid-topics: to-somewhere: destination\.properties\.connectionString is none that the client takes: /
      )
    )
  }
  clients(`dead letters with ${connectionString} for a connection are refused at start`, () => {
    const deadLetterDestination = {
      endpointType: 'StorageBlob',
      properties: { connectionString, blobContainerName: 'c' }
    }
    const destination = { endpointType: 'MqttTopic', properties: { topic: 't' } }
    return refuses(
      toTopic(destination, { deadLetterDestination })(),
      /^configuration of azure-event-grid-topics: to-somewhere: deadLetterDestination\.properties\.connectionString is none that/
    )
  })
}

/** A start says so, as a fault of the configuration. */
async function refuses(settings: object, sentence: RegExp): Promise<void> {
  const said = await startFogbank({ only: [TOPICS], config: { [TOPICS]: settings } }).then(
    (fogbank) => fogbank.close().then(() => 'started'),
    (error: Error) => error.message
  )
  assert.match(said, sentence)
}

/** The key of Azurite's well-known account has to be base64; nobody checks it here. */
const azurite = (url: string) => {
  const { origin } = new URL(url)
  return [
    'DefaultEndpointsProtocol=http',
    'AccountName=devstoreaccount1',
    'AccountKey=bG9jYWwtZGV2ZWxvcG1lbnQta2V5',
    `BlobEndpoint=${origin}/devstoreaccount1`,
    `QueueEndpoint=${origin}/devstoreaccount1`
  ].join(';')
}

const MESSAGE = `<?xml version="1.0" encoding="utf-8"?><QueueMessagesList><QueueMessage><MessageId>m</MessageId><InsertionTime>Fri, 02 Jan 2026 03:04:05 GMT</InsertionTime><ExpirationTime>Fri, 09 Jan 2026 03:04:05 GMT</ExpirationTime><PopReceipt>p</PopReceipt><TimeNextVisible>Fri, 02 Jan 2026 03:04:05 GMT</TimeNextVisible></QueueMessage></QueueMessagesList>`

clients('a storage queue is sent one event in base64, with its time to live', () =>
  withDelivery(
    (url) =>
      toTopic({
        endpointType: 'StorageQueue',
        properties: {
          connectionString: azurite(url),
          queueName: 'orders',
          queueMessageTimeToLiveInSeconds: 60
        }
      })(),
    async (world) => {
      world.receiver.react = () => ({
        status: 201,
        headers: { 'Content-Type': 'application/xml' },
        body: MESSAGE
      })
      await world.publish([order()])
      const { method, url, text } = await world.receiver.next()
      assert.match(`${method} ${url}`, 'POST /devstoreaccount1/orders/messages?messagettl=60')
      const [, message = ''] = /<MessageText>(.*)<\/MessageText>/.exec(text) ?? []
      const event = JSON.parse(Buffer.from(message, 'base64').toString()) as { id: string }
      assert.is(event.id, 'e1')
      await world.logged(/delivery to-somewhere delivered/)
    }
  )
)

clients('a storage queue that is not there is tried again after five minutes', () =>
  withDelivery(
    (url) =>
      toTopic({
        endpointType: 'StorageQueue',
        properties: { connectionString: azurite(url), queueName: 'orders' }
      })(),
    async (world) => {
      world.receiver.react = () => ({ status: 404 })
      await world.publish([order()])
      await world.logged(/to-somewhere 404 .*next in 300 s/)
    }
  )
)

clients('dead letters go into a container, under the names of the service', () =>
  withDelivery(
    (url) => ({
      topics: [
        {
          name: 'orders',
          eventSubscriptions: [
            webhook('orders-webhook', url, {
              deadLetterDestination: {
                endpointType: 'StorageBlob',
                properties: { connectionString: azurite(url), blobContainerName: 'deadletters' }
              }
            })
          ]
        }
      ]
    }),
    async (world, folder) => {
      await world.logged(/handshake orders-webhook Succeeded/)
      world.receiver.react = ({ url }) => ({ status: url.startsWith('/hook') ? 400 : 201 })
      await world.publish([order()])
      await world.receiver.next()
      await world.logged(/400 .*a dead letter/)
      world.clock.advance(300_000)
      const { method, url, headers, text } = await world.receiver.next()
      assert.is(method, 'PUT')
      assert.match(
        url.replace('?timeout=30', ''),
        /^\/devstoreaccount1\/deadletters\/ORDERS-WEBHOOK\/2026\/1\/2\/3\/[0-9a-f-]{36}\.json$/
      )
      assert.is(headers['x-ms-blob-content-type'], 'application/json')
      const [letter] = JSON.parse(text) as [Record<string, unknown>]
      assert.is(letter.deadLetterReason, 'BadRequest')
      await world.logged(/1 dead letters of orders-webhook written/)
      assert.equal(readFolder(folder), {})
    }
  )
)

clients.run()
