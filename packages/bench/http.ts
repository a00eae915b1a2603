import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignatureV4 } from '@smithy/signature-v4'
import { createHash, createHmac } from 'node:crypto'
import mqttPacket from 'mqtt-packet'
import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import type { LoadJob } from './load.ts'
import { freePort, load, serve, stop, untilAnswers } from './processes.ts'
import { toFigure, type Figure } from './report.ts'

const ROUNDS = 5
const SECONDS = 3
const CONNECTIONS = 64
const PAYLOAD = 'x'.repeat(64)
const TOPIC = 'bench/topic'

/** One door and how its publish looks on the wire. */
interface Door {
  name: string
  offset: number
  expect: string
  target: number
  /** What is published. @default PAYLOAD */
  body?: string
  /** Size of what reaches the subscriber. @default the body's */
  deliveredBytes?: number
  request(port: number): Promise<Buffer> | Buffer
}

function http(
  port: number,
  target: string,
  headers: Record<string, string>,
  body = PAYLOAD
): Buffer {
  const all: Record<string, string> = {
    Host: `127.0.0.1:${port}`,
    'Content-Length': String(body.length),
    ...headers
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  return Buffer.from(`POST ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`)
}

/** An event of 1 KB. */
const EVENT = {
  id: 'e1',
  topic:
    '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/fogbank/providers/Microsoft.EventGrid/topics/default',
  subject: 'orders/1',
  data: { total: 7, text: 'x'.repeat(730) },
  eventType: 'Shop.OrderPlaced',
  eventTime: '2026-01-02T03:04:05Z',
  dataVersion: '1.0',
  metadataVersion: '1'
}
const EVENTS = JSON.stringify([EVENT])

const toMqtt = (name: string, filter: object) => ({
  name,
  destination: { endpointType: 'MqttTopic', properties: { topic: TOPIC, qos: 0 } },
  filter
})

/** Three subscriptions look at every event, one of them takes it. */
const CONFIG = {
  'azure-event-grid-topics': {
    topics: [
      {
        name: 'default',
        eventSubscriptions: [
          toMqtt('by-type', { includedEventTypes: ['Shop.OrderPlaced'] }),
          toMqtt('by-subject', { subjectBeginsWith: 'returns/' }),
          toMqtt('by-data', {
            advancedFilters: [{ operatorType: 'NumberGreaterThan', key: 'data.total', value: 100 }]
          })
        ]
      }
    ]
  }
}

const DOORS: Door[] = [
  {
    name: 'shiftr publish, QoS 0, one subscriber',
    offset: 50,
    expect: 'HTTP/1.1 200',
    target: 0.6,
    request: (port) =>
      http(port, `/broker/${TOPIC}`, {
        Authorization: `Basic ${Buffer.from('local:local').toString('base64')}`
      })
  },
  {
    name: 'AWS Publish, signature verified, one subscriber',
    offset: 10,
    expect: 'HTTP/1.1 200',
    target: 0.33,
    request: signedPublish
  },
  {
    name: 'Event Grid publish, cached token, one subscriber',
    offset: 20,
    expect: 'HTTP/1.1 204',
    target: 0.5,
    async request(port) {
      const reply = await fetch(`http://127.0.0.1:${port - 20}/authority/tokens`, {
        method: 'POST',
        body: '{}'
      })
      const { access_token } = (await reply.json()) as { access_token: string }
      const query = `topic=${encodeURIComponent(TOPIC)}&qos=0&api-version=2025-08-01-preview`
      return http(port, `/mqtt/messages?${query}`, { Authorization: `Bearer ${access_token}` })
    }
  },
  {
    name: 'Event Grid topic publish, 1 KB, three filtered subscriptions',
    offset: 30,
    expect: 'HTTP/1.1 200',
    target: 0.35,
    body: EVENTS,
    deliveredBytes: JSON.stringify(EVENT).length,
    request: (port) =>
      http(port, '/api/events', { 'aeg-sas-key': DEVELOPMENT_KEYS.topicKey1 }, EVENTS)
  }
]

/** node:crypto in the shape that the signer wants. */
class Sha256 {
  readonly #hash
  constructor(secret?: string | Uint8Array) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret)
  }
  update(data: string | Uint8Array): void {
    this.#hash.update(data)
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
  reset(): void {}
}

async function signedPublish(port: number): Promise<Buffer> {
  const signer = new SignatureV4({
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    region: 'us-east-1',
    service: 'iotdata',
    sha256: Sha256 as never
  })
  const target = `/topics/${encodeURIComponent(TOPIC)}`
  const signed = await signer.sign({
    method: 'POST',
    protocol: 'http:',
    hostname: '127.0.0.1',
    port,
    path: target,
    query: {},
    headers: { host: `127.0.0.1:${port}`, 'content-type': 'application/octet-stream' },
    body: PAYLOAD
  } as never)
  const { host: _host, ...rest } = (signed as unknown as { headers: Record<string, string> })
    .headers
  return http(port, target, rest)
}

/** Publishes through each door against a bare handler, in turns. */
export async function measureHttp(only = ''): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'fogbank-bench-'))
  const config = join(folder, 'config.json')
  writeFileSync(config, JSON.stringify(CONFIG))
  const base = await freePort()
  const barePort = await freePort()
  const suite = serve(
    ['dist/fogbank.cjs', 'start', '--ephemeral', '--config', config, '--port-base', String(base)],
    join(folder, 'suite.log')
  )
  const bare = serve(['packages/bench/bare-http.js', String(barePort)], join(folder, 'bare.log'))
  try {
    await untilAnswers(`http://127.0.0.1:${base}/health`)
    await untilAnswers(`http://127.0.0.1:${barePort}/`)
    const figures: Figure[] = []
    const requests = new Map<Door, Buffer>()
    for (const door of DOORS) requests.set(door, await door.request(base + door.offset))
    for (const door of DOORS.filter(({ name }) => name.startsWith(only))) {
      const port = base + door.offset
      const job: LoadJob = {
        port,
        request: requests.get(door)!.toString('base64'),
        connections: CONNECTIONS,
        seconds: SECONDS,
        expect: door.expect,
        subscriber: {
          port: base,
          topic: TOPIC,
          payloadBytes: door.deliveredBytes ?? PAYLOAD.length,
          connect: connectPacket()
        }
      }
      const bareJob: LoadJob = {
        port: barePort,
        request: http(barePort, '/publish', {}, door.body).toString('base64'),
        connections: CONNECTIONS,
        seconds: SECONDS,
        expect: 'HTTP/1.1 204'
      }
      load({ ...job, seconds: 1 }) // warm both up
      load({ ...bareJob, seconds: 1 })
      const ours: number[] = []
      const limit: number[] = []
      for (let round = 0; round < ROUNDS; round++) {
        limit.push(load(bareJob).requestsPerSecond)
        const result = load(job)
        if (result.bad > 0)
          throw new Error(`${door.name}: ${result.bad} answers were not ${door.expect}`)
        if (result.received < result.answered) {
          throw new Error(`${door.name}: ${result.answered} answered, ${result.received} received`)
        }
        ours.push(result.requestsPerSecond)
      }
      figures.push(toFigure(door.name, 'req/s', ours, limit, { atLeast: door.target }))
    }
    return figures
  } finally {
    await stop(suite)
    await stop(bare)
    rmSync(folder, { recursive: true })
  }
}

function connectPacket(): string {
  const packet = mqttPacket.generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    clientId: `bench-${process.pid}`,
    keepalive: 0
  } as never)
  return packet.toString('base64')
}
