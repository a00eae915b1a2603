import http from 'node:http'
import https from 'node:https'
import type { Clock } from '@fogbank/core'

/** A request of ours to somebody else. */
export interface OutgoingRequest {
  method: 'POST' | 'OPTIONS'
  url: string
  /** Names as they are to go out. */
  headers: Record<string, string>
  body?: string
}

/** What kept an answer from coming. */
export type HttpFailure = 'TimedOut' | 'Aborted' | 'SocketError' | 'ResolutionError'

/** What came back, or what kept it from coming. Header names are in lower case. */
export type HttpAnswer =
  { status: number; headers: http.IncomingHttpHeaders; body: string } | { failure: HttpFailure }

/** Sends requests over kept connections; no redirect is followed, no answer awaited for ever. */
export interface HttpOut {
  /** Never rejects. Of an answer of more than 64 KiB the beginning is handed over. */
  send(request: OutgoingRequest): Promise<HttpAnswer>
  /** Ends what is in hand, as an aborted attempt. */
  close(): void
}

/** No acknowledgement and no validation answer is longer; the rest is thrown away. */
const MAXIMUM_ANSWER_BYTES = 64 * 1024
const RESOLUTION_CODES = new Set(['ENOTFOUND', 'EAI_AGAIN'])

/** `timeoutMs` counts from the request's start to the end of the answer. */
export function createHttpOut(clock: Clock, timeoutMs: number): HttpOut {
  const agents = {
    'http:': new http.Agent({ keepAlive: true, maxFreeSockets: 64 }),
    'https:': new https.Agent({ keepAlive: true, maxFreeSockets: 64 })
  }
  const open = new Set<http.ClientRequest>()
  let closed = false

  function send({ method, url, headers, body }: OutgoingRequest): Promise<HttpAnswer> {
    if (closed) return Promise.resolve({ failure: 'Aborted' })
    const target = new URL(url)
    const isSecure = target.protocol === 'https:'
    return new Promise((resolve) => {
      let timedOut = false
      const settle = (answer: HttpAnswer) => {
        cancel()
        open.delete(request)
        resolve(answer)
      }
      const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
      const request = (isSecure ? https : http).request(target, {
        method,
        headers: { ...headers, ...length },
        agent: agents[isSecure ? 'https:' : 'http:']
      })
      open.add(request)
      const cancel = clock.after(timeoutMs, () => {
        timedOut = true
        request.destroy()
      })
      const fail = (error?: NodeJS.ErrnoException) => {
        if (timedOut) return settle({ failure: 'TimedOut' })
        if (closed) return settle({ failure: 'Aborted' })
        const isUnresolved = RESOLUTION_CODES.has(error?.code ?? '')
        settle({ failure: isUnresolved ? 'ResolutionError' : 'SocketError' })
      }
      request.once('error', fail)
      request.once('response', (response) => {
        read(response, (text) => {
          settle({ status: response.statusCode ?? 0, headers: response.headers, body: text })
        })
        // An answer that is cut off is none.
        response.once('error', fail)
        response.once('close', () => fail())
      })
      request.end(body)
    })
  }

  return {
    send,
    close() {
      closed = true
      for (const request of open) request.destroy()
      for (const agent of Object.values(agents)) agent.destroy()
    }
  }
}

/** Hands over the text once it is whole; of a long answer the beginning. */
function read(response: http.IncomingMessage, whole: (text: string) => void): void {
  const chunks: Buffer[] = []
  let length = 0
  response.on('data', (chunk: Buffer) => {
    if (length < MAXIMUM_ANSWER_BYTES) chunks.push(chunk)
    length += chunk.length
  })
  response.once('end', () => {
    whole(Buffer.concat(chunks).subarray(0, MAXIMUM_ANSWER_BYTES).toString())
  })
}
