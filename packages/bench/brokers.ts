import { spawnSync, type ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { freePort, run, serve, stop, untilAnswers } from './processes.ts'

/** A broker at work in a process of its own. */
export interface Broker {
  name: string
  port: number
  child: ChildProcess
  stop(): Promise<void>
}

const READY_MS = 10_000

/** Our plain door, on level in `folder`; the other ports of the suite follow its own. */
export async function startOurs(folder: string): Promise<Broker> {
  const port = await freePort()
  const args = ['dist/fogbank.cjs', 'start', '--port-base', String(port)]
  const child = serve([...args, '--data-dir', join(folder, 'data')], join(folder, 'ours.log'))
  await untilAnswers(`http://127.0.0.1:${port}/health`)
  return { name: 'fogbank', port, child, stop: () => stop(child) }
}

/** aedes as it comes, with everything in memory. */
export async function startAedes(folder: string, carrier: 'tcp' | 'ws' = 'tcp'): Promise<Broker> {
  const port = await freePort()
  const args = ['packages/bench/bare-aedes.js', String(port), carrier]
  const child = serve(args, join(folder, 'aedes.log'))
  await untilListens(port)
  return { name: 'aedes, memory', port, child, stop: () => stop(child) }
}

/** mosquitto as Debian has it, without persistence; undefined where it is not installed. */
export async function startMosquitto(folder: string): Promise<Broker | undefined> {
  if (spawnSync('mosquitto', ['-h']).error) return undefined
  const port = await freePort()
  const file = join(folder, 'mosquitto.conf')
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'persistence false',
    'set_tcp_nodelay true',
    'log_type error',
    // Its default lets twenty messages be on the way and drops what waits behind a thousand.
    'max_inflight_messages 0',
    'max_queued_messages 0'
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  const child = run('mosquitto', ['-c', file], join(folder, 'mosquitto.log'))
  await untilListens(port)
  return { name: 'mosquitto', port, child, stop: () => stop(child) }
}

async function untilListens(port: number): Promise<void> {
  const startedAt = performance.now()
  while (performance.now() - startedAt < READY_MS) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, '127.0.0.1')
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`nothing listens on ${port}`)
}
