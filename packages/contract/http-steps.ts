import * as assert from 'uvu/assert'
import { compareContent, toBytes } from './content.ts'
import type { HttpAnswer } from './http.ts'
import { fill, substitute } from './match.ts'
import type { Run } from './runner.ts'
import type { RequestStep, ResponseStep } from './transcript.ts'

/** Sends the request of a step, signed by the adapter, in memory where that says the same. */
export async function request(run: Run, step: RequestStep): Promise<HttpAnswer> {
  const { world, fixture, names } = run
  const at = step.at ?? fixture.personality
  const body = toBytes(step, names) ?? Buffer.alloc(0)
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(step.headers ?? {})) {
    headers[name.toLowerCase()] = substitute(value, names)
  }
  let target = substitute(step.url, names, encodeURIComponent)
  let secure = step.secure ?? false
  let tls
  if (step.credential !== undefined) {
    if (!run.adapter.credential) throw new Error('the adapter has no credential()')
    const unsigned = { method: step.method, target, headers, body, host: world.host(at) }
    const credential = await run.adapter.credential(step.credential, unsigned, world.fogbank)
    Object.assign(headers, credential.headers)
    target = credential.target ?? target
    tls = credential.tls
    secure ||= tls !== undefined
  }
  const sent = { method: step.method, target, headers, ...(body.length ? { body } : {}) }
  const inMemory = run.over === 'memory' && !secure && stepFitsMemory(step)
  if (inMemory && !(body.length && ['GET', 'HEAD'].includes(step.method))) {
    return world.memory(at, sent)
  }
  return world.http({ at, secure }, { ...sent, ...(tls ? { tls } : {}) })
}

/** Compares status, named headers and body with the answer to the last request. @throws Assertion */
export function compareAnswer(run: Run, step: ResponseStep): void {
  const { answer, names } = run
  if (!answer) throw new Error('there was no request')
  const context = { names, nowMs: run.world.fogbank.core.clock.now() }
  assert.is(answer.status, step.status, `status ${answer.status}: ${answer.body.toString()}`)
  const expected: Record<string, unknown> = {}
  const actual: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(step.headers ?? {})) {
    actual[name] = answer.headers[name.toLowerCase()] ?? null
    expected[name] = fill(value, actual[name], context)
  }
  assert.equal(actual, expected)
  if (step.reason !== undefined && answer.reason !== undefined) {
    assert.is(answer.reason, fill(step.reason, answer.reason, context))
  }
  if (step.empty) assert.is(answer.body.toString(), '')
  else compareContent(step, answer.body, context)
}

/** A `Request` resolves dot segments, repairs escapes, has its own Host and cannot be upgraded: such steps need a socket. */
export function stepFitsMemory(step: RequestStep): boolean {
  const { method, url, headers = {}, secure, at, json, text, base64 } = step
  if (secure || at === 'control' || 'upgrade' in headers || 'host' in headers) return false
  if (['GET', 'HEAD'].includes(method) && 'content-length' in headers) return false
  // Chunks, and a length that promises more than is sent, are the wire's.
  if ('transfer-encoding' in headers) return false
  if ('content-length' in headers && (json ?? text ?? base64) === undefined) return false
  const parsed = new URL(url, 'http://localhost')
  return parsed.pathname + parsed.search === url
}
