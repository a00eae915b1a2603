import { createManualClock, type ManualClock, type Session } from '@fogbank/core'
import type { Log } from '@fogbank/personality'
import { startFogbank, type Fogbank, type StartOptions } from 'fogbank'
import type { IClientOptions } from 'mqtt'
import { send, type HttpAnswer, type HttpRequest } from './http.ts'
import { connectMqtt, type Received, type TestClient } from './mqtt.ts'
import { within } from './within.ts'

const MARKER = 'fogbank marker '
const MARKER_MS = 20_000

/** Whom a request or a client is for. */
export interface Door {
  /** A personality's id, or `control`. */
  at: string
  /** https, mqtts. @default false */
  secure?: boolean
  /** For MQTT: in place of the door's own URL. */
  url?: string
}

/** One suite of a test's own, and ways to talk to it. */
export interface World {
  fogbank: Fogbank
  /** What the suite logged, in order, whatever the level. */
  lines: string[]
  /** Errors of ours that were logged with their stack. */
  failures: unknown[]
  /** Present when time stands still. */
  clock: ManualClock | undefined
  /** Sends one request over a socket. */
  http(door: Door, request: HttpRequest): Promise<HttpAnswer>
  /** The same without sockets, as far as `Request` leaves the target alone. */
  memory(at: string, request: HttpRequest): Promise<HttpAnswer>
  mqtt(door: Door, options: IClientOptions): Promise<TestClient>
  /** The next message that is not a marker of `nothing`. */
  next(client: TestClient): Promise<Received>
  /**
   * Everything answered so far sent this client nothing.
   *
   * Nobody sleeps: a marker goes the way of every message, and has to come first.
   * @throws Error describing what came instead
   */
  nothing(client: TestClient): Promise<void>
  /** Ends a client, abruptly or not, and waits until the suite knows. */
  end(client: TestClient, abruptly?: boolean): Promise<void>
  /** `host:port` of a door. */
  host(at: string): string
}

/** Starts a suite in memory, runs, and closes everything, whatever happened. */
export async function withFogbank<T>(
  options: StartOptions & { manualClock?: boolean; startMs?: number },
  run: (world: World) => Promise<T>
): Promise<T> {
  const { manualClock = false, startMs, ...startOptions } = options
  const lines: string[] = []
  const failures: unknown[] = []
  const clock = manualClock ? createManualClock(startMs) : undefined
  const log: Log = {
    info: (line) => void lines.push(line),
    warn: (line) => void lines.push(line),
    error(error, line) {
      failures.push(error)
      lines.push(line)
    }
  }
  const fogbank = await startFogbank({ log, ...(clock ? { clock } : {}), ...startOptions })
  const clients: TestClient[] = []
  let markers = 0

  function url(at: string, scheme: string): string {
    const found = fogbank.endpoints[at]?.[scheme]
    if (typeof found !== 'string') throw new Error(`${at} offers no ${scheme}`)
    return found
  }

  async function nothing(client: TestClient): Promise<void> {
    const text = `${MARKER}${++markers}`
    await publishMarker(fogbank, client, Buffer.from(text))
    const first = await within(
      MARKER_MS,
      client.next(MARKER_MS),
      `the marker for ${client.clientId}`
    )
    if (first.payload.toString() === text) return
    throw new Error(`${client.clientId} was sent ${first.topic}: ${first.payload.toString()}`)
  }

  const world: World = {
    fogbank,
    lines,
    failures,
    clock,
    host: (at) => new URL(url(at, 'http')).host,
    async http({ at, secure = false }, request) {
      if (!secure) return send(url(at, 'http'), request)
      return send(url(at, 'https'), { ...request, tls: { ca: await fogbank.ca(), ...request.tls } })
    },
    async memory(at, { method, target, headers, body }) {
      const personality = fogbank.personalities.get(at)
      if (!personality) throw new Error(`${at} does not run`)
      const init = { method, ...(headers ? { headers } : {}), ...(body ? { body } : {}) }
      const reply = await personality.app.request(`${url(at, 'http')}${target}`, init)
      return {
        status: reply.status,
        reason: undefined,
        headers: Object.fromEntries(reply.headers),
        body: Buffer.from(await reply.arrayBuffer())
      }
    },
    async mqtt({ at, secure = false, url: own }, clientOptions) {
      const ca = secure ? { ca: await fogbank.ca() } : {}
      const target = own ?? url(at, secure ? 'mqtts' : 'mqtt')
      const client = await connectMqtt(target, { ...ca, ...clientOptions })
      clients.push(client)
      return client
    },
    async next(client) {
      for (;;) {
        const message = await client.next()
        if (!message.payload.toString().startsWith(MARKER)) return message
      }
    },
    nothing,
    async end(client, abruptly) {
      const sessions = await findSessions(fogbank, client.clientId)
      await client.end(abruptly)
      const known = async () =>
        (await findSessions(fogbank, client.clientId)).some((one) => sessions.includes(one))
      const gone = async () => {
        while (await known()) await new Promise((resolve) => setImmediate(resolve))
      }
      await within(MARKER_MS, gone(), `the suite to know that ${client.clientId} is gone`)
    }
  }

  try {
    return await run(world)
  } finally {
    for (const client of clients) client.mqtt.end(true)
    await fogbank.close()
  }
}

async function findSessions(fogbank: Fogbank, id: string): Promise<Session[]> {
  const spaces = await Promise.all(fogbank.core.spaces().map((name) => fogbank.core.space(name)))
  return spaces.flatMap((space) => space.sessions().filter(({ clientId }) => clientId === id))
}

async function publishMarker(fogbank: Fogbank, client: TestClient, payload: Buffer): Promise<void> {
  const filter = client.filters[0]
  if (filter === undefined) throw new Error(`${client.clientId} has no subscription`)
  for (const name of fogbank.core.spaces()) {
    const space = await fogbank.core.space(name)
    const session = space.sessions().find(({ clientId }) => clientId === client.clientId)
    if (!session) continue
    const own = filter.replace(/^\$share\/[^/]+\//, '')
    const [spaceFilter = own] = session.policy.toSpaceFilters?.(own, session) ?? [own]
    const topic = spaceFilter.replace(/[+#]/g, 'marker')
    // At the best quality, so that no message queued before it is overtaken.
    await space.publish({ topic, payload, qos: session.policy.maximumQoS, retain: false })
    return
  }
  throw new Error(`${client.clientId} is not connected`)
}
