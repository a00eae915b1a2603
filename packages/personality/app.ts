import type { IncomingMessage, ServerResponse } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono, type Context } from 'hono'
import type { Peer } from '@fogbank/core'
import { readIncoming } from './body.ts'
import type { RawRequest, Reply } from './call.ts'
import type { Pipeline } from './pipeline.ts'
import { rawPath } from './path.ts'

type Bindings = { incoming?: IncomingMessage; outgoing?: ServerResponse }
type Env = { Bindings: Bindings }

/** Statuses that carry no body and no Content-Length [RFC 9110 8.6]. */
const BODILESS = new Set([101, 204, 304])

const MEMORY_PEER: Peer = { address: '127.0.0.1', port: 0, transport: 'tcp' }

/** A personality's pipeline as a Hono app; works over sockets and by `app.request()` in memory. */
export function createApp(answer: Pipeline): Hono<Env> {
  // Hono would resolve `..` and decode; providers see the target as it was sent.
  const app = new Hono<Env>({
    getPath: (request, options) =>
      rawPath((options?.env as Bindings | undefined)?.incoming?.url ?? request.url)
  })
  app.all('*', async (c) => toResponse(c, await answer(toRawRequest(c))))
  return app
}

/** A request of Node's HTTP server in the pipeline's terms. */
export function fromIncoming(incoming: IncomingMessage, upgrade: boolean): RawRequest {
  return {
    method: incoming.method ?? 'GET',
    target: incoming.url ?? '/',
    headers: incoming.headers,
    peer: peerOf(incoming, upgrade),
    upgrade,
    readBody: (maximumBytes) => readIncoming(incoming, maximumBytes),
    incoming
  }
}

function toRawRequest(c: Context<Env>): RawRequest {
  const incoming = c.env?.incoming
  if (incoming) return fromIncoming(incoming, false)
  const request = c.req.raw
  return {
    method: request.method,
    target: request.url,
    headers: { ...Object.fromEntries(request.headers), host: new URL(request.url).host },
    peer: MEMORY_PEER,
    upgrade: false,
    async readBody(maximumBytes) {
      const body = Buffer.from(await request.arrayBuffer())
      return body.length > maximumBytes ? undefined : body
    }
  }
}

function peerOf(incoming: IncomingMessage, upgrade: boolean): Peer {
  const { socket } = incoming
  const secure = 'encrypted' in socket
  const peer: Peer = {
    address: socket.remoteAddress ?? '',
    port: socket.remotePort ?? 0,
    transport: upgrade ? (secure ? 'wss' : 'ws') : secure ? 'tls' : 'tcp'
  }
  if (incoming.headers.host) peer.host = incoming.headers.host
  return peer
}

function toResponse(c: Context<Env>, reply: Reply): Response {
  const outgoing = c.env?.outgoing
  if (outgoing) {
    writeReply(outgoing, reply)
    return RESPONSE_ALREADY_SENT
  }
  const { status, body } = reply
  const content = body === undefined || body.length === 0 ? null : body
  return new Response(content as string | Uint8Array<ArrayBuffer> | null, {
    status,
    headers: toHeaders(reply)
  })
}

/**
 * Writes a reply as it is: reason phrase, header case and order, no header that is not in it but Date and
 * Connection. node-server's own way would add a Content-Type and drop the reason phrase.
 */
function writeReply(outgoing: ServerResponse, reply: Reply): void {
  const headers = toHeaders(reply)
  if (reply.reason) outgoing.writeHead(reply.status, reply.reason, headers)
  else outgoing.writeHead(reply.status, headers)
  outgoing.end(reply.body)
}

function toHeaders({ status, headers, body }: Reply): Record<string, string> {
  if (BODILESS.has(status)) return headers ?? {}
  return { ...headers, 'Content-Length': String(body === undefined ? 0 : Buffer.byteLength(body)) }
}
