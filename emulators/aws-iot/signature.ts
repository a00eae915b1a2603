import * as crypto from 'node:crypto'
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { ALGORITHM_IDENTIFIER, getCanonicalQuery } from '@smithy/signature-v4'
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
  headers: Record<string, string | string[] | undefined>
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

/** Days, regions and headers are the callers' to invent, so what is kept for them has to be bounded. */
const KEPT = 100

/** Appended to a presigned URL after signing, so never part of what was signed. */
const UNSIGNED_QUERY = new Set(['X-Amz-Signature', 'X-Amz-Security-Token'])

type Query = Record<string, string | string[]>

/**
 * Signature Version 4, as the SDKs' own signer makes it: its canonical form of the query, put together here
 * with the rest, because the signer itself takes three times as long and is asked on every request.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function createSignatures(): Signatures {
  const keys = new Map<string, KeyObject>()
  const sorted = new Map<string, SortedNames>()
  return {
    of(key, scope, request) {
      const credentialScope = `${scope.day}/${scope.region}/${scope.service}/aws4_request`
      const { signedHeaders } = request
      const names = kept(sorted, signedHeaders, () => sortNames(signedHeaders))
      const hash = hashOf(toCanonicalRequest(request, names))
      const toSign = `${ALGORITHM_IDENTIFIER}\n${request.date}\n${credentialScope}\n${hash}`
      const signingKey = kept(keys, `${key.accessKeyId}/${credentialScope}`, () =>
        deriveKey(key, scope)
      )
      return createHmac('sha256', signingKey).update(toSign).digest('hex')
    }
  }
}

/** The value of a name; made when it is asked for first, and again when many others were since. */
function kept<Value>(values: Map<string, Value>, name: string, make: () => Value): Value {
  const known = values.get(name)
  if (known !== undefined) return known
  const oldest = values.size >= KEPT ? values.keys().next().value : undefined
  if (oldest !== undefined) values.delete(oldest)
  const made = make()
  values.set(name, made)
  return made
}

interface SortedNames {
  list: readonly string[]
  text: string
}

function sortNames(signedHeaders: string): SortedNames {
  const list = signedHeaders.split(';').sort()
  return { list, text: list.join(';') }
}

function toCanonicalRequest(request: SignedRequest, names: SortedNames): string {
  let headers = ''
  for (const name of names.list) headers += `${name}:${toCanonicalValue(request.headers, name)}\n`
  const query =
    request.rawQuery === '' ? '' : getCanonicalQuery({ query: toQuery(request.rawQuery) } as never)
  const payloadHash = request.payloadHash ?? hashOf(request.body)
  return `${request.method}\n${toCanonicalPath(request.path)}\n${query}\n${headers}\n${names.text}\n${payloadHash}`
}

/** What is at the ends goes, and what is between words is one space. */
const UNTIDY = /^[ \t]|[ \t]$|\t| {2}/

/** A signed header that got lost has to count. */
function toCanonicalValue(headers: SignedRequest['headers'], name: string): string {
  const given = Object.hasOwn(headers, name) ? headers[name] : undefined
  const value = Array.isArray(given) ? given.join(',') : (given ?? '')
  return UNTIDY.test(value) ? value.replace(/[ \t]+/g, ' ').replace(/^ | $/g, '') : value
}

/** Of unreserved characters alone, no segment empty and none that begins with a dot. */
const CANONICAL_PATH = /^(?:\/[\w~-][\w.~-]*)+$/

/** Dot segments and empty ones are taken out, and what is left is encoded once more. */
function toCanonicalPath(path: string): string {
  if (CANONICAL_PATH.test(path)) return path
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

function deriveKey({ secretAccessKey }: AccessKey, scope: Scope): KeyObject {
  let key: string | Buffer = `AWS4${secretAccessKey}`
  for (const part of [scope.day, scope.region, scope.service, 'aws4_request']) {
    key = createHmac('sha256', key).update(part).digest()
  }
  return createSecretKey(key as Buffer)
}

/** In one call, which takes half as long; the oldest of the supported versions of Node do not have it. */
const oneShot: typeof crypto.hash | undefined = crypto.hash

/** Hex of SHA-256. */
export function hashOf(bytes: Buffer | string): string {
  if (oneShot) return oneShot('sha256', bytes, 'hex')
  return crypto.createHash('sha256').update(bytes).digest('hex')
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
