// No container engine is needed: runs the RUN lines of the Dockerfile's build stage in an empty folder with
// what COPY would bring, then starts what the image would hold, with nothing else around it.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { probe } from './probe.js'

const IMAGE_FOLDER = '/image'

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
  await probe(join(folder, 'image/fogbank.cjs'), ['--host', '127.0.0.1'])
  const [size] = execFileSync('du', ['-sk', join(folder, 'image')], { encoding: 'utf8' }).split(
    '\t'
  )
  console.log(
    `the image's content starts, answers and stops; ${(Number(size) / 1024).toFixed(1)} MB`
  )
} finally {
  rmSync(folder, { recursive: true })
}
