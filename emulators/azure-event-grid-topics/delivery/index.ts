import { createHash } from 'node:crypto'
import type { Clock, Core, Ids, RecordChange } from '@fogbank/core'
import { CoreError } from '@fogbank/core'
import { createHttpOut, type Log } from '@fogbank/personality'
import type { Delivery, PublishedEvent } from '../events.ts'
import type { Resource, Resources } from '../resources.ts'
import { createDeadLetterWriter } from './dead-letters.ts'
import { sendDeletion } from './deletion.ts'
import { createTarget, type Target } from './destinations.ts'
import { createHandshakes, type ProvisioningState } from './handshake.ts'
import { createPendingStore, type Pending } from './pending.ts'
import { createQueue, type Queue } from './queue.ts'
import { NO_JITTER, type Attempt, type Jitter } from './retry.ts'
import {
  readDefinitions,
  type Definition,
  type DeliverySettings,
  type SubscribedSettings
} from './settings.ts'
import { createSubscription, toKey, type Scope, type Subscription } from './subscription.ts'

/** A subscription at work. */
export interface Serving {
  readonly subscription: Subscription
  state: ProvisioningState
  readonly queue: Queue
}

interface Served extends Serving {
  target: Target
  /** Changes with every handshake, so that the end of an earlier one is not taken for this one's. */
  validating: symbol | undefined
}

/** Subscriptions, and the events on their way to them. */
export interface EventDelivery extends Delivery {
  /** The ports are open: receivers may be asked, and what an earlier run left goes out. */
  started(http: string): void
  /** Somebody called a validation URL; false: it is none. */
  confirm(id: string, token: string): boolean
  find(scope: Scope, name: string): Serving | undefined
  list(scope: Scope): Serving[]
  /** Makes or changes a subscription; it gets events once its receiver has said yes. */
  put(definition: Definition): Promise<{ serving: Serving; created: boolean }>
  /** false: there was none. */
  delete(scope: Scope, name: string): Promise<boolean>
  /** Back to what the configuration has; the core has emptied the records. */
  reset(): Promise<void>
  close(): Promise<void>
}

export interface DeliveryDeps {
  core: Core
  clock: Clock
  ids: Ids
  log: Log
  resources: Resources
  settings: DeliverySettings | undefined
}

/** What is kept of a subscription over a restart. */
interface Stored {
  /** Absent: it stands in the configuration. */
  properties?: Definition['properties']
  name: string
  resource: string
  domainTopic?: string
  /** Of the definition that the receiver said yes to; a changed one is asked again. */
  consentTo?: string
  ratePerMinute?: number
}

const PERSONALITY = 'azure-event-grid-topics'
/** What Event Grid waits for an answer. */
const ATTEMPT_TIMEOUT_MS = 30_000
/** What is in hand when a queue ends has as long to end by itself. */
const GRACE_MS = 1000
const SUBSCRIPTION = 's/'
const DEFAULT_DEAD_LETTER_DELAY_SECONDS = 300
const DEFAULT_MAXIMUM_PENDING = 100_000

/**
 * Opens the subscriptions of the configuration and those made at run time.
 *
 * @throws SettingsError naming the key of a subscription that Event Grid would not create
 */
export async function createDelivery(deps: DeliveryDeps): Promise<EventDelivery> {
  const { core, clock, ids, log, resources, settings = {} } = deps
  const configured = readConfigured(resources)
  const records = await core.records(`${PERSONALITY}:delivery`)
  const store = createPendingStore(records, resources)
  const http = createHttpOut(clock, ATTEMPT_TIMEOUT_MS)
  const maximumPending = settings.maximumPendingEvents ?? DEFAULT_MAXIMUM_PENDING
  const jitter = settings.jitter === false ? NO_JITTER : createJitter(ids)
  let baseUrl = ''
  let isStarted = false
  let closed = false
  const handshakes = createHandshakes({ http, clock, ids, log, baseUrl: () => baseUrl })
  const serving = new Map<string, Served>()
  /** By resource, so that a publish looks at its own only. */
  let byResource = new Map<Resource, Served[]>()

  function reindex(): void {
    byResource = new Map()
    for (const one of serving.values()) {
      const { resource } = one.subscription.scope
      const own = byResource.get(resource) ?? []
      own.push(one)
      byResource.set(resource, own)
    }
  }

  async function serve({ scope, name, properties }: Definition): Promise<Served> {
    const subscription = createSubscription(scope, name, properties)
    const { deadLetterDestination } = properties
    const target = await createTarget(subscription, { core, http })
    const writeDeadLetters =
      deadLetterDestination &&
      (await createDeadLetterWriter(subscription, deadLetterDestination, { clock, ids }))
    const queue = createQueue({
      subscription,
      store,
      clock,
      log,
      jitter,
      timeScale: settings.timeScale ?? 1,
      probation: settings.probation ?? false,
      deadLetterDelayMs:
        (settings.deadLetterDelaySeconds ?? DEFAULT_DEAD_LETTER_DELAY_SECONDS) * 1000,
      deliver: (events, count) => attempt(target, events, count),
      writeDeadLetters
    })
    const state: ProvisioningState = subscription.azureResource ? 'Succeeded' : 'Creating'
    return { subscription, state, queue, target, validating: undefined }
  }

  /** A client that throws has not delivered. */
  async function attempt(
    target: Target,
    events: readonly PublishedEvent[],
    count: number
  ): Promise<Attempt> {
    try {
      return await target.deliver(events, count)
    } catch (error) {
      const { statusCode, name } = error as { statusCode?: unknown; name?: unknown }
      if (typeof statusCode === 'number') return { status: statusCode }
      if (name === 'AbortError') return { failure: 'TimedOut' }
      if (!closed) log.error(error, `${PERSONALITY} delivery of ${events[0]!.id}`)
      return { failure: 'SocketError' }
    }
  }

  /** Asks the receiver, unless it said yes to just this before. */
  async function validate(key: string, patient: boolean): Promise<void> {
    const one = serving.get(key)
    if (!one || closed) return
    const { subscription, queue } = one
    if (subscription.azureResource) return queue.open(Infinity)
    const known = await readStored(key)
    const fingerprint = fingerprintOf(subscription)
    if (known?.consentTo === fingerprint) {
      one.state = 'Succeeded'
      return queue.open(known.ratePerMinute ?? Infinity)
    }
    const turn = (one.validating = Symbol('validation'))
    const consent = await handshakes.run(subscription, {
      patient,
      awaiting() {
        if (one.validating !== turn) return
        one.state = 'AwaitingManualAction'
        log.warn(`${PERSONALITY} handshake ${subscription.name} AwaitingManualAction`)
      }
    })
    if (closed || one.validating !== turn || serving.get(key) !== one) return
    log.info(`${PERSONALITY} handshake ${subscription.name} ${consent.state}`)
    if (consent.state === 'Succeeded') {
      await save(subscription, { consentTo: fingerprint, ...toRate(consent.ratePerMinute) })
      one.state = 'Succeeded'
      queue.open(consent.ratePerMinute ?? Infinity)
    } else {
      one.state = 'Failed'
    }
  }

  function startValidation(key: string, patient: boolean): void {
    validate(key, patient).catch((error: unknown) => {
      if (!closed) log.error(error, `${PERSONALITY} handshake of ${key}`)
    })
  }

  async function readStored(key: string): Promise<Stored | undefined> {
    const value = await records.get(SUBSCRIPTION + key)
    return value && (JSON.parse(value.toString()) as Stored)
  }

  function save(subscription: Subscription, more: Partial<Stored>): Promise<void> {
    const { key, name, scope, properties } = subscription
    const stored: Stored = { name, resource: scope.resource.name, ...more }
    if (scope.domainTopic !== undefined) stored.domainTopic = scope.domainTopic
    if (!configured.has(key) || configured.get(key)!.properties !== properties) {
      stored.properties = properties
    }
    return records.commit([{ put: SUBSCRIPTION + key, value: Buffer.from(JSON.stringify(stored)) }])
  }

  /** What was made at run time, in an earlier run. */
  async function readMade(): Promise<Definition[]> {
    const made: Definition[] = []
    for await (const [key, value] of records.range({ gte: SUBSCRIPTION, lt: 's0' })) {
      const { properties, name, resource, domainTopic } = JSON.parse(value.toString()) as Stored
      if (!properties) continue
      const owner = resources.byName(resource)
      if (owner) made.push({ scope: { resource: owner, domainTopic }, name, properties })
      else log.warn(`${PERSONALITY}: ${key.slice(2)} belongs to a topic that is no more`)
    }
    return made
  }

  async function openAll(): Promise<void> {
    const all = new Map(configured)
    for (const definition of await readMade()) {
      all.set(toKey(definition.scope, definition.name), definition)
    }
    for (const [key, definition] of all) serving.set(key, await serve(definition))
    reindex()
  }

  /** Lets what is in hand end for a moment, so that its receivers need not see it twice. */
  async function retire(all: readonly Served[]): Promise<void> {
    await endWithin(GRACE_MS, Promise.all(all.map(({ queue }) => queue.stop())))
    for (const { queue } of all) queue.close()
    await closeTargets(all)
  }

  /** A client that cannot say goodbye, or takes its time, keeps nobody from going on. */
  async function closeTargets(all: readonly Served[]): Promise<void> {
    const closing = all.map(async ({ subscription, target }) => {
      try {
        await target.close()
      } catch (error) {
        log.error(error, `${PERSONALITY}: the client of ${subscription.id} did not close`)
      }
    })
    await endWithin(GRACE_MS, Promise.all(closing))
  }

  async function recover(): Promise<void> {
    for (const [key, pending] of await store.recover()) {
      const one = serving.get(key)
      if (one) one.queue.push(pending)
      else {
        log.warn(`${PERSONALITY}: ${pending.length} events of ${key}, which is no more, dropped`)
        await finish(key, pending)
      }
    }
  }

  /** Forgets what is owed to a subscription that is no more. */
  const finish = (key: string, pending: readonly Pending[]) =>
    store.commit(pending.flatMap(({ sequence }) => store.toFinish(key, sequence)))

  function wants({ subscription, state }: Serving, event: PublishedEvent): boolean {
    const { domainTopic } = subscription.scope
    if (
      domainTopic !== undefined &&
      domainTopic.toLowerCase() !== event.domainTopic?.toLowerCase()
    ) {
      return false
    }
    // What the configuration names exists from the start, though its receiver may still be coming up.
    const exists =
      state === 'Succeeded' ||
      state === 'Updating' ||
      (state !== 'Failed' && configured.has(subscription.key))
    return exists && subscription.matches(event)
  }

  function toPending(one: Serving, sequence: number, publishedAtMs: number): Pending {
    const pending: Pending = { sequence, attempts: 0, dueMs: publishedAtMs, publishedAtMs }
    if (one.queue.size < maximumPending) return pending
    return {
      ...pending,
      reason: 'MaxPendingEventsExceeded',
      lastOutcome: 'Full',
      deadSinceMs: publishedAtMs
    }
  }

  function isOverfull(one: Serving): boolean {
    if (one.queue.size < maximumPending) return false
    const { deadLetterDestination } = one.subscription.properties
    if (deadLetterDestination && one.queue.size >= 2 * maximumPending) {
      throw new CoreError(
        'store-failed',
        `${one.subscription.id} has ${one.queue.size} events pending, and its dead letters are not written`
      )
    }
    if (!deadLetterDestination) {
      log.warn(`${PERSONALITY}: ${one.subscription.id} is full; an event is dropped`)
    }
    return deadLetterDestination === undefined
  }

  /** Gives an event to those who want it and take it at once; the others are who it is still owed to. */
  async function handOver(event: PublishedEvent): Promise<Served[]> {
    const wanting = byResource.get(event.resource)?.filter((one) => wants(one, event)) ?? []
    const owed: Served[] = []
    for (const one of wanting) {
      const isDone = one.target.local && (await one.queue.deliverNow(event))
      if (!isDone && !isOverfull(one)) owed.push(one)
    }
    return owed
  }

  await openAll()
  // Before anything new comes in, which is numbered behind it.
  await recover()

  return {
    async accept(events) {
      const changes: RecordChange[] = []
      const pushes = new Map<string, Pending[]>()
      const left = await Promise.all(events.map(handOver))
      for (const [at, event] of events.entries()) {
        const owed = left[at]!
        if (owed.length === 0) continue
        const added = store.add(event, owed.length)
        changes.push(added.change)
        for (const one of owed) {
          const pending = toPending(one, added.sequence, event.publishedAtMs)
          changes.push(store.toSave(one.subscription.key, pending))
          const { key } = one.subscription
          const own = pushes.get(key)
          if (own) own.push(pending)
          else pushes.set(key, [pending])
        }
      }
      if (changes.length === 0) return
      await store.commit(changes)
      // Looked up again: a subscription may have been changed while this was stored.
      for (const [key, pending] of pushes) {
        const one = serving.get(key)
        if (one) one.queue.push(pending)
        else await finish(key, pending)
      }
    },
    started(url) {
      baseUrl = url
      isStarted = true
      for (const key of serving.keys()) startValidation(key, true)
    },
    confirm: (id, token) => handshakes.confirm(id, token),
    find: (scope, name) => serving.get(toKey(scope, name)),
    list: (scope) =>
      [...serving.values()].filter(
        ({ subscription: { scope: own } }) =>
          own.resource === scope.resource &&
          own.domainTopic?.toLowerCase() === scope.domainTopic?.toLowerCase()
      ),
    async put(definition) {
      const key = toKey(definition.scope, definition.name)
      const earlier = serving.get(key)
      const made = await serve(definition)
      await save(made.subscription, {})
      if (earlier?.state === 'Succeeded' && made.state === 'Creating') made.state = 'Updating'
      serving.set(key, made)
      reindex()
      if (earlier) {
        await retire([earlier])
        made.queue.push(await store.pendingOf(key))
      }
      if (isStarted) startValidation(key, false)
      return { serving: made, created: earlier === undefined }
    },
    async delete(scope, name) {
      const key = toKey(scope, name)
      const one = serving.get(key)
      if (!one) return false
      one.queue.close()
      serving.delete(key)
      reindex()
      const left = await store.pendingOf(key)
      await store.commit([
        { del: SUBSCRIPTION + key },
        ...left.flatMap(({ sequence }) => store.toFinish(key, sequence))
      ])
      await closeTargets([one])
      sendDeletion(http, { clock, ids }, one.subscription).catch((error: unknown) => {
        log.error(error, `${PERSONALITY}: SubscriptionDeletion of ${key}`)
      })
      return true
    },
    async reset() {
      for (const { queue } of serving.values()) queue.close()
      await closeTargets([...serving.values()])
      serving.clear()
      store.clear()
      await openAll()
      if (isStarted) for (const key of serving.keys()) startValidation(key, true)
    },
    async close() {
      handshakes.close()
      await retire([...serving.values()])
      closed = true
      http.close()
    }
  }
}

/** @throws SettingsError naming the key */
function readConfigured(resources: Resources): Map<string, Definition> {
  const counts = new Map<string, number>()
  const all = new Map<string, Definition>()
  for (const resource of resources.all) {
    const index = counts.get(resource.kind) ?? 0
    counts.set(resource.kind, index + 1)
    const settings = resource.settings as SubscribedSettings
    for (const definition of readDefinitions(resource, settings, `${resource.kind}.${index}`)) {
      all.set(toKey(definition.scope, definition.name), definition)
    }
  }
  return all
}

/** What the receiver said yes to; whatever changes asks it again, as an update of the service does. */
function fingerprintOf({ properties }: Subscription): string {
  return createHash('sha256').update(JSON.stringify(properties)).digest('hex')
}

const toRate = (ratePerMinute: number | undefined) =>
  ratePerMinute === undefined ? {} : { ratePerMinute }

/** Up to a tenth later. */
function createJitter(ids: Ids): Jitter {
  return (waitMs) => waitMs * (1 + ids.bytes(2).readUInt16BE() / 0xffff / 10)
}

/** In real time, as an end does not wait for anybody to move a clock. */
async function endWithin(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}
