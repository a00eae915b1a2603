import type { IncomingMessage } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, WebSocketServer, type WebSocket } from 'ws'
import { acceptMqtt, type Peer } from '@fogbank/core'
import { fromIncoming, type Reply, type WebSocketTaker } from '@fogbank/personality'
import { toClientSocket } from './client-socket.ts'
import type { ListenOptions } from './listener.ts'
import { certificateOf } from './peer.ts'

/** A WebSocket message is held in memory whole; MQTT over it may be cut in any way. */
const MAXIMUM_MESSAGE_BYTES = 16 * 1024 * 1024
/** [RFC 6455 7.1.5] */
const NO_CLOSING_FRAME = 1006
const SUBPROTOCOLS = ['mqtt', 'mqttv3.1']

/**
 * Answers `Upgrade: websocket`: the personality decides as on any request, and only then is the connection
 * upgraded and its bytes taken for MQTT, or its messages given to the personality. Any other protocol that is offered is passed over: the request is
 * served again as if nothing had been offered, as Java's client and curl expect of their `h2c` [RFC 9110 7.8].
 */
export function createUpgrader(
  { service, core, log, timeouts }: ListenOptions,
  serveAsHttp: (socket: Duplex) => void
) {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAXIMUM_MESSAGE_BYTES,
    handleProtocols: (offered) => SUBPROTOCOLS.find((name) => offered.has(name)) ?? false
  })

  function handOver(
    { subprotocol, opened }: WebSocketTaker,
    incoming: IncomingMessage,
    socket: Duplex,
    head: Buffer
  ): void {
    const own = new WebSocketServer({
      noServer: true,
      maxPayload: MAXIMUM_MESSAGE_BYTES,
      handleProtocols: () => subprotocol ?? false
    })
    let isOpen = false
    own.handleUpgrade(incoming, socket, head, (webSocket) => {
      isOpen = true
      opened(toClientSocket(webSocket))
    })
    // It calls back at once, or not at all: the request was malformed, or nobody is there any more.
    if (!isOpen) opened(undefined)
  }

  async function decide(incoming: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const request = fromIncoming(incoming, true)
    const reply: Reply = service.upgrade ? await service.upgrade(request) : { status: 404 }
    if (reply.upgrade && 'webSocket' in reply.upgrade) {
      return handOver(reply.upgrade.webSocket, incoming, socket, head)
    }
    if (!reply.upgrade || !service.mqtt) return refuse(socket, reply, core.clock.now())
    const { principal } = reply.upgrade
    const certificate = certificateOf(incoming.socket)
    let saidClose = false
    const peer: Peer = {
      ...request.peer,
      ...certificate,
      principal,
      url: request.target,
      saidClose: () => saidClose
    }
    const door = { core, policy: service.mqtt, connectTimeoutMs: timeouts.connectMs }
    server.handleUpgrade(incoming, socket, head, (webSocket) => {
      // Listens before the stream does, so that the text itself is never taken for MQTT.
      webSocket.on('message', (_data, isBinary) => {
        if (isBinary) return
        log.info(`${service.name} closed WebSocketText`)
        stream.destroy() // [MQTT-6.0.0-1]
      })
      // Before the stream does, too, which ends by it.
      webSocket.on('close', (code) => (saidClose = code !== NO_CLOSING_FRAME))
      const stream = toStream(webSocket)
      acceptMqtt(door, stream, peer)
    })
  }

  return (incoming: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (incoming.headers.upgrade?.toLowerCase() !== 'websocket') {
      socket.unshift(Buffer.concat([withoutUpgrade(incoming), head]))
      serveAsHttp(socket)
      socket.resume()
      return
    }
    socket.on('error', () => socket.destroy())
    decide(incoming, socket, head).catch((error: unknown) => {
      log.error(error, `${service.name} failed on an upgrade`)
      socket.destroy()
    })
  }
}

/** Bytes that a WebSocket may hold unsent before its stream waits. */
const UNSENT_BYTES = 64 * 1024

/**
 * A WebSocket as a stream that hands on what it is given at once: what waited in the stream would be lost
 * when it is destroyed, and an MQTT server's last word comes right before that.
 */
function toStream(webSocket: WebSocket): Duplex {
  const stream = createWebSocketStream(webSocket)
  stream._write = (chunk: Buffer, _encoding, done) => {
    let isDone = false
    const finish = (error?: Error | null) => {
      if (isDone) return error ? void stream.destroy(error) : undefined
      isDone = true
      done(error)
    }
    webSocket.send(chunk, finish)
    if (webSocket.bufferedAmount <= UNSENT_BYTES) finish()
  }
  return stream
}

/** The head of a request as it came, less what offers another protocol. */
function withoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!
    if (!/^(upgrade|connection|http2-settings)$/i.test(name)) {
      lines.push(`${name}: ${rawHeaders[index + 1]}`)
    }
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

/** An HTTP answer on a socket that no HTTP server holds any more. */
function refuse(socket: Duplex, reply: Reply, nowMs: number): void {
  const { status, reason, headers, commonHeaders, body = '' } = reply
  const lines = [`HTTP/1.1 ${status} ${reason ?? STATUS_CODES[status] ?? ''}`]
  const all: Record<string, string> = { Date: new Date(nowMs).toUTCString(), ...headers }
  Object.assign(all, commonHeaders)
  all['Content-Length'] = String(Buffer.byteLength(body))
  all['Connection'] = 'close'
  for (const [name, value] of Object.entries(all)) lines.push(`${name}: ${value}`)
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  // Not only ended: a peer that never hangs up would keep its half for ever.
  socket.end(body, () => socket.destroy())
}
