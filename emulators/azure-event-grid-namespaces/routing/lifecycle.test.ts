// What is told of the clients of a namespace and of their sessions.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { mintToken, within, type PacketClient } from '@fogbank/contract/testing'
import { startFogbank, type Fogbank } from 'fogbank'
import mqtt, { type MqttClient } from 'mqtt'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Settings } from '../settings.ts'
import { issueClient, withNamespace, type World } from '../testing.ts'

const OID = 'f09ba2c0-0000-4000-8000-000000000003'
const SOURCE =
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/fogbank/providers/Microsoft.EventGrid/namespaces/default'
const CLIENTS = '/namespaces/default/clients'
const ID = 'azure-event-grid-namespaces'
const QUIET = { info: () => {}, warn: () => {}, error: () => {} }

const lifecycle = suite('azure-event-grid-namespaces lifecycle events')

async function told(world: World): Promise<Record<string, any>[]> {
  const { body } = await world.control('GET', '/namespaces/default/lifecycleEvents')
  return body.value
}

async function lastReason(world: World): Promise<string> {
  return (await told(world)).at(-1)!.data.disconnectionReason
}

/** Reads on until the connection is over, and the broker knows. */
async function closed(world: World, client: PacketClient): Promise<void> {
  while (await client.next());
  for (let turn = 0; turn < 50 && world.space.sessions().length > 0; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
  }
}

lifecycle('tell of a connection and its end, under one number', () =>
  withNamespace({}, async (world) => {
    const client = await world.client(await world.jwt())
    await client.next()
    const [connected, ...others] = await told(world)
    assert.equal(others, [])
    const { id, ...event } = connected!
    assert.match(id, /^[0-9a-f-]{36}$/)
    assert.equal(event, {
      specversion: '1.0',
      time: '2026-01-02T03:04:05.000Z',
      source: SOURCE,
      type: 'Microsoft.EventGrid.MQTTClientSessionConnected',
      subject: `clients/${OID}/sessions/dev1`,
      data: {
        namespaceName: 'default',
        clientAuthenticationName: OID,
        clientSessionName: 'dev1',
        sequenceNumber: 1
      }
    })
    const again = await world.client(await world.jwt())
    await again.next()
    await client.next()
    const data = (await told(world)).map((one) => one.data)
    assert.equal(
      data.map(({ sequenceNumber, disconnectionReason }) => [sequenceNumber, disconnectionReason]),
      [
        [1, undefined],
        [1, 'SessionTakenOver'],
        [2, undefined]
      ]
    )
  })
)

lifecycle('say ClientAuthenticationError when a token ends that was not renewed', () =>
  withNamespace({}, async (world) => {
    const client = await world.client(await world.jwt(await world.mint({ expiresInSeconds: 60 })))
    await client.next()
    world.clock.advance(60_000)
    assert.is((await client.next())?.cmd, 'disconnect')
    assert.is(await client.next(), undefined)
    const last = (await told(world)).at(-1)!
    assert.is(last.type, 'Microsoft.EventGrid.MQTTClientSessionDisconnected')
    assert.is(last.data.disconnectionReason, 'ClientAuthenticationError')
  })
)

const ROLE = `/namespaces/default/roleAssignments/${OID}-EventGridTopicSpacesSubscriber`
const ENDS: [
  what: string,
  reason: string,
  end: (world: World, client: PacketClient) => Promise<unknown> | unknown
][] = [
  ['says goodbye', 'ClientInitiatedDisconnect', (_world, client) => client.mqtt.endAsync()],
  ['is cut off', 'ConnectionLost', (_world, client) => client.mqtt.stream.destroy()],
  [
    'publishes with QoS 2',
    'ClientError',
    (_world, client) => void client.mqtt.publish('a', 'x', { qos: 2 })
  ],
  [
    'publishes where it may not with QoS 0',
    'ClientAuthorizationError',
    async (world, client) => {
      const role = ROLE.replace('Subscriber', 'Publisher')
      await world.control('DELETE', role)
      client.mqtt.publish('a', 'x', { qos: 0 })
    }
  ],
  [
    'loses the role that it subscribed with',
    'ClientAuthorizationError',
    async (world, client) => {
      await client.mqtt.subscribeAsync('lab/#', { qos: 1 })
      await world.control('DELETE', ROLE)
    }
  ],
  [
    'renews with a token that is none',
    'ClientAuthenticationError',
    (_world, client) => {
      const properties = {
        authenticationMethod: 'OAUTH2-JWT',
        authenticationData: Buffer.from('a.b.c')
      }
      const raw = client.mqtt as unknown as { _sendPacket(packet: object): void }
      raw._sendPacket({ cmd: 'auth', reasonCode: 0x19, properties })
    }
  ]
]
for (const [what, reason, end] of ENDS) {
  lifecycle(`say ${reason} of a client that ${what}`, () =>
    withNamespace({}, async (world) => {
      const client = await world.client(await world.jwt())
      await client.next()
      await end(world, client)
      await closed(world, client)
      assert.is(await lastReason(world), reason)
    })
  )
}

const METER = { name: 'dev1', attributes: { kind: 'meter' } }
const REGISTRY: Settings = {
  clients: [METER],
  clientGroups: [{ name: 'meters', query: "attributes.kind = 'meter'" }],
  topicSpaces: [{ name: 'lab', topicTemplates: ['lab/#'] }],
  permissionBindings: [
    { name: 'hearing', clientGroupName: 'meters', topicSpaceName: 'lab', permission: 'Subscriber' }
  ]
}
const FOREIGN = { validationScheme: 'ThumbprintMatch', allowedThumbprints: ['0'.repeat(40)] }

const CHANGES: [
  what: string,
  reason: string | undefined,
  method: string,
  path: string,
  body?: object
][] = [
  ['is disabled', 'ClientAuthenticationError', 'PUT', `${CLIENTS}/dev1`, { state: 'Disabled' }],
  ['is deleted', 'ClientAuthenticationError', 'DELETE', `${CLIENTS}/dev1`],
  [
    'is to have another certificate',
    'ClientAuthenticationError',
    'PUT',
    `${CLIENTS}/dev1`,
    { ...METER, clientCertificateAuthentication: FOREIGN }
  ],
  [
    'leaves its group by its new attributes',
    'ClientAuthorizationError',
    'PUT',
    `${CLIENTS}/dev1`,
    { attributes: { kind: 'lamp' } }
  ],
  [
    'loses its binding',
    'ClientAuthorizationError',
    'DELETE',
    '/namespaces/default/permissionBindings/hearing'
  ],
  [
    'loses the template',
    'ClientAuthorizationError',
    'PUT',
    '/namespaces/default/topicSpaces/lab',
    { topicTemplates: ['elsewhere/#'] }
  ],
  [
    'has one attribute more',
    undefined,
    'PUT',
    `${CLIENTS}/dev1`,
    { attributes: { kind: 'meter', floor: 2 } }
  ],
  ['is not the one that is deleted', undefined, 'PUT', `${CLIENTS}/dev2`, {}]
]
for (const [what, reason, method, path, body] of CHANGES) {
  const end = reason ? `say ${reason} of` : 'say nothing of'
  lifecycle(`${end} a connected client that ${what}`, () =>
    withNamespace({ settings: REGISTRY }, async (world) => {
      const client = await world.client(
        { username: 'dev1' },
        { certificate: await issueClient('dev1') }
      )
      assert.is((await client.next())?.reasonCode, 0)
      await client.mqtt.subscribeAsync('lab/#', { qos: 1 })
      assert.is((await client.next())?.cmd, 'suback')
      const { status } = await world.control(method, path, body)
      assert.ok(status < 300, String(status))
      if (reason === undefined) {
        client.mqtt.sendPing()
        assert.is((await client.next())?.cmd, 'pingresp')
        assert.is((await told(world)).length, 1)
        return
      }
      assert.equal(
        [await client.next()].map((packet) => [packet?.cmd, packet?.reasonCode]),
        [['disconnect', 0x87]]
      )
      await closed(world, client)
      assert.is(await lastReason(world), reason)
    })
  )
}

lifecycle(
  'of a client come when it has been left alone for five seconds, with what it is then',
  () =>
    withNamespace({}, async (world) => {
      await world.control('PUT', `${CLIENTS}/dev1`, { attributes: { floor: 1 } })
      world.clock.advance(3_000)
      await world.control('PUT', `${CLIENTS}/dev1`, { attributes: { floor: 2 }, state: 'Disabled' })
      world.clock.advance(4_999)
      assert.equal(await told(world), [])
      world.clock.advance(1)
      const [{ id, ...event } = {}, ...others] = await told(world)
      assert.equal(others, [])
      assert.ok(id)
      assert.equal(event, {
        specversion: '1.0',
        time: '2026-01-02T03:04:13.000Z',
        source: SOURCE,
        type: 'Microsoft.EventGrid.MQTTClientCreatedOrUpdated',
        subject: 'clients/dev1',
        data: {
          namespaceName: 'default',
          createdOn: '2026-01-02T03:04:05.000Z',
          updatedOn: '2026-01-02T03:04:08.000Z',
          clientName: 'dev1',
          clientAuthenticationName: 'dev1',
          state: 'Disabled',
          attributes: { floor: 2 }
        }
      })
    })
)

lifecycle('of a client that was created and deleted say only that it is deleted', () =>
  withNamespace({}, async (world) => {
    await world.control('PUT', `${CLIENTS}/dev1`, { authenticationName: 'one' })
    world.clock.advance(4_999)
    await world.control('DELETE', `${CLIENTS}/dev1`)
    world.clock.advance(5_000)
    const all = await told(world)
    assert.equal(
      all.map(({ type, subject, data }) => [type, subject, data]),
      [
        [
          'Microsoft.EventGrid.MQTTClientDeleted',
          'clients/dev1',
          { namespaceName: 'default', clientName: 'dev1', clientAuthenticationName: 'one' }
        ]
      ]
    )
  })
)

lifecycle('an authentication name stays what it is', () =>
  withNamespace({ settings: REGISTRY }, async (world) => {
    const { status, body } = await world.control('PUT', `${CLIENTS}/dev1`, {
      authenticationName: 'other'
    })
    assert.is(status, 400)
    assert.match(body.error, /^clients\/dev1\/authenticationName: is dev1 and cannot be changed/)
  })
)

lifecycle('go to a topic of the namespace, where the SDKs and curl receive them', () => {
  const settings: Settings = {
    topicSpacesConfiguration: { lifecycleEventsTopicResourceId: '/topics/default' }
  }
  return withNamespace({ settings }, async (world) => {
    const client = await world.client(await world.jwt())
    await client.next()
    const target = '/topics/default/eventsubscriptions/default:receive?api-version=2024-06-01'
    const authorization = 'SharedAccessKey Zm9nYmFuay1sb2NhbC1uYW1lc3BhY2Uta2V5LW9uZSE='
    const answer = await within(
      20_000,
      world.send({ target, headers: { authorization } }),
      'the event'
    )
    const [{ event }] = JSON.parse(answer.text).value
    assert.equal({ ...event, time: 0 }, { ...(await told(world))[0], time: 0 })
  })
})

/** A client with a token, connected and disconnected. */
async function comeAndGo(
  fogbank: Fogbank,
  door = 'mqtt',
  leave: (client: MqttClient) => unknown = (client) => client.endAsync()
): Promise<void> {
  const token = await mintToken(fogbank)
  const client = await mqtt.connectAsync(String(fogbank.endpoints[ID]![door]), {
    protocolVersion: 5,
    reconnectPeriod: 0,
    properties: { authenticationMethod: 'OAUTH2-JWT', authenticationData: Buffer.from(token) }
  })
  await leave(client)
}

/** Events of the topic `default` as they come, so many of them. */
async function receive({ endpoints }: Fogbank, count: number): Promise<Record<string, any>[]> {
  const http = String(endpoints[ID]!.http)
  const url = `${http}/topics/default/eventsubscriptions/default:receive?api-version=2024-06-01&maxWaitTime=20`
  const authorization = 'SharedAccessKey Zm9nYmFuay1sb2NhbC1uYW1lc3BhY2Uta2V5LW9uZSE='
  const events: Record<string, any>[] = []
  while (events.length < count) {
    const reply = await fetch(url, { method: 'POST', headers: { authorization } })
    const { value } = (await reply.json()) as { value: { event: Record<string, any> }[] }
    assert.ok(value.length > 0, 'nothing came')
    events.push(...value.map(({ event }) => event))
  }
  return events
}

for (const [what, leave, reason] of [
  ['closing frame', (client: MqttClient) => client.stream.end(), 'ClientInitiatedDisconnect'],
  ['broken connection', (client: MqttClient) => client.stream.destroy(), 'ConnectionLost']
] as const) {
  lifecycle(`say ${reason} of a WebSocket's ${what}`, async () => {
    const topicSpacesConfiguration = { lifecycleEventsTopicResourceId: '/topics/default' }
    const config = { [ID]: { topicSpacesConfiguration } }
    const fogbank = await startFogbank({ only: [ID], log: QUIET, config })
    try {
      await comeAndGo(fogbank, 'ws', leave)
      const [, disconnected] = await receive(fogbank, 2)
      assert.is(disconnected!.data.disconnectionReason, reason)
    } finally {
      await fogbank.close()
    }
  })
}

lifecycle('go on counting over a restart', async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'fogbank-lifecycle-'))
  try {
    for (const sequenceNumber of [1, 2]) {
      const fogbank = await startFogbank({ only: [ID], log: QUIET, dataDir })
      try {
        await comeAndGo(fogbank)
        const control = String(fogbank.endpoints.control!.http)
        const reply = await fetch(`${control}/${ID}/namespaces/default/lifecycleEvents`)
        const { value } = (await reply.json()) as { value: { data: object }[] }
        assert.is((value[0]!.data as Record<string, unknown>).sequenceNumber, sequenceNumber)
      } finally {
        await fogbank.close()
      }
    }
  } finally {
    await rm(dataDir, { recursive: true })
  }
})

lifecycle('go to a custom topic of the suite', async () => {
  const arm = '/subscriptions/s/resourceGroups/g/providers/Microsoft.EventGrid'
  const resourceId = `${arm}/namespaces/default/topics/default`
  const fogbank = await startFogbank({
    only: [ID, 'azure-event-grid-topics'],
    log: QUIET,
    config: {
      [ID]: {
        topicSpacesConfiguration: { lifecycleEventsTopicResourceId: `${arm}/topics/life` }
      },
      'azure-event-grid-topics': {
        topics: [
          {
            name: 'life',
            inputSchema: 'CloudEventSchemaV1_0',
            eventSubscriptions: [
              {
                name: 'onwards',
                eventDeliverySchema: 'CloudEventSchemaV1_0',
                destination: { endpointType: 'NamespaceTopic', properties: { resourceId } }
              }
            ]
          }
        ]
      }
    }
  })
  try {
    await comeAndGo(fogbank)
    const [connected] = await receive(fogbank, 1)
    assert.is(connected!.type, 'Microsoft.EventGrid.MQTTClientSessionConnected')
  } finally {
    await fogbank.close()
  }
})

const REFUSED: [what: string, value: string][] = [
  ['a topic that is not there', '/topics/nowhere'],
  ['a domain', '/subscriptions/s/providers/Microsoft.EventGrid/domains/d']
]
for (const [what, lifecycleEventsTopicResourceId] of REFUSED) {
  lifecycle(`cannot go to ${what}`, async () => {
    const settings = { topicSpacesConfiguration: { lifecycleEventsTopicResourceId } }
    const error = await withNamespace({ settings }, async () => {}).then(
      () => undefined,
      (thrown: Error) => thrown
    )
    assert.is(
      error?.message,
      `topicSpacesConfiguration/lifecycleEventsTopicResourceId: there is no topic ${lifecycleEventsTopicResourceId}`
    )
  })
}

lifecycle.run()
