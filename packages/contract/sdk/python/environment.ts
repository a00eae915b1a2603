import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../../fixtures.ts'

const run = promisify(execFile)
const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt')
const INSTALL_MS = 180_000

/**
 * The interpreter of a virtual environment with the SDKs of requirements.txt, made on the first use and kept
 * for the next; otherwise the sentence that says why there is none.
 */
export async function findPython(): Promise<{ python: string } | { reason: string }> {
  const version = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12)
  const folder = join(ROOT, 'node_modules/.cache', `fogbank-python-${version}`)
  const python = join(folder, 'bin/python')
  const isComplete = join(folder, 'complete')
  if (existsSync(isComplete)) return { python }
  try {
    rmSync(folder, { recursive: true, force: true })
    await run('python3', ['-m', 'venv', folder], { timeout: INSTALL_MS })
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    await run(python, [...pip, '-r', REQUIREMENTS], { timeout: INSTALL_MS })
    await run(python, ['-c', `open(${JSON.stringify(isComplete)}, 'w').close()`])
    return { python }
  } catch (error) {
    const [line = ''] = (error as Error).message.split('\n')
    return { reason: `python3 with pip and a package index is not to be had: ${line}` }
  }
}
