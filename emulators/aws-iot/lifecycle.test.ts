// What $aws/events tells of clients, and to whom.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { PacketClient } from '@fogbank/contract/testing'
import { API_RULE } from './lifecycle.ts'
import { withAwsIot, type AwsWorld } from './testing.ts'

const IDENTIFIER = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const PRINCIPAL = '123456789012:test'

interface Told {
  topic: string
  event: Record<string, unknown>
}

/** Lets time pass for clients that ping often enough to stay. */
async function pass({ clock }: AwsWorld, clients: PacketClient[], seconds: number): Promise<void> {
  for (let left = seconds; left > 0; left -= 1700) {
    clock.advance(Math.min(left, 1700) * 1000)
    for (const { mqtt, next } of clients) {
      mqtt.sendPing()
      assert.is((await next())?.cmd, 'pingresp')
    }
  }
}

/** A client that is told everything, and what it is told next. */
async function watch(world: AwsWorld) {
  const client = await world.client({ clientId: 'watcher', keepalive: 1200 })
  const { mqtt, next } = client
  assert.is((await next())?.cmd, 'connack')
  mqtt.subscribe('$aws/events/#', { qos: 1 })
  // It hears of its own subscription too, before or behind the SUBACK.
  const answers = [await next(), await next()].map((packet) => packet?.cmd).sort()
  assert.equal(answers, ['publish', 'suback'])
  const told = async (): Promise<Told> => {
    const { topic, payload } = (await next())!
    return { topic, event: JSON.parse(payload) }
  }
  return Object.assign(told, { client })
}

async function join(world: AwsWorld, options: Parameters<AwsWorld['client']>[0] = {}) {
  const client = await world.client({ keepalive: 30, ...options })
  assert.is((await client.next())?.cmd, 'connack')
  return client
}

const lifecycle = suite('aws-iot lifecycle events')

lifecycle('tell of a connection and its end, in the documented payloads', () =>
  withAwsIot({}, async (world) => {
    const told = await watch(world)
    const { mqtt } = await join(world)
    const connected = await told()
    const { sessionIdentifier, ...rest } = connected.event
    assert.is(connected.topic, '$aws/events/presence/connected/dev1')
    assert.match(String(sessionIdentifier), IDENTIFIER)
    assert.equal(rest, {
      clientId: 'dev1',
      timestamp: world.clock.now(),
      eventType: 'connected',
      principalIdentifier: PRINCIPAL,
      ipAddress: '127.0.0.1',
      versionNumber: 0
    })
    mqtt.end()
    assert.equal(await told(), {
      topic: '$aws/events/presence/disconnected/dev1',
      event: {
        clientId: 'dev1',
        timestamp: world.clock.now(),
        eventType: 'disconnected',
        sessionIdentifier,
        principalIdentifier: PRINCIPAL,
        clientInitiatedDisconnect: true,
        disconnectReason: 'CLIENT_INITIATED_DISCONNECT',
        versionNumber: 0
      }
    })
  })
)

lifecycle('tell of subscriptions and of their end', () =>
  withAwsIot({}, async (world) => {
    const told = await watch(world)
    const { mqtt } = await join(world)
    const { sessionIdentifier } = (await told()).event
    const event = { clientId: 'dev1', timestamp: world.clock.now(), sessionIdentifier }
    mqtt.subscribe(['a/b', 'c/#'])
    assert.equal(await told(), {
      topic: '$aws/events/subscriptions/subscribed/dev1',
      event: {
        ...event,
        eventType: 'subscribed',
        principalIdentifier: PRINCIPAL,
        topics: ['a/b', 'c/#']
      }
    })
    mqtt.unsubscribe('a/b')
    assert.equal(await told(), {
      topic: '$aws/events/subscriptions/unsubscribed/dev1',
      event: {
        ...event,
        eventType: 'unsubscribed',
        principalIdentifier: PRINCIPAL,
        topics: ['a/b']
      }
    })
  })
)

const ENDS: [reason: string, end: (client: PacketClient, world: AwsWorld) => unknown][] = [
  ['CONNECTION_LOST', ({ mqtt }) => mqtt.stream.destroy()],
  ['MQTT_KEEP_ALIVE_TIMEOUT', (_client, { clock }) => clock.advance(46_000)],
  ['DUPLICATE_CLIENTID', (_client, world) => join(world)],
  ['CLIENT_ERROR', ({ mqtt }) => void mqtt.publish('a', 'x', { qos: 2 })],
  ['AUTH_ERROR', ({ mqtt }) => void mqtt.publish('$SYS/a', 'x')],
  [
    'API_INITIATED_DISCONNECT',
    (_client, { space }) =>
      space.clients.end('aws-iot', 'dev1', { reasonCode: 0x98, rule: API_RULE })
  ]
]

for (const [reason, end] of ENDS) {
  lifecycle(`name ${reason}`, () =>
    withAwsIot({}, async (world) => {
      const told = await watch(world)
      const client = await join(world)
      assert.is((await told()).event.eventType, 'connected')
      await end(client, world)
      const { event } = await told()
      assert.equal(
        [event.eventType, event.disconnectReason, event.clientInitiatedDisconnect],
        ['disconnected', reason, false]
      )
    })
  )
}

lifecycle('name WEBSOCKET_TTL_EXPIRATION after 24 hours', () =>
  withAwsIot({}, async (world) => {
    const told = await watch(world)
    const principal = {
      kind: 'access-key',
      accessKeyId: 'test',
      service: 'iotdata',
      region: 'us-east-1'
    }
    const client = await world.client({ keepalive: 0 }, { transport: 'wss', principal })
    assert.is((await client.next())?.cmd, 'connack')
    assert.is((await told()).event.eventType, 'connected')
    await pass(world, [client, told.client], 24 * 3600 - 1)
    world.clock.advance(1000)
    const { cmd, reasonCode } = (await client.next())!
    assert.equal([cmd, reasonCode], ['disconnect', 0x98])
    assert.is((await told()).event.disconnectReason, 'WEBSOCKET_TTL_EXPIRATION')
  })
)

lifecycle('count the connections of a client id, and begin anew after an hour', () =>
  withAwsIot({}, async (world) => {
    const told = await watch(world)
    const versions: unknown[] = []
    for (const waitSeconds of [0, 3599, 3600]) {
      await pass(world, [told.client], waitSeconds)
      const { mqtt } = await join(world)
      versions.push((await told()).event.versionNumber)
      mqtt.end()
      assert.is((await told()).event.eventType, 'disconnected')
    }
    assert.equal(versions, [0, 1, 0])
  })
)

lifecycle('count the connections of a client id for as long as its session lasts', () =>
  withAwsIot({ settings: { sessionExpiryMaximumSeconds: 604_800 } }, async (world) => {
    const told = await watch(world)
    const versions: unknown[] = []
    const properties = { sessionExpiryInterval: 7200 }
    for (const waitSeconds of [0, 7199, 7200]) {
      await pass(world, [told.client], waitSeconds)
      const { mqtt } = await join(world, { clean: false, properties })
      versions.push((await told()).event.versionNumber)
      mqtt.end()
      assert.is((await told()).event.eventType, 'disconnected')
    }
    assert.equal(versions, [0, 1, 0])
  })
)

lifecycle('tell of a client that may not connect', () => {
  const policy = {
    Statement: [
      { Effect: 'Allow' as const, Action: 'iot:*', Resource: '*' },
      { Effect: 'Deny' as const, Action: 'iot:Connect', Resource: '*:client/dev1' }
    ]
  }
  const accessKeys = [{ accessKeyId: 'test', secretAccessKey: 'test', policy }]
  return withAwsIot({ settings: { accessKeys } }, async (world) => {
    const told = await watch(world)
    const client = await world.client()
    assert.is((await client.next())?.reasonCode, 0x87)
    const { topic, event } = await told()
    const { sessionIdentifier, ...rest } = event
    assert.is(topic, '$aws/events/presence/connect_failed/dev1')
    assert.match(String(sessionIdentifier), IDENTIFIER)
    assert.equal(rest, {
      clientId: 'dev1',
      timestamp: world.clock.now(),
      eventType: 'connect_failed',
      connectFailureReason: 'AUTHORIZATION_FAILED',
      principalIdentifier: PRINCIPAL,
      ipAddress: '127.0.0.1'
    })
  })
})

lifecycle('are not for client ids with a wildcard', () =>
  withAwsIot({}, async (world) => {
    const told = await watch(world)
    for (const clientId of ['a#', 'a+', 'plain']) await join(world, { clientId })
    assert.is((await told()).event.clientId, 'plain')
  })
)

lifecycle.run()
