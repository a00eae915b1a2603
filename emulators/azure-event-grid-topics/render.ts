import type { Call, ProviderError, Reply } from '@fogbank/personality'
import { rawPath, rawQuery } from '@fogbank/personality'
import type { State } from './handlers.ts'

/** `error.code`: the names that .NET has for the statuses. */
const STATUS_NAMES: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  429: 'TooManyRequests',
  500: 'InternalServerError',
  503: 'ServiceUnavailable'
}

/** Rows that were seen without the report sentence. */
const WITHOUT_REPORT = new Set([
  'BodyTooLarge',
  'EventTooLarge',
  'SasMalformed',
  'ClientIpRejected',
  'PrivateEndpointMismatch'
])

const JSON_CONTENT = { 'Content-Type': 'application/json; charset=utf-8' }

/** On every answer; the last in front of these is the request's id. */
export const COMMON_HEADERS = {
  Server: 'Microsoft-HTTPAPI/2.0',
  'Strict-Transport-Security': 'max-age=31536000; includeSubDomains'
}

/** On answers of the data plane itself, not of what stands before it. */
export const VERSIONS = { 'api-supported-versions': '2018-01-01' }

/**
 * The error body. The service writes two: most refusals come in a hand-written layout with CRLF, the 404 of
 * a wrong path in compact JSON. Headers differ by status.
 */
export function render(error: ProviderError, call: Call<State>): Reply {
  const { status, code: detailCode, reason } = error.row
  const text = `${fillIn(error.text ?? '', call)}${toReport(error, call)}`
  const code = STATUS_NAMES[status] ?? 'InternalServerError'
  if (status === 404) {
    // HEAD is answered with nothing.
    if (call.request.method === 'HEAD') return { status }
    const details = [{ code: detailCode, message: text }]
    const body = JSON.stringify({ error: { code, message: text, details } })
    return { status, headers: { ...JSON_CONTENT }, body }
  }
  const body = toTemplate(code, detailCode, text)
  if (status === 413) {
    return { status, reason: reason!, headers: { 'Transfer-Encoding': 'chunked' }, body }
  }
  // The reason phrase of a 401 is its whole message.
  if (status === 401) {
    return { status, reason: toReason(text), headers: { ...JSON_CONTENT }, body }
  }
  return { status, headers: { ...VERSIONS, ...JSON_CONTENT }, body }
}

/** What every call knows of itself, for rows that the pipeline or `POST /fail` raises. */
function fillIn(text: string, call: Call<State>): string {
  if (!text.includes('{')) return text
  return text
    .replace('{uri}', () => toUri(call))
    .replace('{host}', () => toUpperHost(call))
    .replace('{ip}', () => call.request.peer.address)
}

/** Layout and closing indents are the service's own, to the byte. */
function toTemplate(code: string, detailCode: string, message: string): string {
  const text = JSON.stringify(message)
  return [
    '{',
    '    "error": {',
    `        "code": "${code}",`,
    `        "message": ${text},`,
    '        "details": [{',
    `            "code": "${detailCode}",`,
    `            "message": ${text}`,
    '    }]',
    '  }',
    '}'
  ].join('\r\n')
}

function toReport({ key, row }: ProviderError, { state, requestId }: Call<State>): string {
  if (WITHOUT_REPORT.has(key)) return ''
  // A small number that the 404 leaves out; nothing is known of what it counts.
  const counter = row.status === 404 ? '' : ':0'
  const time = toDotNetTime(state.clock.now())
  return ` Report '${requestId}${counter}:${time} (UTC)' to our forums for assistance or raise a support ticket.`
}

/** `M/d/yyyy h:mm:ss tt`, as .NET writes times for en-US. */
function toDotNetTime(timeMs: number): string {
  const time = new Date(timeMs)
  const [hours, minutes, seconds] = [
    time.getUTCHours(),
    time.getUTCMinutes(),
    time.getUTCSeconds()
  ] as const
  const pad = (value: number) => String(value).padStart(2, '0')
  const date = `${time.getUTCMonth() + 1}/${time.getUTCDate()}/${time.getUTCFullYear()}`
  return `${date} ${hours % 12 || 12}:${pad(minutes)}:${pad(seconds)} ${hours < 12 ? 'AM' : 'PM'}`
}

/** Clients read 16 KB of head and no more; a message may quote a megabyte. */
const MAXIMUM_REASON = 4096

/** A status line is ASCII on one line. */
const toReason = (text: string) => text.slice(0, MAXIMUM_REASON).replace(/[^\x20-\x7e]/g, '?')

/** The address as the client asked for it. */
export function toUri({ request }: Call<State>): string {
  const scheme = request.peer.transport === 'tls' ? 'https' : 'http'
  const { target } = request
  const query = rawQuery(target)
  const host = hostOf(request.headers)
  return `${scheme}://${host}${rawPath(target)}${query === '' ? '' : `?${query}`}`
}

const hostOf = ({ host }: Record<string, string | string[] | undefined>) =>
  (Array.isArray(host) ? host[0] : host) ?? 'localhost'

/** The host's name as refusals speak of it. */
export function toUpperHost({ request }: Call<State>): string {
  return hostOf(request.headers).replace(/:\d+$/, '').toUpperCase()
}
