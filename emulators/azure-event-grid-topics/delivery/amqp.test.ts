// The official clients against an AMQP 1.0 peer: what was sent is compared, and what errors amount to.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { order, readFolder, withDelivery, type DeliveryWorld } from './testing.ts'
import { AMQP_KEY, createAmqpPeer, type AmqpPeer, type SentMessage } from './testing-amqp.ts'

const ORDERS =
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/fogbank/providers/Microsoft.EventGrid/topics/orders'

const ENVELOPE = `{"id":"e1","topic":"${ORDERS}","subject":"orders/1","data":{"hello":"world"},"eventType":"Shop.OrderPlaced","eventTime":"2026-01-02T03:04:05Z","dataVersion":"1.0","metadataVersion":"1"}`

/** The `aeg-*` properties of a first attempt. */
const AEG = {
  'aeg-event-type': 'Notification',
  'aeg-subscription-name': 'TO-SOMEWHERE',
  'aeg-delivery-count': '0',
  'aeg-data-version': '1.0',
  'aeg-metadata-version': '1',
  'aeg-output-event-id': 'e1'
}

const fixed = (name: string, value: string) => ({ name, type: 'Static', properties: { value } })
const field = (name: string, sourceField: string) => ({
  name,
  type: 'Dynamic',
  properties: { sourceField }
})

type ToDestination = (connectionString: string) => object

const hub =
  (more: object = {}, eventHubName = 'orders'): ToDestination =>
  (connectionString) => ({
    endpointType: 'EventHub',
    properties: { connectionString, eventHubName, ...more }
  })
const queue =
  (more: object = {}, queueName = 'orders'): ToDestination =>
  (connectionString) => ({
    endpointType: 'ServiceBusQueue',
    properties: { connectionString, queueName, ...more }
  })
const busTopic =
  (more: object = {}): ToDestination =>
  (connectionString) => ({
    endpointType: 'ServiceBusTopic',
    properties: { connectionString, topicName: 'orders', ...more }
  })

/** Runs with a topic `orders` that delivers to an entity `orders` of a peer. */
async function withPeer(
  toDestination: ToDestination,
  run: (world: DeliveryWorld, peer: AmqpPeer, folder: string) => Promise<void>,
  more: (folder: string) => object = () => ({}),
  topic: object = {}
): Promise<void> {
  const peer = await createAmqpPeer()
  peer.entities.add('orders')
  const toConfig = (_url: string, folder: string) => {
    const destination = toDestination(peer.connectionString)
    const subscription = { name: 'to-somewhere', destination, ...more(folder) }
    return { topics: [{ name: 'orders', ...topic, eventSubscriptions: [subscription] }] }
  }
  try {
    await withDelivery(toConfig, (world, folder) => run(world, peer, folder))
  } finally {
    await peer.close()
  }
}

const show = ({ to, body, message }: SentMessage) => {
  const { body: _body, ...rest } = message
  return { to, body, ...rest }
}

const sends = suite('what goes out over AMQP')

sends('an event hub gets an array of one event, and the aeg properties', () =>
  withPeer(
    hub({
      deliveryAttributeMappings: [field('PartitionKey', 'subject'), fixed('color', 'red')]
    }),
    async (world, peer) => {
      await world.publish([order()])
      assert.equal(show(await peer.next()), {
        to: 'orders',
        body: `[${ENVELOPE}]`,
        durable: true,
        content_type: 'application/json',
        message_annotations: { 'x-opt-partition-key': 'orders/1' },
        application_properties: { ...AEG, color: 'red' }
      })
      await world.logged(/delivery to-somewhere delivered/)
    }
  )
)

sends('a queue gets the event itself, under its id', () =>
  withPeer(queue(), async (world, peer) => {
    await world.publish([order()])
    assert.equal(show(await peer.next()), {
      to: 'orders',
      body: ENVELOPE,
      message_id: 'e1',
      content_type: 'application/json',
      message_annotations: {},
      application_properties: AEG
    })
    await world.logged(/delivery to-somewhere delivered/)
  })
)

sends(
  "a topic of Service Bus gets the message's own properties from attributes of their names",
  () =>
    withPeer(
      busTopic({
        deliveryAttributeMappings: [
          fixed('SessionId', 's-1'),
          fixed('PartitionKey', 's-1'),
          fixed('CorrelationId', 'c-1'),
          field('Label', 'eventType'),
          fixed('ReplyTo', 'answers'),
          fixed('ReplyToSessionId', 'r-1'),
          fixed('To', 'elsewhere'),
          fixed('constructor', 'built'),
          field('total', 'data.total')
        ]
      }),
      async (world, peer) => {
        await world.publish([order({ data: { total: 7 } })])
        const { body: _body, ...sent } = show(await peer.next())
        assert.equal(sent, {
          to: 'elsewhere',
          message_id: 'e1',
          content_type: 'application/json',
          message_annotations: { 'x-opt-partition-key': 's-1' },
          group_id: 's-1',
          correlation_id: 'c-1',
          subject: 'Shop.OrderPlaced',
          reply_to: 'answers',
          reply_to_group_id: 'r-1',
          application_properties: { ...AEG, constructor: 'built', total: '7' }
        })
      }
    )
)

sends('CloudEvents go out as they came, without a data version', () =>
  withPeer(
    queue(),
    async (world, peer) => {
      const event = '{"specversion":"1.0","id":"c1","type":"t","source":"/s","data":1.50}'
      const type = { 'content-type': 'application/cloudevents+json' }
      assert.is((await world.post('/orders/api/events', event, type)).status, 200)
      const { body, message } = await peer.next()
      assert.is(body, event)
      const { 'aeg-data-version': _version, ...aeg } = AEG
      assert.equal(message.application_properties, {
        ...aeg,
        'aeg-metadata-version': '1.0',
        'aeg-output-event-id': 'c1'
      })
    },
    undefined,
    { inputSchema: 'CloudEventSchemaV1_0' }
  )
)

sends('a custom event keeps every digit', () =>
  withPeer(
    hub(),
    async (world, peer) => {
      const event = '{"n":12345678901234567890,"x":1.50}'
      assert.is((await world.post('/orders/api/events', `[${event}]`)).status, 200)
      assert.is((await peer.next()).body, `[${event}]`)
    },
    () => ({ eventDeliverySchema: 'CustomInputSchema' }),
    {
      inputSchema: 'CustomEventSchema',
      inputSchemaMapping: {
        subject: { defaultValue: 's' },
        eventType: { defaultValue: 't' },
        dataVersion: { defaultValue: '1' }
      }
    }
  )
)

sends('an id that is too long for Service Bus is cut down to one that stays the same', () =>
  withPeer(queue(), async (world, peer) => {
    await world.publish([order({ id: 'x'.repeat(128) }), order({ id: 'x'.repeat(129) })])
    const ids = [await peer.next(), await peer.next()].map(({ message }) => message.message_id)
    assert.equal(ids.sort(), [
      '0ec9eb33e74510bcdd1f2ea55206e82f21649c5c2becbf2b433eb475b34c01bd',
      'x'.repeat(128)
    ])
  })
)

sends.run()

const errors = suite('what errors of an AMQP peer amount to')

/** The error of the service, and the line about the attempt. */
const refusals: [condition: string, line: RegExp][] = [
  ['com.microsoft:server-busy', / 503 .*next in 30 s/],
  ['amqp:unauthorized-access', / 401 .*next in 300 s/],
  ['com.microsoft:entity-disabled', / Disabled .*next in 10 s/],
  ['amqp:resource-limit-exceeded', / Full .*next in 10 s/],
  ['com.microsoft:timeout', / TimedOut .*next in 10 s/],
  ['amqp:link:message-size-exceeded', / 413 .*PayloadTooLarge, dropped/],
  ['amqp:not-allowed', / SocketError .*next in 10 s/]
]
for (const [name, destination] of Object.entries({ 'Event Hubs': hub(), 'Service Bus': queue() })) {
  errors(`each of ${name} has its word and its wait`, () =>
    withPeer(destination, async (world, peer) => {
      for (const [condition, line] of refusals) {
        peer.refuse = { condition, description: 'as it was told' }
        await world.publish([order()])
        await world.logged(line)
      }
    })
  )
}

for (const [name, destination] of Object.entries({
  'an event hub': hub({}, 'nowhere'),
  'a queue': queue({}, 'nowhere')
})) {
  errors(`${name} that is not there is tried again after five minutes, and again`, () =>
    withPeer(destination, async (world, peer) => {
      await world.publish([order()])
      await world.logged(/to-somewhere 404 .*next in 300 s/)
      peer.entities.add('nowhere')
      world.clock.advance(300_000)
      const { message, to } = await peer.next()
      assert.is(to, 'nowhere')
      assert.is(message.application_properties?.['aeg-delivery-count'], '1')
      await world.logged(/delivery to-somewhere delivered/)
    })
  )
}

for (const [name, destination] of Object.entries({ 'Event Hubs': hub(), 'Service Bus': queue() })) {
  errors(`a wrong key is no final refusal to ${name}: it may be put right`, () =>
    withPeer(
      (connectionString) => destination(connectionString.replace(AMQP_KEY, 'd3Jvbmc=')),
      async (world) => {
        await world.publish([order()])
        await world.logged(/to-somewhere 401 .*next in 300 s/)
      }
    )
  )

  errors(`nobody at the address of ${name}`, () =>
    withPeer(
      (connectionString) => destination(connectionString.replace(/:\d+;/, ':1;')),
      async (world) => {
        await world.publish([order()])
        await world.logged(/to-somewhere SocketError .*next in 10 s/)
      }
    )
  )
}

errors('what is given up is a dead letter with the word of the last attempt', () =>
  withPeer(
    queue(),
    async (world, peer, folder) => {
      peer.refuse = { condition: 'com.microsoft:entity-disabled', description: 'off' }
      await world.publish([order()])
      await world.logged(/MaxDeliveryAttemptsExceeded, a dead letter/)
      world.clock.advance(300_000)
      await world.logged(/dead letters of to-somewhere written/)
      const [letters] = Object.values(readFolder(folder)) as [Record<string, unknown>[]]
      assert.is(letters[0]!.lastDeliveryOutcome, 'Disabled')
    },
    (path) => ({
      retryPolicy: { maxDeliveryAttempts: 1 },
      deadLetterDestination: { endpointType: 'LocalFolder', properties: { path } }
    })
  )
)

errors.run()
