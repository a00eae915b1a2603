// No container engine is needed: runs the RUN lines of the Dockerfile's build stage in an empty folder with
// what COPY would bring, then starts what the image would hold, with nothing else around it, and does with it
// what docker-compose.yml says.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { probe } from './probe.js'

const IMAGE_FOLDER = '/image'
/** Beside the base of Node. */
const LIMIT_MB = 90

const recipe = readFileSync('packages/server/Dockerfile', 'utf8').replaceAll('\\\n', ' ')
const [, buildStage = ''] = recipe.split(/^FROM /m)
const steps = [...buildStage.matchAll(/^RUN (.+)$/gm)].map(([, step]) => step)
if (steps.length === 0)
  throw new Error('the build stage of packages/server/Dockerfile has no RUN line')

const folder = mkdtempSync(join(tmpdir(), 'fogbank-image-'))
try {
  const source = join(folder, 'src')
  const ignored = readFileSync('.dockerignore', 'utf8')
    .split('\n')
    .map((line) => basename(line))
  cpSync('.', source, { recursive: true, filter: (path) => !ignored.includes(basename(path)) })
  for (const step of steps) {
    const command = step.replaceAll(` ${IMAGE_FOLDER}`, ` ${join(folder, 'image')}`)
    const { status } = spawnSync('sh', ['-ec', command], {
      cwd: source,
      stdio: ['ignore', 'ignore', 'inherit']
    })
    if (status !== 0) throw new Error(`the build step failed with ${status}: ${command}`)
  }
  rmSync(source, { recursive: true })
  const image = join(folder, 'image')
  await probe(join(image, 'fogbank.cjs'), ['--host', '127.0.0.1'])
  const [kilobytes] = execFileSync('du', ['-sk', image], { encoding: 'utf8' }).split('\t')
  const megabytes = Number(kilobytes) / 1024
  if (megabytes >= LIMIT_MB) throw new Error(`the image's content is ${megabytes} MB`)
  console.log(`the image's content starts, answers and stops; ${megabytes.toFixed(1)} MB`)
  execFileSync(process.execPath, ['scripts/compose-check.js', image], { stdio: 'inherit' })
} finally {
  rmSync(folder, { recursive: true })
}
