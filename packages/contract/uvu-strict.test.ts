import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const GUARD = join(import.meta.dirname, 'uvu-strict.ts')
const MODULES = join(import.meta.dirname, '../../node_modules')
const HEAD = "import { suite } from 'uvu'\nconst one = suite('one')\n"
const CLEAN = `${HEAD}one('is fine', () => {})\none.run()\n`

const guard = suite('uvu-strict')

/** Runs the guard over these files, in one process; the answer is its exit code and its last line. */
function check(files: Record<string, string>, { limitSeconds = 20, endSeconds = 20 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'uvu-strict-'))
  try {
    symlinkSync(MODULES, join(folder, 'node_modules'))
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    const numbers = [limitSeconds, 1, endSeconds].map(String)
    const args = [GUARD, folder, '\\.test\\.mjs$', ...numbers]
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [...process.execArgv, '--import', import.meta.resolve('tsx'), ...args],
      { encoding: 'utf8', timeout: 30_000 }
    )
    return { status, last: stdout.trimEnd().split('\n').at(-1), stderr }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const CASES: [name: string, files: Record<string, string>, last: string, says: RegExp][] = [
  [
    'a before hook that throws',
    {
      'a.test.mjs': `${HEAD}one.before(() => { throw new Error('x') })\none('t', () => {})\none.run()`
    },
    '0 passed, 1 failed',
    /^$/
  ],
  [
    'a test that throws no Error',
    { 'a.test.mjs': `${HEAD}one('t', () => { throw 'text' })\none.run()` },
    '0 passed, 1 failed',
    /^$/
  ],
  [
    'a suite without .run()',
    { 'a.test.mjs': CLEAN, 'b.test.mjs': `${HEAD}one('t', () => {})` },
    '1 passed, 1 failed',
    /b\.test\.mjs ran no test/
  ],
  ['a pattern without a file', { 'a.mjs': CLEAN }, '0 passed, 1 failed', /no file matches/],
  [
    'a test that fails',
    { 'a.test.mjs': `${HEAD}one('t', () => { throw new Error('x') })\none.run()` },
    '0 passed, 1 failed',
    /^$/
  ],
  [
    'a file that cannot be loaded',
    { 'a.test.mjs': "import './missing.mjs'" },
    '0 passed, 2 failed',
    /no test was run/
  ],
  [
    'a process that ends badly after its tests',
    { 'a.test.mjs': `${CLEAN}process.on('exit', () => { process.exitCode = 3 })` },
    '1 passed, 1 failed',
    /ended with 3 though every test passed/
  ]
]

for (const [name, files, last, says] of CASES) {
  guard(`fails for ${name}`, () => {
    const outcome = check(files)
    assert.is(outcome.last, last)
    assert.match(outcome.stderr, says)
    assert.is(outcome.status, 1)
  })
}

guard('fails when time is up', () => {
  const hanging = `${HEAD}one('t', () => new Promise((r) => setTimeout(r, 60_000)))\none.run()`
  const outcome = check({ 'a.test.mjs': hanging }, { limitSeconds: 1 })
  assert.is(outcome.status, 1)
  assert.match(outcome.stderr, /ended after 1 s/)
})

guard('fails for a process that stays open after its last test, and says what is open', () => {
  const open = `${CLEAN}setInterval(() => {}, 1000)`
  const outcome = check({ 'a.test.mjs': CLEAN, 'b.test.mjs': open }, { endSeconds: 1 })
  assert.is(outcome.last, '2 passed, 1 failed')
  assert.match(outcome.stderr, /^open: .*\bTimeout$/m)
  assert.match(outcome.stderr, /did not end .*: a\.test\.mjs b\.test\.mjs$/m)
  assert.is(outcome.status, 1)
})

guard('fails for a process whose child holds its output', () => {
  const child = `import { spawn } from 'node:child_process'
    spawn('sleep', ['20'], { stdio: ['ignore', 'inherit', 'inherit'], detached: true }).unref()`
  const outcome = check({ 'a.test.mjs': `${child}\n${CLEAN}` }, { endSeconds: 1 })
  assert.is(outcome.last, '1 passed, 1 failed')
  assert.match(outcome.stderr, /something is open: a\.test\.mjs$/m)
})

guard('passes a clean run', () => {
  assert.equal(check({ 'a.test.mjs': CLEAN, 'b.test.mjs': CLEAN }), {
    status: 0,
    last: '2 passed, 0 failed',
    stderr: ''
  })
})

guard.run()
