import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import https from 'node:https'
import followRedirects, { type FollowResponse } from 'follow-redirects'
import type { Clock } from '@fogbank/core'

/** As .NET's HttpClient, which the service is built on. */
const MAXIMUM_REDIRECTS = 50
/** Connections to one handler; what is more waits its turn. */
const MAXIMUM_SOCKETS = 64
/** Between the tries of a request that may yet succeed. */
const RETRY_DELAYS_MS = [1_000, 3_000, 5_000]
/** Larger answers are refused. */
export const MAXIMUM_ANSWER_BYTES = 16 * 1024 * 1024

export interface UpstreamRequest {
  method: 'POST' | 'OPTIONS' | 'GET'
  url: URL
  headers: Record<string, string | string[]>
  body?: Buffer
}

/** What a handler said. */
export interface UpstreamAnswer {
  status: number
  headers: IncomingHttpHeaders
  /** Each line of a repeated header by itself. */
  lines: NodeJS.Dict<string[]>
  body: Buffer
}

/** A handler that could not be asked, or whose answer is none. */
export class UpstreamFault extends Error {
  /** Whether asking again may help. */
  readonly transient: boolean
  constructor(message: string, transient: boolean, options?: ErrorOptions) {
    super(message, options)
    this.name = 'UpstreamFault'
    this.transient = transient
  }
}

/** The way out to handlers. */
export interface Poster {
  /**
   * Sends a request and reads its whole answer, whatever its status; redirects are followed. Asks up to
   * four times where the answer is 408 or 5xx, or none.
   * @throws UpstreamFault, at the latest after `limitMs`
   */
  ask(request: UpstreamRequest, limitMs: number): Promise<UpstreamAnswer>
  /** Ends what is on its way. */
  close(): void
}

export function createPoster(clock: Clock): Poster {
  const options = { keepAlive: true, maxSockets: MAXIMUM_SOCKETS }
  const agents = { http: new http.Agent(options), https: new https.Agent(options) }
  const running = new Set<AbortController>()

  async function askPatiently(request: UpstreamRequest, signal: AbortSignal) {
    for (const delayMs of RETRY_DELAYS_MS) {
      const outcome = await askOnce(request, signal, agents).catch(toFault)
      if (!isTransient(outcome)) return settle(outcome)
      await pause(clock, delayMs, signal)
    }
    return askOnce(request, signal, agents)
  }

  return {
    async ask(request, limitMs) {
      const controller = new AbortController()
      const late = new UpstreamFault(`no answer within ${limitMs / 1000} s`, false)
      const cancel = clock.after(limitMs, () => controller.abort(late))
      running.add(controller)
      try {
        return await askPatiently(request, controller.signal)
      } finally {
        cancel()
        running.delete(controller)
      }
    },
    close() {
      for (const one of running) one.abort(new UpstreamFault('the suite is closing', false))
      for (const agent of Object.values(agents)) agent.destroy()
    }
  }
}

function toFault(error: unknown): UpstreamFault {
  if (error instanceof UpstreamFault) return error
  throw error
}

const isTransient = (outcome: UpstreamAnswer | UpstreamFault) =>
  outcome instanceof UpstreamFault
    ? outcome.transient
    : outcome.status === 408 || outcome.status >= 500

function settle(outcome: UpstreamAnswer | UpstreamFault): UpstreamAnswer {
  if (outcome instanceof UpstreamFault) throw outcome
  return outcome
}

/** @throws UpstreamFault */
async function askOnce(
  request: UpstreamRequest,
  signal: AbortSignal,
  agents: { http: http.Agent; https: https.Agent }
): Promise<UpstreamAnswer> {
  try {
    const incoming = await send(request, signal, agents)
    return {
      status: incoming.statusCode ?? 0,
      headers: incoming.headers,
      lines: incoming.headersDistinct,
      body: await read(incoming)
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    if (error instanceof UpstreamFault) throw error
    const { code, message } = error as NodeJS.ErrnoException
    // A header that cannot be written, or a ring of redirects, is so the next time too.
    const transient = !/^ERR_(INVALID_(CHAR|HTTP_TOKEN)|FR_TOO_MANY_REDIRECTS)$/.test(code ?? '')
    throw new UpstreamFault(message || code || 'the connection failed', transient, { cause: error })
  }
}

function send(
  { method, url, headers, body }: UpstreamRequest,
  signal: AbortSignal,
  agents: { http: http.Agent; https: https.Agent }
): Promise<IncomingMessage & FollowResponse> {
  // Both take the same options; only the module's types tell them apart.
  const { request: open } = (
    url.protocol === 'https:' ? followRedirects.https : followRedirects.http
  ) as typeof followRedirects.http
  return new Promise((resolve, reject) => {
    const options = {
      method,
      agents,
      headers: body ? { ...headers, 'Content-Length': String(body.length) } : headers,
      maxRedirects: MAXIMUM_REDIRECTS,
      maxBodyLength: MAXIMUM_ANSWER_BYTES,
      beforeRedirect: ({ protocol }: { protocol?: string | null }) => {
        if (url.protocol === 'https:' && protocol !== 'https:') {
          throw new UpstreamFault('a redirect leads from https to http', false)
        }
      }
    }
    signal.throwIfAborted()
    const outgoing = open(url, options, (incoming) => {
      signal.addEventListener('abort', () => incoming.destroy(), { once: true })
      resolve(incoming)
    })
    signal.addEventListener('abort', () => outgoing.destroy(new Error('aborted')), { once: true })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

async function read(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAXIMUM_ANSWER_BYTES) {
      throw new UpstreamFault(`the answer has more than ${MAXIMUM_ANSWER_BYTES} bytes`, false)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Waits on the suite's clock. @throws the signal's reason when that comes first */
function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', stop)
      resolve()
    })
    function stop() {
      cancel()
      reject(signal.reason as Error)
    }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}
