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
  /** Lower-case names, as the client lists them: `host;x-amz-date`. */
  signedHeaders: string
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

export function createSignatures(): Signatures {
  const signers = new Map<string, SignatureV4>()
  // A client signs the same headers every time.
  let recent = toSignedNames('host')
  return {
    async of(key, scope, request) {
      const signer = signerOf(signers, key, scope)
      if (recent.text !== request.signedHeaders) recent = toSignedNames(request.signedHeaders)
      const headers: Record<string, string> = {}
      // smithy leaves out what is undefined; a signed header that got lost has to count.
      for (const name of recent.names) headers[name] = request.headers[name] ?? ''
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
          signableHeaders: recent.names,
          unsignableHeaders: recent.unsigned
        }
      )
      return (signed.headers.authorization ?? '').slice(-64)
    }
  }
}

/** Names of signed headers, ready for smithy. */
function toSignedNames(text: string) {
  const names = new Set(text.split(';'))
  // smithy adds these by itself; they count only where the client signed them.
  const added = ['x-amz-date', 'x-amz-content-sha256']
  return { text, names, unsigned: new Set(added.filter((name) => !names.has(name))) }
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
    sha256: createSha256(),
    applyChecksum: false,
    uriEscapePath: true
  })
  signers.set(name, signer)
  return signer
}

/**
 * smithy's hash over node:crypto; a class because smithy calls `new`.
 *
 * To find a signing key in its cache smithy hashes the secret itself, the same for every request: the
 * last hash under a secret that is text is remembered.
 */
function createSha256(): Sha256 {
  let last = { secret: '', data: '', digest: Buffer.alloc(0) }
  return class {
    #secret: string | undefined
    #data = ''
    #hash: ReturnType<typeof createHash> | ReturnType<typeof createHmac> | undefined

    constructor(secret?: string | Uint8Array) {
      if (typeof secret === 'string') this.#secret = secret
      else this.#hash = secret ? createHmac('sha256', secret) : createHash('sha256')
    }

    update(data: Uint8Array): void {
      if (this.#hash) this.#hash.update(data)
      else this.#data += Buffer.from(data).toString('latin1')
    }

    async digest(): Promise<Buffer> {
      if (this.#hash) return this.#hash.digest()
      const secret = this.#secret ?? ''
      const data = this.#data
      if (last.secret !== secret || last.data !== data) {
        const digest = createHmac('sha256', secret).update(data, 'latin1').digest()
        last = { secret, data, digest }
      }
      return last.digest
    }
  } as unknown as Sha256
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
