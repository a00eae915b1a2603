// Packs, installs the package in an empty folder as its users do, and runs there what they would: the command,
// three SDKs under `fogbank exec`, a suite in process by `import` and by `require`, and the type checker.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

const LIMIT_MS = 60_000
/** The package of each is taken from the repository. */
const SDKS = [
  '@aws-sdk/client-iot-data-plane',
  '@azure/eventgrid',
  '@azure/identity',
  '@azure/web-pubsub',
  'ws'
]
/** How projects that import us are set up; none of them has @types/node. */
const COMPILERS = [
  { module: 'nodenext', files: ['types.mts', 'types.cts'] },
  { module: 'preserve', moduleResolution: 'bundler', files: ['types.mts'] }
]

const packed = resolve(
  execFileSync(process.execPath, ['scripts/package.js'], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .at(-1)
)
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'fogbank-package-')))

/** @throws Error with what it said, when it fails */
function run(command, ...args) {
  try {
    return execFileSync(command, args, {
      cwd: folder,
      encoding: 'utf8',
      timeout: LIMIT_MS,
      stdio: 'pipe'
    })
  } catch (error) {
    throw new Error(`${command} ${args.join(' ')}: ${error.stdout}${error.stderr}`, {
      cause: error
    })
  }
}

/** `npx fogbank start` until it is ready, and its end by a signal. */
async function startAndStop() {
  const args = ['--no-install', 'fogbank', 'start', '--ephemeral', '--port-base', '0']
  const suite = spawn('npx', args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true
  })
  let output = ''
  suite.stdout.on('data', (chunk) => (output += chunk))
  suite.stderr.on('data', (chunk) => (output += chunk))
  const ended = once(suite, 'exit')
  const limit = setTimeout(() => process.kill(-suite.pid, 'SIGKILL'), LIMIT_MS)
  try {
    // Printed once every port is open; the last line of the table is the authority's.
    while (!/^authority/m.test(output)) {
      const [code] = await Promise.race([once(suite.stdout, 'data'), ended])
      if (typeof code === 'number') throw new Error(`it ended with ${code}: ${output}`)
    }
    const [, url] = /^control +(\S+)/m.exec(output)
    const { status } = await fetch(`${url}/health`)
    if (status !== 200) throw new Error(`/health answered ${status}`)
  } finally {
    clearTimeout(limit)
    process.kill(-suite.pid, 'SIGTERM')
    await ended
  }
}

try {
  cpSync('scripts/package-check', folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{}')
  run('npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', packed)
  await startAndStop()

  for (const name of SDKS) {
    mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true })
    symlinkSync(resolve('node_modules', name), join(folder, 'node_modules', name))
  }
  console.log(run('npx', '--no-install', 'fogbank', 'exec', '--', 'node', 'test.mjs').trim())

  for (const file of ['in-process.mjs', 'in-process.cjs']) run(process.execPath, file)

  const compiler = resolve('node_modules/typescript/bin/tsc')
  for (const { files, ...options } of COMPILERS) {
    const compilerOptions = { ...options, target: 'es2022', strict: true, noEmit: true, types: [] }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
    run(process.execPath, compiler, '-p', folder)
  }
  console.log('the package installs, starts, serves three SDKs, runs in process and has its types')
} finally {
  rmSync(folder, { recursive: true })
}
