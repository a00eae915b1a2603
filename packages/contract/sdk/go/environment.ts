import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../../fixtures.ts'

const run = promisify(execFile)
/** Fetching and compiling all of the SDKs takes minutes on a machine that has never done so. */
const BUILD_MS = 300_000

const hash = createHash('sha256')
for (const name of readdirSync(import.meta.dirname).sort()) {
  if (!/\.(go|mod|sum)$/.test(name)) continue
  hash.update(name).update(readFileSync(join(import.meta.dirname, name)))
}
const VERSION = hash.digest('hex').slice(0, 12)
/** The program of this folder, there when `buildGo` is through. */
export const GO_PROGRAM = join(ROOT, 'node_modules/.cache', `fogbank-go-${VERSION}`, 'sdk')

/** The sentence that says why there is no Go; undefined when there is. */
export async function missingGo(): Promise<string | undefined> {
  try {
    await run('go', ['version'])
    return undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'there is no go here'
    throw error
  }
}

/** Builds the program, unless its sources have been built before. @throws Error what the compiler said */
export async function buildGo(): Promise<void> {
  if (existsSync(GO_PROGRAM)) return
  mkdirSync(dirname(GO_PROGRAM), { recursive: true })
  const own = `${GO_PROGRAM}.${process.pid}`
  await run('go', ['build', '-trimpath', '-o', own, '.'], {
    cwd: import.meta.dirname,
    timeout: BUILD_MS,
    // Without a C compiler it is the same everywhere.
    env: { ...process.env, GOFLAGS: '-buildvcs=false', CGO_ENABLED: '0' }
  })
  // Whoever else builds it at the same time never sees half a program.
  renameSync(own, GO_PROGRAM)
}
