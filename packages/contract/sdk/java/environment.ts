import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import type { StartOptions } from 'fogbank'
import { ROOT } from '../../fixtures.ts'
import { withFogbank, type World } from '../../with-fogbank.ts'
import { runProgram, type ProgramRun } from '../program.ts'

const run = promisify(execFile)
const POM = join(import.meta.dirname, 'pom.xml')
const SOURCES = join(import.meta.dirname, 'src')
const BUILD_MS = 300_000
const VERSION_MS = 30_000

/** Named by what is in it, so that what was built of other sources is left alone. */
const CACHE = join(ROOT, 'node_modules/.cache', `fogbank-java-${hashOf([POM, ...sources()])}`)
const CLASSPATH = [join(CACHE, 'classes'), join(CACHE, 'dependency/*')].join(delimiter)

/** For programs that end before it is worth while to compile them well. */
const SHORT_LIVED = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']

/** What runs a class of `src`, once `prepareJava` was called. */
export const javaCommand = (name: string): string[] => {
  return ['java', ...SHORT_LIVED, '-cp', CLASSPATH, name]
}

/** The sentence that says which of the two programs is not there; undefined when both are. */
export async function missingJava(): Promise<string | undefined> {
  for (const program of ['java', 'mvn']) {
    try {
      await run(program, ['-version'], { timeout: VERSION_MS })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return `${program} is not installed`
      throw error
    }
  }
  return undefined
}

/** Compiles the programs and fetches the SDKs of pom.xml, on the first use. */
export async function prepareJava(): Promise<void> {
  const isComplete = join(CACHE, 'complete')
  if (existsSync(isComplete)) return
  rmSync(CACHE, { recursive: true, force: true })
  const goals = ['compiler:compile', 'dependency:copy-dependencies']
  const args = ['-q', '-B', '-f', POM, `-Dcache=${CACHE}`, ...goals]
  await run('mvn', args, { timeout: BUILD_MS })
  writeFileSync(isComplete, '')
}

function sources(): string[] {
  return readdirSync(SOURCES)
    .sort()
    .map((name) => join(SOURCES, name))
}

function hashOf(files: readonly string[]): string {
  const hash = createHash('sha256')
  for (const file of files) hash.update(readFileSync(file))
  return hash.digest('hex').slice(0, 12)
}

/** Runs with a suite whose CA `fogbank.env()` makes Java trust. */
export async function withTrustedFogbank(
  options: StartOptions,
  use: (world: World) => Promise<void>
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'fogbank-java-'))
  try {
    await withFogbank({ tlsDir: folder, ...options }, use)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Runs a class against a suite and answers the outcomes it printed, each a line `["name", outcome]`. */
export async function runJava<Outcome>(
  { fogbank }: Pick<World, 'fogbank'>,
  { name, given, env = {} }: Omit<ProgramRun, 'command'> & { name: string }
): Promise<Record<string, Outcome>> {
  const { JAVA_TOOL_OPTIONS = '' } = fogbank.env('authority')
  const output = await runProgram(
    { fogbank },
    { command: javaCommand(name), given, env: { JAVA_TOOL_OPTIONS, ...env } }
  )
  const lines = output.trimEnd().split('\n')
  return Object.fromEntries(lines.map((line) => JSON.parse(line) as [string, Outcome]))
}
