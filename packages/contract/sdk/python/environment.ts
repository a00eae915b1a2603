import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { ROOT } from '../../fixtures.ts'
import type { World } from '../../with-fogbank.ts'
import { within } from '../../within.ts'

const run = promisify(execFile)
const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt')
const INSTALL_MS = 180_000
const SCRIPT_MS = 60_000

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

/** One run of a script: what it is given and where it runs. */
export interface ScriptRun {
  python: string
  /** File of this folder. */
  name: string
  /** Becomes the JSON on its standard input; `file` keeps a content for the run and answers where. */
  given: (file: (name: string, content: string) => string) => object
  /** Added to the environment, which names the file of the CA for all the HTTP libraries there are. */
  env?: Record<string, string>
}

/** Runs a script against a suite and answers the JSON that it printed. @throws Error what it complained of */
export async function runScript<Outcome>(
  { fogbank }: Pick<World, 'fogbank'>,
  { python, name, given, env = {} }: ScriptRun
): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'fogbank-python-'))
  const file = (fileName: string, content: string) => {
    writeFileSync(join(folder, fileName), content)
    return join(folder, fileName)
  }
  const ca = file('ca.pem', await fogbank.ca())
  const trust = { REQUESTS_CA_BUNDLE: ca, AWS_CA_BUNDLE: ca, NO_PROXY: '127.0.0.1,localhost' }
  const script = spawn(python, [join(import.meta.dirname, name)], {
    env: { ...process.env, ...trust, ...env }
  })
  try {
    script.stdin.end(JSON.stringify({ ca, ...given(file) }))
    const printed = Promise.all([text(script.stdout), text(script.stderr)])
    const [output, complaint] = await within(SCRIPT_MS, printed, 'the script of the SDK')
    if (output === '') throw new Error(complaint)
    return JSON.parse(output) as Outcome
  } finally {
    script.kill()
    rmSync(folder, { recursive: true })
  }
}
