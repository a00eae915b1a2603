import type { Group } from '../groups.ts'
import type { Message, QoS } from '../message.ts'
import type { Connection } from './connection.ts'
import type { OfflineQueue, ProtocolVersion, SubscriptionRequest } from './policy.ts'
import type { Peer, Session } from './session.ts'
import type { Manner } from './wire.ts'

/** One subscription, as the client wrote it, and what stands for it in the space. */
export interface Subscription extends SubscriptionRequest {
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  /** MQTT 5 Retain Handling: 0 send, 1 send when new, 2 do not send. */
  readonly retainHandling: number
  readonly identifier?: number
  /** Name of the shared group; absent: the subscription is the client's alone. */
  readonly group?: string
  /** The space's filters; of a shared subscription without `$share/{group}/`. */
  readonly spaceFilters: readonly string[]
}

/** What is kept of a peer: the two ends of its connection. */
export type Address = Pick<Peer, 'address' | 'port' | 'localAddress' | 'localPort' | 'transport'>

export interface Will {
  message: Message
  delaySeconds: number
}

/** A session, connected or waiting for its client. */
export interface SessionEntry {
  /** `{personality}:{clientId}`, unique in the space. */
  readonly id: string
  readonly personality: string
  readonly clientId: string
  version: ProtocolVersion
  /** Whatever the policy wanted kept, to tell whose session it is. */
  owner: string | undefined
  /** The policy's limit of the queue while the client is away; absent: the core's own. */
  offlineQueue: OfflineQueue | undefined
  cleanStart: boolean
  /** Absent while the client is away. */
  connection: Connection | undefined
  /** Seconds after the connection's end; 0: it ends with it, Infinity: never. */
  expirySeconds: number
  connectedAtMs: number
  disconnectedAtMs: number | undefined
  keepAliveSeconds: number
  peer: Address
  readonly subscriptions: Map<string, Subscription>
  /** Shared groups that it is a member of. */
  groups: Set<Group>
  will: Will | undefined
  /** Ids of QoS 2 publishes that the client has not released. */
  incoming: Set<number>
  /** Ends the waits for expiry and delayed will. */
  cancelExpiry: (() => void) | undefined
  cancelWill: (() => void) | undefined
  /** Something of it is in the store. */
  stored: boolean
  /** Told in the log once, until the client is back. */
  queueFull: boolean
  /** Where this session stands in the route that is being made, see subscriptions.ts. */
  routeNumber: number
  routeIndex: number
}

/** A session as personalities see it: a snapshot, but for `session` and `subscriptions`. */
export interface ClientSession {
  readonly personality: string
  readonly clientId: string
  readonly version: ProtocolVersion
  readonly owner: string | undefined
  /** The connection; absent while the client is away. */
  readonly session: Session | undefined
  readonly cleanStart: boolean
  readonly connectedAtMs: number
  /** Absent while connected. */
  readonly disconnectedAtMs: number | undefined
  /** When the session ends unless its client comes back; absent while connected, or when it never does. */
  readonly expiresAtMs: number | undefined
  /** Infinity: never. */
  readonly sessionExpirySeconds: number
  readonly keepAliveSeconds: number
  /** Of the last connection. */
  readonly peer: Address
  readonly subscriptions: ReadonlyMap<string, Subscription>
  /** Messages that wait in its durable queue. */
  readonly queuedMessages: number
  readonly queuedBytes: number
}

/** What a message meets on its way to one session: its subscriptions' options, put together. */
export interface Target {
  readonly entry: SessionEntry
  /** The highest that was granted. */
  readonly qos: QoS
  readonly retainAsPublished: boolean
  readonly identifiers: readonly number[]
  /** By QoS and flag: made when first wanted, as one is wanted for every message. */
  manners?: (Manner | undefined)[]
}
