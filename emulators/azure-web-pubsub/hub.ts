import type { Space } from '@fogbank/core'
import type { HubMessage } from './message.ts'
import { isGroupTopic, toMqttMessage } from './mqtt-message.ts'
import type { Action, Permissions } from './permissions.ts'

/**
 * One connection of a hub, whatever it speaks: a WebSocket, or an MQTT session with its client here or away.
 *
 * The hub knows who is where; the connection knows how to say things on its wire.
 */
export interface HubConnection {
  readonly connectionId: string
  /** null: anonymous. */
  readonly userId: string | null
  /** The negotiated subprotocol, `mqtt` for MQTT sessions, empty for simple WebSocket clients. */
  readonly protocol: string
  readonly permissions: Permissions
  /** true: messages to whole groups reach it by the hub's space, not by `send`. */
  readonly brokered: boolean
  /** Takes one message for good; a promise resolves when it is kept. Never throws, never rejects. */
  send(message: HubMessage): void | Promise<void>
  /** Told of each membership the hub made or ended, whoever asked for it. */
  joined?(group: string): void | Promise<void>
  left?(group: string): void | Promise<void>
  /** Told of each change that REST makes to its permissions; resolves when that is kept. */
  permitted?(action: Action, group: string): Promise<void>
  /** Ended by the application server. Calls Hub.remove when it is over. */
  close(reason: string | undefined): void | Promise<void>
}

/** Who is meant by a send or a close. */
export interface Selection {
  /** Connection ids. */
  excluded?: ReadonlySet<string>
  /** The OData filter, compiled. */
  accepts?(connection: HubConnection): boolean
}

const NOBODY: ReadonlySet<HubConnection> = new Set()
const NO_GROUPS: ReadonlySet<string> = new Set()

/** A connection id that MQTT clients cannot have: marks what we publish to the space ourselves. */
export const SERVER_ORIGIN = { personality: 'azure-web-pubsub', clientId: '' } as const

/**
 * The one truth of a hub: its connections of every protocol, their users and their groups.
 *
 * Hub names are folded to lower case before; connection ids, user ids and groups are case-sensitive.
 */
export interface Hub {
  readonly name: string
  readonly space: Space
  /** Makes a connection known, with the groups its token or its handler gives it. */
  add(connection: HubConnection, groups?: Iterable<string>): Promise<void>
  /** Forgets a connection and its memberships; false: it was not there, or is another one by now. */
  remove(connection: HubConnection): boolean
  get(connectionId: string): HubConnection | undefined
  connections(): Iterable<HubConnection>
  ofUser(userId: string): ReadonlySet<HubConnection>
  ofGroup(group: string): ReadonlySet<HubConnection>
  groupsOf(connection: HubConnection): ReadonlySet<string>
  /** Joins on behalf of whoever asks; permissions are the caller's affair. Idempotent. */
  join(connection: HubConnection, group: string): Promise<void>
  leave(connection: HubConnection, group: string): Promise<void>
  leaveAll(connection: HubConnection): Promise<void>
  /** Resolves when every member has it, or has it queued. */
  sendToGroup(message: HubMessage & { group: string }, selection?: Selection): Promise<void>
  /** Resolves when every one of them has it, or has it queued. */
  sendTo(
    connections: Iterable<HubConnection>,
    message: HubMessage,
    selection?: Selection
  ): Promise<void>
  close(
    connections: Iterable<HubConnection>,
    reason: string | undefined,
    selection?: Selection
  ): Promise<void>
  /** Forgets everybody, without a word to them. */
  clear(): void
}

export function createHub(name: string, space: Space): Hub {
  const byId = new Map<string, HubConnection>()
  const byUser = new Map<string, Set<HubConnection>>()
  const byGroup = new Map<string, Set<HubConnection>>()
  const groups = new Map<HubConnection, Set<string>>()

  async function join(connection: HubConnection, group: string): Promise<void> {
    const own = groups.get(connection)
    if (!own || own.has(group)) return
    own.add(group)
    into(byGroup, group, connection)
    await connection.joined?.(group)
  }

  async function leave(connection: HubConnection, group: string): Promise<void> {
    if (!groups.get(connection)?.delete(group)) return
    outOf(byGroup, group, connection)
    await connection.left?.(group)
  }

  return {
    name,
    space,
    async add(connection, initial = []) {
      const earlier = byId.get(connection.connectionId)
      if (earlier) this.remove(earlier)
      byId.set(connection.connectionId, connection)
      groups.set(connection, new Set())
      if (connection.userId !== null) into(byUser, connection.userId, connection)
      for (const group of initial) await join(connection, group)
    },
    remove(connection) {
      const own = groups.get(connection)
      if (!own) return false
      groups.delete(connection)
      for (const group of own) outOf(byGroup, group, connection)
      if (connection.userId !== null) outOf(byUser, connection.userId, connection)
      byId.delete(connection.connectionId)
      return true
    },
    get: (connectionId) => byId.get(connectionId),
    connections: () => byId.values(),
    ofUser: (userId) => byUser.get(userId) ?? NOBODY,
    ofGroup: (group) => byGroup.get(group) ?? NOBODY,
    groupsOf: (connection) => groups.get(connection) ?? NO_GROUPS,
    join,
    leave,
    async leaveAll(connection) {
      for (const group of [...(groups.get(connection) ?? [])]) await leave(connection, group)
    },
    async sendToGroup(message, selection = {}) {
      const members = byGroup.get(message.group) ?? NOBODY
      const whole = !selection.accepts && !excludesBrokered(members, selection.excluded)
      const work: (void | Promise<unknown>)[] = []
      for (const member of members) {
        if (whole && member.brokered) continue
        if (isMeant(member, selection)) work.push(member.send(message))
      }
      if (whole && isGroupTopic(message.group)) {
        work.push(space.publish(toMqttMessage(message, message.group), SERVER_ORIGIN))
      }
      await Promise.all(work)
    },
    async sendTo(connections, message, selection = {}) {
      const meant = [...connections].filter((connection) => isMeant(connection, selection))
      await Promise.all(meant.map((connection) => connection.send(message)))
    },
    async close(connections, reason, selection = {}) {
      const meant = [...connections].filter((connection) => isMeant(connection, selection))
      await Promise.all(meant.map((connection) => connection.close(reason)))
    },
    clear() {
      for (const known of [byId, byUser, byGroup, groups]) known.clear()
    }
  }
}

function isMeant(connection: HubConnection, { excluded, accepts }: Selection): boolean {
  return !excluded?.has(connection.connectionId) && (accepts?.(connection) ?? true)
}

function excludesBrokered(
  members: ReadonlySet<HubConnection>,
  excluded: ReadonlySet<string> | undefined
): boolean {
  if (!excluded || excluded.size === 0) return false
  for (const member of members) {
    if (member.brokered && excluded.has(member.connectionId)) return true
  }
  return false
}

function into<Key>(index: Map<Key, Set<HubConnection>>, key: Key, connection: HubConnection) {
  const known = index.get(key)
  if (known) known.add(connection)
  else index.set(key, new Set([connection]))
}

function outOf<Key>(index: Map<Key, Set<HubConnection>>, key: Key, connection: HubConnection) {
  const known = index.get(key)
  known?.delete(connection)
  if (known?.size === 0) index.delete(key)
}
