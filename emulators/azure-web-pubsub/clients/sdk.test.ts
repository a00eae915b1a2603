// Microsoft's own client, and its event handler, against ours.
import http from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import {
  WebPubSubClient,
  WebPubSubJsonProtocol,
  WebPubSubJsonReliableProtocol,
  type WebPubSubClientOptions
} from '@azure/web-pubsub-client'
import {
  WebPubSubEventHandler,
  type MqttConnectRequest,
  type MqttDisconnectedRequest,
  type WebPubSubEventHandlerOptions
} from '@azure/web-pubsub-express'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { within } from '@fogbank/contract/testing'
import { ALL_ROLES, withWebPubSub, type TokenOptions, type World } from './testing.ts'

/** Starts a client; it is stopped afterwards, whatever happened. */
async function withClient<T>(
  { token, url }: World,
  of: TokenOptions,
  options: WebPubSubClientOptions,
  run: (client: WebPubSubClient) => Promise<T>
): Promise<T> {
  const accessUrl = async () =>
    `${url.replace('http', 'ws')}/client/hubs/chat?access_token=${await token(of)}`
  // Stopped or not, its timers would keep the process of the tests alive.
  const timers = { keepAliveIntervalInMs: 0, keepAliveTimeoutInMs: 0 }
  const client = new WebPubSubClient({ getClientAccessUrl: accessUrl }, { ...timers, ...options })
  try {
    await within(5000, client.start(), 'the start')
    return await run(client)
  } finally {
    client.stop()
    // Stopped between two connections it goes on trying, and the process of the tests with it.
    const never = () => new Promise(() => {})
    Object.assign(client, { _connectCore: never, _trySendSequenceAck: never })
  }
}

/** The SDK's handler of hub chat on a server of its own. */
async function withHandler(
  options: WebPubSubEventHandlerOptions,
  run: (url: string) => Promise<void>
): Promise<void> {
  const middleware = new WebPubSubEventHandler('chat', {
    path: '/events',
    ...options
  }).getMiddleware()
  const server = http.createServer((request, response) => {
    const own = Object.assign(request, { baseUrl: '', path: request.url })
    void middleware(own as never, response as never, () => response.writeHead(404).end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}/events`)
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

/** The handler's URL is known only once it listens, so it is said on the control port. */
async function useHandler({ control }: World, urlTemplate: string): Promise<void> {
  const settings = {
    eventHandlers: [
      { urlTemplate, userEventPattern: '*', systemEvents: ['connect', 'connected', 'disconnected'] }
    ]
  }
  const reply = await fetch(`${control}/azure-web-pubsub/hubs/chat`, {
    method: 'PUT',
    body: JSON.stringify(settings)
  })
  assert.is(reply.status, 200)
}

const sdk = suite('azure-web-pubsub SDK')

for (const protocol of [WebPubSubJsonProtocol(), WebPubSubJsonReliableProtocol()]) {
  sdk(`joins, sends and leaves by ${protocol.name}`, () =>
    withWebPubSub({}, (world) =>
      withClient(world, { userId: 'alice', roles: ALL_ROLES }, { protocol }, async (client) => {
        const inbox: unknown[] = []
        let wake = () => {}
        client.on('group-message', ({ message }) => {
          inbox.push([message.group, message.fromUserId, message.dataType, message.data])
          wake()
        })
        await client.joinGroup('room1')
        for (const [data, type] of [
          ['hi', 'text'],
          [{ n: 1 }, 'json'],
          [new Uint8Array([0, 255]).buffer, 'binary']
        ] as const) {
          await client.sendToGroup('room1', data, type)
        }
        while (inbox.length < 3) {
          await within(5000, new Promise<void>((resolve) => (wake = resolve)), 'a message')
        }
        assert.equal(inbox.slice(0, 2), [
          ['room1', 'alice', 'text', 'hi'],
          ['room1', 'alice', 'json', { n: 1 }]
        ])
        const [, , , bytes] = inbox[2] as [string, string, string, ArrayBuffer]
        assert.equal([...new Uint8Array(bytes)], [0, 255])
        await client.leaveGroup('room1')
        await client.sendToGroup('room1', 'gone', 'text')
        assert.is(inbox.length, 3)
      })
    )
  )
}

sdk('is told that it may not', () =>
  withWebPubSub({}, (world) =>
    withClient(world, {}, {}, async (client) => {
      const error = await client.joinGroup('room1').then(
        () => undefined,
        (reason: { errorDetail?: { name: string } }) => reason
      )
      assert.is(error?.errorDetail?.name, 'Forbidden')
    })
  )
)

sdk('recovers after a cut, with what was sent meanwhile', () =>
  withWebPubSub({}, (world) =>
    withClient(world, { roles: ALL_ROLES }, {}, async (client) => {
      const inbox: unknown[] = []
      let wake = () => {}
      let connected = 0
      client.on('connected', () => connected++)
      client.on('group-message', ({ message }) => {
        inbox.push(message.data)
        wake()
      })
      await client.joinGroup('room1')
      const service = world.service()
      await service.group('room1').sendToAll('before', { contentType: 'text/plain' })
      while (inbox.length < 1) {
        await within(5000, new Promise<void>((r) => (wake = r)), 'the first')
      }
      // The socket under the client goes, as a network would take it away.
      const { _wsClient: transport } = client as unknown as {
        _wsClient: { _socket: { terminate(): void } }
      }
      transport._socket.terminate()
      await service.group('room1').sendToAll('meanwhile', { contentType: 'text/plain' })
      while (inbox.length < 2) {
        await within(5000, new Promise<void>((r) => (wake = r)), 'the second')
      }
      await client.sendToGroup('room1', 'after', 'text')
      while (inbox.length < 3) {
        await within(5000, new Promise<void>((r) => (wake = r)), 'the third')
      }
      assert.equal(inbox, ['before', 'meanwhile', 'after'])
      assert.is(connected, 0, 'it is the same connection')
    })
  )
)

sdk('sends events to the SDK of handlers, and is answered', () =>
  withWebPubSub({}, async (world) => {
    const seen: string[] = []
    const handlers: WebPubSubEventHandlerOptions = {
      handleConnect(request, response) {
        seen.push(`connect ${request.context.hub} ${String(request.claims?.sub)}`)
        response.setState('color', 'blue')
        response.success({ userId: 'bob', roles: ALL_ROLES, groups: ['room1'] })
      },
      onConnected: ({ context }) => void seen.push(`connected ${context.userId}`),
      handleUserEvent({ context, data, dataType }, response) {
        seen.push(
          `${context.eventName} ${JSON.stringify(data)} ${dataType} ${context.states.color}`
        )
        response.success(`echo ${JSON.stringify(data)}`, 'text')
      },
      onDisconnected: ({ reason }) => void seen.push(`disconnected ${reason}`)
    }
    await withHandler(handlers, async (url) => {
      await useHandler(world, url)
      await withClient(world, { userId: 'alice' }, {}, async (client) => {
        const replies: unknown[] = []
        client.on('server-message', ({ message }) => replies.push([message.dataType, message.data]))
        await client.sendEvent('greet', { n: 1 }, 'json')
        assert.equal(replies, [['text', 'echo {"n":1}']])
        const invoked = await client.invokeEvent('ask', 'what', 'text')
        assert.equal([invoked.dataType, invoked.data], ['text', 'echo "what"'])
        await client.sendToGroup('room1', 'roles of the handler', 'text')
        await world.service().closeUserConnections('bob', { reason: 'enough' })
        while (!seen.some((line) => line.startsWith('disconnected'))) {
          await new Promise((resolve) => setImmediate(resolve))
        }
      })
    })
    assert.equal(seen.sort(), [
      'ask "what" text blue',
      'connect chat alice',
      'connected bob',
      'disconnected Application server closed the connection. Reason: enough',
      'greet {"n":1} json blue'
    ])
  })
)

sdk('handles the events of MQTT clients', () =>
  withWebPubSub({}, async (world) => {
    const seen: unknown[] = []
    let wake = () => {}
    const saw = (event: unknown) => {
      seen.push(event)
      wake()
    }
    const options: WebPubSubEventHandlerOptions = {
      handleConnect(request, response) {
        const { context, mqtt } = request as MqttConnectRequest
        const { protocolVersion, username, userProperties } = mqtt
        saw([context.clientProtocol, protocolVersion, username, userProperties])
        response.success({
          userId: 'bob',
          roles: ['webpubsub.joinLeaveGroup'],
          mqtt: { userProperties: [{ name: 'shift', value: 'night' }] }
        })
      },
      handleUserEvent({ context, data }, response) {
        saw([context.clientProtocol, context.userId, context.eventName, String(data)])
        response.success('done', 'text')
      },
      onConnected: ({ context }) => saw(['connected', context.clientProtocol, context.userId]),
      onDisconnected(request) {
        const { mqtt } = request as MqttDisconnectedRequest
        saw(['disconnected', mqtt.initiatedByClient, mqtt.disconnectPacket])
      }
    }
    await withHandler(options, async (url) => {
      await useHandler(world, url)
      const device = await world.mqtt({
        mqtt: { username: 'lamp', properties: { userProperties: { floor: '2' } } }
      })
      assert.equal(device.connack.properties?.userProperties, { shift: 'night' })
      const answered = new Promise<[string, Buffer]>((resolve) =>
        device.mqtt.once('message', (topic, payload) => resolve([topic, payload]))
      )
      await device.mqtt.publishAsync('$webpubsub/server/events/greet', 'hi', { qos: 1 })
      const [topic, payload] = await within(5000, answered, 'the answer')
      assert.equal(
        [topic, payload.toString()],
        ['$webpubsub/server/events/greet/succeeded', 'done']
      )
      const said = { reasonCode: 4, properties: { userProperties: { why: 'late' } } }
      await within(5000, device.mqtt.endAsync(false, said as never), 'the goodbye')
      while (seen.length < 4) {
        await within(5000, new Promise<void>((resolve) => (wake = resolve)), 'an event')
      }
    })
    assert.equal(seen, [
      ['mqtt', 5, 'lamp', [{ name: 'floor', value: '2' }]],
      ['connected', 'mqtt', 'bob'],
      ['mqtt', 'bob', 'greet', 'hi'],
      ['disconnected', true, { code: 4, userProperties: [{ name: 'why', value: 'late' }] }]
    ])
  })
)

sdk('gives an MQTT client the code that the handler chose', () =>
  withWebPubSub({}, async (world) => {
    const options: WebPubSubEventHandlerOptions = {
      handleConnect: (_request, response) =>
        response.failWith({ mqtt: { code: 135, reason: 'not you' } })
    }
    await withHandler(options, async (url) => {
      await useHandler(world, url)
      const { connack } = await world.mqtt()
      assert.is(connack.code, 135)
    })
  })
)

sdk('is refused as the SDK of handlers says', () =>
  withWebPubSub({}, async (world) => {
    await withHandler(
      { handleConnect: (_request, response) => response.fail(401, 'not you') },
      async (url) => {
        await useHandler(world, url)
        const refused = await world.connect().then(
          () => 'let in',
          (error: Error) => error.message
        )
        assert.is(refused, '401 ')
      }
    )
  })
)

sdk.run()
