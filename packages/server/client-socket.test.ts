import { once } from 'node:events'
import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import WebSocket from 'ws'
import { within } from '@fogbank/contract/testing'
import type { Core } from '@fogbank/core'
import type { ClientSocket, WebSocketTaker } from '@fogbank/personality'
import type { ListenOptions } from './listener.ts'
import { createUpgrader } from './upgrade.ts'

interface World {
  port: number
  connect(subprotocols?: string[]): Promise<WebSocket>
  /** What the taker was given, in order. */
  opened: (ClientSocket | undefined)[]
}

/** An HTTP server whose upgrades all go to the taker. */
async function withTaker(
  taker: Partial<WebSocketTaker>,
  run: (world: World) => Promise<void>
): Promise<void> {
  const opened: World['opened'] = []
  const webSocket: WebSocketTaker = {
    opened(socket) {
      opened.push(socket)
      taker.opened?.(socket)
    },
    ...(taker.subprotocol ? { subprotocol: taker.subprotocol } : {})
  }
  const upgrade = createUpgrader(
    {
      service: {
        name: 'taker',
        handle: async () => {},
        upgrade: async () => ({ status: 101, upgrade: { webSocket } })
      },
      core: {} as Core,
      log: { info() {}, warn() {}, error: (error: unknown) => assert.unreachable(String(error)) }
    } as unknown as ListenOptions,
    () => {}
  )
  const server = http.createServer().on('upgrade', upgrade).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const clients: WebSocket[] = []
  try {
    await run({
      port,
      opened,
      async connect(subprotocols = []) {
        const client = new WebSocket(`ws://127.0.0.1:${port}`, subprotocols)
        clients.push(client)
        await once(client, 'open')
        return client
      }
    })
  } finally {
    for (const client of clients) client.terminate()
    server.close()
  }
}

const clientSocket = suite('client sockets')

clientSocket('carry text and binary messages both ways, under the chosen subprotocol', () => {
  const opened = (socket?: ClientSocket) =>
    socket!.listen({
      message: (payload, isBinary) => socket!.send(isBinary ? payload : payload.toString()),
      closed() {}
    })
  return withTaker({ subprotocol: 'b', opened }, async ({ connect }) => {
    const client = await connect(['a', 'b'])
    assert.is(client.protocol, 'b')
    for (const sent of ['text', Buffer.from([0, 255])]) {
      client.send(sent)
      const [payload, isBinary] = await once(client, 'message')
      assert.is(isBinary, typeof sent !== 'string')
      assert.equal(payload, Buffer.from(sent))
    }
  })
})

clientSocket('cut a reason where the closing frame is full, between characters', () => {
  const opened = (socket?: ClientSocket) => socket!.close(4000, `a${'é'.repeat(100)}`)
  return withTaker({ opened }, async ({ connect }) => {
    const [code, reason] = await once(await connect(), 'close')
    assert.is(code, 4000)
    assert.is(String(reason), `a${'é'.repeat(61)}`)
  })
})

clientSocket('end at once though they were paused', () => {
  const opened = (socket?: ClientSocket) => {
    socket!.pause()
    socket!.close(4000, '')
  }
  return withTaker({ opened }, async ({ connect }) => {
    const [code] = await within(20_000, once(await connect(), 'close'), 'the end')
    assert.is(code, 4000)
  })
})

clientSocket('say how the client left, and take what comes afterwards', () => {
  const ends: [code: number, reason: string][] = []
  const opened = (socket?: ClientSocket) =>
    socket!.listen({ message() {}, closed: (code, reason) => ends.push([code, reason]) })
  return withTaker({ opened }, async ({ connect, opened: sockets }) => {
    const client = await connect()
    client.close(4001, 'so long')
    await once(client, 'close')
    while (ends.length === 0) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(ends, [[4001, 'so long']])
    const socket = sockets[0]!
    socket.send('late')
    socket.close(1000, '')
    socket.pause()
    socket.resume()
    assert.is(socket.bufferedBytes, 0)
  })
})

clientSocket('do not come of a request that is none', () =>
  withTaker({}, async ({ port, opened }) => {
    const peer = net.connect(port, '127.0.0.1')
    peer.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    const [answer] = await once(peer, 'data')
    assert.match(String(answer), /^HTTP\/1\.1 400 /)
    assert.equal(opened, [undefined])
    peer.destroy()
  })
)

clientSocket.run()
