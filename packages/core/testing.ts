// A core behind a real MQTT port, for this package's own tests.
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import mqttPacket from 'mqtt-packet'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import {
  acceptMqtt,
  createCore,
  systemClock,
  systemIds,
  type Core,
  type CoreOptions,
  type MqttPolicy,
  type Space
} from './index.ts'

/** A policy with every feature on and no rules; tests override what they are about. */
export const openPolicy: MqttPolicy = {
  personality: 'open',
  versions: [3, 4, 5],
  maximumQoS: 2,
  subscribeAboveMaximumQoS: 'grant-maximum',
  retainAvailable: true,
  wildcardSubscriptionAvailable: true,
  subscriptionIdentifiersAvailable: true,
  sharedSubscriptionAvailable: false,
  topicAliasMaximum: 8,
  keepAlive: { minimumSeconds: 0, maximumSeconds: 65535, zero: 'unlimited' },
  sessionExpiryMaximumSeconds: 0xffffffff,
  announceDefaults: false,
  authenticate: async () => ({ space: 'main', identity: undefined })
}

export interface TestWorld {
  core: Core
  space: Space
  port: number
  /** Lines the core logged. */
  lines: string[]
  connect(options?: IClientOptions): Promise<MqttClient>
  /** A bare socket to the MQTT port. */
  socket(): Promise<net.Socket>
}

/** Runs a test with a folder of its own, gone afterwards. */
export async function withDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'fogbank-core-'))
  try {
    await run(directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Runs a test against a fresh core; everything is closed afterwards, whatever happened. */
export async function withCore(
  options: {
    core?: Partial<CoreOptions>
    policy?: Partial<MqttPolicy<any>>
    connectTimeoutMs?: number
  },
  run: (world: TestWorld) => Promise<void>
): Promise<void> {
  const lines: string[] = []
  const log = {
    info: (line: string) => void lines.push(line),
    warn: (line: string) => void lines.push(line),
    error: (error: unknown, line: string) => void lines.push(`${line}: ${String(error)}`)
  }
  const core = await createCore({ clock: systemClock, ids: systemIds, log, ...options.core })
  const policy = { ...openPolicy, ...options.policy }
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.setNoDelay(true)
    const peer = { address: '127.0.0.1', port: socket.remotePort ?? 0, transport: 'tcp' as const }
    const { connectTimeoutMs } = options
    acceptMqtt({ core, policy, ...(connectTimeoutMs ? { connectTimeoutMs } : {}) }, socket, peer)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo
  const clients: MqttClient[] = []
  try {
    await run({
      core,
      space: await core.space('main'),
      port,
      lines,
      async connect(clientOptions = {}) {
        const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
          protocolVersion: 5,
          reconnectPeriod: 0,
          connectTimeout: 5000,
          ...clientOptions
        })
        clients.push(client)
        return client
      },
      async socket() {
        const socket = net.connect(port, '127.0.0.1')
        socket.on('error', () => {}) // a reset is one of the answers tests look for
        await once(socket, 'connect')
        return socket
      }
    })
  } finally {
    for (const client of clients) client.end(true)
    await core.close()
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

/** Fails instead of waiting for ever. */
export function within<T>(ms: number, promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms} ms`)), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** The messages of a client, in order, as they come. */
export function inbox(client: MqttClient) {
  const messages: {
    topic: string
    text: string
    qos: number
    retain: boolean
    properties?: object
  }[] = []
  const waiting: (() => void)[] = []
  client.on('message', (topic, payload, packet) => {
    const message: (typeof messages)[number] = {
      topic,
      text: payload.toString(),
      qos: packet.qos,
      retain: packet.retain
    }
    if (packet.properties) message.properties = packet.properties
    messages.push(message)
    for (const wake of waiting.splice(0)) wake()
  })
  const arrived = async (count: number) => {
    while (messages.length < count) await new Promise<void>((resolve) => waiting.push(resolve))
  }
  return {
    messages,
    /** Resolves with the next message that was not taken yet. */
    async next(ms = 20_000) {
      await within(ms, arrived(1), 'the next message')
      return messages.shift()!
    },
    async count(expected: number, ms = 20_000) {
      await within(ms, arrived(expected), `message ${expected} (have ${messages.length})`)
    }
  }
}

/** A client that says exactly what it is told, and hears whole packets. */
export function wire(socket: net.Socket, protocolVersion = 5) {
  const parser = mqttPacket.parser({ protocolVersion })
  const packets: Record<string, any>[] = []
  const waiting: (() => void)[] = []
  let over = false
  const wake = () => waiting.splice(0).forEach((resolve) => resolve())
  parser.on('packet', (packet) => {
    packets.push(packet)
    wake()
  })
  socket.on('data', (bytes) => parser.parse(bytes))
  socket.on('close', () => {
    over = true
    wake()
  })
  const settled = async () => {
    while (packets.length === 0 && !over)
      await new Promise<void>((resolve) => waiting.push(resolve))
  }
  return {
    socket,
    send(packet: object) {
      socket.write(mqttPacket.generate(packet as never, { protocolVersion }))
    },
    /** The next packet, without what the parser adds; undefined when the connection is closed. */
    async next(): Promise<Record<string, any> | undefined> {
      await within(20_000, settled(), 'the next packet')
      const packet = packets.shift()
      if (!packet) return undefined
      const { length: _length, topic, payload, ...rest } = packet
      const plain: Record<string, any> = { ...rest }
      if (topic !== null && topic !== undefined) plain.topic = topic
      if (payload !== null && payload !== undefined) plain.payload = payload
      if (plain.cmd !== 'publish') for (const name of ['dup', 'qos', 'retain']) delete plain[name]
      return plain
    }
  }
}

/** CONNECT with everything a test does not care about. */
export const connectPacket = (more: object = {}) => ({
  cmd: 'connect',
  protocolId: 'MQTT',
  protocolVersion: 5,
  clean: true,
  clientId: 'c1',
  keepalive: 60,
  ...more
})

/** A bare client at the other end of a socket. */
export type Peer = ReturnType<typeof wire>

/** A connected bare client of this version. */
export async function joined(world: TestWorld, more: object = {}, version = 5): Promise<Peer> {
  const peer = wire(await world.socket(), version)
  const protocolId = version === 3 ? 'MQIsdp' : 'MQTT'
  peer.send(connectPacket({ protocolVersion: version, protocolId, ...more }))
  assert.is((await peer.next())?.cmd, 'connack')
  return peer
}

/** A PUBLISH with everything a test does not care about. */
export const publish = (more: object = {}) => ({
  cmd: 'publish',
  topic: 'a',
  payload: 'x',
  qos: 1,
  messageId: 7,
  retain: false,
  dup: false,
  ...more
})
