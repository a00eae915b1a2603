import http from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import * as assert from 'uvu/assert'
import { compareContent, toBytes } from './content.ts'
import { fill } from './match.ts'
import { createQueue } from './queue.ts'
import type { Run } from './runner.ts'
import type { HandlerAnswerStep, HandlerRequestStep, HandlerStep } from './transcript.ts'

const REQUEST_MS = 20_000

interface HandlerRequest {
  method: string
  url: string
  headers: http.IncomingHttpHeaders
  body: Buffer
}

interface HandlerAnswer {
  status: number
  headers: Record<string, string>
  body: Buffer
}

const OK: HandlerAnswer = { status: 200, headers: {}, body: Buffer.alloc(0) }
const give = (outgoing: http.ServerResponse, { status, headers, body }: HandlerAnswer) =>
  void outgoing.writeHead(status, headers).end(body)

/** The user's own server, which the suite calls. */
export interface Handler {
  readonly url: string
  /** What the next request is answered that has no answer yet. @default 200 without a body */
  answer(answer: HandlerAnswer): void
  /** The next request that nobody took yet; webhook validations are not among them, unless it waits. */
  next(): Promise<HandlerRequest>
  close(): void
}

/**
 * Starts a server that allows every webhook [CloudEvents webhook 4.1].
 *
 * waits: every request waits for its answer, and webhook validations are among them.
 */
export async function startHandler(waits = false): Promise<Handler> {
  const requests = createQueue<HandlerRequest>()
  const answers: HandlerAnswer[] = []
  const waiting: http.ServerResponse[] = []
  const server = http.createServer((incoming, outgoing) => {
    if (incoming.method === 'OPTIONS' && !waits) {
      outgoing.writeHead(200, { 'WebHook-Allowed-Origin': '*' }).end()
      return
    }
    void buffer(incoming).then((body) => {
      const { method = '', url = '', headers } = incoming
      requests.put({ method, url, headers, body })
      const answer = answers.shift()
      if (answer || !waits) give(outgoing, answer ?? OK)
      else waiting.push(outgoing)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answer(answer) {
      const outgoing = waiting.shift()
      if (outgoing) give(outgoing, answer)
      else answers.push(answer)
    },
    next: () => requests.next(REQUEST_MS, 'a request to the handler'),
    close() {
      server.close()
      server.closeAllConnections()
    }
  }
}

/** @throws Assertion */
export async function actAsHandler(run: Run, step: HandlerStep): Promise<void> {
  if (step.handler === 'listen') {
    run.handler = await startHandler(step.waits)
    run.names.set(step.name, run.handler.url)
    return
  }
  if (!run.handler) throw new Error('no handler listens')
  if (step.handler === 'answer') return answer(run, run.handler, step)
  compareRequest(run, await run.handler.next(), step)
}

function answer({ names }: Run, handler: Handler, step: HandlerAnswerStep): void {
  const { status, headers = {} } = step
  handler.answer({ status, headers, body: toBytes(step, names) ?? Buffer.alloc(0) })
}

function compareRequest({ names, world }: Run, request: HandlerRequest, step: HandlerRequestStep) {
  const context = { names, nowMs: world.fogbank.core.clock.now() }
  assert.is(request.method, step.method)
  assert.is(request.url, fill(step.url, request.url, context))
  const expected: Record<string, unknown> = {}
  const actual: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(step.headers ?? {})) {
    actual[name] = request.headers[name.toLowerCase()] ?? null
    expected[name] = fill(value, actual[name], context)
  }
  assert.equal(actual, expected)
  compareContent(step, request.body, context)
}
