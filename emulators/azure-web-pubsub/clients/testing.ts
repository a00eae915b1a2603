// Web PubSub on a port of its own, with WebSocket clients that keep what they are sent, and a handler's server.
import http from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { WebPubSubServiceClient } from '@azure/web-pubsub'
import { createQueue, within } from '@fogbank/contract/testing'
import { createManualClock, type ManualClock } from '@fogbank/core'
import { startFogbank, type Fogbank, type StartOptions } from 'fogbank'
import { SignJWT } from 'jose'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import WebSocket from 'ws'
import type { Settings } from '../settings.ts'

const ANSWER_MS = 5000

/** `<connection id>` in messages is whatever the service chose. */
export interface TestSocket {
  ws: WebSocket
  /** The subprotocol that was answered. */
  protocol: string
  /** Text as it is; binary as a Buffer. */
  next(): Promise<string | Buffer>
  /** The next message, which is JSON text. */
  json(): Promise<Record<string, any>>
  send(frame: object | string | Buffer): void
  /** Messages nobody took yet. */
  waiting: (string | Buffer)[]
  /** How it was ended. */
  closed: Promise<{ code: number; reason: string }>
}

export interface TokenOptions {
  hub?: string
  userId?: string
  roles?: string[]
  groups?: string[]
  /** More claims, or others. */
  claims?: Record<string, unknown>
}

export interface ConnectOptions extends TokenOptions {
  subprotocol?: string | string[]
  /** Behind the hub. */
  query?: string
  /** null: none. */
  token?: string | null
  path?: string
  headers?: Record<string, string>
}

export interface MqttOptions extends TokenOptions {
  mqtt?: IClientOptions
}

export interface MqttMessage {
  topic: string
  text: string
  qos: number
  properties: Record<string, unknown>
}

export interface TestMqtt {
  mqtt: MqttClient
  connack: { code: number; properties: Record<string, unknown> }
  next(): Promise<MqttMessage>
  waiting: MqttMessage[]
  closed: Promise<void>
}

/** A request that a handler was sent. */
export interface HandlerRequest {
  method: string
  url: string
  headers: http.IncomingHttpHeaders
  /** As they came over the wire. */
  rawHeaders: string[]
  body: Buffer
}

export interface HandlerAnswer {
  status?: number
  headers?: Record<string, string | string[]>
  body?: string | Buffer
}

export interface World {
  fogbank: Fogbank
  clock: ManualClock | undefined
  lines: string[]
  /** `http://127.0.0.1:PORT` */
  url: string
  control: string
  token(options?: TokenOptions): Promise<string>
  /** Connects, or rejects with the status of the answer. */
  connect(options?: ConnectOptions): Promise<TestSocket>
  service(hub?: string): WebPubSubServiceClient
  /** Connects by MQTT over WebSocket; a CONNACK that refuses is an answer, too. */
  mqtt(options?: MqttOptions): Promise<TestMqtt>
  /** A server to send events to; without an answer it leaves the request open. */
  handler(
    answer: (request: HandlerRequest) => HandlerAnswer | undefined
  ): Promise<{ url: string; next(): Promise<HandlerRequest>; waiting: HandlerRequest[] }>
}

export interface Options extends StartOptions {
  settings?: Settings
  manualClock?: boolean
}

export const JSON_PROTOCOL = 'json.webpubsub.azure.v1'
export const RELIABLE_JSON = 'json.reliable.webpubsub.azure.v1'
export const ALL_ROLES = ['webpubsub.joinLeaveGroup', 'webpubsub.sendToGroup']

/** Runs a test against a suite of its own; everything is closed afterwards. */
export async function withWebPubSub<T>(options: Options, run: (world: World) => Promise<T>) {
  const { settings = {}, manualClock = false, ...start } = options
  const lines: string[] = []
  const note = (line: string) => void lines.push(line)
  const log = {
    info: note,
    warn: note,
    error: (error: unknown, line: string) => note(`${line}: ${String(error)}`)
  }
  const clock = manualClock ? createManualClock() : undefined
  const fogbank = await startFogbank({
    only: ['azure-web-pubsub'],
    config: { 'azure-web-pubsub': settings },
    log,
    ...(clock ? { clock } : {}),
    ...start
  })
  const endpoint = fogbank.endpoints['azure-web-pubsub']!
  const url = String(endpoint.http)
  const { accessKey, connectionString } = endpoint.credentials as Record<string, string>
  const sockets: WebSocket[] = []
  const servers: http.Server[] = []
  const clients: MqttClient[] = []

  async function token({ hub = 'chat', userId, roles, groups, claims }: TokenOptions = {}) {
    const now = Math.floor((clock?.now() ?? Date.now()) / 1000)
    return new SignJWT({
      aud: `${url}/client/hubs/${hub}`,
      iat: now,
      exp: now + 3600,
      ...(userId === undefined ? {} : { sub: userId }),
      ...(roles ? { role: roles } : {}),
      ...(groups ? { 'webpubsub.group': groups } : {}),
      ...claims
    })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(Buffer.from(accessKey!))
  }

  async function connect(own: ConnectOptions = {}): Promise<TestSocket> {
    const { hub = 'chat', subprotocol = [], query = '', path = `/client/hubs/${hub}` } = own
    const given = own.token === undefined ? await token(own) : own.token
    const pairs = [query, given === null ? '' : `access_token=${given}`].filter((one) => one !== '')
    const target = `${url.replace('http', 'ws')}${path}${path.includes('?') ? '&' : '?'}${pairs.join('&')}`
    const ws = new WebSocket(target, subprotocol, { headers: own.headers ?? {} })
    sockets.push(ws)
    const socket = listenTo(ws)
    await within(
      ANSWER_MS,
      new Promise<void>((resolve, reject) => {
        ws.once('open', () => resolve())
        ws.once('error', reject)
        ws.once('unexpected-response', (_request, answer: http.IncomingMessage) => {
          buffer(answer).then((body) => {
            reject(Object.assign(new Error(`${answer.statusCode} ${body.toString()}`), { answer }))
          }, reject)
        })
      }),
      'the upgrade'
    )
    return socket
  }

  async function connectMqtt({ mqtt: own = {}, ...of }: MqttOptions = {}): Promise<TestMqtt> {
    const { hub = 'chat' } = of
    const path = `/clients/mqtt/hubs/${hub}`
    const claims = { aud: `${url}${path}`, ...of.claims }
    const target = `${url.replace('http', 'ws')}${path}?access_token=${await token({ ...of, claims })}`
    const client = mqtt.connect(target, {
      protocolVersion: 5,
      clientId: 'device01',
      reconnectPeriod: 0,
      resubscribe: false,
      ...own
    })
    clients.push(client)
    const messages = createQueue<MqttMessage>()
    client.on('message', (topic, payload, packet) => {
      const { qos, properties = {} } = packet
      messages.put({ topic, text: payload.toString(), qos, properties: toPlain(properties) })
    })
    client.on('error', () => {}) // told by the CONNACK
    const connack = await within(
      ANSWER_MS,
      new Promise<TestMqtt['connack']>((resolve, reject) => {
        client.on('packetreceive', (packet) => {
          if (packet.cmd !== 'connack') return
          const code = packet.reasonCode ?? packet.returnCode ?? 0
          resolve({ code, properties: toPlain(packet.properties ?? {}) })
        })
        client.once('close', () => reject(new Error('closed without a CONNACK')))
      }),
      'the CONNACK'
    )
    return {
      mqtt: client,
      connack,
      waiting: messages.waiting,
      next: () => messages.next(ANSWER_MS, 'an MQTT message'),
      closed: new Promise((resolve) => {
        if (client.stream?.destroyed) resolve()
        else client.once('close', () => resolve())
      })
    }
  }

  async function handler(answer: (request: HandlerRequest) => HandlerAnswer | undefined) {
    const requests = createQueue<HandlerRequest>()
    const server = http.createServer((incoming, outgoing) => {
      if (incoming.method === 'OPTIONS') {
        outgoing.writeHead(200, { 'WebHook-Allowed-Origin': '*' }).end()
        return
      }
      void buffer(incoming).then((body) => {
        const { method = '', url: target = '', headers, rawHeaders } = incoming
        const request = { method, url: target, headers, rawHeaders, body }
        requests.put(request)
        const said = answer(request)
        if (said) outgoing.writeHead(said.status ?? 200, said.headers ?? {}).end(said.body)
      })
    })
    servers.push(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    return {
      url: `http://127.0.0.1:${port}`,
      next: () => requests.next(ANSWER_MS, 'a request to the handler'),
      waiting: requests.waiting
    }
  }

  try {
    return await run({
      fogbank,
      clock,
      lines,
      url,
      control: String(fogbank.endpoints.control!.http),
      token,
      connect,
      service: (hub = 'chat') =>
        new WebPubSubServiceClient(connectionString!, hub, { allowInsecureConnection: true }),
      mqtt: connectMqtt,
      handler
    })
  } finally {
    for (const one of sockets) one.terminate()
    for (const one of clients) one.end(true)
    for (const server of servers) {
      server.close()
      server.closeAllConnections()
    }
    await fogbank.close()
  }
}

function listenTo(ws: WebSocket): TestSocket {
  const messages = createQueue<string | Buffer>()
  ws.on('message', (data: Buffer, isBinary) => messages.put(isBinary ? data : data.toString()))
  ws.on('error', () => {}) // told by the promises that wait for an answer
  const next = () => messages.next(ANSWER_MS, 'a message')
  return {
    ws,
    get protocol() {
      return ws.protocol
    },
    next,
    waiting: messages.waiting,
    async json() {
      return JSON.parse(String(await next())) as Record<string, any>
    },
    send(frame) {
      const isObject = typeof frame === 'object' && !Buffer.isBuffer(frame)
      ws.send(isObject ? JSON.stringify(frame) : frame)
    },
    closed: new Promise((resolve) =>
      ws.once('close', (code, reason) => resolve({ code, reason: reason.toString() }))
    )
  }
}

/** Comparable: mqtt.js' objects have no prototype. */
const toPlain = (object: object) => JSON.parse(JSON.stringify(object)) as Record<string, unknown>
