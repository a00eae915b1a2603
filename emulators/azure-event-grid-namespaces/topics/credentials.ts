import { isSameSecret, type Call } from '@fogbank/personality'
import type { DataAction } from '../access.ts'
import { identifyBearer } from '../auth.ts'
import { errors } from '../errors.ts'
import type { Namespace } from '../namespace.ts'
import type { State } from '../state.ts'
import { readSas } from './sas.ts'

type EventsCall = Call<State, unknown>

const KEY_SCHEME = /^SharedAccessKey +(\S+) *$/i
const SAS_SCHEME = /^SharedAccessSignature +(.+)$/i
const BEARER_SCHEME = /^Bearer(?: |$)/i
const PUBLISH = 'PublishCloudEvents'

/**
 * Lets a caller in to a topic by access key, by shared access signature or by a token with a data role.
 * @throws ProviderError
 */
export async function authenticateEvents(namespace: Namespace, call: EventsCall): Promise<void> {
  const authorization = call.header('authorization') ?? ''
  const key =
    KEY_SCHEME.exec(authorization)?.[1] ?? call.header('aeg-sas-key') ?? call.query['aeg-sas-key']
  if (key !== undefined) return checkKey(namespace, key)
  const sas = SAS_SCHEME.exec(authorization)?.[1] ?? call.header('aeg-sas-token')
  if (sas !== undefined) return checkSas(namespace, call, sas.trim())
  if (!BEARER_SCHEME.test(authorization)) throw errors.CredentialsMissing()
  const principal = await identifyBearer(namespace, call)
  namespace.current.access.checkData(principal, actionOf(call), call.params.topicName ?? '')
}

function actionOf({ operationName }: EventsCall): DataAction {
  return operationName === PUBLISH ? 'send' : 'receive'
}

function checkKey({ current, lenient }: Namespace, given: string): void {
  if (lenient && given !== '') return
  if (current.keys.some((key) => isSameSecret(key, given))) return
  throw errors.AccessKeyInvalid()
}

function checkSas(namespace: Namespace, call: EventsCall, token: string): void {
  const { clock, current, lenient } = namespace
  const sas = readSas(token, current.keys, lenient)
  if (typeof sas === 'string') throw errors.SasInvalid({}, { detail: sas })
  if (sas.expiresAtMs <= clock.now()) throw errors.SasExpired()
  if (!lenient && !covers(namespace, sas.resource, call)) {
    throw errors.SasOutOfScope({}, { detail: `r=${sas.resource.href}` })
  }
}

/**
 * Whether a signature's resource is this request's or stands above it: the namespace, the topic, or the
 * subscription, which can only be received from.
 */
function covers({ name, current }: Namespace, resource: URL, call: EventsCall): boolean {
  const host = (call.header('host') ?? '').replace(/:\d+$/, '').toLowerCase()
  const hosts = [host, ...current.hostnames.map((hostname) => hostname.toLowerCase())]
  if (!hosts.includes(resource.hostname.toLowerCase())) return false
  const { topicName = '', eventSubscriptionName } = call.params
  const scopes = ['', `/topics/${topicName}`]
  if (eventSubscriptionName !== undefined) {
    scopes.push(`/topics/${topicName}/eventsubscriptions/${eventSubscriptionName}`)
  }
  const path = decodePath(resource.pathname)
  return scopes.some((scope) => {
    const wanted = scope.toLowerCase()
    return path === wanted || path === `/${name}${wanted}`.toLowerCase()
  })
}

/** Without an action, an ending slash or escapes. */
function decodePath(pathname: string): string {
  const plain = pathname.replace(/\/$/, '').replace(/(\/topics\/.*):\w+$/, '$1')
  try {
    return decodeURIComponent(plain).toLowerCase()
  } catch (error) {
    if (error instanceof URIError) return plain.toLowerCase()
    throw error
  }
}
