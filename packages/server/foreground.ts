import { systemClock, systemIds } from '@fogbank/core'
import type { Configuration } from './config.ts'
import { createLog, type ServerLog } from './log.ts'
import { personalities } from './personalities.ts'
import { startSuite, type Suite } from './server.ts'
import { DEFAULT_TIMEOUTS } from './timeouts.ts'

/** A shutdown that takes longer is cut short. */
const SHUTDOWN_MS = 5_000

/**
 * Starts the suite as this process's one task: prints its table, and ends the process on SIGTERM or SIGINT.
 *
 * @throws UsageError as startSuite does
 */
export async function start(configuration: Configuration): Promise<void> {
  const { suite, log } = await startLogged(configuration, 1)
  printTable(suite)
  stopOnSignals(suite, log)
}

/**
 * Starts the suite of this process; what it has to say goes to standard output or, for 2, standard error.
 *
 * @throws UsageError as startSuite does
 */
export async function startLogged(
  configuration: Configuration,
  descriptor: 1 | 2
): Promise<{ suite: Suite; log: ServerLog }> {
  const log = createLog(configuration.logLevel, descriptor)
  process.on('unhandledRejection', (error) => log.error(error, 'a promise failed unheard'))
  process.on('uncaughtException', (error) => log.error(error, 'an error was not caught'))
  const suite = await startSuite({
    definitions: personalities,
    configuration,
    clock: systemClock,
    ids: systemIds,
    log,
    timeouts: DEFAULT_TIMEOUTS,
    tlsInMemory: false
  })
  return { suite, log }
}

function stopOnSignals(suite: Suite, log: ServerLog): void {
  let stopping = false
  const stop = () => {
    // A signal to the whole process group arrives twice under npm; the second must not cut the first short.
    if (stopping) return
    stopping = true
    setTimeout(() => process.exit(1), SHUTDOWN_MS).unref()
    suite.close().then(
      () => {
        log.flush()
        process.exit(0)
      },
      (error: unknown) => {
        log.error(error, 'the shutdown failed')
        log.flush()
        process.exit(1)
      }
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

function printTable(suite: Suite): void {
  const endpoints = suite.endpoints('localhost')
  const rows = [['', 'endpoint', 'credential']]
  rows.push(['control', endpoints.control!.http as string, 'none; plain MQTT on the same port'])
  for (const [id, { description }] of suite.personalities) {
    const http = endpoints[id]!.http as string
    rows.push([id, http, description.credential.replace('{http}', http)])
  }
  const { clientSecret } = endpoints.authority!.credentials as { clientSecret: string }
  const { https } = endpoints.authority as { https: string }
  rows.push(['authority', https, `any client id, secret ${clientSecret}`])
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)))
  for (const [name, endpoint, credential] of rows) {
    console.log(`${name!.padEnd(widths[0]!)}  ${endpoint!.padEnd(widths[1]!)}  ${credential}`)
  }
}
