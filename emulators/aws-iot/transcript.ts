import type { TranscriptAdapter } from '@fogbank/contract'
import { toBasicForm } from './signing-date.ts'
import { createSigner, presignMqtt, toQuery, type Signer } from './testing.ts'
import { signByHand } from './testing-signature.ts'

/** Six minutes: one more than the service allows. */
const TOO_FAR_MS = 360_000

/** Who signs a request whose transcript says `"credential": "name"`. */
const SIGNERS: Record<
  string,
  Signer & { offMs?: number; presigned?: boolean; byDateHeader?: boolean }
> = {
  key: {},
  control: { service: 'iot' },
  gateway: { service: 'iotdevicegateway' },
  jobs: { service: 'iot-jobs-data' },
  'wrong-secret': { secretAccessKey: 'wrong' },
  'unknown-key': { accessKeyId: 'AKIAUNKNOWN' },
  ahead: { offMs: TOO_FAR_MS },
  behind: { offMs: -TOO_FAR_MS },
  dated: { byDateHeader: true },
  url: { presigned: true },
  'url-wrong-secret': { presigned: true, secretAccessKey: 'wrong' },
  'url-behind': { presigned: true, offMs: -TOO_FAR_MS }
}

const ARN = 'arn:aws:iot:*:123456789012'
/** May do everything but publish and subscribe to what is secret. */
const NO_SECRETS = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: 'iot:*', Resource: '*' },
    {
      Effect: 'Deny',
      Action: ['iot:Publish', 'iot:Subscribe'],
      Resource: [`${ARN}:topic/secret`, `${ARN}:topicfilter/secret`]
    }
  ]
}

/** How the transcripts under fixtures/aws-iot prove who they are. */
export const adapter: TranscriptAdapter = {
  settings: {
    policies: {
      accessKeys: [{ accessKeyId: 'test', secretAccessKey: 'test', policy: NO_SECRETS }],
      certificates: [{ commonName: 'device', policy: NO_SECRETS }]
    }
  },
  async credential(name, { method, target, headers, body, host }, fogbank) {
    if (name === 'device') return { tls: await fogbank.issueClient('device') }
    const signer = SIGNERS[name]
    if (!signer) throw new Error(`aws-iot has no credential ${name}`)
    const { offMs = 0, presigned, byDateHeader, ...key } = signer
    const dateMs = fogbank.core.clock.now() + offMs
    if (presigned) return { target: presignMqtt({ ...key, host, dateMs }), headers: {} }
    if (byDateHeader) {
      const dated = { date: new Date(dateMs).toUTCString() }
      const date = toBasicForm(dateMs)
      return { headers: signByHand({ method, target, host, body, headers: dated, date }) }
    }
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
