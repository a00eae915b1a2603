import type { RecordChange, Sinks } from '@fogbank/core'
import { SettingsError } from '@fogbank/personality'
import { limits } from '../limits.ts'
import { toNamespaceEvent, type NamespaceEvent } from './cloud-event.ts'
import { compileConfiguration } from './filters.ts'
import { checkDestination } from './push/destination.ts'
import type { TopicSettings } from './settings.ts'
import {
  createSubscription,
  toQueueSettings,
  toRetentionMs,
  type Subscription,
  type SubscriptionContext
} from './subscription.ts'

const MINIMUM_TIME_TO_LIVE_MS = 60_000

/** A namespace topic at work. */
export interface Topic {
  readonly name: string
  readonly settings: TopicSettings
  readonly subscriptions: ReadonlyMap<string, Subscription>
  /**
   * Stores the events for every subscription that wants them: all of them, or none.
   * @throws ProviderError when a subscription is full
   */
  publish(events: readonly NamespaceEvent[]): Promise<void>
}

/** The topics of one namespace. */
export interface Topics {
  get(name: string): Topic | undefined
  list(): Topic[]
  /** Brings topics and subscriptions to what checkTopics found good; what is gone loses its events. */
  configure(settings: readonly TopicSettings[]): Promise<void>
  /** The ports are open: push subscriptions begin. */
  start(): void
  /** Answers whoever waits for events. */
  drain(): void
  close(): void
}

export interface TopicsContext extends SubscriptionContext {
  sinks: Sinks
}

/** @throws SettingsError naming the topic or subscription that makes no sense */
export function checkTopics(settings: readonly TopicSettings[], namespace: string): void {
  checkUnique(settings, 'topics')
  for (const { name, eventRetentionInDays, eventSubscriptions = [] } of settings) {
    const path = `topics/${name}/eventSubscriptions`
    checkUnique(eventSubscriptions, path)
    const retentionMs = toRetentionMs(eventRetentionInDays)
    for (const subscription of eventSubscriptions) {
      const own = `${path}/${subscription.name}`
      compileConfiguration(subscription.filtersConfiguration, own)
      const { deliveryMode, queue, push } = subscription.deliveryConfiguration ?? {}
      const text = (deliveryMode === 'Push' ? push : queue)?.eventTimeToLive
      const { timeToLiveMs } = toQueueSettings(subscription, Infinity)
      if (
        text !== undefined &&
        !(timeToLiveMs >= MINIMUM_TIME_TO_LIVE_MS && timeToLiveMs <= retentionMs)
      ) {
        throw new SettingsError(
          `${own}: eventTimeToLive ${text} is not between PT1M and the topic's retention`
        )
      }
      if (deliveryMode !== 'Push') continue
      const full = `${namespace}/${name}/${subscription.name}`
      checkDestination(full, subscription, { place: own, topics: settings })
    }
  }
}

function checkUnique(named: readonly { name: string }[], path: string): void {
  const names = new Set<string>()
  for (const { name } of named) {
    if (names.has(name)) throw new SettingsError(`${path}: there are two named ${name}`)
    names.add(name)
  }
}

/** `sinkNames` says under which names a topic can be reached by other personalities. */
export function createTopics(
  namespace: string,
  context: TopicsContext,
  sinkNames: (topic: string) => string[]
): Topics {
  const topics = new Map<string, RunningTopic>()

  function create(name: string): RunningTopic {
    const path = `${namespace}/${name}`
    const subscriptions = new Map<string, Subscription>()
    let settings: TopicSettings = { name }

    async function publish(events: readonly NamespaceEvent[]): Promise<void> {
      const changes: RecordChange[] = []
      const admissions: (() => void)[] = []
      for (const { queue, matches } of subscriptions.values()) {
        const wanted = events.filter(({ event }) => matches(event))
        if (wanted.length > 0) limits.eventsPerSubscription.check(queue.size + wanted.length)
        for (const { json } of wanted) {
          const offer = queue.offer(json)
          changes.push(...offer.changes)
          admissions.push(offer.admit)
        }
      }
      if (changes.length === 0) return
      await context.store.commit(changes)
      for (const admit of admissions) admit()
    }

    const sink = (events: readonly Readonly<Record<string, unknown>>[]) =>
      publish(events.map((event) => toNamespaceEvent(event)))
    const ends = sinkNames(name).map((sinkName) => context.sinks.register(sinkName, sink))
    return {
      name,
      get settings() {
        return settings
      },
      subscriptions,
      publish,
      async configure(changed) {
        settings = changed
        const retentionMs = toRetentionMs(changed.eventRetentionInDays)
        const wanted = new Map(changed.eventSubscriptions?.map((one) => [one.name, one]))
        for (const subscriptionName of [...subscriptions.keys()]) {
          if (!wanted.has(subscriptionName)) await removeSubscription(subscriptionName)
        }
        for (const [subscriptionName, one] of wanted) {
          const known = subscriptions.get(subscriptionName)
          if (known) known.configure(one, retentionMs)
          else {
            const made = createSubscription(
              `${path}/${subscriptionName}`,
              one,
              retentionMs,
              context
            )
            subscriptions.set(subscriptionName, made)
            if (context.pushing.isStarted()) made.start()
          }
        }
      },
      async remove() {
        for (const subscriptionName of [...subscriptions.keys()]) {
          await removeSubscription(subscriptionName)
        }
        for (const end of ends) end()
      },
      close() {
        for (const end of ends) end()
        for (const subscription of subscriptions.values()) subscription.close()
      }
    }

    async function removeSubscription(subscriptionName: string): Promise<void> {
      subscriptions.get(subscriptionName)?.close()
      subscriptions.delete(subscriptionName)
      await context.store.clear(`${path}/${subscriptionName}`)
      await context.deadLetters.clear(`${path}/${subscriptionName}`)
      await context.pushing.consents.set(`${path}/${subscriptionName}`, undefined)
    }
  }

  return {
    get: (name) => topics.get(name),
    list: () => [...topics.values()],
    async configure(settings) {
      const wanted = new Map(settings.map((topic) => [topic.name, topic]))
      for (const [name, topic] of [...topics]) {
        if (wanted.has(name)) continue
        topics.delete(name)
        await topic.remove()
      }
      for (const [name, topic] of wanted) {
        const known = topics.get(name) ?? create(name)
        topics.set(name, known)
        await known.configure(topic)
      }
    },
    start() {
      for (const { subscriptions } of topics.values()) {
        for (const subscription of subscriptions.values()) subscription.start()
      }
    },
    drain() {
      for (const { subscriptions } of topics.values()) {
        for (const { queue } of subscriptions.values()) queue.drain()
      }
    },
    close() {
      for (const topic of topics.values()) topic.close()
    }
  }
}

interface RunningTopic extends Topic {
  configure(settings: TopicSettings): Promise<void>
  /** Forgets it with its events. */
  remove(): Promise<void>
  close(): void
}
