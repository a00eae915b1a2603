// AWS IoT in memory under a clock that stands still, and a client that signs.
import { createHash, createHmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import {
  createCore,
  createManualClock,
  systemIds,
  type ManualClock,
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
  /** @default the emulator's clock */
  dateMs?: number
}

export interface AwsWorld {
  running: RunningPersonality
  space: Space
  clock: ManualClock
  /** What was published, in order. */
  published: Published[]
  /** Sends a call as it is. */
  send(call: Call): Promise<Answer>
  /** The headers of a call signed as an SDK signs it. */
  sign(call: Call, signer?: Signer): Promise<Record<string, string>>
  /** Signs and sends. */
  signed(call: Call, signer?: Signer): Promise<Answer>
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
    region: 'eu-central-1',
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
      return [decodeURIComponent(name), decodeURIComponent(value)]
    })
  )
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
  })
  const space = await core.space('main')
  const published: Published[] = []
  space.listen({ published: (event) => void published.push(event) })

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

  try {
    await run({
      running,
      space,
      clock,
      published,
      send,
      sign,
      signed: async (call, signer) => send({ ...call, headers: await sign(call, signer) })
    })
  } finally {
    await running.close()
    await core.close()
  }
}
