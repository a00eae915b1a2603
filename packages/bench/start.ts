import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { withFolder } from './folder.ts'
import { freePort, memoryOf, serve, stop, untilAnswers } from './processes.ts'
import { toFigure, type Figure } from './report.ts'

const ROUNDS = 7
/** Memory settles after the first collections. */
const SETTLE_MS = 1_500

/** Start and idle memory of the bundle beside a bare hono, aedes and level, bundled the same way. */
export async function measureStart(): Promise<Figure[]> {
  const bareBundle = resolve('dist/bare-core.cjs')
  await build({
    entryPoints: ['packages/bench/bare-core.js'],
    outfile: bareBundle,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['classic-level'],
    logLevel: 'warning'
  })
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
