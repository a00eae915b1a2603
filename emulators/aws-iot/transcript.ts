import type { TranscriptAdapter } from '@fogbank/contract'
import { createSigner, presignMqtt, toQuery, type Signer } from './testing.ts'

/** Six minutes: one more than the service allows. */
const TOO_FAR_MS = 360_000

/** Who signs a request whose transcript says `"credential": "name"`. */
const SIGNERS: Record<string, Signer & { offMs?: number; presigned?: boolean }> = {
  key: {},
  gateway: { service: 'iotdevicegateway' },
  'wrong-secret': { secretAccessKey: 'wrong' },
  'unknown-key': { accessKeyId: 'AKIAUNKNOWN' },
  ahead: { offMs: TOO_FAR_MS },
  behind: { offMs: -TOO_FAR_MS },
  url: { presigned: true },
  'url-wrong-secret': { presigned: true, secretAccessKey: 'wrong' },
  'url-behind': { presigned: true, offMs: -TOO_FAR_MS }
}

/** How the transcripts under fixtures/aws-iot prove who they are. */
export const adapter: TranscriptAdapter = {
  async credential(name, { method, target, headers, body, host }, fogbank) {
    if (name === 'device') return { tls: await fogbank.issueClient('device') }
    const signer = SIGNERS[name]
    if (!signer) throw new Error(`aws-iot has no credential ${name}`)
    const { offMs = 0, presigned, ...key } = signer
    const dateMs = fogbank.core.clock.now() + offMs
    if (presigned) return { target: presignMqtt({ ...key, host, dateMs }), headers: {} }
    const [path = '', rawQuery = ''] = target.split('?')
    const request = {
      method,
      protocol: 'http:',
      hostname: host,
      path,
      query: toQuery(rawQuery),
      headers: { ...headers, host },
      body
    }
    const signed = await createSigner(key).sign(request, { signingDate: new Date(dateMs) })
    const { host: _host, ...added } = signed.headers
    return { headers: added }
  },
  async mqtt(name, fogbank) {
    if (name === 'device') {
      return { ...(await fogbank.issueClient('device')), ca: await fogbank.ca() }
    }
    const { accessKeyId = 'test', secretAccessKey = 'test' } = SIGNERS[name] ?? {}
    return { username: accessKeyId, password: secretAccessKey }
  }
}
