import type { Clock, Session } from '@fogbank/core'
import {
  createHttpOut,
  SettingsError,
  type Log,
  type PersonalityContext
} from '@fogbank/personality'
import { createWebhooks, WEBHOOK_TIMEOUT_MS, type Webhooks } from './authentication/webhook.ts'
import { applyChange, checkChanges, createChangeStore, type Change } from './changes.ts'
import { toWholeSettings, type WholeSettings } from './defaults.ts'
import { endExpiredSessions, type Expiry } from './expiry.ts'
import {
  compileResources,
  createNamespace,
  DEFAULT_NAMESPACE,
  type Namespace,
  type NamespaceContext
} from './namespace.ts'
import { PERSONALITY } from './name.ts'
import type { NamespaceSettings, Settings } from './settings.ts'
import { applyToSessions } from './sessions.ts'
import type { Pushing } from './topics/subscription.ts'
import { openDeadLetters, type DeadLetters } from './topics/dead-letters.ts'
import { openEventStore, type EventStore } from './topics/event-store.ts'
import { openConsents } from './topics/push/consents.ts'
import { createHandshakes } from './topics/push/handshake.ts'

/** What the operations work on: the namespaces, by name. */
export interface State {
  readonly clock: Clock
  readonly namespaces: ReadonlyMap<string, Namespace>
  readonly deadLetters: DeadLetters
  readonly log: Log
  /**
   * The namespace that a caller means: by the path in front of the operation's own (`/labns`), else by
   * the host, else the default one. undefined: the path names none.
   */
  find(prefix: string, host: string | undefined): Namespace | undefined
  /**
   * Changes a namespace while it runs; resolves when the change is stored and in force.
   * @throws SettingsError when it makes no sense; nothing has changed then
   */
  change(namespace: Namespace, changes: readonly Change[]): Promise<void>
  /** The ports are open; `http` is where others reach us. */
  started(http: string): void
  /** Somebody called the callback URL of a handshake; false: it is none. */
  confirm(id: string, token: string): boolean
  /** A client's AUTH has brought a token with another end. */
  watchExpiry(session: Session): void
  /** Back to what the configuration says, after the core was emptied. */
  reset(): Promise<void>
  /** Answers whoever waits for events. */
  drain(): void
  close(): void
}

type Context = PersonalityContext<Settings>

/** What Event Grid waits for a receiver's answer. */
const ATTEMPT_TIMEOUT_MS = 30_000

/** @throws SettingsError */
export async function createState(context: Context): Promise<State> {
  const { core, clock, ids, log, auth, tokens, issueToken, settings } = context
  const records = await core.records(`${PERSONALITY}:events`)
  const deadLetters = await openDeadLetters(records, { clock, ids })
  const consents = await openConsents(records)
  const waiting = await core.records(`${PERSONALITY}:waiting`)
  const counts = await core.records(`${PERSONALITY}:connections`)
  const changeStore = createChangeStore(await core.records(`${PERSONALITY}:settings`))
  const namespaces = new Map<string, Namespace>()
  let store = await openEventStore(records)
  let expiry: Expiry | undefined
  let changing: Promise<void> = Promise.resolve()
  let baseUrl: string | undefined
  let isStarted = false
  let endPushing = () => {}
  let endAsking = () => {}
  let confirm = (_id: string, _token: string) => false

  /** What pushes goes with the namespaces, so that nothing of them goes out after a reset. */
  function createPushing(): Pushing {
    const http = createHttpOut(clock, ATTEMPT_TIMEOUT_MS)
    const handshakes = createHandshakes({ http, clock, ids, log, baseUrl: () => baseUrl ?? '' })
    confirm = handshakes.confirm
    endPushing = () => {
      handshakes.close()
      http.close()
    }
    return { http, handshakes, consents, log, sinks: core.sinks, isStarted: () => isStarted }
  }

  function createAsking(): Webhooks {
    const http = createHttpOut(clock, WEBHOOK_TIMEOUT_MS)
    endAsking = () => http.close()
    return createWebhooks({ http, issueToken })
  }

  function startPushing(): void {
    isStarted = true
    for (const { topics } of namespaces.values()) topics.start()
  }

  async function start(): Promise<void> {
    const pushing = createPushing()
    const webhooks = createAsking()
    const common: Omit<NamespaceContext, 'isDefault'> = {
      ...{ clock, ids, log, auth, tokens, store, deadLetters, pushing, counts, waiting, webhooks },
      sinks: core.sinks
    }
    for (const [name, own] of namespacesOf(settings)) {
      const isDefault = namespaces.size === 0
      const space = await core.space(own.space)
      const make = async () => {
        const whole = await addChanges(name, toWholeSettings(name, own))
        return createNamespace(name, whole, space, { ...common, isDefault })
      }
      // The default one's settings are the configuration's top level.
      namespaces.set(name, await (isDefault ? make() : within(`namespaces/${name}`, make)))
    }
    await clearLeftovers(store, deadLetters, log)
    const spaces = new Set([...namespaces.values()].map(({ space }) => space))
    expiry = endExpiredSessions(spaces, clock)
  }

  /** What was changed in an earlier run, unless the configuration has moved on so far that it makes no sense. */
  async function addChanges(name: string, settings: WholeSettings): Promise<WholeSettings> {
    const changes = await changeStore.read(name)
    if (changes.length === 0) return settings
    const changed = changes.reduce(applyChange, settings)
    try {
      compileResources(name, changed, auth === 'lenient')
      return changed
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error
      log.warn(`${PERSONALITY}: changes of an earlier run are left out: ${error.message}`)
      return settings
    }
  }

  async function applyChanges(namespace: Namespace, changes: readonly Change[]): Promise<void> {
    const settings = changes.reduce(applyChange, namespace.current.settings)
    checkChanges(namespace.current.settings, settings)
    const resources = compileResources(namespace.name, settings, namespace.lenient)
    await changeStore.keep(namespace.name, changes)
    const { clients } = namespace.current.settings
    namespace.current = resources
    namespace.lifecycle.changed(clients, settings.clients)
    await namespace.topics.configure(settings.topics)
    applyToSessions(namespace)
  }

  function close(): void {
    expiry?.stop()
    for (const namespace of namespaces.values()) namespace.close()
    namespaces.clear()
    isStarted = false
    endPushing()
    endAsking()
  }

  await start()
  return {
    clock,
    log,
    namespaces,
    deadLetters,
    find(prefix, host) {
      if (prefix !== '') return namespaces.get(prefix.slice(1))
      if (namespaces.size > 1 && host !== undefined) {
        const name = host.replace(/:\d+$/, '').toLowerCase()
        for (const namespace of namespaces.values()) {
          const { hostnames } = namespace.current
          if (hostnames.some((own) => own.toLowerCase() === name)) return namespace
        }
        const [label = '', ...rest] = name.split('.')
        const named = rest.length > 0 ? namespaces.get(label) : undefined
        if (named) return named
      }
      return namespaces.get(settings.name ?? DEFAULT_NAMESPACE)
    },
    change(namespace, changes) {
      // One after the other, each upon what the one before it left.
      const done = changing.then(() => applyChanges(namespace, changes))
      changing = done.catch(() => {})
      return done
    },
    watchExpiry: (session) => expiry?.watch(session),
    async reset() {
      close()
      deadLetters.forget()
      consents.forget()
      store = await openEventStore(records)
      await start()
      if (baseUrl !== undefined) startPushing()
    },
    started(http) {
      baseUrl = http
      startPushing()
    },
    confirm: (id, token) => confirm(id, token),
    drain() {
      for (const { topics } of namespaces.values()) topics.drain()
    },
    close
  }
}

/** The configuration's top level is the default namespace and stands first; the others are in a list. */
function namespacesOf(settings: Settings): Map<string, NamespaceSettings & { space: string }> {
  const { namespaces = [], name = DEFAULT_NAMESPACE, ...own } = settings
  const all = new Map([[name, { ...own, space: own.space ?? 'main' }]])
  for (const one of namespaces) {
    const space = one.space ?? `${PERSONALITY}:${one.name}`
    if (all.has(one.name)) throw new SettingsError(`namespaces: there are two named ${one.name}`)
    for (const [other, { space: taken }] of all) {
      if (taken !== space) continue
      throw new SettingsError(`namespaces/${one.name}: the space ${space} is that of ${other}`)
    }
    all.set(one.name, { ...one, space })
  }
  return all
}

/** Faults of what `make` reads are told with the place where it stands. @throws SettingsError */
async function within<Made>(place: string, make: () => Promise<Made>): Promise<Made> {
  try {
    return await make()
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    throw new SettingsError(`${place}/${error.message}`, { cause: error })
  }
}

/** Events of subscriptions that are configured no longer. */
async function clearLeftovers(
  store: EventStore,
  deadLetters: DeadLetters,
  log: Log
): Promise<void> {
  for (const path of store.leftovers()) {
    log.warn(`${PERSONALITY}: ${path} is configured no longer; its events are dropped`)
    await store.clear(path)
    await deadLetters.clear(path)
  }
}
