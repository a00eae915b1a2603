import type { MqttClient } from 'mqtt'
import { createQueue } from './queue.ts'

const PACKET_MS = 20_000

/** A packet as mqtt.js reads it, without its random id and what the parser adds of its own. */
export type Packet = Record<string, any>

/** An MQTT client and every packet it is sent. */
export interface PacketClient {
  mqtt: MqttClient
  /** The next packet that was not taken yet; undefined when the connection is closed. */
  next(): Promise<Packet | undefined>
}

/** Keeps every packet for a client that has only just been made, whatever becomes of its CONNECT. */
export function listenToPackets(client: MqttClient): PacketClient {
  const packets = createQueue<Packet | undefined>()
  let closed = false
  client.on('packetreceive', (packet) => packets.put(toPlain(packet)))
  // What goes wrong is told by the packets, and by the end of them.
  client.on('error', () => {})
  client.on('close', () => {
    closed = true
    packets.put(undefined)
  })
  return {
    mqtt: client,
    next: async () =>
      closed && packets.waiting.length === 0 ? undefined : packets.next(PACKET_MS, 'a packet')
  }
}

function toPlain(packet: object): Packet {
  const { length: _length, dup: _dup, messageId: _id, ...rest } = packet as Packet
  const plain: Packet = {}
  for (const [name, value] of Object.entries(rest)) if (value !== null) plain[name] = value
  if (plain.cmd !== 'publish') for (const name of ['qos', 'retain']) delete plain[name]
  if (plain.properties) plain.properties = { ...plain.properties }
  if (Buffer.isBuffer(plain.payload)) plain.payload = plain.payload.toString()
  return plain
}
