// The vendor's own SDK for JavaScript: every method, over http and https, by connection string, key and token.
import { AzureKeyCredential, WebPubSubServiceClient } from '@azure/web-pubsub'
import mqtt, { type MqttClient } from 'mqtt'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { World } from '@fogbank/contract'
import { createQueue, mintToken, within } from '@fogbank/contract/testing'
import { ID, withWebPubSub } from './testing.ts'

interface Credentials {
  connectionString: string
  accessKey: string
}

const credentialsOf = ({ fogbank }: World) => fogbank.endpoints[ID]!.credentials as Credentials

/** The ways to make a client, by name. */
const CLIENTS: Record<string, (world: World) => Promise<WebPubSubServiceClient>> = {
  'a connection string': async (world) =>
    new WebPubSubServiceClient(credentialsOf(world).connectionString, 'chat', {
      allowInsecureConnection: true
    }),
  'a key over https': async (world) => {
    const credential = new AzureKeyCredential(credentialsOf(world).accessKey)
    const endpoint = world.fogbank.endpoints[ID]!.https as string
    const tlsOptions = { ca: await world.fogbank.ca() }
    return new WebPubSubServiceClient(endpoint, credential, 'chat', { tlsOptions } as object)
  },
  'a token over https': async (world) => {
    const endpoint = world.fogbank.endpoints[ID]!.https as string
    const tlsOptions = { ca: await world.fogbank.ca() }
    const credential = { getToken: (scopes: string | string[]) => mint(world, [scopes].flat()) }
    return new WebPubSubServiceClient(endpoint, credential, 'chat', { tlsOptions } as object)
  }
}

async function mint(world: World, scopes: string[]) {
  assert.equal(scopes, ['https://webpubsub.azure.com/.default'])
  const token = await mintToken(world.fogbank, { audience: 'https://webpubsub.azure.com' })
  return { token, expiresOnTimestamp: Date.now() + 3_600_000 }
}

/** An MQTT.js client and what it is sent, one after the other. */
interface Device {
  client: MqttClient
  next(): Promise<{ topic: string; text: string }>
}

async function connect(url: string, clientId: string, options: object = {}): Promise<Device> {
  // What waited for the client may come right behind the CONNACK, so it is listened for before.
  const client = mqtt.connect(url, {
    clientId,
    protocolVersion: 5,
    reconnectPeriod: 0,
    ...options
  })
  const messages = createQueue<{ topic: string; text: string }>()
  client.on('error', () => {}) // how it ends is what the test looks at
  client.on('message', (topic, payload) => messages.put({ topic, text: payload.toString() }))
  const connected = new Promise<void>((resolve) => client.once('connect', () => resolve()))
  await within(20_000, connected, `the CONNACK for ${clientId}`)
  return { client, next: () => messages.next(20_000, `a message for ${clientId}`) }
}

const closed = ({ client }: Device): Promise<unknown> =>
  within(
    5_000,
    new Promise<void>((resolve) => client.once('close', () => resolve())),
    'the end of a client'
  )

/** Notes what is called of an object that passes for it. */
function noting<T extends object>(object: T, called: Set<string>, prefix = ''): T {
  return new Proxy(object, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        called.add(prefix + String(name))
        const result = Reflect.apply(value, target, args) as object
        return name === 'group' ? noting(result, called, 'group.') : result
      }
    }
  })
}

function methodsOf(object: object, prefix = ''): string[] {
  const prototype = Object.getPrototypeOf(object) as object
  return Object.entries(Object.getOwnPropertyDescriptors(prototype))
    .filter(([name, { value }]) => typeof value === 'function' && !/^(?:_|constructor$)/.test(name))
    .map(([name]) => prefix + name)
}

const sdk = suite('azure-web-pubsub SDK for JavaScript')

for (const [name, create] of Object.entries(CLIENTS)) {
  sdk(`runs every method with ${name}`, () =>
    withWebPubSub({}, async ({ world }) => {
      const client = await create(world)
      const called = new Set<string>()
      const service = noting(client, called)
      const group = service.group('room1')
      const { token, url, baseUrl } = await service.getClientAccessToken({
        clientProtocol: 'mqtt',
        userId: 'alice',
        roles: ['webpubsub.joinLeaveGroup.room1', 'webpubsub.sendToGroup.room1'],
        groups: ['lobby'],
        expirationTimeInMinutes: 5
      })
      assert.is(url, `${baseUrl}?access_token=${token}`)
      assert.match(baseUrl, /^wss?:\/\/127\.0\.0\.1:\d+\/clients\/mqtt\/hubs\/chat$/)
      // A token that says https is good for the plain scheme, too.
      const plain = url.replace(/^wss/, 'ws')
      const device = await connect(plain, 'device1')
      try {
        assert.is(await service.connectionExists('device1'), true)
        assert.is(await service.connectionExists('device2'), false)
        assert.is(await service.userExists('alice'), true)
        assert.is(await service.userExists('bob'), false)
        assert.is(await service.groupExists('lobby'), true)
        assert.is(await service.groupExists('room1'), false)

        await service.sendToAll({ to: 'all' })
        await service.sendToAll('text', { contentType: 'text/plain', filter: "userId eq 'alice'" })
        await service.sendToUser('alice', { to: 'user' })
        await service.sendToConnection('device1', Buffer.from('bytes'))
        for (const text of ['{"to":"all"}', 'text', '{"to":"user"}', 'bytes']) {
          assert.equal(await device.next(), { topic: '$webpubsub/server/messages', text })
        }

        await group.addConnection('device1')
        await group.sendToAll('one', { contentType: 'text/plain' })
        assert.equal(await device.next(), { topic: 'room1', text: 'one' })
        const members = []
        for await (const member of await group.listConnections()) members.push(member)
        assert.equal(members, [{ connectionId: 'device1', userId: 'alice' }])
        await group.removeConnection('device1')
        assert.is(await service.groupExists('room1'), false)
        await group.addUser('alice')
        await group.sendToAll('two', { contentType: 'text/plain', excludedConnections: ['other'] })
        assert.equal(await device.next(), { topic: 'room1', text: 'two' })
        await group.removeUser('alice')
        await service.addConnectionsToGroups(['a', 'b'], "connectionId eq 'device1'")
        assert.is(await service.groupExists('b'), true)
        await service.removeConnectionsFromGroups(['a'], "'b' in groups")
        assert.is(await service.groupExists('a'), false)
        await service.removeUserFromAllGroups('alice')
        assert.is(await service.groupExists('b'), false)
        await group.addConnection('device1')
        await service.removeConnectionFromAllGroups('device1')
        assert.is(await service.groupExists('room1'), false)

        const targetName = 'room2'
        assert.is(await service.hasPermission('device1', 'sendToGroup', { targetName }), false)
        await service.grantPermission('device1', 'sendToGroup', { targetName })
        assert.is(await service.hasPermission('device1', 'sendToGroup', { targetName }), true)
        await service.revokePermission('device1', 'sendToGroup', { targetName })
        assert.is(await service.hasPermission('device1', 'sendToGroup', { targetName }), false)

        await service.closeUserConnections('bob')
        await service.closeAllConnections({ excluded: ['device1'] } as object)
        assert.is(await service.connectionExists('device1'), true)
        const over = closed(device)
        await service.closeConnection('device1', { reason: 'bye' })
        await over
        assert.is(await service.connectionExists('device1'), false)
        const second = await connect(plain, 'device2')
        await group.addConnection('device2')
        const ended = closed(second)
        await group.closeAllConnections()
        await ended
        const third = await connect(plain, 'device3')
        const gone = closed(third)
        await service.closeUserConnections('alice')
        await gone
        const fourth = await connect(plain, 'device4')
        const last = closed(fourth)
        await service.closeAllConnections({ reason: 'the end' })
        await last
        const all = [...methodsOf(client), ...methodsOf(client.group('room1'), 'group.')]
        assert.ok(all.length > 20)
        assert.equal(
          all.filter((name) => !called.has(name)),
          []
        )
      } finally {
        device.client.end(true)
      }
    })
  )
}

sdk('tells a wrong key from a right one', () =>
  withWebPubSub({}, async ({ url }) => {
    const service = new WebPubSubServiceClient(url, new AzureKeyCredential('wrong'), 'chat', {
      allowInsecureConnection: true
    })
    const error = (await service.sendToAll('x').catch((thrown: unknown) => thrown)) as {
      statusCode: number
    }
    assert.is(error.statusCode, 401)
  })
)

sdk('follows the pages of a group', () =>
  withWebPubSub({}, async ({ world, mqttUrl }) => {
    const service = await CLIENTS['a connection string']!(world)
    const ids = ['a', 'b', 'c', 'd', 'e']
    const devices = await Promise.all(ids.map((id) => connect(mqttUrl(), id)))
    await service.addConnectionsToGroups(['room1'], '')
    const pages: string[][] = []
    const list = await service.group('room1').listConnections({ maxPageSize: 2 })
    for await (const page of list.byPage()) {
      pages.push(page.map(({ connectionId }) => connectionId))
    }
    assert.equal(pages, [['a', 'b'], ['c', 'd'], ['e']])
    const four: string[] = []
    for await (const { connectionId } of await service.group('room1').listConnections({ top: 4 })) {
      four.push(connectionId)
    }
    assert.equal(four, ['a', 'b', 'c', 'd'])
    for (const { client } of devices) client.end(true)
  })
)

sdk('is seen through a session whose client is away, until the session ends', () =>
  withWebPubSub({ manualClock: true }, async ({ world }) => {
    const service = await CLIENTS['a connection string']!(world)
    const options = { properties: { sessionExpiryInterval: 30 } }
    const { url } = await service.getClientAccessToken({
      clientProtocol: 'mqtt',
      userId: 'alice',
      roles: ['webpubsub.joinLeaveGroup']
    })
    const device = await connect(url, 'device1', options)
    await device.client.subscribeAsync('room1', { qos: 1 })
    const over = closed(device)
    device.client.stream.destroy()
    await over
    const seen = async () => [
      await service.connectionExists('device1'),
      await service.groupExists('room1'),
      await service.userExists('alice')
    ]
    assert.equal(await seen(), [true, true, true])
    await service.group('room1').sendToAll('kept', { contentType: 'text/plain' })
    const again = await connect(url, 'device1', { ...options, clean: false })
    assert.equal(await again.next(), { topic: 'room1', text: 'kept' })
    const space = await world.fogbank.core.space('hub:chat')
    again.client.stream.destroy()
    while (space.sessions(ID).length > 0) await new Promise((resolve) => setImmediate(resolve))
    world.clock!.advance(31_000)
    assert.equal(await seen(), [false, false, false])
  })
)

sdk.run()
