// AWS IoT in memory under a clock that stands still, and a client that signs.
import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { SignatureV4 } from '@smithy/signature-v4'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
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
import type { Settings } from './handlers.ts'
import { awsIot } from './index.ts'

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

export interface Signer {
  accessKeyId?: string
  secretAccessKey?: string
  sessionToken?: string
  service?: string
  /** @default eu-central-1 */
  region?: string
  /** @default the emulator's clock */
  dateMs?: number
}

export interface AwsWorld {
  core: Core
  running: RunningPersonality
  space: Space
  clock: ManualClock
  /** What was published, in order; lifecycle events are not. */
  published: Published[]
  /** Sends a call as it is. */
  send(call: Call): Promise<Answer>
  /** The headers of a call signed as an SDK signs it. */
  sign(call: Call, signer?: Signer): Promise<Record<string, string>>
  /** Signs and sends. */
  signed(call: Call, signer?: Signer): Promise<Answer>
  /** A client at the MQTT door, whatever becomes of its CONNECT. */
  client(options?: Partial<IClientOptions>, peer?: Partial<Peer>): Promise<PacketClient>
}

/** The host that in-memory requests go to. */
const HOST = 'localhost'

/** smithy's hash over node:crypto. */
export const sha256 = function (secret?: string | Uint8Array) {
  const hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret)
  return {
    update: (data: Uint8Array) => void hash.update(data),
    digest: () => Promise.resolve(hash.digest())
  }
} as unknown as ConstructorParameters<typeof SignatureV4>[0]['sha256']

/** A signer as the SDKs have one. */
export function createSigner(signer: Signer): SignatureV4 {
  const { accessKeyId = 'test', secretAccessKey = 'test', sessionToken } = signer
  return new SignatureV4({
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) },
    region: signer.region ?? 'eu-central-1',
    service: signer.service ?? 'iotdata',
    sha256,
    applyChecksum: true
  })
}

export function toQuery(rawQuery: string): Record<string, string> {
  const pairs = rawQuery.split('&').filter((pair) => pair !== '')
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = '', value = ''] = pair.split('=')
      return [decode(name), decode(value)]
    })
  )
}

/** What is no escape is signed as it stands. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // Only a malformed escape throws.
    return text
  }
}

/** Runs a test against a fresh emulator; everything is closed afterwards. */
export async function withAwsIot(
  options: { auth?: AuthMode; settings?: Settings },
  run: (world: AwsWorld) => Promise<void>
): Promise<void> {
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  const clock = createManualClock()
  const core = await createCore({ clock, ids: systemIds, log })
  const running = await startPersonality(awsIot, {
    core,
    clock,
    ids: systemIds,
    log,
    auth: options.auth ?? 'strict',
    settings: options.settings ?? {},
    tokens: { verify: async () => ({ fault: 'malformed' as const }) },
    hints: false
  }).catch(async (error: unknown) => {
    await core.close()
    throw error
  })
  const space = await core.space('main')
  const published: Published[] = []
  space.listen({
    published(event) {
      if (!event.message.topic.startsWith('$aws/events/')) published.push(event)
    }
  })

  async function send({ method = 'POST', target, headers = {}, body }: Call): Promise<Answer> {
    const reply = await running.app.request(`http://${HOST}${target}`, {
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

  async function sign(call: Call, signer: Signer = {}): Promise<Record<string, string>> {
    const [path = '', rawQuery = ''] = call.target.split('?')
    const request = {
      method: call.method ?? 'POST',
      protocol: 'http:',
      hostname: HOST,
      path,
      query: toQuery(rawQuery),
      headers: { host: HOST, ...call.headers },
      body: call.body ?? ''
    }
    const signingDate = new Date(signer.dateMs ?? clock.now())
    const { headers } = await createSigner(signer).sign(request, { signingDate })
    return headers
  }

  const server = net.createServer()
  const clients: MqttClient[] = []
  async function client(options: Partial<IClientOptions> = {}, peer: Partial<Peer> = {}) {
    if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening')
    server.once('connection', (socket) => {
      const from: Peer = { address: '127.0.0.1', port: 1, transport: 'tcp', ...peer }
      acceptMqtt({ core, policy: running.mqtt! }, socket, from)
    })
    const made = mqtt.connect(`mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`, {
      protocolVersion: 5,
      clientId: 'dev1',
      username: 'test',
      password: 'test',
      reconnectPeriod: 0,
      resubscribe: false,
      ...options
    })
    clients.push(made)
    return listenToPackets(made)
  }

  try {
    await run({
      client,
      core,
      running,
      space,
      clock,
      published,
      send,
      sign,
      signed: async (call, signer) => send({ ...call, headers: await sign(call, signer) })
    })
  } finally {
    for (const made of clients) made.end(true)
    server.close()
    await running.close()
    await core.close()
  }
}

export interface Presigned extends Signer {
  host: string
  dateMs: number
  expiresIn?: number
  /** What is put behind the URL after it was signed. */
  appended?: string
}

/** Path and query of `/mqtt`, signed as MQTT clients do; smithy's presign cannot leave out the expiry. */
export function presignMqtt(options: Presigned): string {
  const { service = 'iotdevicegateway', expiresIn, appended = '', host, dateMs } = options
  const { accessKeyId = 'test', secretAccessKey = 'test' } = options
  const date = new Date(dateMs).toISOString().replace(/[-:]|\.\d+/g, '')
  const day = date.slice(0, 8)
  const scope = `${day}/us-east-1/${service}/aws4_request`
  const pairs = {
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${accessKeyId}/${scope}`,
    'X-Amz-Date': date,
    ...(expiresIn === undefined ? {} : { 'X-Amz-Expires': String(expiresIn) }),
    'X-Amz-SignedHeaders': 'host'
  }
  const rawQuery = Object.entries(pairs)
    .map((pair) => pair.map(encodeURIComponent).join('='))
    .join('&')
  const hash = (text: string) => createHash('sha256').update(text).digest('hex')
  const hmac = (secret: string | Buffer, text: string) =>
    createHmac('sha256', secret).update(text).digest()
  const canonical = `GET\n/mqtt\n${rawQuery}\nhost:${host}\n\nhost\n${hash('')}`
  const toSign = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${hash(canonical)}`
  const steps = [day, 'us-east-1', service, 'aws4_request', toSign]
  const signature = steps.reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`) as Buffer
  return `/mqtt?${rawQuery}&X-Amz-Signature=${signature.toString('hex')}${appended}`
}
