import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
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
  startPersonality,
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
import type { Timeouts } from './timeouts.ts'
import { createTls, type Tls } from './tls.ts'

const AUTHORITY_OFFSET = 60
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
  // Before anything is written: a start that is refused leaves no trace.
  tls.check()
  await checkPorts(wanted, { configuration, hosts, log })
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

  const core = await openCore(configuration, { clock, ids, log })
  const personalities = new Map<string, RunningPersonality>()
  const listeners: { name: string; listener: Listener }[] = []
  let ready = false
  let closing: Promise<void> | undefined
  let resetting = Promise.resolve()

  const portOf = (name: string): number =>
    listeners.find((entry) => entry.name === name)?.listener.port ?? 0

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
    for (const personality of personalities.values()) await personality.close()
    await core.close()
    await Promise.all(listeners.map(({ listener }) => listener.close()))
    // libuv lets go of closed handles at the end of its turn, after the immediates of that turn.
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
  }

  const close = () => (closing ??= shutDown())

  async function start(): Promise<void> {
    // Clients are pointed at the CA's file before any of them asks for TLS; in memory it can wait.
    const certificates = tlsDirectory ? tls.server() : undefined
    certificates?.catch(() => {}) // awaited below; a taken port may end the start before
    for (const definition of wanted) {
      const context: PersonalityContext = {
        core,
        clock,
        ids,
        log,
        auth: configuration.auth,
        settings: configuration.personalities[definition.name],
        tokens: authority,
        issueToken: (audience, tenantId) =>
          authority.mint({ audience, ...(tenantId === undefined ? {} : { tenantId }) }),
        signClient: tls.signClient,
        hints: configuration.hints
      }
      personalities.set(definition.name, await startOne(definition, context))
    }
    const control = createControl({
      running: personalities,
      ready: () => ready,
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
          handle: toHandler(control),
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
      const found = services.find(({ service }) => service.name === id)
      if (!found) {
        throw new UsageError(
          `compatibilityPorts: port ${port} names ${id}, which is not started; add it to only, or drop the port`
        )
      }
      await open(found.service, Number(port), 'compatibilityPorts')
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

/** @throws UsageError for a port that is taken already */
async function checkPorts(
  wanted: readonly PersonalityDefinition[],
  { configuration, hosts, log }: { configuration: Configuration; hosts: string[]; log: Log }
): Promise<void> {
  const { portBase, compatibilityPorts } = configuration
  const ports: [name: string, port: number, setting: string][] = []
  if (portBase !== 0) {
    ports.push(['control', portBase, '--port-base'])
    ports.push(['authority', portBase + AUTHORITY_OFFSET, '--port-base'])
    for (const { name, portOffset } of wanted) {
      ports.push([name, portBase + portOffset, '--port-base'])
    }
  }
  for (const [port, id] of Object.entries(compatibilityPorts)) {
    ports.push([id, Number(port), 'compatibilityPorts'])
  }
  const checked = await Promise.allSettled(
    ports.map(([name, port, portSetting]) => checkPort({ name, hosts, port, portSetting, log }))
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

/** @throws UsageError for settings that make no sense */
async function startOne(
  definition: PersonalityDefinition,
  context: PersonalityContext
): Promise<RunningPersonality> {
  try {
    return await startPersonality(definition, context)
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    throw new UsageError(`configuration of ${definition.name}: ${error.message}`, { cause: error })
  }
}

function toService(personality: RunningPersonality): Service {
  const { definition, handle, answer, mqtt, description } = personality
  const { mqttOverTcp = true } = description
  return { name: definition.name, handle, upgrade: answer, mqtt, mqttOverTcp }
}

/** Our own two apps have no vendor's headers to keep, so node-server serves them. */
function toHandler(app: Hono<any>): NodeHandler {
  const options = { overrideGlobalObjects: false }
  const listener = getRequestListener(
    app.fetch as Parameters<typeof getRequestListener>[0],
    options
  )
  return async (incoming, outgoing) => void (await listener(incoming, outgoing))
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
