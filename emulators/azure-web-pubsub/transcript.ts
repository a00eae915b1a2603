import type { TranscriptAdapter } from '@fogbank/contract'
import type { Fogbank } from 'fogbank'
import { SignJWT } from 'jose'

const PERSONALITY = 'azure-web-pubsub'
const TOKEN_SECONDS = 3600

/** What the token of a WebSocket client of hub `chat` says, by the name a transcript uses. */
const CLIENTS: Record<string, Record<string, unknown>> = {
  client: {},
  alice: { sub: 'alice', role: ['webpubsub.joinLeaveGroup', 'webpubsub.sendToGroup'] },
  'alice-in-room1': { sub: 'alice', 'webpubsub.group': ['room1'] },
  'client-expired': { exp: 1 },
  'client-other-hub': { aud: 'http://localhost/client/hubs/other' },
  'client-blank-group': { 'webpubsub.group': [' '] }
}

/** A token for `/client/hubs/chat`, signed with the primary access key. */
async function signClient(fogbank: Fogbank, claims: Record<string, unknown>): Promise<string> {
  const { http, credentials } = fogbank.endpoints[PERSONALITY]!
  const { accessKey } = credentials as { accessKey: string }
  const now = Math.floor(fogbank.core.clock.now() / 1000)
  return new SignJWT({ aud: `${http}/client/hubs/chat`, exp: now + TOKEN_SECONDS, ...claims })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(Buffer.from(accessKey))
}

/** How the transcripts under fixtures/azure-web-pubsub prove who they are. */
export const adapter: TranscriptAdapter = {
  settings: {
    anonymous: { hubs: { chat: { anonymousConnectPolicy: 'allow' } } },
    'handler-away': {
      hubs: {
        chat: { eventHandlers: [{ urlTemplate: 'http://127.0.0.1:1/', systemEvents: ['connect'] }] }
      }
    }
  },
  async credential(name, _request, fogbank) {
    const claims = CLIENTS[name]
    if (!claims) throw new Error(`azure-web-pubsub has no credential ${name}`)
    return { headers: { authorization: `Bearer ${await signClient(fogbank, claims)}` } }
  }
}
