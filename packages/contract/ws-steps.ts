import * as assert from 'uvu/assert'
import { compareContent, toBytes } from './content.ts'
import { fill, substitute } from './match.ts'
import type { Run } from './runner.ts'
import type { WsConnectStep, WsReceiveStep, WsSendStep } from './transcript.ts'
import { connectWebSocket, type TestSocket } from './web-socket.ts'

/** Upgrades as the step says; later steps find the client by its name. @throws Assertion */
export async function openSocket(run: Run, step: WsConnectStep): Promise<void> {
  const { world, fixture, adapter, names, sockets } = run
  const headers: Record<string, string> = { ...step.headers }
  let target = substitute(step.url, names, encodeURIComponent)
  const host = world.host(fixture.personality)
  if (step.credential !== undefined) {
    if (!adapter.credential) throw new Error('the adapter has no credential()')
    const unsigned = { method: 'GET', target, headers, body: Buffer.alloc(0), host }
    const credential = await adapter.credential(step.credential, unsigned, world.fogbank)
    Object.assign(headers, credential.headers)
    target = credential.target ?? target
  }
  const subprotocols = [step.subprotocol ?? []].flat()
  const socket = await connectWebSocket(`ws://${host}${target}`, { subprotocols, headers })
  sockets.set(step.client, socket)
  if (step.chosen !== undefined) assert.is(socket.subprotocol, step.chosen)
}

export function sendFrame({ names }: Run, socket: TestSocket, step: WsSendStep): void {
  const bytes = toBytes(step, names) ?? Buffer.alloc(0)
  socket.send(step.base64 === undefined ? bytes.toString() : bytes)
}

/** Compares the next message whole, its being text or binary included. @throws Assertion */
export async function compareFrame(
  { names, world }: Run,
  socket: TestSocket,
  step: WsReceiveStep
): Promise<void> {
  const { data, isBinary } = await socket.next()
  assert.is(isBinary, step.base64 !== undefined, 'text or binary')
  compareContent(step, data, { names, nowMs: world.fogbank.core.clock.now() })
}

/** @throws Assertion */
export async function compareClose(
  { names, world }: Run,
  socket: TestSocket,
  expected: { code: number; reason?: string }
): Promise<void> {
  const { code, reason } = await socket.closed()
  assert.is(code, expected.code, `closed with ${code} ${reason}`)
  if (expected.reason === undefined) return
  const context = { names, nowMs: world.fogbank.core.clock.now() }
  assert.is(reason, fill(expected.reason, reason, context))
}
