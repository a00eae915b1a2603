import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { bundle } from './bundle.ts'
import { withFolder } from './folder.ts'
import { freePort, memoryOf, untilAnswers } from './processes.ts'
import { toFigure, type Figure } from './report.ts'

const ROUNDS = 7
/** Memory settles after the first collections. */
const SETTLE_MS = 1_500
/** The launcher keeps what V8 compiled when a start is some seconds old. */
const KEEP_MS = 4_000

const OURS = resolve('dist/fogbank.cjs')
const BARE = resolve('dist/bare/fogbank.cjs')

/** Start and idle memory of the command, and start in process, beside bare ones made the same way. */
export async function measureStart(): Promise<Figure[]> {
  return [...(await measureCommand()), ...(await measureInProcess())]
}

/** `startFogbank` until it resolves, after the import, beside a bare hono, aedes and memory-level. */
async function measureInProcess(): Promise<Figure[]> {
  const bare = await bundle('packages/bench/bare-in-process.js')
  const fogbank = await bundle('packages/bench/fogbank-in-process.ts')
  const limit: InProcess[] = []
  const all: InProcess[] = []
  const one: InProcess[] = []
  for (let round = 0; round < ROUNDS; round++) {
    limit.push(saidBy(bare))
    all.push(saidBy(fogbank))
    one.push(saidBy(fogbank, 'aws-iot'))
  }
  const figure = (name: string, nth: keyof InProcess, ours: InProcess[]) =>
    toFigure({
      name,
      unit: 'ms',
      against: 'bare hono, aedes, memory-level',
      ours: ours.map((times) => times[nth]),
      limit: limit.map((times) => times[nth])
    })
  const target = { atMost: 1.5 }
  return [
    { ...figure('startFogbank()', 'first', all), target },
    { ...figure("startFogbank({ only: ['aws-iot'] })", 'first', one), target },
    figure('startFogbank(), the second in a process', 'second', all),
    figure("startFogbank({ only: ['aws-iot'] }), the second", 'second', one)
  ]
}

/** Milliseconds of the first and the second start in one process. */
interface InProcess {
  first: number
  second: number
}

/** What a program prints. */
const saidBy = (...args: string[]) =>
  JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as InProcess

/** From the command to the answer of /health, both by way of the published launcher. */
async function measureCommand(): Promise<Figure[]> {
  rmSync(dirname(BARE), { recursive: true, force: true })
  await bundle('packages/bench/bare-core.js', join(dirname(BARE), 'fogbank-suite.cjs'))
  copyFileSync(OURS, BARE)
  for (const file of [OURS, BARE]) chmodSync(file, 0o755)
  // As right after an installation, when nothing is kept of what V8 compiled.
  rmSync(join(dirname(OURS), '.cache'), { recursive: true, force: true })
  const first = {
    ours: [await sampleOurs(direct, KEEP_MS)],
    limit: [await sampleBare(direct, KEEP_MS)]
  }
  for (const file of [OURS, BARE]) {
    if (!existsSync(join(dirname(file), '.cache'))) throw new Error(`${file} has kept nothing`)
  }
  const started = await measureRounds(direct)
  const byNpx = await measureRounds(npx)
  const target = { atMost: 1.5 }
  return [
    compare('the first start ever', 'ms', first),
    { ...compare('command to /health', 'ms', started), target },
    { ...compare('npx to /health', 'ms', byNpx), target },
    { ...compare('idle memory', 'mb', started), target: { atMost: 1.6 } }
  ]
}

type Samples = Record<'ours' | 'limit', Sample[]>

async function measureRounds(how: Launch): Promise<Samples> {
  const samples: Samples = { ours: [], limit: [] }
  for (let round = 0; round < ROUNDS; round++) {
    samples.limit.push(await sampleBare(how))
    samples.ours.push(await sampleOurs(how))
  }
  return samples
}

function compare(name: string, key: keyof Sample, { ours, limit }: Samples): Figure {
  return toFigure({
    name,
    unit: { ms: 'ms', mb: 'MB' }[key],
    against: 'bare hono, aedes, level',
    ours: ours.map((one) => one[key]),
    limit: limit.map((one) => one[key])
  })
}

interface Sample {
  ms: number
  mb: number
}

/** How a command is called that is installed under this name. */
type Launch = (name: string, folder: string) => [command: string, ...args: string[]]

const direct: Launch = (name, folder) => [process.execPath, join(folder, 'node_modules/.bin', name)]
const npx: Launch = (name) => ['npx', '--no-install', name]

const sampleOurs = (how: Launch, settleMs?: number) =>
  sample(how, 'fogbank', settleMs, (port) => ['start', '--ephemeral', '--port-base', String(port)])

const sampleBare = (how: Launch, settleMs?: number) =>
  sample(how, 'bare', settleMs, (port, folder) => [String(port), join(folder, 'db')])

/** One start in an empty folder where both commands are installed. */
async function sample(
  how: Launch,
  name: string,
  settleMs = SETTLE_MS,
  toArgs: (port: number, folder: string) => string[]
): Promise<Sample> {
  return withFolder(async (folder) => {
    mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true })
    symlinkSync(OURS, join(folder, 'node_modules/.bin/fogbank'))
    symlinkSync(BARE, join(folder, 'node_modules/.bin/bare'))
    const port = await freePort()
    const [command, ...args] = [...how(name, folder), ...toArgs(port, folder)]
    // A group of its own, as npx does not pass a kill on.
    const child = spawn(command!, args, {
      cwd: folder,
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit']
    })
    try {
      const ms = await untilAnswers(`http://127.0.0.1:${port}/health`)
      await new Promise((resolve) => setTimeout(resolve, settleMs))
      return { ms, mb: memoryOf(child) }
    } finally {
      await stopGroup(child)
    }
  })
}

async function stopGroup(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve))
  process.kill(-child.pid!, 'SIGKILL')
  await ended
}
