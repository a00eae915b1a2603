// Suites, sockets and command lines for this package's own tests.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleOnce } from '@fogbank/contract/testing'
import { startFogbank, type Fogbank, type StartOptions } from './index.ts'

/** Runs a test against a suite of its own; it is closed afterwards, whatever happened. */
export async function withSuite(
  options: StartOptions,
  run: (fogbank: Fogbank & { lines: string[] }) => Promise<void>
): Promise<void> {
  const lines: string[] = []
  const log = {
    info: (line: string) => void lines.push(line),
    warn: (line: string) => void lines.push(line),
    error: (error: unknown, line: string) => void lines.push(`${line}: ${String(error)}`)
  }
  const fogbank = await startFogbank({ log, ...options })
  try {
    await run(Object.assign(fogbank, { lines }))
  } finally {
    await fogbank.close()
  }
}

export async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'fogbank-server-'))
  try {
    await run(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The port of one of a suite's URLs. */
export function portOf(fogbank: Fogbank, id: string): number {
  return Number(new URL(fogbank.endpoints[id]!.http as string).port)
}

/** The command line as users get it, bundled once for this run of tests: it starts in a fraction of the time. */
const MAIN = await bundleOnce(join(import.meta.dirname, 'main.ts'))

/** A command line in a process of its own, in this folder. */
export function fogbank(cwd: string, args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const output = { out: '', err: '' }
  child.stdout.on('data', (chunk) => (output.out += chunk))
  child.stderr.on('data', (chunk) => (output.err += chunk))
  const exited = once(child, 'close').then(([code]) => ({ code: code as number, ...output }))
  return {
    child,
    output,
    exited,
    /** Resolves when standard output holds this text. */
    async says(text: string, ms = 15_000): Promise<void> {
      const limit = AbortSignal.timeout(ms)
      while (!output.out.includes(text)) {
        if (child.exitCode !== null) throw new Error(`it ended early: ${output.err}`)
        await once(child.stdout, 'data', { signal: limit })
      }
    }
  }
}

/** Runs a test against `fogbank start` on free ports, which must have ended well by the end of it. */
export async function withRunning(
  cwd: string,
  args: string[],
  run: (running: ReturnType<typeof fogbank> & { url: string; mqttUrl: string }) => Promise<void>,
  env: Record<string, string> = {}
): Promise<void> {
  const running = fogbank(cwd, ['start', '--port-base', '0', ...args], env)
  try {
    // At the start of a line: a credential is of the authority, too.
    await running.says('\nauthority ')
    const [, url] = /control +(\S+)/.exec(running.output.out)!
    await run({ ...running, url: url!, mqttUrl: url!.replace('http', 'mqtt') })
    running.child.kill('SIGTERM')
    const { code, err } = await running.exited
    if (code !== 0) throw new Error(`it ended with ${code}: ${err}`)
  } finally {
    running.child.kill('SIGKILL')
  }
}
