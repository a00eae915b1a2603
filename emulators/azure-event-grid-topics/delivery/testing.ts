// A receiver as somebody's function would be one, and a suite whose clock stands still that delivers to it.
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import http, { type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import { withFogbank, type HttpAnswer, type World } from '@fogbank/contract'
import { createQueue, logged } from '@fogbank/contract/testing'

export const TOPICS = 'azure-event-grid-topics'
const WAIT_MS = 20_000

/** One request as it came off the wire. */
export interface Received {
  method: string
  url: string
  /** Lower-case names. */
  headers: Record<string, string>
  /** Names as they were written, in order. */
  names: string[]
  text: string
}

/** hang: no answer, ever; reset: the connection is cut. */
export type Reaction =
  { status: number; headers?: Record<string, string>; body?: string } | 'hang' | 'reset'

export interface Receiver {
  url: string
  /** What has come and was not taken yet: notifications, and handshakes if they are not answered here. */
  received: Received[]
  /** Answers notifications; may be changed in the middle. @default 200 */
  react(request: Received): Reaction | Promise<Reaction>
  /** Answers handshakes. @default as an Azure Function does */
  shake(request: Received): Reaction
  next(): Promise<Received>
  close(): Promise<void>
}

const isHandshake = ({ method, headers }: Received) =>
  method === 'OPTIONS' || headers['aeg-event-type'] === 'SubscriptionValidation'

/** What the Event Grid trigger of an Azure Function answers to a handshake. */
export function shakeAsFunction({ method, text }: Received): Reaction {
  if (method === 'OPTIONS') {
    return {
      status: 200,
      headers: { 'WebHook-Allowed-Origin': 'eventgrid.azure.net', Allow: 'POST' }
    }
  }
  const [{ data }] = JSON.parse(text) as [{ data: { validationCode: string } }]
  return { status: 200, body: JSON.stringify({ validationResponse: data.validationCode }) }
}

export async function createReceiver(): Promise<Receiver> {
  const requests = createQueue<Received>()
  const server = http.createServer(async (incoming, outgoing) => {
    const request = toReceived(incoming, await readText(incoming))
    const shaking = isHandshake(request)
    const reacting = shaking ? receiver.shake(request) : receiver.react(request)
    if (!shaking || receiver.shake !== shakeAsFunction) requests.put(request)
    const reaction = await reacting
    if (reaction === 'hang') return
    if (reaction === 'reset') return void incoming.socket.destroy()
    outgoing.writeHead(reaction.status, reaction.headers)
    outgoing.end(reaction.body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received: requests.waiting,
    react: () => ({ status: 200 }),
    shake: shakeAsFunction,
    next: () => requests.next(WAIT_MS, 'a request to the receiver'),
    async close() {
      server.close()
      server.closeAllConnections()
    }
  }
  return receiver
}

export interface DeliveryWorld extends World {
  receiver: Receiver
  clock: NonNullable<World['clock']>
  /** Resolves with the first line of the log from now on that fits, or one that is there already. */
  logged(pattern: RegExp, count?: number): Promise<string>
  /** Publishes with the well-known key; 200 or the test fails. */
  publish(events: object[] | object, topic?: string): Promise<void>
  post(target: string, body: string, headers?: Record<string, string>): Promise<HttpAnswer>
  /** The control port in the form of the management API. */
  arm(method: string, path: string, body?: object): Promise<{ status: number; body: any }>
}

/** Runs a test against a receiver and a suite configured for it; both are closed afterwards. */
export async function withDelivery(
  toConfig: (url: string, folder: string) => object,
  run: (world: DeliveryWorld, folder: string) => Promise<void>
): Promise<void> {
  const receiver = await createReceiver()
  const folder = mkdtempSync(join(tmpdir(), 'fogbank-delivery-'))
  const config = {
    [TOPICS]: { delivery: { jitter: false }, ...toConfig(receiver.url, folder) }
  }
  try {
    await withFogbank({ only: [TOPICS], config, manualClock: true }, (world) =>
      run(toDeliveryWorld(world, receiver), folder)
    )
  } finally {
    await receiver.close()
    rmSync(folder, { recursive: true })
  }
}

function toDeliveryWorld(world: World, receiver: Receiver): DeliveryWorld {
  const post = (target: string, body: string, headers: Record<string, string> = {}) =>
    world.http(
      { at: TOPICS },
      {
        method: 'POST',
        target,
        headers: {
          'aeg-sas-key': DEVELOPMENT_KEYS.topicKey1,
          'content-type': 'application/json',
          ...headers
        },
        body: Buffer.from(body)
      }
    )
  return {
    ...world,
    receiver,
    clock: world.clock!,
    post,
    logged: (pattern, count) => logged(world.lines, pattern, WAIT_MS, count),
    async publish(events, topic = 'orders') {
      const cloud = !Array.isArray(events)
      const type = cloud ? 'application/cloudevents+json' : 'application/json'
      const answer = await post(`/${topic}/api/events`, JSON.stringify(events), {
        'content-type': type
      })
      if (answer.status !== 200) throw new Error(`${answer.status} ${answer.body.toString()}`)
    },
    async arm(method, path, body) {
      const answer = await fetch(
        `${String(world.fogbank.endpoints.control!.http)}/${TOPICS}${path}`,
        {
          method,
          ...(body ? { body: JSON.stringify(body) } : {})
        }
      )
      const text = await answer.text()
      return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
    }
  }
}

/** The event that everybody publishes, with what a test is about. */
export const order = (more: object = {}) => ({
  id: 'e1',
  subject: 'orders/1',
  data: { hello: 'world' },
  eventType: 'Shop.OrderPlaced',
  eventTime: '2026-01-02T03:04:05.000Z',
  dataVersion: '1.0',
  ...more
})

/** A topic `orders` with one webhook `orders-webhook`. */
export const oneWebhook = (url: string, more: object = {}, topic: object = {}) => ({
  topics: [{ name: 'orders', ...topic, eventSubscriptions: [webhook('orders-webhook', url, more)] }]
})

export const webhook = (name: string, endpointUrl: string, more: object = {}) => ({
  name,
  destination: { endpointType: 'WebHook', properties: { endpointUrl } },
  ...more
})

/** Every file under a folder, by its path in it. */
export function readFolder(folder: string): Record<string, unknown> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return Object.fromEntries(
    files
      .filter((file) => file.endsWith('.json'))
      .map((file) => [file, JSON.parse(readFileSync(join(folder, file), 'utf8'))])
  )
}

function toReceived({ method, url, headers, rawHeaders }: IncomingMessage, text: string): Received {
  return {
    method: method ?? '',
    url: url ?? '',
    headers: headers as Record<string, string>,
    names: rawHeaders.filter((_, index) => index % 2 === 0),
    text
  }
}

async function readText(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
