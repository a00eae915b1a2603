// Starts a bundle, waits until it is ready, asks it a question or two, and stops it as an operator would.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const READY_MS = 15_000
const STOP_MS = 7_000

/** A base whose next hundred ports nobody seems to use. */
async function freeBase() {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port > 65_000 ? port - 1000 : port
}

/** @throws Error saying what the bundle did wrong */
export async function probe(bundle, flags = []) {
  const folder = mkdtempSync(join(tmpdir(), 'fogbank-probe-'))
  const base = await freeBase()
  const args = [bundle, 'start', '--port-base', String(base), ...flags]
  const suite = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  suite.stdout.on('data', (chunk) => (output += chunk))
  suite.stderr.on('data', (chunk) => (output += chunk))
  const ended = new Promise((resolve) => suite.once('exit', resolve))
  const url = `http://127.0.0.1:${base}`
  try {
    await untilReady(url, suite, () => output)
    const endpoints = await (await fetch(`${url}/endpoints`)).json()
    for (const id of ['control', 'aws-iot', 'azure-event-grid-namespaces', 'shiftr', 'authority']) {
      if (!endpoints[id]) throw new Error(`/endpoints does not name ${id}`)
    }
    const health = spawn(process.execPath, [bundle, 'healthcheck', '--port-base', String(base)])
    const code = await new Promise((resolve) => health.once('exit', resolve))
    if (code !== 0) throw new Error(`healthcheck ended with ${code}`)
    suite.kill('SIGTERM')
    const limit = setTimeout(() => suite.kill('SIGKILL'), STOP_MS)
    const exit = await ended
    clearTimeout(limit)
    if (exit !== 0) throw new Error(`SIGTERM ended it with ${exit}\n${output}`)
  } finally {
    suite.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true })
  }
}

async function untilReady(url, suite, output) {
  const deadline = Date.now() + READY_MS
  while (Date.now() < deadline) {
    if (suite.exitCode !== null) throw new Error(`it ended with ${suite.exitCode}\n${output()}`)
    const reply = await fetch(`${url}/health`).catch(() => undefined)
    if (reply?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`not ready after ${READY_MS} ms\n${output()}`)
}
