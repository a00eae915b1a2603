// The load generator, a process of its own: raw sockets, so that it is not what is measured.
// Reads one JSON job from its argument, prints one JSON result.
import { once } from 'node:events'
import net from 'node:net'

/** What to send, where, for how long; and who listens. */
export interface LoadJob {
  port: number
  /** Whole HTTP requests, base64; a connection sends one of them again and again, the next one the next. */
  requests: string[]
  connections: number
  seconds: number
  /** First bytes of the answer that counts as good: `HTTP/1.1 204`. */
  expect: string
  /** An MQTT subscriber of the published topic; absent: nobody listens. */
  subscriber?: { port: number; topic: string; payloadBytes: number; connect: string }
}

export interface LoadResult {
  requestsPerSecond: number
  answered: number
  bad: number
  /** Messages that reached the subscriber, once all were in. */
  received: number
}

const END_OF_HEADERS = Buffer.from('\r\n\r\n')

/** Counts PUBLISH packets by their length: one topic, one payload size, QoS 0, MQTT 3.1.1. */
async function subscribe(job: NonNullable<LoadJob['subscriber']>) {
  const socket = net.connect(job.port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(Buffer.from(job.connect, 'base64'))
  await once(socket, 'data')
  const topic = Buffer.from(job.topic)
  const length = 2 + 2 + topic.length + 1
  const subscribePacket = [0x82, length, 0, 1, 0, topic.length, ...topic, 0]
  socket.write(Buffer.from(subscribePacket))
  await once(socket, 'data')
  const remaining = 2 + topic.length + job.payloadBytes
  const packetBytes = remaining + (remaining < 128 ? 2 : 3)
  let bytes = 0
  socket.on('data', (chunk) => (bytes += chunk.length))
  return { received: () => Math.floor(bytes / packetBytes), close: () => socket.destroy() }
}

async function run(job: LoadJob): Promise<LoadResult> {
  const requests = job.requests.map((request) => Buffer.from(request, 'base64'))
  const expect = Buffer.from(job.expect)
  const subscriber = job.subscriber && (await subscribe(job.subscriber))
  let answered = 0
  let bad = 0
  let open = true
  const sockets = await Promise.all(
    Array.from({ length: job.connections }, async () => {
      const socket = net.connect(job.port, '127.0.0.1')
      socket.setNoDelay(true)
      await once(socket, 'connect')
      return socket
    })
  )
  const startedAt = process.hrtime.bigint()
  const idle = sockets.map(
    (socket, index) =>
      new Promise<void>((resolve) => {
        const request = requests[index % requests.length]!
        socket.on('data', (chunk) => {
          if (!chunk.subarray(0, expect.length).equals(expect)) bad++
          if (chunk.indexOf(END_OF_HEADERS) < 0) return
          answered++
          if (open) socket.write(request)
          else resolve()
        })
        socket.on('close', () => resolve())
        socket.write(request)
      })
  )
  await new Promise((resolve) => setTimeout(resolve, job.seconds * 1000))
  const counted = answered
  const seconds = Number(process.hrtime.bigint() - startedAt) / 1e9
  open = false
  await Promise.all(idle)
  const deadline = Date.now() + 3000
  while (subscriber && subscriber.received() < answered && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  const received = subscriber?.received() ?? 0
  subscriber?.close()
  for (const socket of sockets) socket.destroy()
  return { requestsPerSecond: counted / seconds, answered, bad, received }
}

const job = process.argv[2]
if (!job) throw new Error('load.ts wants its job as one JSON argument')
console.log(JSON.stringify(await run(JSON.parse(job) as LoadJob)))
