// Gathers what the image needs in the folder named as the argument: the bundle, classic-level and what it
// needs at run time, with the prebuilt libraries of this platform only, and what the launcher keeps of a start.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const KEEP_MS = 30_000

const target = process.argv[2] && resolve(process.argv[2])
if (!target) throw new Error('usage: node scripts/image.js FOLDER')

mkdirSync(target, { recursive: true })
for (const file of ['fogbank.cjs', 'fogbank-suite.cjs', 'THIRD-PARTY-LICENSES.txt']) {
  cpSync(join('dist', file), join(target, file))
}
cpSync('LICENSE', join(target, 'LICENSE'))

const wanted = ['classic-level']
const taken = new Set()
while (wanted.length > 0) {
  const name = wanted.pop()
  if (taken.has(name)) continue
  taken.add(name)
  const from = join('node_modules', name)
  const to = join(target, 'node_modules', name)
  cpSync(from, to, { recursive: true, filter: (path) => !/\/(deps|src|binding\.cc)$/.test(path) })
  const manifest = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'))
  wanted.push(...Object.keys(manifest.dependencies ?? {}))
}

const prebuilds = join(target, 'node_modules/classic-level/prebuilds')
for (const platform of readdirSync(prebuilds)) {
  if (platform !== `${process.platform}-${process.arch}`) {
    rmSync(join(prebuilds, platform), { recursive: true })
  }
}

await keepStart()

/** Who runs the image may not write there, so the start whose compiled code is kept is this one. */
async function keepStart() {
  const folder = mkdtempSync(join(tmpdir(), 'fogbank-image-'))
  const args = [join(target, 'fogbank.cjs'), 'start', '--ephemeral', '--port-base', '0']
  const suite = spawn(process.execPath, args, {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit']
  })
  const ended = once(suite, 'exit')
  try {
    const deadline = Date.now() + KEEP_MS
    while (!hasKept()) {
      if (suite.exitCode !== null) throw new Error(`the suite ended with ${suite.exitCode}`)
      if (Date.now() > deadline) throw new Error('the launcher has kept nothing')
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  } finally {
    suite.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true })
  }
}

/** A draft has one more part to its name. */
function hasKept() {
  const cache = join(target, '.cache')
  try {
    return readdirSync(cache).some((name) => name.endsWith(process.arch))
  } catch {
    // There is no folder yet.
    return false
  }
}
