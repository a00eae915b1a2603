import { once, type EventEmitter } from 'node:events'
import https from 'node:https'
import net from 'node:net'
import tls from 'node:tls'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import WebSocket from 'ws'
import { within } from '@fogbank/contract/testing'
import type { Fogbank } from './index.ts'
import { portOf, withSuite } from './testing.ts'
import type { Timeouts } from './timeouts.ts'

type Urls = Record<'http' | 'https' | 'mqtt' | 'mqtts' | 'ws' | 'wss', string>

interface World {
  fogbank: Fogbank
  /** Where the control port and its plain MQTT door are. */
  urls: Urls
  port: number
  connect(url: string, options?: Partial<IClientOptions>): Promise<MqttClient>
  /** A bare connection; it keeps its own half open, as a peer that means ill would. */
  socket(host?: string): Promise<net.Socket>
}

/** A suite with short patience; everything is closed afterwards, whatever happened. */
function withFogbank(
  timeouts: Partial<Timeouts>,
  run: (world: World) => Promise<void>
): Promise<void> {
  return withSuite({ timeouts }, async (fogbank) => {
    const urls = fogbank.endpoints.control as Urls
    const port = portOf(fogbank, 'control')
    const closers: (() => void)[] = []
    try {
      await run({
        fogbank,
        urls,
        port,
        async connect(url, options = {}) {
          const ca = await fogbank.ca()
          const own = { ca, reconnectPeriod: 0, connectTimeout: 3000, ...options }
          const client = await mqtt.connectAsync(url, own)
          closers.push(() => client.end(true))
          return client
        },
        async socket(host = '127.0.0.1') {
          const socket = net.connect({ host, port, allowHalfOpen: true })
          closers.push(() => socket.destroy())
          await once(socket, 'connect')
          return socket
        }
      })
    } finally {
      for (const close of closers) close()
    }
  })
}

/** mqtt.js types its events in a way that `once` does not know. */
const asEmitter = (client: MqttClient) => client as unknown as EventEmitter

/** Everything the other end said, once it has hung up for good: reset, or both halves closed. */
async function lastWords(socket: net.Socket, ms = 3000): Promise<string> {
  let said = ''
  socket.on('data', (chunk) => (said += chunk.toString('latin1')))
  const over = new Promise<void>((resolve) => {
    socket.on('error', () => resolve()) // a reset is as good an end as any
    socket.on('end', () => {
      // Whoever still listens now would answer this with a reset; whoever has gone, too.
      const poke = setInterval(() => socket.write('x'), 20)
      socket.on('close', () => clearInterval(poke))
    })
    socket.on('close', () => resolve())
  })
  await within(ms, over, 'the end of the connection')
  return said
}

/** Sends a text byte by byte until there is nothing left or nobody there. */
function drip(socket: net.Socket, bytes: Buffer | string, everyMs = 20): void {
  const rest = [...Buffer.from(bytes)]
  const timer = setInterval(() => {
    const next = rest.shift()
    if (next !== undefined) socket.write(Buffer.of(next))
  }, everyMs)
  socket.once('close', () => clearInterval(timer))
}

const listener = suite('listener')

listener('serves MQTT over TCP, TLS, WebSocket and secure WebSocket on one port', () =>
  withFogbank({}, async ({ urls, connect }) => {
    const watcher = await connect(urls.mqtt, { protocolVersion: 4 })
    await watcher.subscribeAsync('doors/#', { qos: 1 })
    for (const door of ['mqtt', 'mqtts', 'ws', 'wss'] as const) {
      for (const protocolVersion of [4, 5] as const) {
        const client = await connect(urls[door], { protocolVersion })
        const arrived = within(20_000, once(asEmitter(watcher), 'message'), `a message by ${door}`)
        await client.publishAsync(`doors/${door}`, `v${protocolVersion}`, { qos: 1 })
        const [topic, payload] = await arrived
        assert.equal([topic, String(payload)], [`doors/${door}`, `v${protocolVersion}`])
      }
    }
  })
)

listener('serves HTTP and HTTPS on the same port, with a certificate of the local CA', () =>
  withFogbank({}, async ({ fogbank, urls }) => {
    assert.is((await fetch(`${urls.http}/health`)).status, 200)
    const ca = await fogbank.ca()
    const request = https.get(`${urls.https}/health`, { ca, agent: false })
    const [reply] = await within(20_000, once(request, 'response'), 'an answer over TLS')
    reply.resume()
    assert.is(reply.statusCode, 200)
    assert.is(reply.socket.authorized, true)
  })
)

listener('lets a client that wants the connection closed send its body before it is refused', () =>
  withFogbank({}, async ({ fogbank }) => {
    const { http } = fogbank.endpoints['aws-iot'] as Urls
    const body = Buffer.alloc(8 * 1024 * 1024)
    for (const lines of [`Content-Length: ${body.length}`, 'Transfer-Encoding: chunked']) {
      const socket = net.connect(Number(new URL(http).port), '127.0.0.1')
      const errors: Error[] = []
      let said = ''
      socket.on('error', (error) => errors.push(error)).on('data', (chunk) => (said += chunk))
      socket.write(
        `POST /topics/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${lines}\r\n\r\n`
      )
      if (lines.endsWith('chunked')) socket.write(`${body.length.toString(16)}\r\n`)
      socket.write(body)
      if (lines.endsWith('chunked')) socket.write('\r\n0\r\n\r\n')
      await within(20_000, once(socket, 'close'), 'the end of the connection')
      assert.match(said, /^HTTP\/1\.1 403 /)
      assert.equal(errors, [])
    }
  })
)

listener('names localhost, its subdomains and both loopback addresses in the certificate', () =>
  withFogbank({}, async ({ fogbank, port }) => {
    const ca = await fogbank.ca()
    for (const host of ['localhost', '127.0.0.1', '::1']) {
      const socket = tls.connect({ host, port, ca })
      await within(20_000, once(socket, 'secureConnect'), `a handshake with ${host}`)
      assert.is(socket.authorized, true, host)
      // Node takes no wildcard below a top-level name, but browsers and curl do.
      assert.match(socket.getPeerCertificate().subjectaltname ?? '', 'DNS:*.localhost')
      socket.destroy()
    }
  })
)

listener('serves any server name that a client asks for', () =>
  withFogbank({}, async ({ fogbank, port }) => {
    const ca = await fogbank.ca()
    const servername = 'abc-ats.iot.eu-central-1.amazonaws.com'
    const socket = tls.connect({
      host: '127.0.0.1',
      port,
      ca,
      servername,
      ALPNProtocols: ['x-amzn-mqtt-ca'],
      checkServerIdentity: () => undefined
    })
    await within(20_000, once(socket, 'secureConnect'), 'the handshake')
    assert.is(socket.alpnProtocol, 'x-amzn-mqtt-ca')
    socket.destroy()
  })
)

listener('listens on ::1 with the same port', () =>
  withFogbank({}, async ({ socket }) => {
    const peer = await socket('::1')
    peer.end('GET /live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    assert.match(await lastWords(peer), /^HTTP\/1\.1 200 OK/)
  })
)

listener('offers no MQTT where a personality has none', () =>
  withFogbank({}, async ({ fogbank }) => {
    const { https } = fogbank.endpoints.authority
    const socket = net.connect(Number(new URL(https).port), '127.0.0.1')
    socket.write(Buffer.from('100c00044d5154540402003c0000', 'hex'))
    assert.is(await lastWords(socket), '')
  })
)

listener('opens the compatibility ports of the configuration beside the usual ones', async () => {
  const free = net.createServer().listen(0, '127.0.0.1')
  await once(free, 'listening')
  const { port } = free.address() as net.AddressInfo
  free.close()
  await once(free, 'close')
  const config = { compatibilityPorts: { [port]: 'control' } }
  await withSuite({ config }, async ({ endpoints }) => {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0 })
    const beside = await mqtt.connectAsync(endpoints.control!.mqtt as string, {
      reconnectPeriod: 0
    })
    const arrived = within(20_000, once(asEmitter(client), 'message'), 'a message')
    await client.subscribeAsync('a', { qos: 1 })
    await beside.publishAsync('a', 'x', { qos: 1 })
    assert.is((await arrived)[0], 'a')
    client.end(true)
    beside.end(true)
  })
})

listener('names the setting of an extra port that is taken, and leaves nothing open', async () => {
  const taken = net.createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as net.AddressInfo
  const config = { compatibilityPorts: { [port]: 'aws-iot' } }
  const outcome = await withSuite({ config }, async () => {}).catch((error: Error) => error.message)
  taken.close()
  assert.is(
    outcome,
    `port ${port} (aws-iot) is taken; stop what listens there or choose another compatibilityPorts`
  )
})

listener('refuses an extra port of a personality that is not started', async () => {
  const config = { compatibilityPorts: { 1: 'shiftr' } }
  const outcome = await withSuite({ only: ['aws-iot'], config }, async () => {}).catch(
    (error: Error) => error.message
  )
  assert.is(
    outcome,
    'compatibilityPorts: port 1 names shiftr, which is not started; add it to only, or drop the port'
  )
})

listener.run()

const patience = suite('listener patience')

patience('hangs up on a peer that says nothing', () =>
  withFogbank({ firstByteMs: 100 }, async ({ socket }) => {
    assert.is(await lastWords(await socket()), '')
  })
)

patience('hangs up at once on bytes of no protocol it knows', () =>
  withFogbank({}, async ({ socket }) => {
    for (const first of [0x00, 0x0a, 0x20, 0x30, 0x61, 0xff]) {
      const peer = await socket()
      peer.write(Buffer.of(first, 1, 2, 3))
      assert.is(await lastWords(peer), '', `first byte ${first}`)
    }
  })
)

patience('hangs up on a TLS handshake that stops half way', () =>
  withFogbank({ handshakeMs: 150 }, async ({ socket }) => {
    const peer = await socket()
    peer.write(Buffer.from('1603010200', 'hex'))
    await lastWords(peer)
  })
)

patience('hangs up on a TLS handshake that drips', () =>
  withFogbank({ handshakeMs: 200 }, async ({ socket }) => {
    const peer = await socket()
    drip(peer, Buffer.concat([Buffer.from('16030102000100', 'hex'), Buffer.alloc(505)]))
    await lastWords(peer)
  })
)

patience('hangs up on a peer that says nothing after its TLS handshake', () =>
  withFogbank({ firstByteMs: 150 }, async ({ fogbank, port }) => {
    const ca = await fogbank.ca()
    const peer = tls.connect({ host: '127.0.0.1', port, ca, servername: 'localhost' })
    await once(peer, 'secureConnect')
    await lastWords(peer)
  })
)

patience('hangs up on an MQTT CONNECT that drips', () =>
  withFogbank({ connectMs: 200 }, async ({ socket }) => {
    const peer = await socket()
    drip(peer, Buffer.concat([Buffer.from('107f00044d515454', 'hex'), Buffer.alloc(120)]))
    assert.is(await lastWords(peer), '')
  })
)

patience('ends a request whose headers drip with 408', () =>
  withFogbank({ headersMs: 200 }, async ({ socket }) => {
    const peer = await socket()
    drip(peer, `GET /live HTTP/1.1\r\nHost: localhost\r\nX-Slow: ${'a'.repeat(200)}`)
    assert.match(await lastWords(peer), /^HTTP\/1\.1 4\d\d |^$/)
  })
)

patience('ends a request whose body drips', () =>
  withFogbank({ headersMs: 200, requestMs: 400 }, async ({ socket }) => {
    const peer = await socket()
    peer.write('POST /fail HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n')
    drip(peer, 'a'.repeat(400))
    await lastWords(peer)
  })
)

patience('answers what is not HTTP with 400 and hangs up, though the peer does not', () =>
  withFogbank({ headersMs: 200 }, async ({ socket }) => {
    const peer = await socket()
    peer.write('GET nonsense\r\n\r\n')
    assert.match(await lastWords(peer), /^HTTP\/1\.1 400 Bad Request\r\n/)
  })
)

patience('answers a body of 10 MB, read or not, and goes on', () =>
  withFogbank({}, async ({ fogbank, urls }) => {
    const body = Buffer.alloc(10_000_000, 0x61)
    const { http } = fogbank.endpoints['aws-iot'] as Urls
    assert.is((await fetch(`${http}/topics/t`, { method: 'POST', body })).status, 403)
    const reply = await fetch(`${urls.http}/fail`, { method: 'POST', body })
    assert.ok(reply.status >= 400 && reply.status < 500, `status ${reply.status}`)
    assert.is((await fetch(`${urls.http}/live`)).status, 200)
  })
)

patience.run()

const upgrades = suite('listener upgrades')

upgrades('answers a refused upgrade as a request, and hangs up', () =>
  withFogbank({}, async ({ fogbank }) => {
    const { ws } = fogbank.endpoints['aws-iot'] as Urls
    const client = new WebSocket(ws, 'mqtt')
    const [request, reply] = await within(20_000, once(client, 'unexpected-response'), 'an answer')
    assert.is(reply.statusCode, 403)
    assert.is(reply.headers['x-amzn-errortype'] !== undefined, true)
    request.destroy()
  })
)

upgrades('chooses the mqtt subprotocol', () =>
  withFogbank({}, async ({ urls }) => {
    const client = new WebSocket(urls.ws, ['other', 'mqtt'])
    await within(20_000, once(client, 'open'), 'the upgrade')
    assert.is(client.protocol, 'mqtt')
    client.terminate()
  })
)

upgrades('takes no text frames, be they MQTT to the letter [MQTT-6.0.0-1]', () =>
  withFogbank({}, async ({ urls }) => {
    const connect = '\x10\x0d\0\x04MQTT\x04\x02\0\x3c\0\x01a'
    const answered = async (frame: string | Buffer) => {
      const client = new WebSocket(urls.ws, 'mqtt')
      await within(20_000, once(client, 'open'), 'the upgrade')
      client.send(frame)
      const answer = once(client, 'message').then(() => 'CONNACK')
      const end = once(client, 'close').then(() => 'closed')
      const outcome = await within(20_000, Promise.race([answer, end]), 'an answer or the end')
      client.terminate()
      return outcome
    }
    assert.is(await answered(Buffer.from(connect, 'latin1')), 'CONNACK')
    assert.is(await answered(connect), 'closed')
  })
)

upgrades('answers a request that offers h2c as the HTTP/1.1 request that it is', () =>
  withFogbank({}, async ({ socket }) => {
    const peer = await socket()
    peer.write(
      'POST /fail HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n' +
        'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n{}'
    )
    const [chunk] = await within(20_000, once(peer, 'data'), 'the answer')
    assert.match(String(chunk), /^HTTP\/1\.1 400 Bad Request\r\n/)
    assert.match(String(chunk), /personality/)
  })
)

upgrades.run()
