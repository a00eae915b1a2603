import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { resolve } from 'node:path'
import { systemClock, systemIds } from '@fogbank/core'
import manifest from './package.json' with { type: 'json' }
import { issueClientFiles } from './client-certificate.ts'
import { renderCompletion, SHELLS, type Shell } from './completion.ts'
import { configSchema, readConfiguration, type Configuration } from './config.ts'
import { ENVIRONMENT_FORMATS, formatEnvironment, type EnvironmentFormat } from './environment.ts'
import { exec } from './exec.ts'
import { UsageError } from './failure.ts'
import { start } from './foreground.ts'
import { init } from './init.ts'
import { personalities } from './personalities.ts'
import { registerClient, toClientEntry } from './register-client.ts'
import { isReady, mintToken, readEnvironment, resetSuite } from './remote.ts'
import { settings, type Setting } from './settings.ts'
import { renderTables } from './tables.ts'
import { createTls } from './tls.ts'

const USAGE_EXIT_CODE = 2

/** Runs one command line; answers the exit code, or undefined while the suite runs on. */
export async function runCli(argv: readonly string[]): Promise<number | undefined> {
  let code: number | undefined = 0
  const program = new Command('fogbank')
    .description("The cloud's IoT data planes on your own machine")
    .version(manifest.version)
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .showSuggestionAfterError()
    .enablePositionalOptions()

  withSettings(program.command('start').description('start the suite and keep it running')).action(
    async (flags) => {
      await start(configurationOf(flags))
      code = undefined
    }
  )
  withSettings(
    program
      .command('exec')
      .argument('<command...>', 'what to run, after --')
      .passThroughOptions()
      .usage('[options] -- command [arguments...]')
      .description('run a command against a suite of its own')
  ).action(async (command: string[], flags) => {
    code = await exec(configurationOfExec(flags), command)
  })
  withSettings(program.command('ca').description('print the file of the local CA')).action(
    async (flags) => console.log(await findCaFile(configurationOf(flags)))
  )
  withSettings(
    program
      .command('cert')
      .option('--thing <name>', 'a thing of AWS IoT')
      .option('--client <name>', 'a client of an Event Grid namespace, which gets to know it')
      .option('--namespace <name>', 'the namespace of --client; the default one when left out')
      .option('--out <folder>', 'where its files go; beside the CA when left out')
      .description('issue a client certificate and print its files')
  ).action(async (flags) => {
    await issueCertificate(configurationOf(flags), flags)
  })
  withSettings(
    program
      .command('env')
      .argument('[id]', 'a personality, or authority')
      .option('--all', 'every personality')
      .addOption(
        new Option('--format <form>', 'form of the variables')
          .choices(ENVIRONMENT_FORMATS)
          .default('shell')
      )
      .description('print the variables that point SDKs here')
  ).action(async (id: string | undefined, flags) => {
    if (id === undefined && !flags.all) throw new UsageError('name a personality, or --all')
    const variables = await readEnvironment(configurationOf(flags), flags.all ? undefined : id)
    console.log(formatEnvironment(variables, flags.format as EnvironmentFormat))
  })
  withSettings(
    program.command('reset').description('disconnect everybody and forget everything')
  ).action(async (flags) => resetSuite(configurationOf(flags)))
  withSettings(
    program.command('healthcheck').description('exit 0 when a running suite is ready, else 1')
  ).action(async (flags) => {
    code = (await isReady(configurationOf(flags))) ? 0 : 1
  })
  withSettings(
    program
      .command('token')
      .option('--client-id <id>', 'whose token; any other than the well-known one holds no role')
      .option('--audience <uri>', 'for which service')
      .option('--expires-in <seconds>', 'a negative number makes an expired one', toSeconds)
      .description("print a token of a running suite's authority")
  ).action(async (flags) => {
    const { clientId, audience, expiresIn } = flags
    const request = { clientId, audience, expiresInSeconds: expiresIn }
    console.log(await mintToken(configurationOf(flags), request))
  })
  program
    .command('tables')
    .option('--markdown', 'as Markdown')
    .description('print operations, errors and limits')
    .action(({ markdown }: { markdown?: boolean }) =>
      console.log(renderTables(personalities, markdown ? 'markdown' : 'text'))
    )
  program
    .command('schema')
    .description('print the JSON Schema of fogbank.config.json')
    .action(() => console.log(JSON.stringify(configSchema(personalities), null, 2)))

  program
    .command('init')
    .description('write a configuration with every default')
    .action(() => {
      for (const file of init('.', personalities)) console.log(file)
    })
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'whose script').choices(SHELLS))
    .description('print the script of a shell')
    .action((shell: Shell) => console.log(renderCompletion(program, shell)))

  try {
    await program.parseAsync(argv, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0
      if (error.code === 'commander.help') return USAGE_EXIT_CODE // no command was named: it shows them
      console.error(`fogbank: ${error.message.replace(/^error: /, '').replaceAll('\n', ' ')}`)
      return USAGE_EXIT_CODE
    }
    if (error instanceof UsageError) {
      console.error(`fogbank: ${error.message}`)
      return error.exitCode
    }
    throw error
  }
}

function toSeconds(text: string): number {
  if (/^-?\d+$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Give whole seconds, as 3600 or -5.')
}

/** Issues, registers where there is somebody to know it, and prints what came of it. */
async function issueCertificate(
  configuration: Configuration,
  { thing, client, namespace, out }: Partial<Record<string, string>>
): Promise<void> {
  if ((thing === undefined) === (client === undefined)) {
    throw new UsageError('cert needs one of --thing and --client')
  }
  const owner = thing === undefined ? { client: client! } : { thing }
  const files = await issueClientFiles(configuration, owner, out)
  for (const [name, file] of Object.entries(files)) console.log(`${name} ${file}`)
  if (client === undefined) return
  const found = await registerClient(configuration, client, { namespace, caFile: files.ca })
  if (found !== undefined) return console.log(`client ${client} in namespace ${found}`)
  console.log(`client ${JSON.stringify(toClientEntry(client))}`)
  console.error('fogbank: no suite answers; add this client to azure-event-grid-namespaces.clients')
}

/** Others look for a suite that runs, or for its certificates; they take every flag, and show these. */
const FOR_EVERY_COMMAND = new Set(['host', 'hostname', 'portBase', 'tlsDir'])

const NOTE = '\nA flag is a variable, too: --port-base is FOGBANK_PORT_BASE.'
/** What a suite of its own starts with, where it is not what others do. */
const EXEC_DEFAULTS: Record<string, unknown> = {
  portBase: 0,
  dataDir: undefined,
  logLevel: 'warn'
}
const EXEC_NOTE = '\nIn memory without --data-dir; its ports are by --port-base alone.'

function withSettings(command: Command): Command {
  const isExec = command.name() === 'exec'
  const everything = isExec || command.name() === 'start'
  for (const [name, { flag, default: ours, meaning }] of Object.entries<Setting>(settings)) {
    const preset = isExec && name in EXEC_DEFAULTS ? EXEC_DEFAULTS[name] : ours
    const known = preset === undefined || typeof preset === 'boolean' ? '' : ` (${String(preset)})`
    // No default of commander's own: a flag that was not given must not hide the environment or the file.
    const option = new Option(flag, `${meaning}${known}`)
    if (!everything && !FOR_EVERY_COMMAND.has(name)) option.hideHelp()
    command.addOption(option)
    // Commander's own default of a `--no-` flag is true, which would hide them as well.
    if (option.negate) command.setOptionValue(option.attributeName(), undefined)
  }
  return command
    .option('--config <file>', 'configuration file (fogbank.config.json, if there)')
    .addHelpText('after', isExec ? EXEC_NOTE : NOTE)
}

function configurationOf(flags: Record<string, unknown>, preset = {}): Configuration {
  const path = (flags.config as string | undefined) ?? process.env.FOGBANK_CONFIG
  return readConfiguration(personalities, flags, process.env, { path }, preset)
}

/** Only its own flags say where it listens and what it keeps: a file is for the suite that runs beside it. */
function configurationOfExec(flags: Record<string, unknown>): Configuration {
  const { portBase, logLevel } = EXEC_DEFAULTS
  const own = { portBase, ephemeral: flags.dataDir === undefined, ...flags }
  return configurationOf(own, { logLevel })
}

/** Where the CA's certificate stands; it is made when there is none yet. */
async function findCaFile(configuration: Configuration): Promise<string | undefined> {
  const { tlsDir } = configuration
  const directory = resolve(tlsDir)
  const tls = createTls({ directory, clock: systemClock, ids: systemIds })
  await tls.ca()
  return tls.caFile
}
