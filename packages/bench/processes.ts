import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { LoadJob, LoadResult } from './load.ts'
import type { MqttJob, MqttResult } from './mqtt-load.ts'

const READY_MS = 20_000

/** Below the ports that the system gives to connections, which would take one of a suite's ten. */
const PORTS = { from: 12_000, to: 32_000 }
const HUNDRED = 100
let lastPort = PORTS.from + Math.floor(Math.random() * 200) * HUNDRED

/**
 * A port that nobody uses now; the hundred after it are given to nobody else in this run.
 * @throws Error when there is none
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < (PORTS.to - PORTS.from) / HUNDRED; tries++) {
    lastPort = lastPort + HUNDRED < PORTS.to ? lastPort + HUNDRED : PORTS.from
    const tens = Array.from({ length: HUNDRED / 10 }, (_, ten) => lastPort + ten * 10)
    const free = await Promise.all(tens.map(isFree))
    if (free.every(Boolean)) return lastPort
  }
  throw new Error(`no hundred ports are free from ${PORTS.from} to ${PORTS.to}`)
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** Starts a server of ours, whose log goes to a file, as a supervisor would have it. */
export function serve(args: string[], logFile: string, cwd = process.cwd()): ChildProcess {
  return run(process.execPath, args, logFile, cwd)
}

export function run(
  command: string,
  args: string[],
  logFile: string,
  cwd = process.cwd()
): ChildProcess {
  const log = openSync(logFile, 'w')
  const child = spawn(command, args, { cwd, stdio: ['ignore', log, 'inherit'] })
  closeSync(log)
  return child
}

/** Milliseconds from now until the URL answers 2xx. */
export async function untilAnswers(url: string): Promise<number> {
  const startedAt = performance.now()
  while (performance.now() - startedAt < READY_MS) {
    // Kept alive it would be taken for a later request, after the server had let it go.
    const options = { headers: { connection: 'close' } }
    const reply = await fetch(url, options).catch(() => undefined)
    if (reply && reply.status < 500) return performance.now() - startedAt
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  throw new Error(`${url} did not answer within ${READY_MS} ms`)
}

export async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}

/** Resident memory in MB. */
export function memoryOf(child: ChildProcess): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024
}

/** Runs one load job in a process of its own. */
export async function load(job: LoadJob): Promise<LoadResult> {
  const args = ['--import', 'tsx', 'packages/bench/load.ts', JSON.stringify(job)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk))
  const [code] = (await once(child, 'close')) as [number]
  if (code !== 0) throw new Error('the load generator failed')
  return JSON.parse(out) as LoadResult
}

const MQTT_LOAD = ['--import', 'tsx', 'packages/bench/mqtt-load.ts']

/** Runs one MQTT job in a process of its own. */
export async function mqttLoad(job: MqttJob): Promise<MqttResult> {
  return startMqttLoad(job).result
}

/** The same, with the moment at which all connections of a storm are there. */
export function startMqttLoad(job: MqttJob): {
  connected: Promise<void>
  result: Promise<MqttResult>
} {
  const child = spawn(process.execPath, MQTT_LOAD, { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(JSON.stringify(job))
  let out = ''
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk))
  const connected = new Promise<void>((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk
      if (said.includes('connected\n')) resolve()
    })
  })
  const result = new Promise<MqttResult>((resolve, reject) => {
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(out) as MqttResult)
      else reject(new Error(`the load generator failed: ${said}`))
    })
  })
  return { connected, result }
}
