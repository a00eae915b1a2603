import { once } from 'node:events'
import net from 'node:net'
import type { Duplex } from 'node:stream'
import mqttPacket from 'mqtt-packet'
import { createWebSocketStream, WebSocket } from 'ws'
import { createQueue } from './queue.ts'

const ANSWER_MS = 20_000

/** A packet as mqtt-packet reads it, without what the parser adds of its own. */
export type WirePacket = Record<string, unknown>

/** An MQTT client that says exactly what it is told, and hears whole packets. */
export interface Wire {
  readonly stream: Duplex
  send(packet: object): void
  /** The next packet; undefined once the connection is closed. */
  next(withinMs?: number): Promise<WirePacket | undefined>
  /** Drops the connection without a DISCONNECT. */
  cut(): void
}

/**
 * Opens an MQTT connection without a CONNECT.
 * @param url `mqtt://host:port` or `ws://host:port/path`
 */
export async function openWire(url: string, protocolVersion = 5): Promise<Wire> {
  const stream = await openStream(url)
  const parser = mqttPacket.parser({ protocolVersion })
  const packets = createQueue<WirePacket | undefined>()
  let over = false
  parser.on('packet', (packet) => packets.put(toPlain(packet as never)))
  stream.on('data', (bytes: Buffer) => parser.parse(bytes))
  stream.on('error', () => {}) // how a connection ends is told by `close`
  const end = () => {
    over = true
    packets.put(undefined)
  }
  stream.on('end', end)
  stream.on('close', end)

  return {
    stream,
    send: (packet) => void stream.write(mqttPacket.generate(packet as never, { protocolVersion })),
    next: async (withinMs = ANSWER_MS) =>
      over && packets.waiting.length === 0 ? undefined : packets.next(withinMs, 'the next packet'),
    cut: () => void stream.destroy()
  }
}

/** The bytes of an MQTT connection, whatever carries them. */
export function openStream(url: string): Promise<Duplex> {
  return url.startsWith('ws') ? openWebSocket(url) : openSocket(url)
}

async function openSocket(url: string): Promise<Duplex> {
  const { hostname, port } = new URL(url)
  const socket = net.connect({ host: hostname, port: Number(port), noDelay: true })
  await once(socket, 'connect')
  return socket
}

async function openWebSocket(url: string): Promise<Duplex> {
  const socket = new WebSocket(url, 'mqtt')
  const stream = createWebSocketStream(socket)
  await once(socket, 'open')
  return stream
}

function toPlain({ length: _length, ...packet }: WirePacket): WirePacket {
  for (const name of ['topic', 'payload']) {
    if (packet[name] === null || packet[name] === undefined) delete packet[name]
  }
  if (Buffer.isBuffer(packet.payload)) packet.payload = packet.payload.toString()
  if (packet.cmd !== 'publish') for (const name of ['dup', 'qos', 'retain']) delete packet[name]
  const { properties } = packet as { properties?: Record<string, unknown> }
  // The parser's map has no prototype, which an assertion would take for a difference.
  if (properties?.userProperties) properties.userProperties = { ...properties.userProperties }
  return packet
}
