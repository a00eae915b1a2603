import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
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
  /** Lower-case names of `headers`. */
  signedHeaders: readonly string[]
  dateMs: number
  /** Hex. Absent: the hash of `body`. */
  payloadHash: string | undefined
  body: Buffer
}

/** Computes what a signature should be. */
export interface Signatures {
  /** Hex of the signature that this key gives this request. */
  of(key: AccessKey, scope: Scope, request: SignedRequest): Promise<string>
}

/** Regions are the callers' to invent, so the signers kept for them have to be bounded. */
const SIGNERS_KEPT = 100

/** Appended to a presigned URL after signing, so never part of what was signed. */
const UNSIGNED_QUERY = new Set(['X-Amz-Signature', 'X-Amz-Security-Token'])

type Sha256 = ConstructorParameters<typeof SignatureV4>[0]['sha256']
type Query = Record<string, string | string[]>

/** smithy calls its hash with `new`; any function that returns an object serves. */
const sha256 = function (secret?: string | Uint8Array) {
  const hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret)
  return {
    update: (data: Uint8Array) => void hash.update(data),
    digest: () => Promise.resolve(hash.digest())
  }
} as unknown as Sha256

export function createSignatures(): Signatures {
  const signers = new Map<string, SignatureV4>()
  return {
    async of(key, scope, request) {
      const signer = signerOf(signers, key, scope)
      const names = new Set(request.signedHeaders)
      const headers: Record<string, string> = {}
      // smithy leaves out what is undefined; a signed header that got lost has to count.
      for (const name of names) headers[name] = request.headers[name] ?? ''
      if (request.payloadHash !== undefined) {
        headers['x-amz-content-sha256'] = request.payloadHash
      }
      const signed = await signer.sign(
        {
          method: request.method,
          protocol: 'https:',
          hostname: '',
          path: request.path,
          query: toQuery(request.rawQuery),
          headers,
          body: request.body
        },
        {
          signingDate: new Date(request.dateMs),
          signableHeaders: names,
          unsignableHeaders: unsigned(names)
        }
      )
      return (signed.headers.authorization ?? '').slice(-64)
    }
  }
}

/** Compares in time that does not depend on where two texts differ. */
export function isSame(given: string, expected: string): boolean {
  const givenBytes = Buffer.from(given)
  const expectedBytes = Buffer.from(expected)
  return givenBytes.length === expectedBytes.length && timingSafeEqual(givenBytes, expectedBytes)
}

/** Hex of SHA-256. */
export function hashOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function signerOf(signers: Map<string, SignatureV4>, key: AccessKey, scope: Scope): SignatureV4 {
  const name = `${key.accessKeyId}/${scope.region}/${scope.service}`
  const known = signers.get(name)
  if (known) return known
  const oldest = signers.size >= SIGNERS_KEPT ? signers.keys().next().value : undefined
  if (oldest !== undefined) signers.delete(oldest)
  const signer = new SignatureV4({
    // Without the session token: smithy would add it to what is signed, whether the client did or not.
    credentials: { accessKeyId: key.accessKeyId, secretAccessKey: key.secretAccessKey },
    region: scope.region,
    service: scope.service,
    sha256,
    applyChecksum: false,
    uriEscapePath: true
  })
  signers.set(name, signer)
  return signer
}

/** smithy adds these by itself; they count only where the client signed them. */
function unsigned(names: ReadonlySet<string>): Set<string> {
  const unsignable = new Set<string>()
  if (!names.has('x-amz-date')) unsignable.add('x-amz-date')
  if (!names.has('x-amz-content-sha256')) unsignable.add('x-amz-content-sha256')
  return unsignable
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
