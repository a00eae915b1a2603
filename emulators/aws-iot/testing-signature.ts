// A signature made by hand: SDKs date theirs with x-amz-date and nothing else.
import { createHash, createHmac } from 'node:crypto'

export interface HandSigned {
  method: string
  /** Undecoded path and query. */
  target: string
  host: string
  body: string | Buffer
  /** Those that are signed besides the host; lower-case names in order of the alphabet. */
  headers: Record<string, string>
  /** The date that is signed: `20260102T030405Z`. */
  date: string
  secretAccessKey?: string
}

/** The headers of such a request, `authorization` among them. */
export function signByHand(options: HandSigned): Record<string, string> {
  const { method, target, host, body, headers, date, secretAccessKey = 'test' } = options
  const [path = '', rawQuery = ''] = target.split('?')
  const signed = Object.entries({ ...headers, host }).sort(([a], [b]) => (a < b ? -1 : 1))
  const names = signed.map(([name]) => name).join(';')
  const lines = signed.map(([name, value]) => `${name}:${value}\n`).join('')
  const canonical = `${method}\n${path}\n${rawQuery}\n${lines}\n${names}\n${hash(body)}`
  const day = date.slice(0, 8)
  const scope = `${day}/us-east-1/iotdata/aws4_request`
  const toSign = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${hash(canonical)}`
  const steps = [day, 'us-east-1', 'iotdata', 'aws4_request', toSign]
  const signature = steps.reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`) as Buffer
  const authorization = `AWS4-HMAC-SHA256 Credential=test/${scope}, SignedHeaders=${names}, Signature=${signature.toString('hex')}`
  return { ...headers, authorization }
}

const hash = (text: string | Buffer) => createHash('sha256').update(text).digest('hex')
const hmac = (secret: string | Buffer, text: string) =>
  createHmac('sha256', secret).update(text).digest()
