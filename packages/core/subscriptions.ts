import qlobber from 'qlobber'
import type { SessionEntry, Subscription, Target } from './session/entry.ts'
import { add as addTo } from './sparse.ts'
import { createGroup, type Group, type GroupContext } from './groups.ts'

/** A subscription of one session under one filter of the space. */
interface Place extends Target {
  readonly filter: string
  readonly noLocal: boolean
}

/** Where one message goes: sessions, each once, and shared groups. */
export interface Route {
  targets: Target[]
  groups: Group[] | undefined
}

/** Every subscription of a space, connected or not, found by topic. */
export interface Subscriptions {
  add(entry: SessionEntry, subscription: Subscription): void
  /** The client subscribed again: nothing that waits may be lost by that [MQTT-3.8.4-4]. */
  replace(entry: SessionEntry, known: Subscription, subscription: Subscription): void
  remove(entry: SessionEntry, subscription: Subscription): void
  /** @param publisher the session that published, for No Local; absent: nobody's */
  route(topic: string, publisher: string | undefined): Route
  groups(): Iterable<Group>
}

const NO_IDENTIFIERS: readonly number[] = []
const DOLLAR = 0x24

export function createSubscriptions(context: GroupContext): Subscriptions {
  const trie = new qlobber.Qlobber<Place | Group>({
    separator: '/',
    wildcard_one: '+',
    wildcard_some: '#',
    match_empty_levels: true
  })
  const places = new Map<SessionEntry, Map<Subscription, Place[]>>()
  const groups = new Map<string, Group>()
  let routeNumber = 0

  function toPlace(entry: SessionEntry, subscription: Subscription, filter: string): Place {
    const { qos, retainAsPublished, noLocal, identifier } = subscription
    const identifiers = identifier === undefined ? NO_IDENTIFIERS : [identifier]
    return { entry, filter, qos, retainAsPublished, noLocal, identifiers }
  }

  function groupOf(entry: SessionEntry, name: string, filter: string): Group {
    // Two personalities' groups are two groups, as their clients are two clients.
    const id = `share:${entry.personality}:${name}:${filter}`
    let group = groups.get(id)
    if (!group) {
      group = createGroup(id, filter, context)
      groups.set(id, group)
      trie.add(filter, group)
    }
    return group
  }

  function add(entry: SessionEntry, subscription: Subscription): void {
    if (subscription.group !== undefined) {
      for (const filter of subscription.spaceFilters) {
        const place = toPlace(entry, subscription, filter)
        const group = groupOf(entry, subscription.group, filter)
        entry.groups = addTo(entry.groups, group)
        group.join(place)
      }
      return
    }
    const own = subscription.spaceFilters.map((filter) => toPlace(entry, subscription, filter))
    for (const place of own) trie.add(place.filter, place)
    let all = places.get(entry)
    if (!all) places.set(entry, (all = new Map()))
    all.set(subscription, own)
  }

  /** The last that leaves a group ends it, and what waited for it. */
  function leave(entry: SessionEntry, name: string, filters: readonly string[]): void {
    for (const filter of filters) {
      const group = groupOf(entry, name, filter)
      entry.groups.delete(group)
      group.leave(entry)
      if (!group.isEmpty()) continue
      groups.delete(group.id)
      trie.remove(filter, group)
    }
  }

  function remove(entry: SessionEntry, subscription: Subscription): void {
    const { group, spaceFilters } = subscription
    if (group !== undefined) return leave(entry, group, spaceFilters)
    const all = places.get(entry)
    for (const place of all?.get(subscription) ?? []) trie.remove(place.filter, place)
    all?.delete(subscription)
    if (all?.size === 0) places.delete(entry)
  }

  function replace(entry: SessionEntry, known: Subscription, subscription: Subscription): void {
    const { group } = known
    if (group === undefined) {
      remove(entry, known)
      return add(entry, subscription)
    }
    add(entry, subscription)
    const { spaceFilters } = subscription
    const old = known.spaceFilters.filter((filter) => !spaceFilters.includes(filter))
    leave(entry, group, old)
  }

  /** Several subscriptions of one session make one delivery [MQTT-3.3.4-2], [MQTT-3.3.4-4]. */
  function merge(a: Target, b: Target): Target {
    return {
      entry: a.entry,
      qos: a.qos > b.qos ? a.qos : b.qos,
      retainAsPublished: a.retainAsPublished || b.retainAsPublished,
      identifiers: b.identifiers.length > 0 ? [...a.identifiers, ...b.identifiers] : a.identifiers
    }
  }

  return {
    add,
    replace,
    remove,
    route(topic, publisher) {
      if (places.size === 0 && groups.size === 0) return { targets: [], groups: undefined }
      routeNumber++
      const targets: Target[] = []
      let matched: Group[] | undefined
      const inDollarTree = topic.charCodeAt(0) === DOLLAR
      for (const found of trie.match(topic)) {
        // [MQTT-4.7.2-1]
        if (inDollarTree && (found.filter[0] === '+' || found.filter[0] === '#')) continue
        if (!('entry' in found)) {
          ;(matched ??= []).push(found)
          continue
        }
        const { entry } = found
        if (found.noLocal && entry.id === publisher) continue // [MQTT-3.8.3-3]
        if (entry.routeNumber === routeNumber) {
          targets[entry.routeIndex] = merge(targets[entry.routeIndex]!, found)
          continue
        }
        entry.routeNumber = routeNumber
        entry.routeIndex = targets.length
        targets.push(found)
      }
      return { targets, groups: matched }
    },
    groups: () => groups.values()
  }
}
