// The examples as their readers have them: in a folder of their own, with the package installed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { bundle } from '@fogbank/contract/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const EXAMPLES = join(import.meta.dirname, 'examples')
const DIST = join(import.meta.dirname, '../../dist')
const require = createRequire(import.meta.url)

/** The file in a package that its name on a command line runs. */
const binary = (name: string, file: string) =>
  join(dirname(require.resolve(`${name}/package.json`)), file)

/** What runs each, and what it says of one test that passed. */
const RUNNERS: Record<string, { args: string[]; passed: RegExp }> = {
  'node-test.mjs': { args: ['--test'], passed: /^# pass 1$/m },
  'uvu.mjs': { args: [], passed: /Passed: +1$/m },
  'vitest.test.mjs': { args: [binary('vitest', 'vitest.mjs'), 'run'], passed: /Tests +1 passed/ },
  'jest.test.cjs': { args: [binary('jest', 'bin/jest.js')], passed: /^Tests: +1 passed, 1 total$/m }
}

const examples = suite('examples')

for (const [file, { args, passed }] of Object.entries(RUNNERS)) {
  examples(`${file} passes, and ends by itself`, () =>
    withPackage(async (folder) => {
      const { code, output } = await run([...args, file], folder)
      assert.is(code, 0, output)
      assert.match(stripVTControlCharacters(output), passed)
    })
  )

  examples(`${file} is short`, () => {
    const lines = readFileSync(join(EXAMPLES, file), 'utf8').trimEnd().split('\n')
    assert.ok(lines.length <= 20, `${lines.length} lines`)
  })
}

examples('are all run here', () => {
  assert.equal(readdirSync(EXAMPLES).sort(), Object.keys(RUNNERS).sort())
})

examples.run()

/** Runs in a copy of the examples that finds `fogbank` bundled, and the other packages where the repository has them. */
async function withPackage(run: (folder: string) => Promise<void>): Promise<void> {
  mkdirSync(DIST, { recursive: true })
  const folder = mkdtempSync(join(DIST, 'examples-'))
  try {
    cpSync(EXAMPLES, folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{}')
    const outfile = join(folder, 'node_modules/fogbank/index.js')
    await bundle(join(import.meta.dirname, 'index.ts'), outfile)
    await run(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function run(args: string[], cwd: string): Promise<{ code: number; output: string }> {
  // A runner that is told that it runs inside another one behaves differently.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...env, CI: 'true' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000
  })
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (output += chunk))
  const [code] = await once(child, 'close')
  return { code, output }
}
