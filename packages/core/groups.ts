import type { QoS } from './message.ts'
import type { Position, Queues } from './queues.ts'
import type { SessionEntry, Target } from './session/entry.ts'
import type { Deliverable } from './session/outgoing.ts'

/** What a group needs of its space. */
export interface GroupContext {
  queues: Queues
  now(): number
  failed(error: unknown, what: string): void
}

/** A shared subscription: each message goes to one of its members, in turn [MQTT-4.8.2]. */
export interface Group {
  /** Also the owner of its queue. */
  readonly id: string
  readonly filter: string
  join(member: Target): void
  leave(entry: SessionEntry): void
  isEmpty(): boolean
  /** Whether messages are kept for it, because the session of some member outlives its connection. */
  isDurable(): boolean
  /** Hands a message to the member whose turn it is; `position` when it is in the group's queue. */
  offer(message: Deliverable, qos: QoS, retain: boolean, position: Position | undefined): void
  /** A member lost its connection before it had acknowledged this entry of the queue. */
  giveBack(position: Position): void
  /** A member came, or has room again. */
  pump(): void
}

/** Entries read from the queue at once. */
const PAGE = 64

export function createGroup(id: string, filter: string, context: GroupContext): Group {
  const { queues } = context
  const members = new Map<SessionEntry, Target>()
  let order: Target[] = []
  let turn = 0
  let durable = 0
  // What an earlier run or a time without members left in the queue comes first.
  let behind = queues.size(id).messages > 0
  let handed: Position | undefined
  const givenBack: Position[] = []
  let pumping = false
  let again = false

  /** The next connected member; one that can take a message before one that has to let it wait. */
  function choose(): { member: Target; hasRoom: boolean } | undefined {
    let busy: Target | undefined
    for (let i = 0; i < order.length; i++) {
      const member = order[(turn + i) % order.length]!
      const outgoing = member.entry.connection?.outgoing
      if (!outgoing?.isOpen()) continue
      if (outgoing.hasRoom()) {
        turn = (turn + i + 1) % order.length
        return { member, hasRoom: true }
      }
      busy ??= member
    }
    return busy && { member: busy, hasRoom: false }
  }

  function hand(
    member: Target,
    message: Deliverable,
    publishedQoS: QoS,
    publishedRetain: boolean,
    position: Position | undefined
  ): void {
    const qos = Math.min(publishedQoS, member.qos) as QoS
    const retain = publishedRetain && member.retainAsPublished
    const { identifiers } = member
    const { outgoing } = member.entry.connection!
    if (position !== undefined && qos === 0) forget(position)
    const source = qos > 0 ? { group, ...(position ? { owner: id, position } : {}) } : undefined
    outgoing.deliver(message, { qos, retain, identifiers }, source)
  }

  function forget(position: Position): void {
    queues.remove(id, position).catch((error: unknown) => context.failed(error, `queue of ${id}`))
  }

  async function work(): Promise<void> {
    while (givenBack.length > 0 || behind) {
      if (!choose()?.hasRoom) {
        again = false
        return
      }
      const before = handed
      const entries = givenBack.length > 0 ? await readGivenBack() : await readOn()
      if (entries.length === 0 && handed === before && givenBack.length === 0 && !again) {
        behind = false
        return
      }
      again = false
    }
  }

  async function readGivenBack() {
    const position = givenBack[0]!
    const message = await queues.get(id, position)
    if (!message) {
      givenBack.shift()
      return []
    }
    const chosen = choose()
    if (!chosen?.hasRoom) return []
    givenBack.shift()
    handStored(chosen.member, { position, message })
    return [position]
  }

  async function readOn() {
    const entries = await queues.read(id, handed, PAGE)
    for (const entry of entries) {
      const chosen = choose()
      if (!chosen?.hasRoom) break
      handed = entry.position
      handStored(chosen.member, entry)
    }
    return entries
  }

  function handStored(
    member: Target,
    { position, message }: Awaited<ReturnType<Queues['read']>>[number]
  ) {
    if (message.expiresAtMs !== undefined && message.expiresAtMs <= context.now()) {
      return forget(position)
    }
    const { topic, payload, properties, expiresAtMs: messageExpiry } = message
    const deliverable = {
      topic,
      payload,
      ...(properties ? { properties } : {}),
      ...(messageExpiry !== undefined ? { messageExpiry } : {})
    }
    hand(member, deliverable, message.qos, message.retain, position)
  }

  const group: Group = {
    id,
    filter,
    join(member) {
      const known = members.get(member.entry)
      members.set(member.entry, member)
      order = [...members.values()]
      if (!known && member.entry.expirySeconds > 0) durable++
      group.pump()
    },
    leave(entry) {
      if (!members.delete(entry)) return
      order = [...members.values()]
      if (entry.expirySeconds > 0) durable = Math.max(0, durable - 1)
      if (members.size > 0) return
      queues.clear(id).catch((error: unknown) => context.failed(error, `queue of ${id}`))
    },
    isEmpty: () => members.size === 0,
    isDurable: () => durable > 0,
    offer(message, qos, retain, position) {
      if (position !== undefined && handed !== undefined && position <= handed) return
      if (position !== undefined && behind) {
        again = true // what is read on may have been read before this was stored
        return
      }
      const chosen = choose()
      if (!chosen) {
        if (position !== undefined) behind = true
        return
      }
      if (!chosen.hasRoom && position !== undefined) {
        behind = true
        return
      }
      if (position !== undefined) handed = position
      hand(chosen.member, message, qos, retain, position)
    },
    giveBack(position) {
      givenBack.push(position)
      group.pump()
    },
    pump() {
      again = true
      if (pumping) return
      pumping = true
      work()
        .catch((error: unknown) => context.failed(error, `queue of ${id}`))
        .finally(() => {
          pumping = false
          // Room came while the work was coming to its end.
          if (again && (behind || givenBack.length > 0)) group.pump()
        })
    }
  }
  return group
}
