import { TLSSocket } from 'node:tls'
import { parseQuery, readBody, type Call } from '@fogbank/personality'
import type { AccessKey, State } from './handlers.ts'
import { errors } from './errors.ts'
import { limits } from './limits.ts'
import { hashOf, isSame, type Scope, type SignedRequest } from './signature.ts'

/** Who calls. */
export type Principal =
  | { kind: 'access-key'; accessKeyId: string; service: string }
  | { kind: 'certificate'; der: Buffer }

const ALGORITHM = 'AWS4-HMAC-SHA256'
const SKEW_SECONDS = 300
const SERVICES = new Set(['iotdata', 'iotdevicegateway'])
const HOST_SIGNED = /(?:^|;)host(?:;|$)/
const BASIC_DATE = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/

/** A signature and what it says of itself, from the header or the query. */
interface Claim {
  algorithm: string
  credential: string
  signedHeaders: string
  signature: string
  date: string
  token: string | undefined
  /** Only presigned URLs say how long they last. */
  expiresSeconds: number | undefined
}

/** Proves who calls: a signature in header or query, or a client certificate. @throws ProviderError */
export async function authenticate(call: Call<State, Principal>): Promise<void> {
  const authorization = call.header('authorization')
  if (authorization !== undefined) {
    call.principal = await verify(call, fromHeader(call, authorization))
    return
  }
  if (call.rawQuery.includes('X-Amz-')) {
    call.principal = await verify(call, fromQuery(call))
    return
  }
  const socket = call.request.incoming?.socket
  if (!(socket instanceof TLSSocket) || !socket.authorized) {
    throw errors.MissingAuthenticationToken()
  }
  call.principal = { kind: 'certificate', der: socket.getPeerCertificate().raw }
}

async function verify(call: Call<State, Principal>, claim: Claim): Promise<Principal> {
  const { state } = call
  if (claim.algorithm !== ALGORITHM) {
    throw errors.AlgorithmUnsupported({ algorithm: claim.algorithm })
  }
  const scope = toScope(claim.credential)
  const { signedHeaders } = claim
  if (!HOST_SIGNED.test(signedHeaders)) throw errors.HostNotSigned()
  const dateMs = toTime(claim.date)
  checkScope(scope, claim.date, state.lenient)
  checkWindow(claim, dateMs, state.clock.now())
  const principal: Principal = {
    kind: 'access-key',
    accessKeyId: scope.accessKeyId,
    service: scope.service
  }
  if (state.lenient) return principal
  const key = findKey(state.accessKeys, scope.accessKeyId, claim.token)
  const payloadHash = call.header('x-amz-content-sha256')
  // A body whose hash is declared is read only for a caller whose signature is good.
  if (payloadHash === undefined) await readSignedBody(call)
  const request: SignedRequest = {
    method: call.request.method,
    path: call.path,
    rawQuery: call.rawQuery,
    headers: call.request.headers as Record<string, string>,
    signedHeaders,
    date: claim.date,
    payloadHash,
    body: call.body
  }
  const expected = state.signatures.of(key, scope, request)
  if (!isSame(claim.signature, expected)) throw errors.SignatureMismatch()
  if (payloadHash === undefined) return principal
  await readSignedBody(call)
  if (payloadHash !== hashOf(call.body)) {
    throw errors.SignatureMismatch({}, { detail: 'x-amz-content-sha256 is not that of the body' })
  }
  return principal
}

function readSignedBody(call: Call<State>): Promise<void> | undefined {
  const { method } = call.request
  if (method === 'GET' || method === 'DELETE' || method === 'HEAD') return undefined
  return readBody(call, call.operation?.bodyLimit ?? limits.payloadBytes)
}

function fromHeader(call: Call, authorization: string): Claim {
  const space = authorization.indexOf(' ')
  const parameters = new Map<string, string>()
  for (const part of authorization.slice(space + 1).split(',')) {
    const equals = part.indexOf('=')
    if (equals > 0) parameters.set(part.slice(0, equals).trim(), part.slice(equals + 1).trim())
  }
  const parameter = (name: string): string => {
    const value = parameters.get(name)
    if (!value) throw errors.AuthorizationMalformed({ parameter: name, authorization })
    return value
  }
  const credential = parameter('Credential')
  const signature = parameter('Signature')
  const signedHeaders = parameter('SignedHeaders')
  const date = call.header('x-amz-date')
  if (date === undefined) throw errors.AuthorizationDateMissing({ authorization })
  return {
    algorithm: authorization.slice(0, space),
    credential,
    signedHeaders,
    signature,
    date,
    token: call.header('x-amz-security-token'),
    expiresSeconds: undefined
  }
}

function fromQuery(call: Call): Claim {
  const query = queryOf(call)
  const parameter = (name: string): string => {
    const value = query[name]
    if (!value) throw errors.AuthorizationQueryIncomplete({ parameter: name })
    return value
  }
  const expires = query['X-Amz-Expires']
  return {
    algorithm: parameter('X-Amz-Algorithm'),
    credential: parameter('X-Amz-Credential'),
    signature: parameter('X-Amz-Signature'),
    signedHeaders: parameter('X-Amz-SignedHeaders'),
    date: parameter('X-Amz-Date'),
    token: query['X-Amz-Security-Token'],
    expiresSeconds: expires === undefined ? undefined : toExpires(expires)
  }
}

/** The pipeline's query is still empty when one of its escapes is malformed. */
function queryOf(call: Call): Record<string, string> {
  if ('X-Amz-Signature' in call.query) return call.query
  try {
    return parseQuery(call.rawQuery)
  } catch (error) {
    if (error instanceof URIError) throw errors.RequestMalformed()
    throw error
  }
}

function toExpires(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) < 1) throw limits.presignedSeconds.exceeded(text)
  limits.presignedSeconds.check(Number(text))
  return Number(text)
}

function toScope(credential: string): Scope {
  const parts = credential.split('/')
  const [accessKeyId, day, region, service, terminator] = parts
  if (parts.length !== 5 || !accessKeyId || !day || !region || !service || !terminator) {
    throw errors.CredentialMalformed({ credential })
  }
  return { accessKeyId, day, region, service, terminator }
}

function checkScope(scope: Scope, date: string, lenient: boolean): void {
  if (scope.terminator !== 'aws4_request') {
    throw errors.CredentialTerminatorInvalid({ terminator: scope.terminator })
  }
  const known = SERVICES.has(scope.service) || (lenient && scope.service === 'iot')
  if (!known) throw errors.CredentialServiceInvalid({}, { detail: `service=${scope.service}` })
  const day = date.slice(0, 8)
  if (scope.day !== day) throw errors.CredentialDateMismatch({ scopeDay: scope.day, day, date })
}

function toTime(date: string): number {
  const parts = BASIC_DATE.exec(date)
  if (!parts) throw errors.DateMalformed({ date })
  const month = Number(parts[2])
  const day = Number(parts[3])
  const time = [Number(parts[4]), Number(parts[5]), Number(parts[6])] as const
  const timeMs = Date.UTC(Number(parts[1]), month - 1, day, ...time)
  // Date.UTC takes the 31st of February, and 25 o'clock, for another day.
  const made = new Date(timeMs)
  const isDate = made.getUTCMonth() === month - 1 && made.getUTCDate() === day
  if (!isDate || time[1] > 59 || time[2] > 59) throw errors.DateMalformed({ date })
  return timeMs
}

function checkWindow({ date, expiresSeconds }: Claim, dateMs: number, nowMs: number): void {
  const latestMs = nowMs + SKEW_SECONDS * 1000
  if (dateMs > latestMs) {
    const now = toBasicDate(nowMs)
    throw errors.SignatureNotYetCurrent({ date, latest: toBasicDate(latestMs), now })
  }
  const lifetimeSeconds = expiresSeconds ?? SKEW_SECONDS
  const earliestMs = nowMs - lifetimeSeconds * 1000
  if (dateMs < earliestMs) {
    const now = toBasicDate(nowMs)
    const minutes = Math.ceil(lifetimeSeconds / 60)
    throw errors.SignatureExpired({ date, earliest: toBasicDate(earliestMs), now, minutes })
  }
}

/** Whether an access key and its secret belong together. */
export function isKeyPair(
  keys: readonly AccessKey[],
  accessKeyId: string,
  secretAccessKey: string
): boolean {
  const key = keys.find((candidate) => candidate.accessKeyId === accessKeyId)
  return key !== undefined && isSame(secretAccessKey, key.secretAccessKey)
}

function findKey(
  keys: readonly AccessKey[],
  accessKeyId: string,
  token: string | undefined
): AccessKey {
  const key = keys.find((candidate) => candidate.accessKeyId === accessKeyId)
  if (!key) throw errors.SecurityTokenInvalid({}, { detail: `accessKeyId=${accessKeyId}` })
  const tokenFits =
    key.sessionToken === undefined ? token === undefined : isSame(token ?? '', key.sessionToken)
  if (!tokenFits) throw errors.SecurityTokenInvalid({}, { detail: 'session token' })
  return key
}

function toBasicDate(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/[-:]|\.\d+/g, '')
}
