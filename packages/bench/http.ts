import { createHash, createHmac } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SignatureV4 } from '@smithy/signature-v4'
import mqttPacket from 'mqtt-packet'
import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import { bundle } from './bundle.ts'
import { withFolder } from './folder.ts'
import type { LoadJob } from './load.ts'
import { freePort, load, serve, stop, untilAnswers } from './processes.ts'
import { toFigure, type Figure } from './report.ts'
import { PAYLOAD, toRequest } from './request.ts'
import { signFor } from './web-pubsub-token.ts'

const ROUNDS = 5
const SECONDS = 3
const CONNECTIONS = 64
const TOPIC = 'bench/topic'

/** Where the bench's servers are: the suite in memory, the suite on level, the core on level alone. */
interface Bases {
  memory: number
  level: number
  route: number
}

/** One door and how its publish looks on the wire. */
interface Door {
  name: string
  base: keyof Bases
  offset: number
  /** Of the MQTT port from the base; a subscriber of the topic counts there what arrives. */
  mqttOffset?: number
  /** How much has arrived, where no subscriber counts. */
  count?(port: number): Promise<number>
  expect: string
  target: number
  /** What is published. @default PAYLOAD */
  body?: string
  /** Where the subscriber listens. @default main */
  space?: string
  /** Size of what reaches the subscriber. @default the body's */
  deliveredBytes?: number
  request(port: number): Promise<Buffer | Buffer[]> | Buffer
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

const BASIC = `Basic ${Buffer.from('local:local').toString('base64')}`

const shiftr = (port: number, query: string) =>
  toRequest(port, `/broker/${TOPIC}${query}`, { Authorization: BASIC })

const route = { base: 'route', offset: 0, mqttOffset: 1, expect: 'HTTP/1.1 204' } as const
const broker = { base: 'level', offset: 50, mqttOffset: 0, expect: 'HTTP/1.1 200' } as const

/** One for each connection: devices report each to a shadow of its own. */
const SHADOWS = Array.from({ length: CONNECTIONS }, (_, index) => `/things/lamp-${index}/shadow`)
const REPORT = JSON.stringify({
  state: { reported: { on: true, dim: 40, temperature: 21.5, firmware: { version: '1.2.3' } } }
})

const shadow = {
  offset: 10,
  expect: 'HTTP/1.1 200',
  target: 0.35,
  body: REPORT,
  request: signedUpdates,
  count: countUpdates
} as const

const DOORS: Door[] = [
  {
    name: 'shiftr publish, QoS 0, memory',
    ...broker,
    base: 'memory',
    target: 0.6,
    request: (port) => shiftr(port, '')
  },
  {
    name: 'core behind a bare route, QoS 1, level',
    ...route,
    target: 0.45,
    request: (port) => toRequest(port, `/publish?topic=${encodeURIComponent(TOPIC)}&qos=1`, {})
  },
  {
    name: 'shiftr publish, QoS 1, level',
    ...broker,
    target: 0.36,
    request: (port) => shiftr(port, '?qos=1')
  },
  {
    name: 'core behind a bare route, QoS 1, retained, level',
    ...route,
    target: 0.33,
    request: (port) =>
      toRequest(port, `/publish?topic=${encodeURIComponent(TOPIC)}&qos=1&retain=true`, {})
  },
  {
    name: 'shiftr publish, QoS 1, retained, level',
    ...broker,
    target: 0.27,
    request: (port) => shiftr(port, '?qos=1&retained=true')
  },
  {
    name: 'AWS Publish, signature verified, QoS 0, memory',
    base: 'memory',
    offset: 10,
    mqttOffset: 0,
    expect: 'HTTP/1.1 200',
    target: 0.33,
    request: signedPublish
  },
  { name: 'AWS UpdateThingShadow, signature verified, memory', base: 'memory', ...shadow },
  { name: 'AWS UpdateThingShadow, signature verified, level', base: 'level', ...shadow },
  {
    name: 'Event Grid publish, cached token, QoS 0, memory',
    base: 'memory',
    offset: 20,
    mqttOffset: 0,
    expect: 'HTTP/1.1 204',
    target: 0.5,
    async request(port) {
      const reply = await fetch(`http://127.0.0.1:${port - 20}/authority/tokens`, {
        method: 'POST',
        headers: { connection: 'close' },
        body: '{}'
      })
      const { access_token } = (await reply.json()) as { access_token: string }
      const query = `topic=${encodeURIComponent(TOPIC)}&qos=0&api-version=2025-08-01-preview`
      return toRequest(port, `/mqtt/messages?${query}`, { Authorization: `Bearer ${access_token}` })
    }
  },
  {
    name: 'Event Grid topic publish, 1 KB, three filtered subscriptions, memory',
    base: 'memory',
    offset: 30,
    mqttOffset: 0,
    expect: 'HTTP/1.1 200',
    target: 0.35,
    body: EVENTS,
    deliveredBytes: JSON.stringify(EVENT).length,
    request: (port) =>
      toRequest(port, '/api/events', { 'aeg-sas-key': DEVELOPMENT_KEYS.topicKey1 }, EVENTS)
  },
  {
    name: 'Web PubSub Send to Group, cached token, one subscriber',
    base: 'memory',
    offset: 40,
    mqttOffset: 0,
    expect: 'HTTP/1.1 202',
    target: 0.45,
    space: 'hub:bench',
    async request(port) {
      const target = `/api/hubs/bench/groups/${encodeURIComponent(TOPIC)}/:send`
      const token = signFor(`http://127.0.0.1:${port}${decodeURIComponent(target)}`)
      const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'text/plain' }
      // The first send makes the hub, which the subscriber has to find.
      const url = `http://127.0.0.1:${port}${target}?api-version=2024-12-01`
      await fetch(url, { method: 'POST', headers, body: PAYLOAD })
      return toRequest(port, `${target}?api-version=2024-12-01`, headers)
    }
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

/** The headers of a call as the SDK signs it. */
export async function sign(
  port: number,
  method: string,
  path: string,
  body: string,
  query: Record<string, string> = {}
): Promise<Record<string, string>> {
  const signer = new SignatureV4({
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    region: 'us-east-1',
    service: 'iotdata',
    sha256: Sha256 as never
  })
  const signed = await signer.sign({
    method,
    protocol: 'http:',
    hostname: '127.0.0.1',
    port,
    path,
    query,
    headers: { host: `127.0.0.1:${port}`, 'content-type': 'application/octet-stream' },
    body
  } as never)
  const { host: _host, ...rest } = (signed as unknown as { headers: Record<string, string> })
    .headers
  return rest
}

async function signedPublish(port: number): Promise<Buffer> {
  const target = `/topics/${encodeURIComponent(TOPIC)}`
  return toRequest(port, target, await sign(port, 'POST', target, PAYLOAD))
}

function signedUpdates(port: number): Promise<Buffer[]> {
  return Promise.all(
    SHADOWS.map(async (target) =>
      toRequest(port, target, await sign(port, 'POST', target, REPORT), REPORT)
    )
  )
}

/** Every update that was accepted, by the versions of the shadows. */
async function countUpdates(port: number): Promise<number> {
  const versions = await Promise.all(
    SHADOWS.map(async (target) => {
      const headers = { ...(await sign(port, 'GET', target, '')), connection: 'close' }
      const reply = await fetch(`http://127.0.0.1:${port}${target}`, { headers })
      return reply.ok ? ((await reply.json()) as { version: number }).version : 0
    })
  )
  return versions.reduce((sum, version) => sum + version, 0)
}

/** Publishes through each door, with one subscriber, against a bare handler, in turns. */
export async function measureHttp(only = ''): Promise<Figure[]> {
  return withFolder(async (folder) => {
    const bases = { memory: await freePort(), level: await freePort(), route: await freePort() }
    const barePort = await freePort()
    const config = join(folder, 'config.json')
    writeFileSync(config, JSON.stringify(CONFIG))
    const start = (base: number, store: string[], log: string) => {
      const args = ['dist/fogbank.cjs', 'start', '--port-base', String(base), ...store]
      return serve(args, join(folder, log))
    }
    const bareRoute = await bundle('packages/bench/core-route.ts')
    const children = [
      start(bases.memory, ['--ephemeral', '--config', config], 'memory.log'),
      start(bases.level, ['--data-dir', join(folder, 'level')], 'level.log'),
      serve([bareRoute, String(bases.route), join(folder, 'route')], join(folder, 'route.log')),
      serve(['packages/bench/bare-http.js', String(barePort)], join(folder, 'bare.log'))
    ]
    try {
      await untilAnswers(`http://127.0.0.1:${bases.memory}/health`)
      await untilAnswers(`http://127.0.0.1:${bases.level}/health`)
      await untilAnswers(`http://127.0.0.1:${bases.route}/`)
      await untilAnswers(`http://127.0.0.1:${barePort}/`)
      const figures: Figure[] = []
      const doors = DOORS.filter(({ name }) => name.startsWith(only))
      for (const door of doors) figures.push(await measureDoor(door, bases, barePort))
      return figures
    } finally {
      for (const child of children) await stop(child)
    }
  })
}

async function measureDoor(door: Door, bases: Bases, barePort: number): Promise<Figure> {
  const port = bases[door.base] + door.offset
  const { mqttOffset, count } = door
  const job: LoadJob = {
    port,
    requests: [await door.request(port)].flat().map((request) => request.toString('base64')),
    connections: CONNECTIONS,
    seconds: SECONDS,
    expect: door.expect
  }
  if (mqttOffset !== undefined) {
    job.subscriber = {
      port: bases[door.base] + mqttOffset,
      topic: TOPIC,
      payloadBytes: door.deliveredBytes ?? PAYLOAD.length,
      connect: connectPacket(door.space)
    }
  }
  const bareJob: LoadJob = {
    port: barePort,
    requests: [toRequest(barePort, '/publish', {}, door.body).toString('base64')],
    connections: CONNECTIONS,
    seconds: SECONDS,
    expect: 'HTTP/1.1 204'
  }
  await load({ ...job, seconds: 1 }) // warm both up
  await load({ ...bareJob, seconds: 1 })
  const ours: number[] = []
  const limit: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    limit.push((await load(bareJob)).requestsPerSecond)
    const before = await count?.(port)
    const { answered, bad, requestsPerSecond, ...heard } = await load(job)
    const received = before === undefined ? heard.received : (await count!(port)) - before
    if (bad > 0) throw new Error(`${door.name}: ${bad} answers were not ${door.expect}`)
    if (received < answered) {
      throw new Error(`${door.name}: ${answered} answered, ${received} received`)
    }
    ours.push(requestsPerSecond)
  }
  return toFigure({
    name: door.name,
    unit: 'req/s',
    against: 'a bare handler',
    ours,
    limit,
    target: { atLeast: door.target }
  })
}

/** @param space where it belongs @default main */
function connectPacket(space?: string): string {
  const packet = mqttPacket.generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    clientId: `bench-${process.pid}`,
    keepalive: 0,
    ...(space === undefined ? {} : { username: space })
  } as never)
  return packet.toString('base64')
}
