import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import tls, { type TLSSocket } from 'node:tls'
import { acceptMqtt, type Core, type MqttPolicy } from '@fogbank/core'
import type { Log, NodeHandler, RawRequest, Reply } from '@fogbank/personality'
import { UsageError } from './failure.ts'
import { toPeer } from './peer.ts'
import type { Timeouts } from './timeouts.ts'
import type { Tls } from './tls.ts'
import { createUpgrader } from './upgrade.ts'

/** What is served on one port. */
export interface Service {
  /** Personality id, for people. */
  name: string
  handle: NodeHandler
  /** Decides on WebSocket upgrades; absent: there are none. */
  upgrade?(request: RawRequest): Promise<Reply>
  /** The rules for MQTT; absent: MQTT is refused. */
  mqtt?: MqttPolicy<any> | undefined
  /** false: MQTT is for WebSockets only. @default true */
  mqttOverTcp?: boolean
}

/** Where a port is to be opened, and by whom. */
interface Place {
  /** For people. */
  name: string
  log: Log
  hosts: readonly string[]
  /** 0: any free port. */
  port: number
  /** Where people choose the port, for when it is taken: `--port-base`. */
  portSetting: string
}

export interface ListenOptions extends Omit<Place, 'name'> {
  service: Service
  core: Core
  tls: Tls
  timeouts: Timeouts
}

/** An open port. */
export interface Listener {
  readonly port: number
  /** Accepts nobody new, lets requests in hand finish, and closes what is idle. */
  drain(): Promise<void>
  /** Ends whatever is left; resolves when the port is free again. */
  close(): Promise<void>
}

/** Event Grid takes 32 KB of user properties in one header, in base64 of JSON; Node stops at 16 KiB. */
const HEADER_BYTES = 65_536
const TLS_HANDSHAKE = 0x16
const MQTT_CONNECT = 0x10
/** Names that devices ask for; `mqtt` and `x-amzn-…-ca` come from AWS, browsers say `http/1.1`. */
const ALPN_PROTOCOLS = ['mqtt', 'x-amzn-mqtt-ca', 'x-amzn-http-ca', 'http/1.1']

/** Of a socket's event. */
function destroy(this: net.Socket): void {
  this.destroy()
}

const isLetter = (byte: number) => byte >= 0x41 && byte <= 0x5a

/**
 * Serves TLS, HTTP, WebSocket and MQTT on one port: the first byte tells which, and tells again inside TLS.
 *
 * @throws UsageError when the port is taken or the address is not this machine's
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { service, core, log, timeouts } = options
  const sockets = new Set<net.Socket>()
  let requests = 0
  let drained = () => {}
  let secure: Promise<tls.Server> | undefined

  const web = http.createServer(
    {
      connectionsCheckingInterval: Math.min(5_000, timeouts.headersMs),
      headersTimeout: timeouts.headersMs,
      requestTimeout: timeouts.requestMs,
      maxHeaderSize: HEADER_BYTES
    },
    (incoming, outgoing) => {
      requests++
      outgoing.once('close', () => {
        if (--requests === 0) drained()
      })
      service.handle(incoming, outgoing).catch((error: unknown) => {
        log.error(error, `${service.name} could not write an answer`)
        outgoing.destroy()
      })
    }
  )
  // It never listens itself; without this event it would know no timeouts and no closeAllConnections.
  web.emit('listening')
  web.on(
    'upgrade',
    createUpgrader(options, (socket) => web.emit('connection', socket))
  )
  web.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    log.info(`${service.name} closed BadHttp ${error.code ?? error.message}`)
    const status =
      error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? '408 Request Timeout' : '400 Bad Request'
    // Not only ended: a peer that never hangs up would keep its half for ever.
    const answer = `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`
    if (socket.writable) socket.end(answer, () => socket.destroy())
    else socket.destroy()
  })

  async function createSecure(): Promise<tls.Server> {
    const { cert, key, ca } = await options.tls.server()
    const server = tls.createServer({
      cert,
      key,
      ca,
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: timeouts.handshakeMs,
      ALPNProtocols: ALPN_PROTOCOLS
    })
    server.on('secureConnection', (socket) => sniff(socket))
    server.on('tlsClientError', (error, socket) => {
      log.info(`${service.name} closed TlsHandshake ${error.message}`)
      socket.destroy()
    })
    return server
  }

  function forget(this: net.Socket): void {
    sockets.delete(this)
  }

  function sniff(socket: net.Socket | TLSSocket): void {
    const isTls = socket instanceof tls.TLSSocket
    socket.setNoDelay(true)
    // Resets and aborts end a connection; whoever took it over hears of it by 'close'.
    socket.on('error', destroy)
    const silence = setTimeout(() => {
      log.info(`${service.name} closed FirstByteTimeout`)
      socket.destroy()
    }, timeouts.firstByteMs)
    const heard = () => clearTimeout(silence)
    socket.once('close', heard)
    socket.once('data', (chunk: Buffer) => {
      heard()
      // Nothing of this stays with a socket that may be open for days.
      socket.off('close', heard)
      socket.pause()
      socket.unshift(chunk)
      const first = chunk[0]!
      if (first === TLS_HANDSHAKE && !isTls) return handOverToTls(socket)
      if (isLetter(first)) {
        web.emit('connection', socket)
        socket.resume()
      } else if (first === MQTT_CONNECT && service.mqtt && service.mqttOverTcp !== false) {
        const door = { core, policy: service.mqtt, connectTimeoutMs: timeouts.connectMs }
        acceptMqtt(door, socket, toPeer(socket))
      } else {
        log.info(`${service.name} closed FirstByte 0x${first.toString(16).padStart(2, '0')}`)
        socket.destroy()
      }
    })
  }

  function handOverToTls(socket: net.Socket): void {
    // Not resumed: TLS reads what was put back by itself.
    ;(secure ??= createSecure()).then(
      (server) => server.emit('connection', socket),
      (error: unknown) => {
        log.error(error, `${service.name} has no certificate`)
        socket.destroy()
      }
    )
  }

  const servers = await bind({ ...options, name: service.name }, (socket) => {
    sockets.add(socket)
    socket.on('close', forget)
    sniff(socket)
  })
  const { port } = servers[0]!.address() as net.AddressInfo
  let closed: Promise<unknown> | undefined

  /** Resolves when nothing listens and no connection is left. */
  function stopListening(): Promise<unknown> {
    closed ??= Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
    return closed
  }

  return {
    port,
    async drain() {
      void stopListening()
      if (requests > 0) {
        const limit = new Promise<void>((resolve) => setTimeout(resolve, timeouts.drainMs).unref())
        await Promise.race([new Promise<void>((resolve) => (drained = resolve)), limit])
      }
      web.closeIdleConnections()
    },
    async close() {
      web.emit('close') // stops the timer that looks for slow requests
      web.close()
      for (const socket of sockets) socket.destroy()
      await stopListening()
    }
  }
}

/**
 * Opens a port and closes it again.
 *
 * @throws UsageError as listen does
 */
export async function checkPort(place: Place): Promise<void> {
  const quiet = { ...place, log: { ...place.log, warn: () => {} } } // listen says it, too
  const servers = await bind(quiet, (socket) => socket.destroy())
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
}

/** How often another free port is tried when the first is free on one address only. */
const FREE_PORT_TRIES = 5

async function bind(
  { name, hosts, port, portSetting, log }: Place,
  accept: (socket: net.Socket) => void
): Promise<net.Server[]> {
  for (let attempt = 1; ; attempt++) {
    const servers: net.Server[] = []
    try {
      for (const host of hosts) {
        const wanted = servers[0] ? (servers[0].address() as net.AddressInfo).port : port
        const server = await bindOne(host, wanted, accept)
        if (server) servers.push(server)
        else log.warn(`${name} does not listen on ${host}: the address is not available`)
      }
      if (servers.length > 0) return servers
      throw new UsageError(
        `${hosts.join(', ')} is no address of this machine; choose another --host`
      )
    } catch (error) {
      for (const server of servers) server.close()
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EADDRINUSE' && port === 0 && attempt < FREE_PORT_TRIES) continue
      if (code === 'EADDRINUSE') {
        throw new UsageError(
          `port ${port} (${name}) is taken; stop what listens there or choose another ${portSetting}`,
          { cause: error }
        )
      }
      if (code === 'EACCES') {
        throw new UsageError(
          `port ${port} (${name}) needs more rights; choose another ${portSetting}`,
          {
            cause: error
          }
        )
      }
      if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
        throw new UsageError(`${hosts.join(', ')} leads to no address; choose another --host`, {
          cause: error
        })
      }
      throw error
    }
  }
}

/** undefined when this machine does not have the address. */
async function bindOne(
  host: string,
  port: number,
  accept: (socket: net.Socket) => void
): Promise<net.Server | undefined> {
  const server = net.createServer({ noDelay: true }, accept)
  server.listen({ host, port, ipv6Only: host.includes(':') })
  try {
    await once(server, 'listening')
    return server
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') return undefined
    throw error
  }
}
