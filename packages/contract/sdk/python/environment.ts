import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../../fixtures.ts'
import type { World } from '../../with-fogbank.ts'
import { runProgram, type ProgramRun } from '../program.ts'

const run = promisify(execFile)
const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt')
const VERSION = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12)
const FOLDER = join(ROOT, 'node_modules/.cache', `fogbank-python-${VERSION}`)
/** The interpreter of the virtual environment, there when `findPython` says so. */
export const PYTHON = join(FOLDER, 'bin/python')
const INSTALL_MS = 180_000

/**
 * The interpreter of a virtual environment with the SDKs of requirements.txt, made on the first use and kept
 * for the next; otherwise the sentence that says why there is none.
 */
export async function findPython(): Promise<{ python: string } | { reason: string }> {
  const isComplete = join(FOLDER, 'complete')
  if (existsSync(isComplete)) return { python: PYTHON }
  try {
    rmSync(FOLDER, { recursive: true, force: true })
    await run('python3', ['-m', 'venv', FOLDER], { timeout: INSTALL_MS })
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    await run(PYTHON, [...pip, '-r', REQUIREMENTS], { timeout: INSTALL_MS })
    await run(PYTHON, ['-c', `open(${JSON.stringify(isComplete)}, 'w').close()`])
    return { python: PYTHON }
  } catch (error) {
    const [line = ''] = (error as Error).message.split('\n')
    return { reason: `python3 with pip and a package index is not to be had: ${line}` }
  }
}

/** One run of a script of this folder, by its name. */
export type ScriptRun = Omit<ProgramRun, 'command'> & { python: string; name: string }

/** Runs a script against a suite and answers the JSON that it printed. @throws Error what it complained of */
export async function runScript<Outcome>(
  world: Pick<World, 'fogbank'>,
  { python, name, ...run }: ScriptRun
): Promise<Outcome> {
  const command = [python, join(import.meta.dirname, name)]
  return JSON.parse(await runProgram(world, { command, ...run })) as Outcome
}
