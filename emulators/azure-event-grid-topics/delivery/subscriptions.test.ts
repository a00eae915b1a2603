import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startFogbank } from 'fogbank'
import { order, TOPICS, webhook, withDelivery, type DeliveryWorld } from './testing.ts'

const EVENT_GRID = `/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/fogbank/providers/Microsoft.EventGrid`

const idOf = ({ text }: { text: string }) => (JSON.parse(text) as [{ id: string }])[0].id
const ready = (world: DeliveryWorld, count: number) => world.logged(/handshake .* Succeeded/, count)

const definitions = suite('definitions that Event Grid would not create')

const HOOK = { endpointType: 'WebHook', properties: { endpointUrl: 'http://localhost:1/hook' } }
const withMapping = (mapping: object) => ({
  destination: {
    endpointType: 'WebHook',
    properties: { endpointUrl: 'http://localhost:1/', deliveryAttributeMappings: [mapping] }
  }
})
const withUrl = (endpointUrl: unknown) => ({
  destination: { endpointType: 'WebHook', properties: { endpointUrl } }
})
const withFilter = (filter: object) => ({ destination: HOOK, filter })
const OWN = 'topics.0.eventSubscriptions.0'

const wrong: [object, string][] = [
  [{}, `${OWN} lacks destination`],
  [withUrl('localhost:7071'), `${OWN}.destination.properties.endpointUrl is "localhost:7071"`],
  [withUrl('/hook'), `${OWN}.destination.properties.endpointUrl is "/hook"`],
  [withUrl('ftp://localhost/'), `${OWN}.destination.properties.endpointUrl is "ftp:`],
  [withUrl('http://'), `${OWN}.destination.properties.endpointUrl is "http://"`],
  [withUrl(5), `${OWN}.destination.properties.endpointUrl is 5, but must be string`],
  [
    { destination: { endpointType: 'Pigeon', properties: {} } },
    `${OWN}.destination.endpointType is "Pigeon", but must be equal to one of the allowed values: WebHook`
  ],
  [
    { destination: { ...HOOK, properties: { ...HOOK.properties, maxEventsPerBatch: 5001 } } },
    `${OWN}.destination.properties.maxEventsPerBatch is 5001, but must be <= 5000`
  ],
  [
    {
      destination: { ...HOOK, properties: { ...HOOK.properties, preferredBatchSizeInKilobytes: 0 } }
    },
    `${OWN}.destination.properties.preferredBatchSizeInKilobytes is 0, but must be >= 1`
  ],
  [
    { destination: { endpointType: 'MqttTopic', properties: { topic: 'a/#' } } },
    `${OWN}.destination.properties.topic is "a/#", but must be an MQTT topic`
  ],
  [
    {
      destination: {
        endpointType: 'ServiceBusQueue',
        properties: {
          connectionString: 'Endpoint=sb://localhost',
          queueName: 'q',
          deliveryAttributeMappings: ['SessionId', 'MessageId'].map((name) => ({
            name,
            type: 'Static',
            properties: { value: 'x' }
          }))
        }
      }
    },
    `${OWN}.destination.properties.deliveryAttributeMappings has SessionId and MessageId, but may have only one`
  ],
  [{ destination: HOOK, colour: 'red' }, `${OWN} has an unknown key colour`],
  [
    { destination: HOOK, retryPolicy: { maxDeliveryAttempts: 31 } },
    `${OWN}.retryPolicy.maxDeliveryAttempts is 31, but must be <= 30`
  ],
  [
    { destination: HOOK, retryPolicy: { eventTimeToLiveInMinutes: 1441 } },
    `${OWN}.retryPolicy.eventTimeToLiveInMinutes is 1441, but must be <= 1440`
  ],
  [
    { destination: HOOK, eventDeliverySchema: 'CustomInputSchema' },
    `${OWN}.eventDeliverySchema is "CustomInputSchema", but must be EventGridSchema or CloudEventSchemaV1_0`
  ],
  [
    { destination: HOOK, deadLetterDestination: { endpointType: 'LocalFolder', properties: {} } },
    `${OWN}.deadLetterDestination.properties lacks path`
  ],
  [withFilter({ subjectStartsWith: 'a' }), `${OWN}.filter has an unknown key subjectStartsWith`],
  [
    withFilter({ advancedFilters: [{ operatorType: 'StringLike', key: 'a', values: ['x'] }] }),
    `${OWN}.filter.advancedFilters.0.operatorType is "StringLike", but must be one of NumberGreaterThan`
  ],
  [
    withFilter({ advancedFilters: [{ operatorType: 'StringIn', key: 'a', values: ['x', 5] }] }),
    `${OWN}.filter.advancedFilters.0.values.1 is 5, but must be a string`
  ],
  [
    withFilter({ advancedFilters: Array(26).fill({ operatorType: 'IsNotNull', key: 'a' }) }),
    `${OWN}.filter.advancedFilters has 26 filters, but at most 25 fit`
  ],
  [
    withMapping({ name: 'aeg-mine', type: 'Static', properties: { value: 'x' } }),
    `deliveryAttributeMappings.0.name is "aeg-mine", but must not start with aeg-`
  ],
  [
    withMapping({ name: 'a b', type: 'Static', properties: { value: 'x' } }),
    `deliveryAttributeMappings.0.name is "a b", but must be the name of a header`
  ],
  [
    withMapping({ name: 'a', type: 'Static', properties: { value: 'x'.repeat(4097) } }),
    `deliveryAttributeMappings.0.properties.value has more than 4096 bytes`
  ],
  [
    withMapping({ name: 'a', type: 'Static', properties: { value: 'x\r\ny: 1' } }),
    `deliveryAttributeMappings.0.properties.value is "x`
  ],
  [
    withMapping({ name: 'a', type: 'Dynamic', properties: {} }),
    `deliveryAttributeMappings.0.properties.sourceField is missing`
  ],
  [withMapping({ name: 'a', type: 'Odd' }), `deliveryAttributeMappings.0.type is "Odd"`],
  [
    { destination: { endpointType: 'EventHub', properties: { connectionString: 'x' } } },
    `${OWN}.destination.properties lacks eventHubName`
  ]
]

for (const [properties, sentence] of wrong) {
  definitions(sentence, async () => {
    const subscription = { name: 'orders-webhook', ...properties }
    const config = {
      [TOPICS]: { topics: [{ name: 'orders', eventSubscriptions: [subscription] }] }
    }
    const said = await startFogbank({ only: [TOPICS], config }).then(
      (fogbank) => fogbank.close().then(() => 'started'),
      (error: Error) => error.message
    )
    assert.ok(said.includes(sentence), said)
  })
}

for (const name of ['ab', 'x'.repeat(65), 'a b c', 'a/b/c', 5]) {
  definitions(`the name ${String(name).slice(0, 10)}`, async () => {
    const config = {
      [TOPICS]: {
        topics: [{ name: 'orders', eventSubscriptions: [{ name, destination: HOOK }] }]
      }
    }
    const said = await startFogbank({ only: [TOPICS], config }).then(
      (fogbank) => fogbank.close().then(() => 'started'),
      (error: Error) => error.message
    )
    assert.match(said, `${OWN}.name is`)
  })
}

definitions('CloudEvents in Event Grid schema, and two of one name', async () => {
  const start = (topic: object) =>
    startFogbank({ only: [TOPICS], config: { [TOPICS]: { topics: [topic] } } }).then(
      (fogbank) => fogbank.close().then(() => 'started'),
      (error: Error) => error.message
    )
  const cloud = {
    name: 'orders',
    inputSchema: 'CloudEventSchemaV1_0',
    eventSubscriptions: [
      { name: 'orders-webhook', destination: HOOK, eventDeliverySchema: 'EventGridSchema' }
    ]
  }
  assert.match(await start(cloud), `${OWN}.eventDeliverySchema is "EventGridSchema"`)
  const twice = {
    name: 'orders',
    eventSubscriptions: [
      { name: 'one', destination: HOOK },
      { name: 'ONE', destination: HOOK }
    ]
  }
  assert.match(await start(twice), 'topics.0: there are two event subscriptions ONE')
})

definitions.run()

const domains = suite('domains')

const domain = (url: string) => ({
  domains: [
    {
      name: 'shop',
      eventSubscriptions: [webhook('whole-domain', `${url}/domain`)],
      topics: [{ name: 'north', eventSubscriptions: [webhook('only-north', `${url}/north`)] }]
    }
  ]
})

domains('each subscription gets its scope: the whole domain, or one topic', () =>
  withDelivery(domain, async (world) => {
    await ready(world, 2)
    await world.publish(
      [order({ id: 'n', topic: 'North' }), order({ id: 's', topic: 'south' })],
      'shop'
    )
    const got = [
      await world.receiver.next(),
      await world.receiver.next(),
      await world.receiver.next()
    ]
    assert.equal(got.map((one) => `${one.url} ${idOf(one)}`).sort(), [
      '/hook/domain n',
      '/hook/domain s',
      '/hook/north n'
    ])
    const [event] = JSON.parse(got.find((one) => idOf(one) === 's')!.text) as [{ topic: string }]
    assert.is(event.topic, `${EVENT_GRID}/domains/shop/topics/south`)
  })
)

domains('a topic that nobody subscribed to takes events that go nowhere', () =>
  withDelivery(
    (url) => ({ domains: [{ ...domain(url).domains[0], eventSubscriptions: [] }] }),
    async (world) => {
      await ready(world, 1)
      await world.publish([order({ id: 's', topic: 'south' })], 'shop')
      await world.publish([order({ id: 'n', topic: 'north' })], 'shop')
      assert.is(idOf(await world.receiver.next()), 'n')
    }
  )
)

domains('validation names the domain topic', () =>
  withDelivery(
    (url) => ({ domains: [{ ...domain(url).domains[0], eventSubscriptions: [] }] }),
    async (world) => {
      await ready(world, 1)
      const path = '/domains/shop/topics/north/eventSubscriptions/only-north'
      const { body } = await world.arm('GET', path)
      assert.is(body.properties.topic, `${EVENT_GRID}/domains/shop/topics/north`)
      assert.is(
        body.id,
        `${EVENT_GRID}/domains/shop/topics/north/providers/Microsoft.EventGrid/eventSubscriptions/only-north`
      )
    }
  )
)

domains.run()

const runtime = suite('subscriptions at run time')
const noSubscriptions = () => ({ topics: [{ name: 'orders' }] })
const LIST = '/topics/orders/eventSubscriptions'

runtime('show no connection string, of the destination or of the dead letters', () =>
  withDelivery(noSubscriptions, async (world) => {
    const connectionString =
      'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=s3cret=;QueueEndpoint=http://127.0.0.1:1/a'
    const blobs = `${connectionString};BlobEndpoint=http://127.0.0.1:1/a`
    const { status, body } = await world.arm('PUT', `${LIST}/secret`, {
      properties: {
        destination: {
          endpointType: 'StorageQueue',
          properties: { connectionString, queueName: 'q' }
        },
        retryPolicy: { maxDeliveryAttempts: 2 },
        deadLetterDestination: {
          endpointType: 'StorageBlob',
          properties: { connectionString: blobs, blobContainerName: 'c' }
        }
      }
    })
    assert.is(status, 201)
    assert.not.match(JSON.stringify(body), 's3cret')
    assert.equal(body.properties.deadLetterDestination, {
      endpointType: 'StorageBlob',
      properties: { blobContainerName: 'c' }
    })
    assert.equal(body.properties.retryPolicy, {
      maxDeliveryAttempts: 2,
      eventTimeToLiveInMinutes: 1440
    })
  })
)

runtime('are made, read, changed and deleted in the form of the management API', () =>
  withDelivery(noSubscriptions, async (world) => {
    const { name: _name, ...properties } = webhook('late', `${world.receiver.url}?code=s3cret`)
    const made = await world.arm('PUT', `${LIST}/late`, { properties })
    assert.is(made.status, 201)
    await ready(world, 1)
    const id = `${EVENT_GRID}/topics/orders/providers/Microsoft.EventGrid/eventSubscriptions/late`
    const shown = {
      id,
      name: 'late',
      type: 'Microsoft.EventGrid/eventSubscriptions',
      systemData: null,
      properties: {
        topic: `${EVENT_GRID}/topics/orders`,
        provisioningState: 'Succeeded',
        destination: {
          endpointType: 'WebHook',
          properties: {
            endpointUrl: null,
            endpointBaseUrl: world.receiver.url,
            maxEventsPerBatch: 1,
            preferredBatchSizeInKilobytes: 64
          }
        },
        filter: { subjectBeginsWith: '', subjectEndsWith: '' },
        labels: null,
        retryPolicy: { maxDeliveryAttempts: 30, eventTimeToLiveInMinutes: 1440 },
        eventDeliverySchema: 'EventGridSchema'
      }
    }
    // By the short path, and by the whole id in either form.
    for (const path of [
      `${LIST}/late`,
      id,
      `${EVENT_GRID}/topics/orders/eventSubscriptions/LATE?api-version=2022-06-15`
    ]) {
      assert.equal(await world.arm('GET', path), { status: 200, body: shown })
    }
    assert.equal((await world.arm('GET', LIST)).body, { value: [shown] })
    const full = await world.arm('POST', `${LIST}/late/getFullUrl`)
    assert.equal(full.body, { endpointUrl: `${world.receiver.url}?code=s3cret` })
    await world.publish([order()])
    assert.is((await world.receiver.next()).url, '/hook?code=s3cret')

    const advancedFilters = [{ operatorType: 'IsNotNull', key: 'data' }]
    const filter = { subjectEndsWith: '/2', isSubjectCaseSensitive: true, advancedFilters }
    const changed = await world.arm('PATCH', `${LIST}/late`, {
      filter: { ...filter, enableAdvancedFilteringOnArrays: false },
      labels: ['Finance']
    })
    assert.is(changed.status, 200)
    // A flag that is off is left out, whoever gave it.
    assert.equal(changed.body.properties.filter, { subjectBeginsWith: '', ...filter })
    assert.equal(changed.body.properties.labels, ['Finance'])
    await ready(world, 2)
    await world.publish([order({ id: '1' }), order({ id: '2', subject: 'orders/2' })])
    assert.is(idOf(await world.receiver.next()), '2')

    assert.is((await world.arm('DELETE', `${LIST}/late`)).status, 200)
    const gone = await world.receiver.next()
    assert.is(gone.headers['aeg-event-type'], 'SubscriptionDeletion')
    const [event] = JSON.parse(gone.text) as [Record<string, unknown>]
    assert.is(event.eventType, 'Microsoft.EventGrid.SubscriptionDeletedEvent')
    assert.equal(event.data, { eventSubscriptionId: id })
    assert.is((await world.arm('DELETE', `${LIST}/late`)).status, 204)
    assert.is((await world.arm('GET', `${LIST}/late`)).status, 404)
    assert.equal((await world.arm('GET', LIST)).body, { value: [] })
  })
)

runtime('are refused with the key, and nothing is made', () =>
  withDelivery(noSubscriptions, async (world) => {
    const answer = await world.arm('PUT', `${LIST}/late`, { properties: withUrl('nowhere') })
    assert.is(answer.status, 400)
    assert.is(answer.body.error.code, 'InvalidRequest')
    assert.match(
      answer.body.error.message,
      'properties.destination.properties.endpointUrl is "nowhere"'
    )
    assert.is(
      (await world.arm('PUT', `${LIST}/l`, { properties: { destination: HOOK } })).status,
      400
    )
    assert.is((await world.arm('PUT', `${LIST}/late`, [])).status, 400)
    assert.is((await world.arm('PATCH', `${LIST}/late`, {})).status, 404)
    assert.is((await world.arm('POST', LIST)).status, 405)
    assert.is((await world.arm('GET', '/topics/nobody/eventSubscriptions')).status, 404)
    assert.is((await world.arm('GET', '/domains/orders/eventSubscriptions')).status, 404)
    assert.is((await world.arm('GET', '/topics/orders/topics/a/eventSubscriptions')).status, 404)
    assert.equal((await world.arm('GET', LIST)).body, { value: [] })
  })
)

runtime('go with a reset, and those of the configuration come back', () =>
  withDelivery(
    (url) => ({ topics: [{ name: 'orders', eventSubscriptions: [webhook('first', url)] }] }),
    async (world) => {
      await ready(world, 1)
      const { name: _name, ...properties } = webhook('late', world.receiver.url)
      await world.arm('PUT', `${LIST}/late`, { properties })
      await ready(world, 2)
      await world.arm('DELETE', `${LIST}/first`)
      await world.receiver.next()
      await world.fogbank.reset()
      const { body } = await world.arm('GET', LIST)
      assert.equal(
        body.value.map(({ name }: { name: string }) => name),
        ['first']
      )
    }
  )
)

runtime('a changed one keeps what is on its way', () =>
  withDelivery(
    (url) => ({ topics: [{ name: 'orders', eventSubscriptions: [webhook('first', url)] }] }),
    async (world) => {
      await ready(world, 1)
      world.receiver.react = () => ({ status: 500 })
      await world.publish([order()])
      await world.receiver.next()
      await world.logged(/delivery first 500/)
      await world.arm('PATCH', `${LIST}/first`, {
        destination: {
          endpointType: 'WebHook',
          properties: { endpointUrl: `${world.receiver.url}/new` }
        }
      })
      await ready(world, 2)
      world.clock.advance(10_000)
      const again = await world.receiver.next()
      assert.is(`${again.url} ${idOf(again)}`, '/hook/new e1')
      assert.is(again.headers['aeg-delivery-count'], '1')
    }
  )
)

runtime.run()
