import { createHash, createHmac } from 'node:crypto'
import { ALGORITHM_IDENTIFIER, getCanonicalHeaders, getCanonicalQuery } from '@smithy/signature-v4'
import type { AccessKey } from './handlers.ts'

/** `<yyyymmdd>/<region>/<service>/aws4_request`, taken apart. */
export interface Scope {
  accessKeyId: string
  day: string
  region: string
  service: string
  terminator: string
}

/** A request as its client signed it. */
export interface SignedRequest {
  method: string
  /** As on the wire, still percent-encoded. */
  path: string
  /** Undecoded. */
  rawQuery: string
  headers: Record<string, string>
  /** Lower-case names, as the client lists them: `host;x-amz-date`. */
  signedHeaders: string
  /** As in `x-amz-date`: `20260102T030405Z`. */
  date: string
  /** Hex. Absent: the hash of `body`. */
  payloadHash: string | undefined
  body: Buffer
}

/** Computes what a signature should be. */
export interface Signatures {
  /** Hex of the signature that this key gives this request. */
  of(key: AccessKey, scope: Scope, request: SignedRequest): string
}

/** Days and regions are the callers' to invent, so the keys kept for them have to be bounded. */
const KEYS_KEPT = 100

/** Appended to a presigned URL after signing, so never part of what was signed. */
const UNSIGNED_QUERY = new Set(['X-Amz-Signature', 'X-Amz-Security-Token'])

type Query = Record<string, string | string[]>

/**
 * Signature Version 4, as the SDKs' own signer makes it: its canonical forms of headers and query, put
 * together here, because the signer itself takes three times as long and is asked on every request.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function createSignatures(): Signatures {
  const keys = new Map<string, Buffer>()
  return {
    of(key, scope, request) {
      const credentialScope = `${scope.day}/${scope.region}/${scope.service}/aws4_request`
      const toSign = [
        ALGORITHM_IDENTIFIER,
        request.date,
        credentialScope,
        hashOf(toCanonicalRequest(request))
      ]
      const signingKey = keyOf(keys, key, scope, credentialScope)
      return createHmac('sha256', signingKey).update(toSign.join('\n')).digest('hex')
    }
  }
}

function toCanonicalRequest(request: SignedRequest): string {
  const names = request.signedHeaders.split(';')
  const given: Record<string, string> = {}
  // A signed header that got lost has to count.
  for (const name of names) given[name] = request.headers[name] ?? ''
  const canonical = getCanonicalHeaders({ headers: given } as never, undefined, new Set(names))
  const sorted = names.sort()
  return [
    request.method,
    toCanonicalPath(request.path),
    request.rawQuery === '' ? '' : getCanonicalQuery({ query: toQuery(request.rawQuery) } as never),
    ...sorted.map((name) => `${name}:${canonical[name]}`),
    '',
    sorted.join(';'),
    request.payloadHash ?? hashOf(request.body)
  ].join('\n')
}

/** Dot segments and empty ones are taken out, and what is left is encoded once more. */
function toCanonicalPath(path: string): string {
  const segments: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(encode(segment))
  }
  const end = segments.length > 0 && path.endsWith('/') ? '/' : ''
  return `/${segments.join('/')}${end}`
}

/** RFC 3986: everything but the unreserved characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`
  )
}

function keyOf(
  keys: Map<string, Buffer>,
  { accessKeyId, secretAccessKey }: AccessKey,
  scope: Scope,
  credentialScope: string
): Buffer {
  const name = `${accessKeyId}/${credentialScope}`
  const known = keys.get(name)
  if (known) return known
  const oldest = keys.size >= KEYS_KEPT ? keys.keys().next().value : undefined
  if (oldest !== undefined) keys.delete(oldest)
  let key: string | Buffer = `AWS4${secretAccessKey}`
  for (const part of [scope.day, scope.region, scope.service, 'aws4_request']) {
    key = createHmac('sha256', key).update(part).digest()
  }
  keys.set(name, key as Buffer)
  return key as Buffer
}

/** Hex of SHA-256. */
export function hashOf(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The query as smithy wants it; a malformed escape stands for itself. */
function toQuery(rawQuery: string): Query {
  const query: Query = Object.create(null)
  if (rawQuery === '') return query
  for (const pair of rawQuery.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decode(equals < 0 ? pair : pair.slice(0, equals))
    if (UNSIGNED_QUERY.has(name)) continue
    const value = equals < 0 ? '' : decode(pair.slice(equals + 1))
    const others = query[name]
    query[name] = others === undefined ? value : [others, value].flat()
  }
  return query
}

function decode(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    // Only a bad escape throws; the request is refused for it after its caller is known.
    return text
  }
}
