// A namespace in memory under a clock that stands still, with an authority that makes its tokens.
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { startFogbank } from 'fogbank'
import { Hono } from 'hono'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { createAuthority, type TokenRequest } from '@fogbank/authority'
import { listenToPackets, type PacketClient } from '@fogbank/contract/testing'
import {
  acceptMqtt,
  createCore,
  createManualClock,
  systemIds,
  type Core,
  type ManualClock,
  type Peer,
  type Published,
  type Space
} from '@fogbank/core'
import { startPersonality, type AuthMode, type RunningPersonality } from '@fogbank/personality'
import { azureEventGridNamespaces } from './index.ts'
import type { Settings } from './settings.ts'

export const API_VERSION = 'api-version=2025-08-01-preview'

export interface Answer {
  status: number
  headers: Record<string, string>
  text: string
}

export interface Call {
  method?: string
  /** Undecoded path and query. */
  target: string
  headers?: Record<string, string>
  body?: string | Buffer
}

export interface World {
  core: Core
  running: RunningPersonality
  space: Space
  clock: ManualClock
  /** What was published, in order. */
  published: Published[]
  lines: string[]
  /** A token of the local authority. */
  mint(request?: TokenRequest): Promise<string>
  /** Sends a call as it is. */
  send(call: Call): Promise<Answer>
  /** Sends a call with the well-known principal's token, or another one. */
  signed(call: Call, token?: string): Promise<Answer>
  /** An HTTP Publish of the well-known principal; `query` follows the topic and the api-version. */
  publish(
    topic: string,
    more?: { query?: string; headers?: Record<string, string>; body?: string | Buffer }
  ): Promise<Answer>
  /** A call of this personality's part of the control port; `body` is sent as JSON. */
  control(method: string, path: string, body?: unknown): Promise<{ status: number; body: any }>
  /** A client at the MQTT door, whatever becomes of its CONNECT. */
  client(options?: Partial<IClientOptions>, peer?: Partial<Peer>): Promise<PacketClient>
  /** CONNECT options that sign in with a token. */
  jwt(token?: string, properties?: object): Promise<Partial<IClientOptions>>
}

const certificates = new Map<string, Promise<NonNullable<Peer['certificate']>>>()

/** The certificate of a client of this name, by the local CA; made once. */
export function issueClient(commonName: string): Promise<NonNullable<Peer['certificate']>> {
  let made = certificates.get(commonName)
  if (!made) certificates.set(commonName, (made = issue(commonName)))
  return made
}

async function issue(commonName: string) {
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  // Certificates have their time, and the worlds of these tests theirs.
  const clock = createManualClock()
  const fogbank = await startFogbank({ only: [azureEventGridNamespaces.name], log, clock })
  const { cert } = await fogbank.issueClient(commonName)
  await fogbank.close()
  return { der: new X509Certificate(cert).raw, trusted: true }
}

/** What an error answer has to be, whole. */
export function toErrorText(status: number, code: string, message: string, answer: Answer): object {
  const { error } = JSON.parse(answer.text) as { error: Record<string, string> }
  return {
    status,
    code: answer.headers['broker-errorcode'],
    type: answer.headers['content-type'],
    body: { code, message, timestamp_utc: error.timestamp_utc, tracking_id: error.tracking_id }
  }
}

/** Runs a test against a fresh namespace; everything is closed afterwards. */
export async function withNamespace(
  options: {
    auth?: AuthMode
    settings?: Settings
    hints?: boolean
    directory?: string
    /** What the namespace shows to web hooks. */
    issueToken?: () => Promise<string>
  },
  run: (world: World) => Promise<void>
): Promise<void> {
  const { auth = 'strict', settings = {}, hints = false, directory } = options
  const lines: string[] = []
  const log = {
    info: (line: string) => void lines.push(line),
    warn: (line: string) => void lines.push(line),
    error: (error: unknown, line: string) => void lines.push(`${line}: ${String(error)}`)
  }
  const clock = createManualClock()
  const kept = directory === undefined ? {} : { directory }
  const core = await createCore({ clock, ids: systemIds, log, ...kept })
  const publicUrl = () => 'https://localhost:4660'
  const tokens = createAuthority({ clock, ids: systemIds, auth, publicUrl })
  const running = await startPersonality(azureEventGridNamespaces, {
    core,
    clock,
    ids: systemIds,
    log,
    auth,
    settings,
    tokens,
    issueToken:
      options.issueToken ??
      ((audience, tenantId) =>
        tokens.mint({ audience, ...(tenantId === undefined ? {} : { tenantId }) })),
    hints
  }).catch(async (error: unknown) => {
    await core.close()
    throw error
  })
  const space = await core.space(settings.space ?? 'main')
  const published: Published[] = []
  space.listen({ published: (event) => void published.push(event) })

  async function send({ method = 'POST', target, headers = {}, body }: Call): Promise<Answer> {
    const reply = await running.app.request(`http://localhost${target}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body })
    })
    return {
      status: reply.status,
      headers: Object.fromEntries(reply.headers),
      text: await reply.text()
    }
  }

  const signed = async (call: Call, token?: string) => {
    const Authorization = `Bearer ${token ?? (await tokens.mint())}`
    return send({ ...call, headers: { Authorization, ...call.headers } })
  }

  /** Of those who are about to connect, in that order. */
  const peers: Partial<Peer>[] = []
  const server = net.createServer((socket) => {
    const from: Peer = { address: '127.0.0.1', port: 1, transport: 'tcp', ...peers.shift() }
    acceptMqtt({ core, policy: running.mqtt! }, socket, from)
  })
  const clients: MqttClient[] = []
  async function client(own: Partial<IClientOptions> = {}, peer: Partial<Peer> = {}) {
    if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening')
    peers.push(peer)
    const made = mqtt.connect(`mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`, {
      protocolVersion: 5,
      clientId: 'dev1',
      reconnectPeriod: 0,
      resubscribe: false,
      ...own
    })
    clients.push(made)
    return listenToPackets(made)
  }

  try {
    await run({
      core,
      running,
      space,
      clock,
      published,
      lines,
      mint: tokens.mint,
      send,
      signed,
      client,
      async control(method, path, body) {
        const init = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
        // As the control port does with what its parts throw.
        const app = new Hono()
          .route('/', running.control!)
          .onError((error, c) => c.json({ error: error.message }, 400))
        const reply = await app.request(path, init)
        const text = await reply.text()
        return { status: reply.status, body: text === '' ? undefined : JSON.parse(text) }
      },
      publish: (topic, { query = '', headers, body = 'go' } = {}) =>
        signed({
          target: `/mqtt/messages?topic=${encodeURIComponent(topic)}&${API_VERSION}${query}`,
          body,
          ...(headers ? { headers } : {})
        }),
      async jwt(token, properties = {}) {
        const data = Buffer.from(token ?? (await tokens.mint()))
        return {
          properties: {
            authenticationMethod: 'OAUTH2-JWT',
            authenticationData: data,
            ...properties
          }
        }
      }
    })
  } finally {
    for (const made of clients) made.end(true)
    server.close()
    await running.close()
    await core.close()
  }
}
