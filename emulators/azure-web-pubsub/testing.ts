// Web PubSub on a port of its own, REST calls that sign themselves, and MQTT clients that say what they are told.
import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import { openWire, withFogbank, type HttpAnswer, type Wire, type World } from '@fogbank/contract'
import type { StartOptions } from 'fogbank'
import type { Settings } from './settings.ts'
import { signJwt } from './transcript.ts'

export const ID = 'azure-web-pubsub'
/** Seconds since 1970, in the year 2100. */
export const FAR = 4_102_444_800
/** Roles of who may do everything. */
export const EVERYTHING = ['webpubsub.joinLeaveGroup', 'webpubsub.sendToGroup']

export interface Body {
  text?: string | Buffer
  type?: string
  headers?: Record<string, string>
}

export interface Fixture {
  world: World
  /** `http://localhost:…`, without a trailing slash. */
  url: string
  /** A call with a token of its own; `target` without a leading slash is under hub `chat`. */
  call(method: string, target: string, body?: Body): Promise<HttpAnswer>
  /** Where an MQTT client of hub `chat` with these claims connects. */
  mqttUrl(claims?: object): string
  /** An MQTT connection without a CONNECT. */
  open(claims?: object, version?: 4 | 5): Promise<Wire>
  /** The same, connected: its CONNACK was taken. */
  connect(options?: ConnectOptions): Promise<Wire>
}

export interface ConnectOptions {
  claims?: object
  version?: 4 | 5
  /** More members of the CONNECT, or others. */
  packet?: object
}

/** A CONNECT, as mqtt-packet writes it. */
export const toConnect = (clientId: string, version: 4 | 5 = 5, more: object = {}) => ({
  cmd: 'connect',
  protocolId: 'MQTT',
  protocolVersion: version,
  clientId,
  clean: true,
  keepalive: 60,
  ...more
})

/** Tokens that are nobody's, whatever they are for; `good` is one that is let in. */
export function spoil(good: { aud: string; exp: number }): string[] {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const [header = '', payload = '', signature = ''] = signJwt(good).split('.')
  return [
    `${part({ alg: 'none' })}.${payload}.`,
    `${part({ alg: 'HS512', typ: 'JWT' })}.${payload}.${signature}`,
    `${part({ alg: 'RS256', typ: 'JWT' })}.${payload}.${signature}`,
    `${header}.${part({ ...good, sub: 'x' })}.${signature}`,
    `${header}.${payload}`,
    `${header}.${part('text')}.${signature}`,
    `${header}.%%%.${signature}`,
    signJwt({ ...good, exp: String(good.exp) }),
    signJwt({ aud: good.aud }),
    signJwt({ ...good, exp: 1_000_000_000 }),
    signJwt({ ...good, nbf: 'soon' }),
    signJwt({ ...good, nbf: FAR - 1 }),
    signJwt({ exp: good.exp }),
    signJwt({ ...good, aud: 7 }),
    signJwt({ ...good, aud: [] }),
    signJwt({ ...good, aud: `${good.aud}x` }),
    signJwt(good, DEVELOPMENT_KEYS.topicKey1),
    'x'.repeat(20_000)
  ]
}

/** Starts Web PubSub alone, runs, and closes everything. */
export async function withWebPubSub(
  options: StartOptions & { settings?: Settings; manualClock?: boolean },
  run: (fixture: Fixture) => Promise<void>
): Promise<void> {
  const { settings, ...start } = options
  const config = settings ? { config: { [ID]: settings } } : {}
  await withFogbank({ only: [ID], ...config, ...start }, async (world) => {
    const url = world.fogbank.endpoints[ID]!.http as string
    const wires: Wire[] = []

    function mqttUrl(claims: object = { role: EVERYTHING }): string {
      const path = '/clients/mqtt/hubs/chat'
      const token = signJwt({ aud: `${url}${path}`, exp: FAR, ...claims })
      return `${url.replace('http', 'ws')}${path}?access_token=${token}`
    }

    async function open(claims?: object, version: 4 | 5 = 5): Promise<Wire> {
      const wire = await openWire(mqttUrl(claims), version)
      wires.push(wire)
      return wire
    }

    try {
      await run({
        world,
        url,
        mqttUrl,
        open,
        async call(method, target, { text, type = 'text/plain', headers } = {}) {
          const path = target.startsWith('/') ? target : `/api/hubs/chat/${target}`
          const aud = `${url}${decodeURIComponent(path.split('?')[0]!)}`
          const body = text === undefined ? undefined : Buffer.from(text)
          return world.http(
            { at: ID },
            {
              method,
              target: path,
              headers: {
                authorization: `Bearer ${signJwt({ aud, exp: FAR })}`,
                ...(body ? { 'content-type': type } : {}),
                ...headers
              },
              ...(body ? { body } : {})
            }
          )
        },
        async connect({ claims, version = 5, packet = {} } = {}) {
          const wire = await open(claims, version)
          wire.send(toConnect('dev1', version, packet))
          const connack = await wire.next()
          const code = connack?.reasonCode ?? connack?.returnCode
          if (code !== 0) throw new Error(`CONNACK ${String(code)}`)
          return wire
        }
      })
    } finally {
      for (const wire of wires) wire.cut()
    }
  })
}
