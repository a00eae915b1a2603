// What the launcher keeps beside a bundle, with small bundles in place of the suite.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withFolder } from './testing.ts'

/** Keeps at once, not after some seconds, and then ends. */
const AT_ONCE = `
  const later = setTimeout
  globalThis.setTimeout = (task) => (later(task, 0), { unref() {} })`

/** Runs a bundle by way of the launcher, in this folder. */
async function launch(folder: string, bundle: string) {
  cpSync(join(import.meta.dirname, 'launcher.cjs'), join(folder, 'fogbank.cjs'))
  writeFileSync(join(folder, 'at-once.cjs'), AT_ONCE)
  writeFileSync(join(folder, 'fogbank-suite.cjs'), bundle)
  const child = spawn(process.execPath, ['-r', './at-once.cjs', 'fogbank.cjs'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => (out += chunk))
  child.stderr.on('data', (chunk) => (err += chunk))
  const [code] = await once(child, 'close')
  return { code, out, err }
}

const BUNDLE = "exports.main = () => console.log('started')"
const STARTED = { code: 0, out: 'started\n', err: '' }

/** The one file that is kept. */
function keptIn(folder: string): string {
  const files = readdirSync(join(folder, '.cache'))
  assert.is(files.length, 1)
  return join(folder, '.cache', files[0]!)
}

const launcher = suite('the launcher')

launcher('keeps what was compiled, once', () =>
  withFolder(async (folder) => {
    assert.equal(await launch(folder, BUNDLE), STARTED)
    const { ino } = statSync(keptIn(folder))
    assert.equal(await launch(folder, BUNDLE), STARTED)
    assert.is(statSync(keptIn(folder)).ino, ino)
  })
)

launcher('takes nothing of what V8 does not know for its own, and keeps it anew', () =>
  withFolder(async (folder) => {
    await launch(folder, BUNDLE)
    const kept = keptIn(folder)
    writeFileSync(kept, 'not what V8 wrote')
    assert.equal(await launch(folder, BUNDLE), STARTED)
    assert.ok(statSync(keptIn(folder)).size > 100)
  })
)

launcher('starts where nothing can be kept', () =>
  withFolder(async (folder) => {
    writeFileSync(join(folder, '.cache'), 'no folder')
    assert.equal(await launch(folder, BUNDLE), STARTED)
  })
)

launcher(
  'gives a bundle what a module has: its file, its neighbours, what is installed beside it',
  () =>
    withFolder(async (folder) => {
      const installed = join(folder, 'node_modules/installed')
      mkdirSync(installed, { recursive: true })
      writeFileSync(join(installed, 'package.json'), '{ "name": "installed" }')
      writeFileSync(join(installed, 'index.js'), "exports.name = 'installed'")
      writeFileSync(join(folder, 'neighbour.cjs'), "module.exports = 'neighbour'")
      const bundle = `exports.main = () => {
      const found = [require('./neighbour.cjs'), require('installed').name]
      if (__filename === require.resolve('./fogbank-suite.cjs')) console.log(found.join())
    }`
      const expected = { code: 0, out: 'neighbour,installed\n', err: '' }
      assert.equal(await launch(folder, bundle), expected)
      assert.equal(await launch(folder, bundle), expected)
    })
)

launcher.run()
