import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { World } from '../with-fogbank.ts'
import { within } from '../within.ts'

const PROGRAM_MS = 180_000

/** One run of a program in another language: what it is given and where it runs. */
export interface ProgramRun {
  /** Executable and arguments. */
  command: readonly string[]
  /**
   * Becomes the JSON on its standard input, beside `ca`, the file of the CA; `file` keeps a content for
   * the run and answers where.
   */
  given: (file: (name: string, content: string) => string) => object
  /** Added to the environment, which names the file of the CA for all the libraries that look there. */
  env?: Record<string, string>
}

/** Runs a program against a suite and answers what it printed. @throws Error what it complained of */
export async function runProgram(
  { fogbank }: Pick<World, 'fogbank'>,
  { command: [executable, ...args], given, env = {} }: ProgramRun
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'fogbank-program-'))
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  const ca = file('ca.pem', await fogbank.ca())
  const trust = { SSL_CERT_FILE: ca, REQUESTS_CA_BUNDLE: ca, AWS_CA_BUNDLE: ca }
  const program = spawn(executable!, args, {
    env: { ...process.env, ...trust, NO_PROXY: '127.0.0.1,localhost', ...env }
  })
  try {
    program.stdin.end(JSON.stringify({ ca, ...given(file) }))
    const printed = Promise.all([text(program.stdout), text(program.stderr)])
    const ended = new Promise<number | null>((resolve, reject) => {
      program.once('close', resolve)
      program.once('error', reject)
    })
    const all = Promise.all([printed, ended])
    const [[output, complaint], code] = await within(PROGRAM_MS, all, 'the program of the SDK')
    if (code !== 0) throw new Error(`the program of the SDK ended with ${code}: ${complaint}`)
    return output
  } finally {
    program.kill()
    rmSync(folder, { recursive: true })
  }
}
