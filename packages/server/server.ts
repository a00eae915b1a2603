import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Hono } from 'hono'
import {
  createAuthority,
  TOKEN_LIFETIME_SECONDS,
  type Authority,
  type AuthorityOptions
} from '@fogbank/authority'
import { createCore, CoreError, type Clock, type Core, type Ids } from '@fogbank/core'
import {
  SettingsError,
  type NodeHandler,
  type Log,
  type PersonalityContext,
  type PersonalityDefinition,
  type RunningPersonality
} from '@fogbank/personality'
import type { Configuration } from './config.ts'
import { createControl } from './control.ts'
import { describeEndpoint, toUrls, type Endpoints } from './endpoints.ts'
import { UsageError } from './failure.ts'
import { checkPort, listen, type Listener, type Service } from './listener.ts'
import { createPlainDoor } from './plain-door.ts'
import { rehearse, startOne, type WantedPort } from './rehearsal.ts'
import { withReadiness } from './readiness.ts'
import type { Timeouts } from './timeouts.ts'
import { createTls, type Tls } from './tls.ts'

const AUTHORITY_OFFSET = 60
const MAXIMUM_PORT = 65_535
const LOOPBACK = ['127.0.0.1', '::1']

/** The whole suite at work. */
export interface Suite {
  readonly core: Core
  readonly personalities: ReadonlyMap<string, RunningPersonality>
  readonly tls: Tls
  /** What `GET /endpoints` answers to somebody who calls us by this name. */
  endpoints(host: string): Endpoints
  reset(): Promise<void>
  /** Stops accepting, finishes what is in hand, tells MQTT 5 clients, closes the store. Idempotent. */
  close(): Promise<void>
}

/**
 * Starts the core, the authority and every wanted personality, then opens their ports.
 *
 * Nothing stays open when it fails.
 * @throws UsageError for a taken port, a locked data folder, an unknown id in `only`
 */
export async function startSuite(options: {
  definitions: readonly PersonalityDefinition[]
  configuration: Configuration
  clock: Clock
  ids: Ids
  log: Log
  timeouts: Timeouts
  /** Keep the certificate authority in memory. */
  tlsInMemory: boolean
}): Promise<Suite> {
  const { configuration, clock, ids, log, timeouts } = options
  const wanted = options.definitions.filter(
    ({ name }) => !configuration.only || configuration.only.includes(name)
  )
  const tlsDirectory = options.tlsInMemory ? undefined : configuration.tlsDir
  const tls = createTls({
    directory: tlsDirectory,
    names: [
      ...options.definitions.map(({ name }) => `${name}.localhost`),
      ...configuration.hostnames
    ],
    own: configuration,
    clock,
    ids
  })
  const hosts = configuration.host ? [configuration.host] : LOOPBACK
  const personalities = new Map<string, RunningPersonality>()
  const listeners: { name: string; listener: Listener }[] = []
  // Before anything is written: a start that is refused leaves no trace.
  tls.check()
  const ports = toPorts(wanted, configuration)
  await checkPorts(ports, hosts, log)
  const authority = startAuthority({
    settings: configuration.authority,
    clock,
    ids,
    log,
    auth: configuration.auth,
    ...(tlsDirectory ? { keyDir: tlsDirectory } : {}),
    pinned: configuration.hostname !== undefined,
    publicUrl: () => `https://${configuration.hostname ?? 'localhost'}:${portOf('authority')}`
  })
  const writes = !configuration.ephemeral || tlsDirectory !== undefined
  if (writes && wanted.some(({ name }) => isConfigured(configuration.personalities[name]))) {
    const further = await rehearse(wanted, { clock, ids }, contextOf)
    if (further.length > 0) await checkPorts([...ports, ...further], hosts, log)
  }

  const core = await openCore(configuration, { clock, ids, log })
  let ready = false
  let closing: Promise<void> | undefined
  let resetting = Promise.resolve()

  function portOf(name: string): number {
    return listeners.find((entry) => entry.name === name)?.listener.port ?? 0
  }

  function contextOf(core: Core, name: string): PersonalityContext {
    return {
      core,
      clock,
      ids,
      log,
      auth: configuration.auth,
      settings: configuration.personalities[name],
      tokens: authority,
      issueToken: (audience, tenantId) =>
        authority.mint({ audience, ...(tenantId === undefined ? {} : { tenantId }) }),
      signClient: tls.signClient,
      hints: configuration.hints
    }
  }

  async function open(service: Service, port: number, portSetting: string): Promise<void> {
    const listener = await listen({ service, core, tls, log, hosts, port, portSetting, timeouts })
    listeners.push({ name: service.name, listener })
  }

  function endpoints(host: string): Endpoints {
    const name = configuration.hostname ?? host
    const all: Endpoints = {
      control: toUrls(name, portOf('control'), { mqtt: true, webSocketPath: '/mqtt' })
    }
    for (const [id, { description, mqtt }] of personalities) {
      const hasMqtt = mqtt !== undefined && description.mqttOverTcp !== false
      all[id] = describeEndpoint(name, portOf(id), hasMqtt, description)
    }
    all.authority = {
      https: `https://${name}:${portOf('authority')}`,
      credentials: authority.describe().credentials
    }
    return all
  }

  async function forgetAll(): Promise<void> {
    await core.reset()
    for (const personality of personalities.values()) await personality.reset()
    authority.reset()
  }

  /** One at a time; a failed one does not stop the next. */
  function reset(): Promise<void> {
    resetting = resetting.then(forgetAll, forgetAll)
    return resetting
  }

  async function shutDown(): Promise<void> {
    ready = false
    const drained = listeners.map(({ listener }) => listener.drain())
    for (const personality of personalities.values()) personality.drain()
    await Promise.all(drained)
    for (const [name, personality] of personalities) {
      // The others and the store are to be closed all the same.
      await personality
        .close()
        .catch((error: unknown) => log.error(error, `${name} did not close as it should`))
    }
    try {
      await core.close()
    } finally {
      await Promise.all(listeners.map(({ listener }) => listener.close()))
    }
    // libuv lets go of closed handles at the end of its turn, after the immediates of that turn.
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
  }

  const close = () => (closing ??= shutDown())

  async function start(): Promise<void> {
    // Clients are pointed at the CA's file before any of them asks for TLS; in memory it can wait.
    const certificates = tlsDirectory ? tls.server() : undefined
    certificates?.catch(() => {}) // awaited below; a taken port may end the start before
    // Most suites in memory never sign; where the key is kept, nobody should wait for it.
    if (tlsDirectory) authority.ready().catch(() => {}) // whoever asks for a token hears of it
    for (const definition of wanted) {
      personalities.set(
        definition.name,
        await startOne(definition, contextOf(core, definition.name))
      )
    }
    const control = createControl({
      log,
      running: personalities,
      endpoints,
      ca: () => tls.ca(),
      reset,
      identity: authority.identity,
      mint: async (request) => ({
        access_token: await authority.mint(request),
        token_type: 'Bearer',
        expires_in: request.expiresInSeconds ?? TOKEN_LIFETIME_SECONDS
      })
    })
    const services: { service: Service; offset: number }[] = [
      {
        offset: 0,
        service: {
          name: 'control',
          handle: withReadiness({ running: personalities, ready: () => ready }, toHandler(control)),
          mqtt: createPlainDoor(core, configuration.plainDoor),
          upgrade: async ({ target }) =>
            target.split('?')[0] === '/mqtt'
              ? { status: 101, upgrade: { principal: undefined } }
              : { status: 404 }
        }
      },
      {
        offset: AUTHORITY_OFFSET,
        service: { name: 'authority', handle: toHandler(authority.app) }
      },
      ...[...personalities.values()].map((personality) => ({
        offset: personality.definition.portOffset,
        service: toService(personality)
      }))
    ]
    const { portBase } = configuration
    const opened = await Promise.allSettled(
      services.map(({ service, offset }) =>
        open(service, portBase === 0 ? 0 : portBase + offset, '--port-base')
      )
    )
    // All are waited for, so that a start that fails closes every port that was opened.
    for (const one of opened) if (one.status === 'rejected') throw one.reason
    for (const personality of personalities.values()) {
      for (const { port, setting } of personality.description.ports ?? []) {
        await open(toService(personality), port, `${personality.definition.name}.${setting}`)
      }
    }
    for (const [port, id] of Object.entries(configuration.compatibilityPorts)) {
      const { service } = services.find(({ service: { name } }) => name === id)!
      await open(service, Number(port), 'compatibilityPorts')
    }
    await certificates
    const urls = endpoints('localhost')
    for (const [id, personality] of personalities) personality.started(String(urls[id]?.http))
    ready = true
  }

  try {
    await start()
  } catch (error) {
    await close()
    throw error
  }
  return { core, personalities, tls, endpoints, reset, close }
}

const isConfigured = (settings: unknown) => Object.keys(settings ?? {}).length > 0

/** Every port that the settings of the suite ask for. @throws UsageError for none, or one of nobody who starts */
function toPorts(
  wanted: readonly PersonalityDefinition[],
  { portBase, host, compatibilityPorts }: Configuration
): WantedPort[] {
  const setting = '--port-base'
  const own = [
    { name: 'control', portOffset: 0 },
    { name: 'authority', portOffset: AUTHORITY_OFFSET },
    ...wanted
  ].map(({ name, portOffset }) => ({ name, port: portBase + portOffset, setting }))
  const further = Object.entries(compatibilityPorts).map(([text, name]) => {
    const port = Number(text)
    if (port < 1 || port > MAXIMUM_PORT) {
      throw new UsageError(
        `compatibilityPorts: ${text} is no port; choose one from 1 to ${MAXIMUM_PORT}`
      )
    }
    if (name !== 'control' && !wanted.some((one) => one.name === name)) {
      throw new UsageError(
        `compatibilityPorts: port ${text} names ${name}, which is not started; add it to only, or drop the port`
      )
    }
    return { name, port, setting: 'compatibilityPorts' }
  })
  // Any free port will do, but not any address.
  const anywhere = host === undefined ? [] : [{ name: 'control', port: 0, setting }]
  return portBase === 0 ? [...anywhere, ...further] : [...own, ...further]
}

/** @throws UsageError for a port that is taken already, or wanted twice */
async function checkPorts(
  ports: readonly WantedPort[],
  hosts: readonly string[],
  log: Log
): Promise<void> {
  const owners = new Map<number, WantedPort>()
  for (const { name, port, setting } of ports) {
    const other = owners.get(port)
    if (other) {
      throw new UsageError(
        `port ${port} is wanted for ${other.name} (${other.setting}) and for ${name} (${setting}); change one of them`
      )
    }
    owners.set(port, { name, port, setting })
  }
  const checked = await Promise.allSettled(
    ports.map(({ name, port, setting: portSetting }) =>
      checkPort({ name, hosts, port, portSetting, log })
    )
  )
  for (const one of checked) if (one.status === 'rejected') throw one.reason
}

/** @throws UsageError for settings that make no sense */
function startAuthority(options: AuthorityOptions): Authority {
  try {
    return createAuthority(options)
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    throw new UsageError(`configuration of authority: ${error.message}`, { cause: error })
  }
}

function toService(personality: RunningPersonality): Service {
  const { definition, handle, answer, mqtt, description } = personality
  const { mqttOverTcp = true } = description
  return { name: definition.name, handle, upgrade: answer, mqtt, mqttOverTcp }
}

/**
 * Our own two apps have no vendor's headers to keep, so node-server serves them. It is loaded with the first
 * request: with what it needs of Node it takes longer than all our ports to open.
 */
function toHandler(app: Hono<any>): NodeHandler {
  const load = async () => {
    const { getRequestListener } = await import('@hono/node-server')
    type Fetch = Parameters<typeof getRequestListener>[0]
    return getRequestListener(app.fetch as Fetch, { overrideGlobalObjects: false })
  }
  let listener: ReturnType<typeof load> | undefined
  return async (incoming, outgoing) => {
    const answer = await (listener ??= load())
    await answer(incoming, outgoing)
  }
}

async function openCore(
  configuration: Configuration,
  context: { clock: Clock; ids: Ids; log: Log }
): Promise<Core> {
  if (configuration.ephemeral) return createCore(context)
  const { dataDir } = configuration
  try {
    mkdirSync(dataDir, { recursive: true })
    const ignore = join(dataDir, '.gitignore')
    if (!existsSync(ignore)) writeFileSync(ignore, '*\n')
  } catch (cause) {
    throw new UsageError(
      `--data-dir ${dataDir} cannot be written; choose another, or --ephemeral`,
      {
        cause
      }
    )
  }
  try {
    return await createCore({ ...context, directory: join(dataDir, 'db') })
  } catch (error) {
    if (!(error instanceof CoreError)) throw error
    throw new UsageError(
      `${error.message}; stop it, choose another --data-dir, or use --ephemeral`,
      {
        cause: error
      }
    )
  }
}
