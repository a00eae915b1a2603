import { createHmac } from 'node:crypto'
import type { TranscriptAdapter } from '@fogbank/contract'
import { mintToken } from '@fogbank/contract/testing'
import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import type { Fogbank } from 'fogbank'

const HUB = 'chat'
/** Seconds since 1970; the manual clock stands long before it. */
const FAR = 4_102_444_800

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** An HS256 JWT, made without the emulator's own code. */
export function signJwt(claims: object, key: string = DEVELOPMENT_KEYS.webPubSubKey): string {
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
}

/** Claims of a caller, by the name a transcript uses; `aud` is the URL as it is called, without its query. */
const CALLERS: Record<string, (url: string) => object> = {
  key: (url) => ({ aud: url, exp: FAR }),
  'query-in-audience': (url) => ({ aud: `${url}?api-version=2024-12-01`, exp: FAR }),
  'websocket-audience': (url) => ({ aud: url.replace('http', 'ws'), exp: FAR }),
  'other-audience': (url) => ({ aud: url.replace('/chat', '/other'), exp: FAR }),
  'longer-audience': (url) => ({ aud: `${url}suffix`, exp: FAR }),
  'no-audience': () => ({ exp: FAR }),
  expired: (url) => ({ aud: url, exp: 1_000_000_000 }),
  'no-expiry': (url) => ({ aud: url })
}

/** Claims of a WebSocket client of hub `chat`, by the name a transcript uses. */
const WEB_SOCKET_CLIENTS: Record<string, object> = {
  client: {},
  alice: { sub: 'alice', role: ['webpubsub.joinLeaveGroup', 'webpubsub.sendToGroup'] },
  'alice-in-room1': { sub: 'alice', 'webpubsub.group': ['room1'] },
  'client-expired': { exp: 1 },
  'client-other-hub': { aud: 'http://localhost/client/hubs/other' },
  'client-blank-group': { 'webpubsub.group': [' '] }
}

/** Roles of an MQTT client, by the name a transcript uses. */
const CLIENTS: Record<string, object> = {
  nobody: {},
  alice: {
    sub: 'alice',
    role: ['webpubsub.joinLeaveGroup.room1', 'webpubsub.sendToGroup.room1'],
    'webpubsub.group': ['lobby']
  },
  all: { sub: 'bob', role: ['webpubsub.joinLeaveGroup', 'webpubsub.sendToGroup'] },
  anonymous: { role: ['webpubsub.joinLeaveGroup', 'webpubsub.sendToGroup'] },
  'blank-group': { 'webpubsub.group': [' '] },
  // The spelling of the MQTT page.
  'group-claim': { sub: 'carol', group: 'lobby' }
}

function urlOf(fogbank: Fogbank): string {
  return fogbank.endpoints['azure-web-pubsub']!.http as string
}

const entraToken = (fogbank: Fogbank, request: object): Promise<string> =>
  mintToken(fogbank, { audience: 'https://webpubsub.azure.com', ...request })

/** What stands behind `Bearer`, for callers of Entra. */
const ENTRA: Record<string, object> = {
  entra: {},
  'entra-without-role': { clientId: 'somebody' },
  'entra-for-event-grid': { audience: 'https://eventgrid.azure.net' },
  'entra-expired': { expiresInSeconds: -60 }
}

/** How the transcripts under fixtures/azure-web-pubsub prove who they are. */
export const adapter: TranscriptAdapter = {
  settings: {
    entraOnly: { generateClientTokenNeedsEntra: true },
    strictPaths: { strictPathDecoding: true },
    anyLength: { requireContentLength: false },
    twoKeys: { accessKeys: ['primary', DEVELOPMENT_KEYS.webPubSubKey] },
    golden: {
      accessKeys: [
        'local-emulator-primary-key-0123456789abcdef',
        'local-emulator-secondary-key-0123456789abcd'
      ]
    },
    anonymous: { hubs: { Chat: { anonymousConnectPolicy: 'allow' } } },
    'handler-away': {
      hubs: {
        chat: { eventHandlers: [{ urlTemplate: 'http://127.0.0.1:1/', systemEvents: ['connect'] }] }
      }
    }
  },
  async credential(name, { target, host }, fogbank) {
    const path = decodeURIComponent(target.split('?')[0]!)
    const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
    if (/^\/client(?:\/|$)/.test(path)) {
      const claims = WEB_SOCKET_CLIENTS[name]
      if (!claims) throw new Error(`azure-web-pubsub has no WebSocket client ${name}`)
      return bearer(signJwt({ aud: `http://${host}/client/hubs/${HUB}`, exp: FAR, ...claims }))
    }
    const entra = ENTRA[name]
    if (entra) return bearer(await entraToken(fogbank, entra))
    if (name === 'forged') {
      return bearer(signJwt({ aud: `http://${host}${path}`, exp: FAR }, 'not the key'))
    }
    if (name === 'rubbish') return bearer('rubbish')
    // A client's token, for its endpoint.
    const client = CLIENTS[name.replace(/^client-/, '')]
    if (name.startsWith('client-') && client) {
      return bearer(signJwt({ ...client, aud: `http://${host}${path}`, exp: FAR }))
    }
    const claims = CALLERS[name]
    if (!claims) throw new Error(`azure-web-pubsub has no credential ${name}`)
    return bearer(signJwt(claims(`http://${host}${path}`)))
  },
  async mqtt(name, fogbank) {
    const client = CLIENTS[name]
    if (!client) throw new Error(`azure-web-pubsub has no client ${name}`)
    const path = `/clients/mqtt/hubs/${HUB}`
    const token = signJwt({ ...client, aud: `${urlOf(fogbank)}${path}`, exp: FAR })
    return {
      url: `${urlOf(fogbank).replace('http', 'ws')}${path}?access_token=${token}`,
      keepalive: 60
    }
  }
}
