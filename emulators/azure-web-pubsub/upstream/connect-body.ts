import { X509Certificate } from 'node:crypto'
import type { RawRequest } from '@fogbank/personality'
import type { ConnectBody } from './connect.ts'

/** Never told to a handler: it is the client's secret, or ours. */
const SECRET_HEADERS = /^(authorization|x-asrs-internal-.*)$/
const SECRET_QUERY = 'access_token'

/** Who connects, in the words of the `connect` event. */
export function toConnectBody(
  claims: Record<string, unknown>,
  rawQuery: string,
  { headers, peer }: Pick<RawRequest, 'headers' | 'peer'>,
  subprotocols: readonly string[]
): ConnectBody {
  const { certificate } = peer
  return {
    claims: mapValues(claims, (value) =>
      (Array.isArray(value) ? value : [value]).map((one) =>
        typeof one === 'string' ? one : JSON.stringify(one)
      )
    ),
    query: readQuery(rawQuery),
    headers: mapValues(
      Object.fromEntries(Object.entries(headers).filter(([name]) => !SECRET_HEADERS.test(name))),
      (value) => [value ?? ''].flat()
    ),
    subprotocols: [...subprotocols],
    clientCertificates: certificate ? [toCertificate(certificate.der)] : []
  }
}

function mapValues<From>(
  object: Record<string, From>,
  to: (value: From) => string[]
): Record<string, string[]> {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, to(value)]))
}

function readQuery(rawQuery: string): Record<string, string[]> {
  const query: Record<string, string[]> = {}
  for (const [name, value] of new URLSearchParams(rawQuery)) {
    if (name.toLowerCase() === SECRET_QUERY) continue
    if (!Object.hasOwn(query, name)) query[name] = []
    query[name]!.push(value)
  }
  return query
}

function toCertificate(der: Buffer): { thumbprint: string; content: string } {
  const certificate = new X509Certificate(der)
  const thumbprint = certificate.fingerprint.replaceAll(':', '')
  return { thumbprint, content: certificate.toString() }
}
