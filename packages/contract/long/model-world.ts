import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  acceptMqtt,
  createCore,
  createManualClock,
  systemIds,
  type Core,
  type MqttPolicy
} from '@fogbank/core'
import { createDevice, type Device } from './device.ts'
import { createInbox } from './inbox.ts'
import type { Delivery } from './model.ts'

const ARRIVE_MS = 5_000
const MARKER = '$marker'
const NEVER_MS = 2 ** 40
/** The end of a session takes some, one after the other: its will, its queue, its record. */
const COMMITS_TO_AN_END = 12

const policy: MqttPolicy = {
  personality: 'model',
  versions: [3, 4, 5],
  maximumQoS: 2,
  subscribeAboveMaximumQoS: 'grant-maximum',
  retainAvailable: true,
  wildcardSubscriptionAvailable: true,
  subscriptionIdentifiersAvailable: true,
  sharedSubscriptionAvailable: true,
  topicAliasMaximum: 8,
  keepAlive: { minimumSeconds: 0, maximumSeconds: 65_535, zero: 'unlimited' },
  sessionExpiryMaximumSeconds: 0xffffffff,
  announceDefaults: false,
  authenticate: async () => ({ space: 'main', identity: undefined })
}

/** A core on disk behind a port, and clients that outlive it. */
export interface ModelWorld {
  readonly port: number
  readonly core: Core
  device(clientId: string): Device
  advance(seconds: number): Promise<void>
  /** The process is gone, another starts on what it had committed. */
  crash(): Promise<void>
  /** Waits until `expected` has arrived. @throws Error when there is more, less, or another order */
  expect(expected: Map<string, Delivery[]>): Promise<void>
  close(): Promise<void>
}

export async function openModelWorld(clientIds: readonly string[]): Promise<ModelWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'fogbank-model-'))
  const clock = createManualClock()
  const failures: unknown[] = []
  let generation = 0
  function open(): Promise<Core> {
    const own = generation
    const log = {
      info() {},
      warn() {},
      error(error: unknown, line: string) {
        // What a killed process would have said does not count.
        if (own === generation) failures.push(`${line}: ${String(error)}`)
      }
    }
    const directory = join(folder, String(own))
    // Minutes pass here in an instant, and no store is that fast.
    return createCore({ directory, clock, ids: systemIds, log, storeTimeoutMs: NEVER_MS })
  }
  let core = await open()
  const sockets = new Set<net.Socket>()
  const server = net.createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    const peer = { address: '127.0.0.1', port: 0, transport: 'tcp' as const }
    acceptMqtt({ core, policy }, socket, peer)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as net.AddressInfo

  const clients = new Map(
    clientIds.map((clientId) => {
      const inbox = createInbox()
      const device = createDevice({ clientId, version: 5, onMessage: inbox.take })
      return [clientId, { device, inbox }]
    })
  )
  const connected = () => [...clients.values()].filter(({ device }) => device.connected)

  /** Retained, as nothing else is sure to be stored: what was to be stored before it is, too. */
  async function mark(): Promise<void> {
    const space = await core.space('main')
    await space.publish({ topic: MARKER, payload: Buffer.from('?'), qos: 1, retain: true })
  }

  /** Everything that was said has been heard, and so many commits have followed it. */
  async function settle(commits: number): Promise<void> {
    for (let rounds = 0; rounds < commits; rounds++) {
      await Promise.all(connected().map(({ device }) => device.ping()))
      await mark()
    }
  }

  async function expect(expected: Map<string, Delivery[]>): Promise<void> {
    for (const [clientId, { inbox }] of clients) {
      const wanted = expected.get(clientId) ?? []
      const what = `what ${clientId} is to be sent: ${wanted.map(say).join(' | ')}`
      await inbox.until(() => inbox.messages.length >= wanted.length, ARRIVE_MS, what)
    }
    // What comes too much comes before the answers to these.
    await settle(3)
    for (const [clientId, { inbox }] of clients) {
      const wanted = expected.get(clientId) ?? []
      const seen = inbox.messages.map(({ topic, payload, qos, retain }) =>
        say({ topic, text: payload.toString(), qos, retain })
      )
      inbox.clear()
      const [came, due] = [[...seen].sort().join(' | '), wanted.map(say).sort().join(' | ')]
      if (came !== due) throw new Error(`${clientId} was sent ${came || 'nothing'}, not ${due}`)
      assertOrder(clientId, seen, wanted)
    }
    if (failures.length > 0) throw new Error(`the core failed: ${failures.join(' | ')}`)
  }

  return {
    port,
    get core() {
      return core
    },
    device: (clientId) => clients.get(clientId)!.device,
    async advance(seconds) {
      for (; seconds > 0; seconds--) {
        clock.advance(1000)
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
    async crash() {
      await settle(COMMITS_TO_AN_END)
      const before = join(folder, String(generation))
      generation++
      // What is committed is in the files; a copy of them is what a killed process leaves.
      await copyAtRest(before, join(folder, String(generation)))
      const gone = core
      core = await open()
      for (const socket of sockets) socket.destroy()
      await Promise.all([...clients.values()].map(({ device }) => device.closed()))
      // Its timers must not go off beside those of its successor's.
      await gone.close()
    },
    expect,
    async close() {
      for (const { device } of clients.values()) device.kill()
      await core.close()
      server.close()
      for (const socket of sockets) socket.destroy()
      rmSync(folder, { recursive: true })
    }
  }
}

/** Copies a database; again when LevelDB was tidying up its files meanwhile. */
async function copyAtRest(from: string, to: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const files = readdirSync(from).join()
    try {
      cpSync(from, to, { recursive: true })
      if (readdirSync(from).join() === files) return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    rmSync(to, { recursive: true, force: true })
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  throw new Error(`${from} is never at rest`)
}

const say = ({ topic, text, qos, retain }: Delivery) =>
  `${topic}=${text} qos${qos}${retain ? ' retained' : ''}`

/** The order is promised for each topic and quality. */
function assertOrder(clientId: string, seen: string[], wanted: Delivery[]): void {
  const lanes = new Set(wanted.map(({ topic, qos }) => `${topic} ${qos}`))
  for (const lane of lanes) {
    const inLane = wanted.filter(({ topic, qos }) => `${topic} ${qos}` === lane).map(say)
    const came = seen.filter((one) => inLane.includes(one))
    if (came.join() !== inLane.join()) {
      throw new Error(`${clientId} was sent ${came.join(' | ')} in this order`)
    }
  }
}
