import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { bundleOnce } from '../bundle.ts'
import { within } from '../within.ts'

const START_MS = 30_000
/** pino's number for an error; bugs of ours are logged at it. */
const ERROR_LEVEL = 50

/** The whole suite in a process of its own, as a user has it: it can be killed, and its memory measured. */
export interface SuiteProcess {
  /** Of each door, by id. */
  ports: Record<string, number>
  child: ChildProcess
  /** What was logged as an error, and what was said on standard error. */
  problems: string[]
  /** Resident memory in MB. */
  memory(): number
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
}

/** The command line as users get it. */
const bundled = () => bundleOnce(resolve(import.meta.dirname, '../../server/main.ts'))

/** What another command prints that is run in the folder of a suite. @throws Error what it complained of */
export async function runCommand(cwd: string, args: readonly string[]): Promise<string> {
  const options = { cwd, timeout: START_MS }
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [await bundled(), ...args],
    options
  )
  return stdout
}

/** Starts it on free ports; `dataDir` absent: in memory. @throws Error with what it said instead */
export async function startSuiteProcess(
  cwd: string,
  options: { dataDir?: string; nodeOptions?: string[] } = {}
): Promise<SuiteProcess> {
  const { dataDir, nodeOptions = [] } = options
  const store = dataDir === undefined ? ['--ephemeral'] : ['--data-dir', dataDir]
  const args = ['start', '--port-base', '0', '--log-level', 'warn', ...store]
  const child = spawn(process.execPath, [...nodeOptions, await bundled(), ...args], {
    cwd,
    // uvu sets it, and Node complains of it where NO_COLOR is set.
    env: { ...process.env, FORCE_COLOR: undefined },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const problems: string[] = []
  let said = ''
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    if (said.length < 10_000) said += chunk
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!
    for (const line of lines) if (isProblem(line)) problems.push(line)
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => problems.push(chunk))
  const gone = once(child, 'close')
  try {
    await within(START_MS, Promise.race([saysReady(), gone.then(fail)]), 'the start of the suite')
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }

  async function saysReady(): Promise<void> {
    while (!/^authority /m.test(said)) await once(child.stdout!, 'data')
  }
  function fail(): never {
    throw new Error(`the suite did not start: ${said} ${problems.join(' ')}`)
  }

  const control = /^control +http:\/\/localhost:(\d+)/m.exec(said)![1]
  const reply = await fetch(`http://127.0.0.1:${control}/endpoints`)
  const endpoints = (await reply.json()) as Record<string, Record<string, string>>
  const ports = Object.fromEntries(
    Object.entries(endpoints).map(([id, { http, https }]) => [
      id,
      Number(new URL((http ?? https)!).port)
    ])
  )
  return {
    ports,
    child,
    problems,
    memory() {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024
    },
    async kill() {
      child.kill('SIGKILL')
      await gone
    }
  }
}

function isProblem(line: string): boolean {
  if (!line.startsWith('{')) return false
  return (JSON.parse(line) as { level: number }).level >= ERROR_LEVEL
}

/** Runs with a folder that is gone afterwards. */
export async function withFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'fogbank-long-'))
  try {
    return await run(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
