import { Command, CommanderError, Option } from 'commander'
import { resolve } from 'node:path'
import { systemClock, systemIds } from '@fogbank/core'
import { readConfiguration, type Configuration } from './config.ts'
import type { Endpoints } from './endpoints.ts'
import { environmentFor } from './environment.ts'
import { UsageError } from './failure.ts'
import { createLog } from './log.ts'
import { personalities } from './personalities.ts'
import { startSuite, type Suite } from './server.ts'
import { settings, type Setting } from './settings.ts'
import { renderTables } from './tables.ts'
import { DEFAULT_TIMEOUTS } from './timeouts.ts'
import { createTls } from './tls.ts'

const USAGE_EXIT_CODE = 2
const HEALTHCHECK_TIMEOUT_MS = 2_000
/** A shutdown that takes longer is cut short. */
const SHUTDOWN_MS = 5_000

/** Runs one command line; answers the exit code, or undefined while the suite runs on. */
export async function runCli(argv: readonly string[]): Promise<number | undefined> {
  let code: number | undefined = 0
  const program = new Command('fogbank')
    .description("The cloud's IoT data planes on your own machine")
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .showSuggestionAfterError()

  withSettings(program.command('start').description('start the suite and keep it running')).action(
    async (flags) => {
      await start(configurationOf(flags))
      code = undefined
    }
  )
  withSettings(
    program
      .command('env')
      .argument('[id]', 'a personality, or authority')
      .option('--all', 'every personality')
      .description('print the variables that point an SDK at a running suite')
  ).action(async (id: string | undefined, flags) => printEnvironment(id, flags))
  withSettings(program.command('ca').description('print the file of the local CA')).action(
    async (flags) => {
      const configuration = configurationOf(flags)
      const directory = resolve(configuration.tlsDir)
      const { hostname } = configuration
      const tls = createTls({ directory, hostname, clock: systemClock, ids: systemIds })
      await tls.ca()
      console.log(tls.caFile)
    }
  )
  withSettings(
    program.command('healthcheck').description('exit 0 when a running suite is ready, else 1')
  ).action(async (flags) => {
    code = (await isReady(configurationOf(flags))) ? 0 : 1
  })
  program
    .command('tables')
    .option('--markdown', 'as Markdown')
    .description('print operations, errors and limits with their evidence')
    .action(({ markdown }: { markdown?: boolean }) =>
      console.log(renderTables(personalities, markdown ? 'markdown' : 'text'))
    )

  try {
    await program.parseAsync(argv, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0 || error.code === 'commander.help') return error.exitCode
      console.error(`fogbank: ${error.message.replace(/^error: /, '').replaceAll('\n', ' ')}`)
      return USAGE_EXIT_CODE
    }
    if (error instanceof UsageError) {
      console.error(`fogbank: ${error.message}`)
      return USAGE_EXIT_CODE
    }
    throw error
  }
}

function withSettings(command: Command): Command {
  for (const { flag, env, default: preset, meaning } of Object.values<Setting>(settings)) {
    const known = preset === undefined ? '' : `, default ${String(preset)}`
    // No default of commander's own: a flag that was not given must not hide the environment or the file.
    const option = new Option(flag, `${meaning} (${env}${known})`)
    command.addOption(flag.startsWith('--no-') ? option.default(undefined) : option)
  }
  return command.option(
    '--config <file>',
    'configuration file (fogbank.config.json when it is there)'
  )
}

function configurationOf(flags: Record<string, unknown>): Configuration {
  return readConfiguration(personalities, flags, process.env, {
    path: flags.config as string | undefined
  })
}

async function start(configuration: Configuration): Promise<void> {
  const log = createLog(configuration.logLevel)
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
  printTable(suite)
  // Clients are pointed at the CA's file before any of them asks for TLS.
  suite.tls.server().catch((error: unknown) => log.error(error, 'there is no certificate for TLS'))

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
    rows.push([id, endpoints[id]!.http as string, description.credential])
  }
  const { clientSecret } = endpoints.authority!.credentials as { clientSecret: string }
  const { https } = endpoints.authority as { https: string }
  rows.push(['authority', https, `any client id, secret ${clientSecret}`])
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)))
  for (const [name, endpoint, credential] of rows) {
    console.log(`${name!.padEnd(widths[0]!)}  ${endpoint!.padEnd(widths[1]!)}  ${credential}`)
  }
}

/** The control port of the suite that these settings mean. */
function controlUrl({ portBase, host, hostname }: Configuration): string {
  const name = hostname ?? (host && host !== '0.0.0.0' && host !== '::' ? host : '127.0.0.1')
  return `http://${name.includes(':') ? `[${name}]` : name}:${portBase}`
}

async function isReady(configuration: Configuration): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(HEALTHCHECK_TIMEOUT_MS)
    return (await fetch(`${controlUrl(configuration)}/health`, { signal })).ok
  } catch (error) {
    console.error(
      `fogbank: ${controlUrl(configuration)} does not answer: ${(error as Error).message}`
    )
    return false
  }
}

async function printEnvironment(
  id: string | undefined,
  flags: Record<string, unknown>
): Promise<void> {
  const configuration = configurationOf(flags)
  const url = controlUrl(configuration)
  const endpoints = await fetch(`${url}/endpoints`, {
    headers: { host: 'localhost' },
    signal: AbortSignal.timeout(HEALTHCHECK_TIMEOUT_MS)
  })
    .then((reply) => reply.json() as Promise<Endpoints>)
    .catch((cause: Error) => {
      throw new UsageError(`no suite answers at ${url}: start one, or name its --port-base`, {
        cause
      })
    })
  const ids = flags.all ? Object.keys(endpoints) : id ? [id] : []
  if (ids.length === 0) {
    throw new UsageError(`name one of ${Object.keys(endpoints).join(', ')}, or --all`)
  }
  const caFile = resolve(configuration.tlsDir, 'ca.pem')
  const all: Record<string, string> = {}
  for (const one of ids) {
    const variables = environmentFor(one, endpoints, caFile)
    if (!variables) {
      throw new UsageError(
        `"${one}" is not running; there are ${Object.keys(endpoints).join(', ')}`
      )
    }
    Object.assign(all, variables)
  }
  for (const [name, value] of Object.entries(all)) {
    console.log(`export ${name}='${value.replaceAll("'", `'\\''`)}'`)
  }
}
