import { execFileSync } from 'node:child_process'
import { join, parse, resolve } from 'node:path'
import { build } from 'esbuild'
import { withFolder } from './folder.ts'
import { freePort, memoryOf, serve, stop, untilAnswers } from './processes.ts'
import { toFigure, type Figure } from './report.ts'

const ROUNDS = 7
/** Memory settles after the first collections. */
const SETTLE_MS = 1_500

/** Start and idle memory of the bundle, and start in process, beside bare ones bundled the same way. */
export async function measureStart(): Promise<Figure[]> {
  return [...(await measureCommand()), ...(await measureInProcess())]
}

/** `startFogbank` until it resolves, after the import, beside a bare hono, aedes and memory-level. */
async function measureInProcess(): Promise<Figure[]> {
  const bare = await bundle('packages/bench/bare-in-process.js')
  const fogbank = await bundle('packages/bench/fogbank-in-process.ts')
  const limit: number[] = []
  const all: number[] = []
  const one: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    limit.push(saidBy(bare))
    all.push(saidBy(fogbank))
    one.push(saidBy(fogbank, 'aws-iot'))
  }
  const against = 'bare hono, aedes, memory-level'
  const figure = { unit: 'ms', against, limit, target: { atMost: 1.5 } }
  return [
    toFigure({ ...figure, name: 'startFogbank()', ours: all }),
    toFigure({ ...figure, name: "startFogbank({ only: ['aws-iot'] })", ours: one })
  ]
}

/** The milliseconds that a program prints. */
const saidBy = (...args: string[]) =>
  Number(execFileSync(process.execPath, args, { encoding: 'utf8' }))

/** As the package is bundled. */
async function bundle(entry: string): Promise<string> {
  const outfile = resolve('dist', `${parse(entry).name}.cjs`)
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['classic-level'],
    logLevel: 'warning'
  })
  return outfile
}

async function measureCommand(): Promise<Figure[]> {
  const bareBundle = await bundle('packages/bench/bare-core.js')
  const ours: Sample[] = []
  const limit: Sample[] = []
  for (let round = 0; round < ROUNDS; round++) {
    limit.push(
      await sample((port, folder) => ({
        args: [bareBundle, String(port), join(folder, 'db')],
        url: `http://127.0.0.1:${port}/health`
      }))
    )
    ours.push(
      await sample((port) => ({
        args: [resolve('dist/fogbank.cjs'), 'start', '--port-base', String(port)],
        url: `http://127.0.0.1:${port}/health`
      }))
    )
  }
  const of = (samples: Sample[], key: keyof Sample) => samples.map((one) => one[key])
  return [
    toFigure({
      name: 'start to /health',
      unit: 'ms',
      against: 'bare hono, aedes, level',
      ours: of(ours, 'ms'),
      limit: of(limit, 'ms'),
      target: { atMost: 2.5 }
    }),
    toFigure({
      name: 'idle memory',
      unit: 'MB',
      against: 'bare hono, aedes, level',
      ours: of(ours, 'mb'),
      limit: of(limit, 'mb'),
      target: { atMost: 1.6 }
    })
  ]
}

interface Sample {
  ms: number
  mb: number
}

async function sample(
  plan: (port: number, folder: string) => { args: string[]; url: string }
): Promise<Sample> {
  return withFolder(async (folder) => {
    const { args, url } = plan(await freePort(), folder)
    const child = serve(args, join(folder, 'log'), folder)
    try {
      const ms = await untilAnswers(url)
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
      return { ms, mb: memoryOf(child) }
    } finally {
      await stop(child)
    }
  })
}
