// MQTT load, a process of its own: raw sockets and packets of one size, so that it is not what is measured.
// Reads one JSON job from its argument, prints one JSON result.
import { once } from 'node:events'
import net from 'node:net'
import { LeanWebSocket } from './web-socket.ts'

/** One or more publishers' messages to every subscriber, as fast as they are taken. */
export interface FlowJob {
  kind: 'flow'
  port: number
  qos: 0 | 1
  subscribers: number
  /** Of the subscribers; they take nothing, and are not counted. */
  stopped: number
  /** Messages on the way; the next is sent when every subscriber has one of them. */
  window: number
  payloadBytes: number
  warmUpMs: number
  ms: number
  /** Path of a WebSocket upgrade; absent: TCP. */
  path?: string
}

/** Connections at once, then held for a while; the time until the last CONNACK. */
export interface StormJob {
  kind: 'storm'
  port: number
  connections: number
  holdMs: number
}

/** Subscribes to one filter again and again, anew each time. */
export interface SubscribeJob {
  kind: 'subscribe'
  port: number
  filter: string
  /** Retained messages that are sent for it. */
  matches: number
  payloadBytes: number
  topicBytes: number
  times: number
}

/** Keeps messages under `prefix/0`, `prefix/1` and so on. */
export interface RetainJob {
  kind: 'retain'
  port: number
  topics: string[]
  payloadBytes: number
}

export type MqttJob = FlowJob | StormJob | SubscribeJob | RetainJob

export interface MqttResult {
  /** flow: deliveries in a second. storm: connections in a second. */
  perSecond: number
  /** subscribe: median milliseconds to the first message and to all of them. */
  firstMs: number
  allMs: number
}

const TOPIC = 'bench/flow'
/** Connections that are being made at the same time. */
const CONNECTING = 250

function packet(type: number, body: Buffer): Buffer {
  const length: number[] = []
  let rest = body.length
  do {
    length.push((rest % 128) | (rest > 127 ? 128 : 0))
    rest = Math.floor(rest / 128)
  } while (rest > 0)
  return Buffer.concat([Buffer.from([type, ...length]), body])
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes])
}

/** Web PubSub wants a keep-alive; without one no timers are in the measured memory. */
const KEEP_ALIVE_SECONDS = 120

const connectPacket = (clientId: string, keepAlive: number) =>
  packet(0x10, Buffer.concat([text('MQTT'), Buffer.from([4, 2, 0, keepAlive]), text(clientId)]))

const subscribePacket = (filter: string, qos: number) =>
  packet(0x82, Buffer.concat([Buffer.from([0, 1]), text(filter), Buffer.from([qos])]))

let clients = 0

/** What carries MQTT here. */
type Link = Pick<LeanWebSocket, 'write' | 'on' | 'once' | 'pause' | 'destroy'>

/** At least so many bytes: over a WebSocket a packet may come in several messages. */
async function read(link: Link, bytes: number): Promise<Buffer> {
  let all: Buffer = Buffer.alloc(0)
  while (all.length < bytes) {
    const more = await new Promise<Buffer>((resolve) => link.once('data', resolve))
    all = Buffer.concat([all, more])
  }
  return all
}

/** A connection that has its CONNACK. */
async function connect(port: number): Promise<net.Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
  await greet(socket, 0)
  return socket
}

async function connectBy(port: number, path: string | undefined): Promise<Link> {
  if (path === undefined) return connect(port)
  const socket = await LeanWebSocket.open(port, path)
  await greet(socket, KEEP_ALIVE_SECONDS)
  return socket
}

async function greet(link: Link, keepAlive: number): Promise<void> {
  const answer = read(link, 4)
  link.write(connectPacket(`bench${process.pid}x${++clients}`, keepAlive))
  const connack = await answer
  if (connack[0] !== 0x20 || connack[3] !== 0) throw new Error('the connection was refused')
}

/** Calls `each` with what is in front of every whole packet of this size; keeps what is cut. */
function everyPacket(socket: Link, bytes: number, each: (chunk: Buffer, at: number) => void) {
  let rest: Buffer | undefined
  socket.on('data', (data: Buffer) => {
    const chunk = rest ? Buffer.concat([rest, data]) : data
    let at = 0
    for (; at + bytes <= chunk.length; at += bytes) each(chunk, at)
    rest = at < chunk.length ? chunk.subarray(at) : undefined
  })
}

async function flow(job: FlowJob): Promise<number> {
  const { port, qos, subscribers, window } = job
  const topic = text(TOPIC)
  const payload = Buffer.alloc(job.payloadBytes, 'x')
  const id = qos > 0 ? Buffer.alloc(2) : Buffer.alloc(0)
  const bytes = packet(0x30 | (qos << 1), Buffer.concat([topic, id, payload]))
  const idAt = bytes.length - payload.length - 2
  const received = Array.from({ length: subscribers }, () => 0)
  let [total, sent, lastId, acknowledged] = [0, 0, 0, 0]

  const sockets = await Promise.all(
    received.map(async (_, index) => {
      const socket = await connectBy(port, job.path)
      const suback = read(socket, 5)
      socket.write(subscribePacket(TOPIC, qos))
      await suback
      if (index < job.stopped) {
        socket.pause()
        received[index] = Infinity
        return socket
      }
      let acknowledgements: Buffer[] = []
      everyPacket(socket, bytes.length, (chunk, at) => {
        received[index]!++
        total++
        if (qos === 0) return
        const ids = chunk.subarray(at + idAt, at + idAt + 2)
        acknowledgements.push(Buffer.from([0x40, 2, ids[0]!, ids[1]!]))
      })
      socket.on('data', () => {
        if (acknowledgements.length > 0) socket.write(Buffer.concat(acknowledgements))
        acknowledgements = []
        send()
      })
      return socket
    })
  )
  const publisher = await connectBy(port, job.path)
  everyPacket(publisher, 4, () => acknowledged++)
  publisher.on('data', () => send())
  let open = true

  function send(): void {
    if (!open) return
    const behind = Math.min(...received)
    let room = window - (sent - Math.min(behind, qos > 0 ? acknowledged : Infinity))
    if (room < window / 4) return
    const parts: Buffer[] = []
    for (; room > 0; room--, sent++) {
      const one = Buffer.from(bytes)
      if (qos > 0) {
        lastId = (lastId % 65_535) + 1
        one.writeUInt16BE(lastId, idAt)
      }
      parts.push(one)
    }
    publisher.write(Buffer.concat(parts))
  }

  send()
  await new Promise((resolve) => setTimeout(resolve, job.warmUpMs))
  const [from, startedAt] = [total, performance.now()]
  await new Promise((resolve) => setTimeout(resolve, job.ms))
  const perSecond = ((total - from) * 1000) / (performance.now() - startedAt)
  open = false
  for (const socket of [publisher, ...sockets]) socket.destroy()
  return perSecond
}

async function storm({ port, connections, holdMs }: StormJob): Promise<number> {
  const sockets: net.Socket[] = []
  const startedAt = performance.now()
  let left = connections
  const lanes = Array.from({ length: CONNECTING }, async () => {
    while (left-- > 0) sockets.push(await connect(port))
  })
  await Promise.all(lanes)
  const perSecond = (connections * 1000) / (performance.now() - startedAt)
  process.stderr.write('connected\n')
  await new Promise((resolve) => setTimeout(resolve, holdMs))
  for (const socket of sockets) socket.destroy()
  return perSecond
}

async function subscribe(job: SubscribeJob): Promise<{ firstMs: number; allMs: number }> {
  const firsts: number[] = []
  const alls: number[] = []
  const remaining = 2 + job.topicBytes + job.payloadBytes
  const bytes = remaining + (remaining < 128 ? 2 : 3)
  for (let index = 0; index < job.times; index++) {
    const socket = await connect(job.port)
    const startedAt = performance.now()
    // Five bytes of SUBACK, then the messages, all of one size.
    let waiting = 5 + job.matches * bytes
    let first = 0
    socket.write(subscribePacket(job.filter, 0))
    while (waiting > 0) {
      const [chunk] = (await once(socket, 'data')) as [Buffer]
      waiting -= chunk.length
      if (first === 0 && waiting < job.matches * bytes) first = performance.now() - startedAt
    }
    firsts.push(first)
    alls.push(performance.now() - startedAt)
    socket.destroy()
  }
  return { firstMs: median(firsts), allMs: median(alls) }
}

async function retain({ port, topics, payloadBytes }: RetainJob): Promise<void> {
  const socket = await connect(port)
  const payload = Buffer.alloc(payloadBytes, 'x')
  let acknowledged = 0
  let wake = () => {}
  everyPacket(socket, 4, () => {
    acknowledged++
    wake()
  })
  for (let start = 0; start < topics.length; start += 1000) {
    const some = topics.slice(start, start + 1000)
    const packets = some.map((topic, index) => {
      const id = Buffer.from([(index + 1) >> 8, (index + 1) & 255])
      return packet(0x33, Buffer.concat([text(topic), id, payload]))
    })
    socket.write(Buffer.concat(packets))
    while (acknowledged < start + some.length) await new Promise<void>((r) => (wake = r))
  }
  socket.destroy()
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1]!
}

async function run(job: MqttJob): Promise<MqttResult> {
  const nothing = { perSecond: 0, firstMs: 0, allMs: 0 }
  switch (job.kind) {
    case 'flow':
      return { ...nothing, perSecond: await flow(job) }
    case 'storm':
      return { ...nothing, perSecond: await storm(job) }
    case 'subscribe':
      return { ...nothing, ...(await subscribe(job)) }
    case 'retain':
      await retain(job)
      return nothing
  }
}

// By standard input: a hundred thousand topics are too many for an argument.
let input = ''
for await (const chunk of process.stdin.setEncoding('utf8')) input += chunk
console.log(JSON.stringify(await run(JSON.parse(input) as MqttJob)))
