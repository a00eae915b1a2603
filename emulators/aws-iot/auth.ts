import { TLSSocket } from 'node:tls'
import { isSameSecret, parseQuery, readBody, type Call } from '@fogbank/personality'
import type { AccessKey, State } from './handlers.ts'
import { errors } from './errors.ts'
import { limits } from './limits.ts'
import { isControlPlane, toText, wishesOf } from './policy/actions.ts'
import { hashOf, type Scope, type SignedRequest } from './signature.ts'
import { fromDateHeader, toBasicForm, toTime } from './signing-date.ts'

/** Who calls. */
export type Principal =
  | { kind: 'access-key'; accessKeyId: string; service: string; region: string }
  | {
      kind: 'certificate'
      der: Buffer
      /** Hex of its SHA-256, as the service names it. */
      certificateId: string
      commonName: string
    }

type AnyCall = Call<State, Principal>

const ALGORITHM = 'AWS4-HMAC-SHA256'
const SKEW_SECONDS = 300
const GATEWAY_SERVICE = 'iotdevicegateway'
const DATA_SERVICES = new Set(['iotdata', GATEWAY_SERVICE])
const CONTROL_SERVICE = 'iot'
const JOBS_SERVICE = 'iot-jobs-data'
const HOST_SIGNED = /(?:^|;)host(?:;|$)/

/** A signature and what it says of itself, from the header or the query. */
interface Claim {
  algorithm: string
  credential: string
  signedHeaders: string
  signature: string
  /** In basic form, as it is signed. */
  date: string
  /** As it was sent, if not so. */
  dateHeader?: string
  token: string | undefined
  /** Only presigned URLs say how long they last. */
  expiresSeconds: number | undefined
}

/**
 * Proves who calls, by a signature in header or query or by a client certificate, and that he may.
 * @throws ProviderError
 */
export async function authenticate(call: Call<State, Principal>): Promise<void> {
  call.principal = await identify(call)
  if (!call.operation && isSignedFor(call.principal, CONTROL_SERVICE)) {
    throw errors.ControlPlaneUnknownOperation({}, { detail: `path=${call.path.slice(0, 200)}` })
  }
  authorize(call)
  call.state.rates.checkOperation(call.operationName)
}

function identify(call: AnyCall): Promise<Principal> | Principal {
  const authorization = call.header('authorization')
  if (authorization !== undefined) return verify(call, fromHeader(call, authorization))
  if (call.rawQuery.includes('X-Amz-')) return verify(call, fromQuery(call))
  const socket = call.request.incoming?.socket
  const isDevice = socket instanceof TLSSocket && socket.authorized
  // The control plane knows signatures only.
  if (!isDevice || isControlPlane(call.operationName)) throw errors.MissingAuthenticationToken()
  const { certificates } = call.state
  const principal = certificates.principalOf(socket.getPeerCertificate().raw)
  if (!certificates.isActive(principal)) {
    throw errors.PolicyDenied({}, { detail: `certificateId=${principal.certificateId} inactive` })
  }
  return principal
}

function isSignedFor(principal: Principal, service: string): boolean {
  return principal.kind === 'access-key' && principal.service === service
}

/** Asks the caller's policies. A malformed target has no operation and nothing to be asked for. */
function authorize(call: Call<State, Principal>): void {
  const { principal, request, state } = call
  const wishes = wishesOf(call)
  const circumstances = () => ({
    sourceIp: request.peer.address,
    ...domainOf(request.peer.host)
  })
  if (wishes.length === 0 || state.access.allows(principal, wishes, circumstances)) return
  throw deniedTo(principal)({}, { detail: wishes.map(toText).join(' ') })
}

/** The row that tells this caller that he may not. */
export function deniedTo(principal: Principal) {
  return principal.kind === 'certificate' ? errors.PolicyDenied : errors.IamDenied
}

/** The name in a Host header. */
export function domainOf(host: string | undefined): { domainName?: string } {
  return host === undefined ? {} : { domainName: host.replace(/:\d+$/, '') }
}

async function verify(call: AnyCall, claim: Claim): Promise<Principal> {
  const { state } = call
  if (claim.algorithm !== ALGORITHM) {
    throw errors.AlgorithmUnsupported({ algorithm: claim.algorithm })
  }
  const scope = toScope(claim.credential)
  const { signedHeaders } = claim
  if (!HOST_SIGNED.test(signedHeaders)) throw errors.HostNotSigned()
  const dateMs = toTime(claim.date, claim.dateHeader)
  checkScope(scope, claim.date, call)
  checkWindow(claim, dateMs, state.clock.now())
  const principal: Principal = {
    kind: 'access-key',
    accessKeyId: scope.accessKeyId,
    service: scope.service,
    region: scope.region
  }
  if (state.lenient) return principal
  const key = findKey(state, scope.accessKeyId, claim.token)
  const payloadHash = call.header('x-amz-content-sha256')
  // A body whose hash is declared is read only for a caller whose signature is good.
  if (payloadHash === undefined) await readSignedBody(call)
  const request: SignedRequest = {
    method: call.request.method,
    path: call.path,
    rawQuery: call.rawQuery,
    headers: call.request.headers,
    signedHeaders,
    date: claim.date,
    payloadHash,
    body: call.body
  }
  const expected = state.signatures.of(key, scope, request)
  if (!isSameSecret(claim.signature, expected)) throw errors.SignatureMismatch()
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
  const amzDate = call.header('x-amz-date')
  const date = amzDate ?? call.header('date')
  if (date === undefined) throw errors.AuthorizationDateMissing({ authorization })
  return {
    algorithm: authorization.slice(0, space),
    credential,
    signedHeaders,
    signature,
    ...(amzDate === undefined ? { date: fromDateHeader(date), dateHeader: date } : { date }),
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

function checkScope(scope: Scope, date: string, call: AnyCall): void {
  const { terminator, service } = scope
  if (terminator !== 'aws4_request') throw errors.CredentialTerminatorInvalid({ terminator })
  if (!isServed(service, call)) {
    // On the data plane's host the control plane's paths lead nowhere.
    if (DATA_SERVICES.has(service)) throw errors.UnknownOperation()
    const expected = isControlPlane(call.operationName) ? CONTROL_SERVICE : GATEWAY_SERVICE
    throw errors.CredentialServiceInvalid({ service: expected }, { detail: `service=${service}` })
  }
  const day = date.slice(0, 8)
  if (scope.day !== day) throw errors.CredentialDateMismatch({ scopeDay: scope.day, day, date })
}

/** Whether the service that a signature is for has what is asked for. */
function isServed(service: string, { operation, operationName, state }: AnyCall): boolean {
  if (isControlPlane(operationName)) return service === CONTROL_SERVICE
  if (DATA_SERVICES.has(service)) return true
  // Nothing of theirs is here; whoever asks for it is told that, and not that he signed wrongly.
  if (!operation) return service === CONTROL_SERVICE || service === JOBS_SERVICE
  return service === CONTROL_SERVICE && state.lenient
}

function checkWindow({ date, expiresSeconds }: Claim, dateMs: number, nowMs: number): void {
  const latestMs = nowMs + SKEW_SECONDS * 1000
  if (dateMs > latestMs) {
    const now = toBasicForm(nowMs)
    throw errors.SignatureNotYetCurrent({ date, latest: toBasicForm(latestMs), now })
  }
  const lifetimeSeconds = expiresSeconds ?? SKEW_SECONDS
  const earliestMs = nowMs - lifetimeSeconds * 1000
  if (dateMs < earliestMs) {
    const now = toBasicForm(nowMs)
    const minutes = Math.ceil(lifetimeSeconds / 60)
    throw errors.SignatureExpired({ date, earliest: toBasicForm(earliestMs), now, minutes })
  }
}

/** Whether an access key and its secret belong together. */
export function isKeyPair(
  keys: readonly AccessKey[],
  accessKeyId: string,
  secretAccessKey: string
): boolean {
  const key = keys.find((candidate) => candidate.accessKeyId === accessKeyId)
  return key !== undefined && isSameSecret(secretAccessKey, key.secretAccessKey)
}

function findKey(
  { accessKeys, clock }: State,
  accessKeyId: string,
  token: string | undefined
): AccessKey {
  const key = accessKeys.find((candidate) => candidate.accessKeyId === accessKeyId)
  if (!key) throw errors.SecurityTokenInvalid({}, { detail: `accessKeyId=${accessKeyId}` })
  const { sessionToken, sessionTokenExpiresAt } = key
  const tokenFits =
    sessionToken === undefined ? token === undefined : isSameSecret(token ?? '', sessionToken)
  if (!tokenFits) throw errors.SecurityTokenInvalid({}, { detail: 'session token' })
  if (sessionTokenExpiresAt !== undefined && Date.parse(sessionTokenExpiresAt) <= clock.now()) {
    throw errors.SecurityTokenExpired({}, { detail: `since ${sessionTokenExpiresAt}` })
  }
  return key
}
