import type { Bounds } from './bounds.ts'
import type { BrokerPacket } from './broker.ts'
import type { Clock } from './clock.ts'
import type { Group } from './groups.ts'
import type { QoS } from './message.ts'
import type { Position, Queues } from './queues.ts'
import type { RetainedWriter } from './retained.ts'
import { createSequencer } from './sequencer.ts'
import type { SessionEntry, Target } from './session/entry.ts'
import type { Source } from './session/outgoing.ts'
import type { Store, WriteOperation } from './store.ts'
import type { Route, Subscriptions } from './subscriptions.ts'

/** How a publish ends: exactly one of the two is called. */
export interface Outcome {
  /** Stored, and handed to everybody who gets it; the packet is as they got it. */
  stored(packet: BrokerPacket): void
  failed(error: unknown): void
}

/** The way of every message from its publisher into the queues and to the clients. */
export interface Fanout {
  /**
   * Stores and hands on; the sequence number is the packet's counter.
   * @param publisher the session that published, for No Local
   * @param alongside writes that are committed with the message, or not at all
   */
  publish(
    packet: BrokerPacket,
    publisher: string | undefined,
    outcome: Outcome,
    alongside?: WriteOperation[]
  ): void
  /** The same for one session alone, whatever it is subscribed to; whether it is kept in its queue. */
  sendTo(
    entry: SessionEntry,
    packet: BrokerPacket,
    settled: (acknowledged: boolean) => void,
    outcome: Outcome
  ): boolean
}

export interface FanoutContext {
  store: Store
  clock: Clock
  storeTimeoutMs: number
  queues: Queues
  retained: RetainedWriter
  subscriptions: Subscriptions
  bounds: Bounds
  /** Run of the process, higher than that of any before. */
  run: number
  log(line: string): void
  /** The session's queue is full, and the session is to end with that. */
  overflowed(entry: SessionEntry): void
}

/** Run and counter, in a form that sorts as they do. */
export function toPosition(run: number, counter: number): Position {
  return `${String(run).padStart(8, '0')}-${String(counter).padStart(16, '0')}`
}

/** MQTT 5 "Quota exceeded". */
const QUOTA_EXCEEDED = 0x97

const lower = (a: QoS, b: QoS): QoS => (a < b ? a : b)

export function createFanout(context: FanoutContext): Fanout {
  const { store, clock, queues, retained, subscriptions, bounds, run } = context
  const sequencer = createSequencer(clock, context.storeTimeoutMs)
  /** Told in the log once, until there is space again. */
  const fullGroups = new WeakSet<Group>()

  function hasSpace(entry: SessionEntry, { payload }: BrokerPacket): boolean {
    const { connection, offlineQueue } = entry
    const endsSession = offlineQueue?.whenFull === 'end-session'
    const { messages, bytes } = queues.size(entry.id)
    // While its client is there, a queue is as long as what is on its way; whoever came back to a full one
    // and reads it is let be, whoever lets it grow as long again is not.
    if (connection && !(endsSession && connection.outgoing.isStalled())) {
      if (messages < 2 * bounds.queuedMessages && bytes < 2 * bounds.queuedBytes) return true
      if (entry.queueFull) return false
      entry.queueFull = true
      const detail = `queuedMessages=${messages} queuedBytes=${Math.round(bytes)}`
      queueMicrotask(() =>
        connection.refuse({ rule: 'SlowClient', reasonCode: QUOTA_EXCEEDED, detail })
      )
      return false
    }
    const maximum = offlineQueue?.messages ?? bounds.queuedMessages
    const maximumBytes = offlineQueue?.bytes ?? bounds.queuedBytes
    const fits = endsSession ? bytes + payload.length <= maximumBytes : bytes < maximumBytes
    if (messages < maximum && fits) return true
    if (!entry.queueFull) {
      entry.queueFull = true
      const size = `messages=${messages} bytes=${bytes}`
      const end = endsSession ? 'the session ends' : 'messages dropped'
      context.log(`${entry.personality} ${entry.clientId} queue full, ${end}: ${size}`)
      // Not before the message has found everybody else.
      if (endsSession) queueMicrotask(() => context.overflowed(entry))
    }
    return false
  }

  /** A group's queue has the bound of a session's. */
  function hasSpaceFor(group: Group): boolean {
    const { messages, bytes } = queues.size(group.id)
    if (messages < bounds.queuedMessages && bytes < bounds.queuedBytes) {
      fullGroups.delete(group)
      return true
    }
    if (!fullGroups.has(group)) {
      fullGroups.add(group)
      const size = `messages=${messages} bytes=${Math.round(bytes)}`
      context.log(`${group.id} queue full, messages dropped: ${size}`)
    }
    return false
  }

  /** Copies for the queues of those whose sessions outlive their connections. */
  function queueing(
    packet: BrokerPacket,
    { targets, groups }: Route,
    position: Position,
    writes: WriteOperation[]
  ): Set<SessionEntry | Group> | undefined {
    let queued: Set<SessionEntry | Group> | undefined
    for (const target of targets) {
      const { entry } = target
      const qos = lower(packet.qos, target.qos)
      if (qos === 0 || entry.expirySeconds === 0 || !hasSpace(entry, packet)) continue
      const retain = packet.retain && target.retainAsPublished
      const { identifiers } = target
      writes.push(queues.append(entry.id, position, toKept(packet, qos, retain, identifiers)))
      ;(queued ??= new Set()).add(entry)
    }
    for (const group of groups ?? []) {
      if (packet.qos === 0 || !group.isDurable() || !hasSpaceFor(group)) continue
      writes.push(queues.append(group.id, position, toKept(packet, packet.qos, packet.retain, [])))
      ;(queued ??= new Set()).add(group)
    }
    return queued
  }

  function toKept(
    { topic, payload, properties, messageExpiry: expiresAtMs }: BrokerPacket,
    qos: 1 | 2,
    retain: boolean,
    identifiers: readonly number[]
  ) {
    return {
      topic,
      payload,
      qos,
      retain,
      identifiers,
      ...(properties ? { properties } : {}),
      ...(expiresAtMs !== undefined ? { expiresAtMs } : {})
    }
  }

  function deliver(packet: BrokerPacket, target: Target, source: Source | undefined): void {
    const { connection } = target.entry
    if (!connection) return
    const qos = lower(packet.qos, target.qos)
    const retain = packet.retain && target.retainAsPublished // [MQTT-3.3.1-12]
    const index = retain ? qos + 3 : qos
    const manners = (target.manners ??= [])
    const manner = (manners[index] ??= { qos, retain, identifiers: target.identifiers })
    connection.outgoing.deliver(packet, manner, source)
  }

  return {
    publish(packet, publisher, outcome, alongside = []) {
      const route = subscriptions.route(packet.topic, publisher)
      const writes = alongside
      if (packet.retain) writes.push(...retained.write(packet))
      const position = packet.qos > 0 ? toPosition(run, packet.brokerCounter) : ''
      const queued = packet.qos > 0 ? queueing(packet, route, position, writes) : undefined
      sequencer.push(
        writes.length > 0 ? store.commit(writes) : undefined,
        () => {
          outcome.stored(packet)
          if (route.targets.length > 1) packet.isShared = true
          for (const target of route.targets) {
            const isQueued = queued !== undefined && queued.has(target.entry)
            deliver(packet, target, isQueued ? { owner: target.entry.id, position } : undefined)
          }
          if (!route.groups) return
          for (const group of route.groups) {
            const { qos, retain } = packet
            group.offer(packet, qos, retain, queued?.has(group) ? position : undefined)
          }
        },
        outcome.failed
      )
    },
    sendTo(entry, packet, settled, outcome) {
      const position = toPosition(run, packet.brokerCounter)
      const isQueued = packet.qos > 0 && entry.expirySeconds > 0 && hasSpace(entry, packet)
      const writes = isQueued
        ? [queues.append(entry.id, position, toKept(packet, packet.qos as 1 | 2, false, []))]
        : []
      const target = { entry, qos: packet.qos, retainAsPublished: false, identifiers: [] }
      sequencer.push(
        writes.length > 0 ? store.commit(writes) : undefined,
        () => {
          outcome.stored(packet)
          if (!entry.connection) return settled(false)
          deliver(packet, target, isQueued ? { owner: entry.id, position, settled } : { settled })
        },
        outcome.failed
      )
      return isQueued
    }
  }
}
