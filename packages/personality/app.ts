import type { IncomingMessage, ServerResponse } from 'node:http'
import { Hono } from 'hono'
import type { Peer } from '@fogbank/core'
import { readIncoming } from './body.ts'
import type { RawRequest, Reply } from './call.ts'
import type { Pipeline } from './pipeline.ts'
import { rawPath } from './path.ts'

/** Statuses that carry no body and no Content-Length [RFC 9110 8.6]. */
const BODILESS = new Set([101, 204, 304])

const MEMORY_PEER: Peer = { address: '127.0.0.1', port: 0, transport: 'tcp' }

/** A personality's pipeline as a Hono app: for `app.request()`, and to be mounted in another app. */
export function createApp(answer: Pipeline): Hono {
  // Hono would decode the path; providers see the target as it was sent.
  const app = new Hono({ getPath: (request) => rawPath(request.url) })
  app.all('*', async (c) => toResponse(await answer(toRawRequest(c.req.raw))))
  return app
}

/** Answers a request of Node's HTTP server; never throws. */
export type NodeHandler = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>

/**
 * The same pipeline straight on Node's HTTP server: what Hono and node-server would add on the way there
 * and back is a tenth of a publish.
 */
export function createNodeHandler(answer: Pipeline): NodeHandler {
  const endOfTurn = createEndOfTurn()
  return async (incoming, outgoing) => {
    const reply = await answer(fromIncoming(incoming, false))
    if (!incoming.complete && !outgoing.shouldKeepAlive) await untilSent(incoming)
    await endOfTurn()
    writeReply(outgoing, reply)
  }
}

/**
 * Answers go out together at the end of the event loop's turn in which they are ready. A write to a client that
 * sleeps wakes its processor, which on a virtual machine costs more than a bare request does; the
 * writes that follow at once find it awake.
 */
function createEndOfTurn(): () => Promise<void> {
  let turn: Promise<void> | undefined
  return () =>
    (turn ??= new Promise((resolve) => {
      setImmediate(() => {
        turn = undefined
        resolve()
      })
    }))
}

/** A client that is still sending its body sends more within this. */
const SENDING_MS = 200

/**
 * An answer that ends its connection waits while the rest of the request comes: who is still sending would see
 * a reset, and not the refusal. Who declares a body and waits for its answer first has it;
 * the server's request timeout bounds the rest.
 */
function untilSent(incoming: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    const limit = setTimeout(resolve, SENDING_MS)
    const end = () => {
      clearTimeout(limit)
      resolve()
    }
    if (incoming.destroyed) return end()
    for (const event of ['end', 'error', 'close']) incoming.once(event, end)
    incoming.on('data', () => limit.refresh())
  })
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

function toRawRequest(request: Request): RawRequest {
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

function toResponse(reply: Reply): Response {
  const { status, body } = reply
  // Bytes: to a text `Response` would add a Content-Type.
  const content = body === undefined || body.length === 0 ? null : Buffer.from(body)
  const headers: [string, string][] = []
  const lines = toHeaderLines(reply)
  for (let i = 0; i < lines.length; i += 2) headers.push([lines[i]!, lines[i + 1]!])
  return new Response(content as Uint8Array<ArrayBuffer> | null, { status, headers })
}

/**
 * Writes a reply as it is: reason phrase, header case and order, no header that is not in it but Date and
 * Connection.
 */
function writeReply(outgoing: ServerResponse, reply: Reply): void {
  const lines = toHeaderLines(reply)
  if (reply.reason) outgoing.writeHead(reply.status, reply.reason, lines)
  else outgoing.writeHead(reply.status, lines)
  outgoing.end(reply.body)
}

/** Names and values by turns, as they go out; a list is cheaper than one more object. */
function toHeaderLines({ status, headers, commonHeaders, body }: Reply): string[] {
  const lines: string[] = []
  for (const name in headers) lines.push(name, headers[name]!)
  for (const name in commonHeaders) lines.push(name, commonHeaders[name]!)
  if (!BODILESS.has(status) && headers?.['Transfer-Encoding'] === undefined) {
    lines.push('Content-Length', String(body === undefined ? 0 : Buffer.byteLength(body)))
  }
  return lines
}
