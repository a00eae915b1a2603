// shiftr.io on a port of its own, with clients that keep what they are sent and are closed by themselves.
import http from 'node:http'
import { buffer } from 'node:stream/consumers'
import { createQueue, within } from '@fogbank/contract/testing'
import { createManualClock, type ManualClock } from '@fogbank/core'
import { startFogbank, type Fogbank, type StartOptions } from 'fogbank'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import type { Settings } from './state.ts'

const ANSWER_MS = 5000

/** The seeded pair. */
export const LOCAL = { username: 'local', password: 'local' }

export interface Answer {
  status: number
  headers: http.IncomingHttpHeaders
  text: string
}

export interface Call {
  method?: string
  headers?: Record<string, string>
  body?: string | Buffer
  /** `username:password`. @default local:local; null: no credentials */
  pair?: string | null
}

export interface Received {
  topic: string
  text: string
  qos: number
  retain: boolean
}

/** A client that keeps what it is sent until somebody asks. */
export interface TestClient {
  mqtt: MqttClient
  /** The code of the SUBACK. */
  subscribe(filter: string, qos?: 0 | 1 | 2): Promise<number>
  publish(topic: string, text: string, qos?: 0 | 1 | 2, retain?: boolean): Promise<void>
  next(): Promise<Received>
  /** The next event under `$events`, without its id. */
  event(): Promise<Record<string, unknown>>
  /** Messages nobody took yet. */
  waiting: Received[]
  closed: Promise<void>
}

export interface World {
  fogbank: Fogbank
  /** `http://127.0.0.1:PORT` */
  url: string
  /** Of the suite's ports by name: `http`, `mqtt`, `ws`. */
  endpoint(id: string, scheme: string): string
  clock: ManualClock | undefined
  lines: string[]
  /** Sends the target as it is, on a connection that is kept. */
  call(target: string, call?: Call): Promise<Answer>
  post(target: string, body?: string | Buffer, call?: Call): Promise<Answer>
  /** Connects, or rejects with mqtt.js's error. */
  client(options?: IClientOptions & { url?: string }): Promise<TestClient>
}

export interface Options extends StartOptions {
  settings?: Settings
  manualClock?: boolean
}

/** Runs a test against a suite of its own; everything is closed afterwards. */
export async function withShiftr<T>(options: Options, run: (world: World) => Promise<T>) {
  const { settings = {}, manualClock = false, ...start } = options
  const lines: string[] = []
  const note = (line: string) => void lines.push(line)
  const log = { info: note, warn: note, error: (_error: unknown, line: string) => note(line) }
  const clock = manualClock ? createManualClock() : undefined
  const fogbank = await startFogbank({
    only: ['shiftr'],
    config: { shiftr: settings },
    log,
    ...(clock ? { clock } : {}),
    ...start
  })
  const agent = new http.Agent({ keepAlive: true })
  const clients: MqttClient[] = []
  const endpoint = (id: string, scheme: string) => String(fogbank.endpoints[id]?.[scheme])
  const url = endpoint('shiftr', 'http')

  function call(
    target: string,
    { method = 'GET', headers, body, pair = 'local:local' }: Call = {}
  ) {
    const all = { ...(pair === null ? {} : { authorization: basic(pair) }), ...headers }
    const { hostname, port } = new URL(url)
    const answered = new Promise<Answer>((resolve, reject) => {
      const request = http.request(
        { hostname, port, method, path: target, headers: all, agent },
        (response) => {
          const { statusCode: status = 0, headers: received } = response
          buffer(response).then(
            (bytes) => resolve({ status, headers: received, text: bytes.toString() }),
            reject
          )
        }
      )
      request.once('error', reject)
      request.end(body)
    })
    return within(ANSWER_MS, answered, `the answer to ${target.slice(0, 80)}`)
  }

  async function client({
    url: at = endpoint('shiftr', 'mqtt'),
    ...own
  }: Parameters<World['client']>[0] = {}) {
    const made = mqtt.connect(at, {
      protocolVersion: 4,
      reconnectPeriod: 0,
      resubscribe: false,
      ...LOCAL,
      ...own
    })
    clients.push(made)
    const one = listenTo(made)
    await within(
      ANSWER_MS,
      new Promise<void>((resolve, reject) => {
        made.once('connect', () => resolve())
        made.once('error', reject)
        void one.closed.then(() => reject(new Error('closed before it was connected')))
      }),
      'the CONNACK'
    )
    return one
  }

  try {
    const post = (target: string, body?: string | Buffer, more: Call = {}) =>
      call(target, { method: 'POST', ...(body === undefined ? {} : { body }), ...more })
    return await run({ fogbank, url, endpoint, clock, lines, call, post, client })
  } finally {
    for (const one of clients) one.end(true)
    agent.destroy()
    await fogbank.close()
  }
}

export const basic = (pair: string) => `Basic ${Buffer.from(pair).toString('base64')}`

function listenTo(client: MqttClient): TestClient {
  const messages = createQueue<Received>()
  client.on('error', () => {}) // told by the promises that wait for an answer
  client.on('message', (topic, payload, { qos, retain }) => {
    messages.put({ topic, text: payload.toString(), qos, retain })
  })
  const next = () => messages.next(ANSWER_MS, 'a message')
  return {
    mqtt: client,
    waiting: messages.waiting,
    next,
    async event() {
      const { topic, text } = await next()
      const { id: _id, ...event } = JSON.parse(text) as Record<string, unknown>
      if (topic !== '$events') throw new Error(`${topic} is not $events`)
      return event
    },
    closed: new Promise((resolve) => client.once('close', () => resolve())),
    subscribe: (filter, qos = 0) =>
      within(
        ANSWER_MS,
        new Promise<number>((resolve, reject) => {
          client.subscribe(filter, { qos }, (error, _granted, packet) =>
            packet ? resolve(packet.granted[0] as number) : reject(error ?? new Error('no SUBACK'))
          )
        }),
        'the SUBACK'
      ),
    async publish(topic, text, qos = 0, retain = false) {
      await within(
        ANSWER_MS,
        client.publishAsync(topic, text, { qos, retain }),
        'the acknowledgement'
      )
    }
  }
}
