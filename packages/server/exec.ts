import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { resolve } from 'node:path'
import type { Configuration } from './config.ts'
import { environmentOf } from './environment.ts'
import { UsageError } from './failure.ts'
import { startLogged } from './foreground.ts'
import type { Suite } from './server.ts'

/** As shells say it: not to be found, not to be run. */
const EXIT_CODES: Record<string, number> = { ENOENT: 127, EACCES: 126 }
const STANDARD_ERROR = 2

/** What somebody sends us is meant for the command. */
const HANDED_ON = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const

/** How a command ended. */
type Ending = { code: number } | { signal: NodeJS.Signals }

/**
 * Starts a suite, runs a command with the variables that point SDKs at it, and stops the suite.
 *
 * Answers the command's exit code; a signal that ended the command ends this process too.
 * @throws UsageError as startSuite does, and for a command that cannot be run
 */
export async function exec(
  configuration: Configuration,
  command: readonly string[]
): Promise<number> {
  // Standard output is the command's.
  const { suite, log } = await startLogged(configuration, STANDARD_ERROR)
  let ending: Ending
  try {
    ending = await run(command, variablesOf(suite, configuration))
  } finally {
    await suite.close()
    log.flush()
  }
  if ('code' in ending) return ending.code
  process.kill(process.pid, ending.signal)
  // Nobody else listens to it, so this is only seen where signals do not end processes.
  return 128 + constants.signals[ending.signal]
}

/** Those of `env --all`, and those by which `fogbank reset` and the like find this suite. */
function variablesOf(suite: Suite, { tlsDir, tlsCert }: Configuration): Record<string, string> {
  const endpoints = suite.endpoints('localhost')
  const { port } = new URL(String(endpoints.control!.http))
  return {
    ...environmentOf(endpoints, undefined, tlsCert === undefined ? suite.tls.caFile : undefined),
    FOGBANK_PORT_BASE: port,
    FOGBANK_TLS_DIR: resolve(tlsDir)
  }
}

function run(
  [file, ...args]: readonly string[],
  variables: Record<string, string>
): Promise<Ending> {
  const child = spawn(file!, args, { stdio: 'inherit', env: { ...process.env, ...variables } })
  const handOn = (signal: NodeJS.Signals) => {
    // A terminal has told its whole foreground already, and programs take a second one for "at once".
    if (signal === 'SIGINT' && process.stdin.isTTY) return
    child.kill(signal)
  }
  for (const signal of HANDED_ON) process.on(signal, handOn)
  return new Promise<Ending>((resolve, reject) => {
    child.once('exit', (code, signal) => resolve(signal ? { signal } : { code: code ?? 1 }))
    child.once('error', (cause: NodeJS.ErrnoException) => {
      const reason = cause.code === 'ENOENT' ? 'is not found' : `cannot be run: ${cause.code}`
      const exitCode = EXIT_CODES[String(cause.code)]
      const message = `"${file}" ${reason}; name a command and its arguments after --`
      reject(new UsageError(message, { cause, ...(exitCode ? { exitCode } : {}) }))
    })
  }).finally(() => {
    for (const signal of HANDED_ON) process.off(signal, handOn)
  })
}
