import http from 'node:http'
import https from 'node:https'
import { buffer } from 'node:stream/consumers'
import { within } from './within.ts'

const ANSWER_MS = 10_000

export interface HttpRequest {
  method: string
  /** Path and query, sent byte for byte: nobody resolves `..` or repairs an escape. */
  target: string
  headers?: Record<string, string>
  body?: Buffer
  /** For https. */
  tls?: { ca?: string; cert?: string; key?: string }
}

export interface HttpAnswer {
  status: number
  /** Reason phrase; undefined in memory. */
  reason: string | undefined
  /** Lower-case names; repeated ones joined by a comma. */
  headers: Record<string, string>
  body: Buffer
}

/** Sends one request on a connection of its own; an upgrade that succeeds is answered 101 and ended. */
export function send(baseUrl: string, request: HttpRequest): Promise<HttpAnswer> {
  const { hostname, port, protocol } = new URL(baseUrl)
  const { method, target, headers = {}, body, tls } = request
  const { request: open } = protocol === 'https:' ? https : http
  const answered = new Promise<HttpAnswer>((resolve, reject) => {
    // A Host header may name whom it likes; the certificate is for us.
    const server = protocol === 'https:' ? { servername: 'localhost', ...tls } : {}
    const where = { hostname, port, method, path: target, headers, agent: false }
    const outgoing = open({ ...where, ...server })
    outgoing.once('error', reject)
    outgoing.once('upgrade', (incoming, socket) => {
      socket.destroy()
      resolve(toAnswer(incoming, Buffer.alloc(0)))
    })
    outgoing.once('response', (incoming) => {
      buffer(incoming).then((bytes) => resolve(toAnswer(incoming, bytes)), reject)
    })
    outgoing.end(body)
  })
  return within(ANSWER_MS, answered, `the answer to ${method} ${target.slice(0, 200)}`)
}

function toAnswer(incoming: http.IncomingMessage, body: Buffer): HttpAnswer {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(incoming.headers)) headers[name] = String(value)
  const { statusCode: status = 0, statusMessage: reason } = incoming
  return { status, reason, headers, body }
}
