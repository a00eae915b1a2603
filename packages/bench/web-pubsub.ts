import { once } from 'node:events'
import { join } from 'node:path'
import { WebSocket } from 'ws'
import { startAedes, type Broker } from './brokers.ts'
import { withFolder } from './folder.ts'
import type { FlowJob } from './mqtt-load.ts'
import { freePort, load, mqttLoad, serve, stop, untilAnswers } from './processes.ts'
import { toFigure, type Figure } from './report.ts'
import { PAYLOAD, toRequest } from './request.ts'
import { signFor } from './web-pubsub-token.ts'

const ROUNDS = 5
const SUBSCRIBERS = 50
const FEW = 10
const MANY = 2_000
const OFFSET = 40
const HUB = '/hubs/bench'
const SECONDS = 2
const LANES = 16

/** Fan-out to MQTT clients beside bare aedes, and what other connections cost those that are asked for. */
export async function measureWebPubSub(): Promise<Figure[]> {
  return withFolder(async (folder) => {
    const base = await freePort()
    const args = ['dist/fogbank.cjs', 'start', '--ephemeral', '--port-base', String(base)]
    const child = serve(args, join(folder, 'ours.log'))
    const aedes = await startAedes(folder, 'ws')
    try {
      await untilAnswers(`http://127.0.0.1:${base}/health`)
      const port = base + OFFSET
      return [await measureFanOut(port, aedes), ...(await measureOthers(port))]
    } finally {
      await aedes.stop()
      await stop(child)
    }
  })
}

const ROLES = ['webpubsub.joinLeaveGroup', 'webpubsub.sendToGroup']

function clientPath(port: number, kind: 'clients/mqtt' | 'client', claims: object): string {
  const path = `/${kind}${HUB}`
  return `${path}?access_token=${signFor(`http://127.0.0.1:${port}${path}`, claims)}`
}

async function measureFanOut(port: number, aedes: Broker): Promise<Figure> {
  const job: Omit<FlowJob, 'port'> = {
    kind: 'flow',
    qos: 0,
    subscribers: SUBSCRIBERS,
    stopped: 0,
    window: 20,
    payloadBytes: PAYLOAD.length,
    warmUpMs: 700,
    ms: 1_500
  }
  const path = clientPath(port, 'clients/mqtt', { role: ROLES })
  const ours: number[] = []
  const limit: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    limit.push((await mqttLoad({ ...job, port: aedes.port, path: '/' })).perSecond)
    ours.push((await mqttLoad({ ...job, port, path })).perSecond)
  }
  return toFigure({
    name: `Web PubSub, a group of ${SUBSCRIBERS} MQTT clients, QoS 0`,
    unit: 'deliveries/s',
    against: 'aedes over WebSocket',
    ours,
    limit,
    target: { atLeast: 0.85 }
  })
}

/** The same calls among few other connections and among many. */
async function measureOthers(port: number): Promise<Figure[]> {
  const calls = [
    call(port, 'Send to User', 'POST', `/api${HUB}/users/alice/:send`, 'HTTP/1.1 202'),
    call(port, 'a page of a group', 'GET', `/api${HUB}/groups/room/connections`, 'HTTP/1.1 200')
  ]
  const alice = await open(port, { sub: 'alice', 'webpubsub.group': ['room'] }, 1)
  const others = await open(port, { sub: 'others' }, FEW)
  // Both states cannot alternate: the others come once, and the machine's own drift is in the figure.
  const few = [await calls[0]!(), await calls[1]!()]
  others.push(...(await open(port, { sub: 'others' }, MANY - FEW)))
  const many = [await calls[0]!(), await calls[1]!()]
  for (const socket of [...alice, ...others]) socket.terminate()
  return few.map((limit, index) =>
    toFigure({
      name: `Web PubSub, ${limit.name} among ${MANY} other connections`,
      unit: 'req/s',
      against: `among ${FEW}`,
      ours: many[index]!.rates,
      limit: limit.rates,
      target: { atLeast: 0.9 }
    })
  )
}

function call(port: number, name: string, method: string, target: string, expect: string) {
  const token = signFor(`http://127.0.0.1:${port}${target}`)
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'text/plain' }
  const body = method === 'POST' ? PAYLOAD : ''
  const request = toRequest(port, `${target}?api-version=2024-12-01`, headers, body, method)
  const job = { port, requests: [request.toString('base64')], connections: LANES, expect }
  return async () => {
    await load({ ...job, seconds: 1 })
    const rates: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const { bad, requestsPerSecond } = await load({ ...job, seconds: SECONDS })
      if (bad > 0) throw new Error(`${name}: ${bad} answers were not ${expect}`)
      rates.push(requestsPerSecond)
    }
    return { name, rates }
  }
}

async function open(port: number, claims: object, count: number): Promise<WebSocket[]> {
  const url = `ws://127.0.0.1:${port}${clientPath(port, 'client', claims)}`
  const sockets: WebSocket[] = []
  while (sockets.length < count) {
    const some = Array.from(
      { length: Math.min(100, count - sockets.length) },
      () => new WebSocket(url, 'json.webpubsub.azure.v1')
    )
    await Promise.all(some.map((socket) => once(socket, 'open')))
    for (const socket of some) socket.on('message', () => {})
    sockets.push(...some)
  }
  return sockets
}
