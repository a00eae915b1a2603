import { createHmac } from 'node:crypto'
import type { TranscriptAdapter } from '@fogbank/contract'
import { mintToken } from '@fogbank/contract/testing'
import { DEVELOPMENT_KEYS, type TokenRequest } from '@fogbank/authority'
import type { Fogbank } from 'fogbank'

const { topicKey1: KEY1, topicKey2: KEY2 } = DEVELOPMENT_KEYS

/** Whose token a transcript asks for by name. */
const TOKENS: Record<string, TokenRequest> = {
  sender: {},
  'no-role': { clientId: '11111111-2222-4333-8444-555555555555' },
  'other-audience': { audience: 'https://management.azure.com' },
  'expired-token': { expiresInSeconds: -1 }
}

const EVENTS = 'https://orders.westus2-1.eventgrid.azure.net/api/events'

/** SAS tokens by the name a transcript uses: resource, expiry, key. */
const SAS_TOKENS: Record<string, [resource: string, expiry: string, key: string]> = {
  sas: [EVENTS, '1/2/2030 3:04:05 PM', KEY1],
  'sas-key2': [EVENTS, '2030-01-02T15:04:05', KEY2],
  'sas-expired': [EVENTS, '1/2/2026 3:04:05 AM', KEY1],
  'sas-other-path': ['https://localhost/billing/api/events', '1/2/2030 3:04:05 PM', KEY1],
  'sas-other-key': [EVENTS, '1/2/2030 3:04:05 PM', Buffer.alloc(32).toString('base64')]
}

const CLOUD = { inputSchema: 'CloudEventSchemaV1_0' }

const shop = {
  topics: [
    { name: 'orders' },
    { name: 'cloud', ...CLOUD },
    {
      name: 'custom',
      inputSchema: 'CustomEventSchema',
      inputSchemaMapping: {
        eventType: { sourceField: 'typ' },
        subject: { sourceField: 'sub' },
        dataVersion: { sourceField: 'ver', defaultValue: '1.0' }
      }
    },
    {
      name: 'vectors',
      // The key of the test vectors: `local-development-key-0123456789`.
      keys: { key1: KEY1, key2: 'bG9jYWwtZGV2ZWxvcG1lbnQta2V5LTAxMjM0NTY3ODk=' }
    },
    { name: 'sealed', disableLocalAuth: true },
    { name: 'fenced', inboundIpRules: [{ ipMask: '10.1.2.0/24' }] }
  ],
  domains: [{ name: 'shop-domain' }, { name: 'cloud-domain', ...CLOUD }],
  partnerNamespaces: [{ name: 'partner' }]
}

/** How the transcripts under fixtures/azure-event-grid-topics prove who they are. */
export const adapter: TranscriptAdapter = {
  settings: {
    shop,
    delivering: { ...shop, delivery: { jitter: false } },
    observed: { sizeLimits: 'observed' },
    guaranteed: { eventSizeLimit: '64KB' },
    single: { singleEvent: 'accepted' }
  },
  async credential(name, { target }, fogbank) {
    if (name === 'key1') return toHeader('aeg-sas-key', KEY1)
    if (name === 'key2') return toHeader('aeg-sas-key', KEY2)
    if (name === 'key-in-query') {
      return { target: `${target}&aeg-sas-key=${encodeURIComponent(KEY1)}` }
    }
    const sas = SAS_TOKENS[name]
    if (sas) return toHeader('aeg-sas-token', toSasToken(...sas))
    if (name === 'sas-in-authorization') {
      const token = toSasToken(...SAS_TOKENS.sas!)
      return toHeader('authorization', `SharedAccessSignature ${token}`)
    }
    const token = await mint(name, fogbank)
    return toHeader('authorization', `Bearer ${token}`)
  }
}

const toHeader = (name: string, value: string) => ({ headers: { [name]: value } })

/** As the documentation's samples make them. */
export function toSasToken(resource: string, expiry: string, key: string): string {
  const signed = `r=${encodeURIComponent(resource)}&e=${encodeURIComponent(expiry)}`
  const hmac = createHmac('sha256', Buffer.from(key, 'base64')).update(signed)
  return `${signed}&s=${encodeURIComponent(hmac.digest('base64'))}`
}

/** A token as a test suite gets one: from the control port. */
async function mint(name: string, fogbank: Fogbank): Promise<string> {
  const request = TOKENS[name]
  if (!request) throw new Error(`azure-event-grid-topics has no credential ${name}`)
  return mintToken(fogbank, request)
}
