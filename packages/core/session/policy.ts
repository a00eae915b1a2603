import type { Message, QoS, UserProperty, WireProperties } from '../message.ts'
import type { Reauthentication } from './authenticate.ts'
import type { ClientSession } from './entry.ts'
import type { Peer, Session } from './session.ts'

/** MQTT 3.1, 3.1.1 and 5, as the CONNECT packet numbers them. */
export type ProtocolVersion = 3 | 4 | 5

/** Why something was refused, in the words of every wire at once. */
export interface Refusal {
  /** The row of the personality's error table; it stands in the log. */
  rule: string
  /** MQTT 5 reason code for the CONNACK, PUBACK, SUBACK or DISCONNECT. */
  reasonCode: number
  /** MQTT 3.1.1 CONNACK return code; 5 (not authorized) when absent. */
  returnCode?: number
  /** Sent as MQTT 5 Reason String unless the client asked for none. */
  reasonString?: string
  /** Sent beside it. */
  userProperties?: readonly UserProperty[]
  /** Where the client is to go instead; with 0x9C or 0x9D in a CONNACK or DISCONNECT. */
  serverReference?: string
  /** The value that broke the rule, for the log: `topicBytes=257`. */
  detail?: string
  /**
   * How a refused PUBLISH or SUBSCRIBE is answered. Absent: by the negative acknowledgement where the
   * protocol has one, else by closing (MQTT 5: DISCONNECT with the reason code first).
   * `acknowledge`: never close. `disconnect`: always close. `drop`: say nothing; a refused CONNECT is
   * closed without a CONNACK.
   */
  answer?: 'acknowledge' | 'disconnect' | 'drop'
}

/** What a client said of itself in CONNECT; the client id is the client's own. */
export interface ConnectRequest {
  version: ProtocolVersion
  clientId: string
  cleanStart: boolean
  keepAliveSeconds: number
  username?: string
  password?: Buffer
  authenticationMethod?: string
  authenticationData?: Buffer
  /** Absent when the CONNECT had none. */
  userProperties?: Record<string, string>[]
  /** Requested; MQTT 3.1.1 persistent sessions ask for `Infinity`. */
  sessionExpirySeconds: number
  will?: Message & { delaySeconds: number }
  peer: Peer
}

/** A client that was let in. */
export interface Admission<Identity> {
  /** The space it joins. */
  space: string
  /** Whatever the personality wants to find again on the session. */
  identity: Identity
  /** Kept with the session, to know later whose it is. */
  owner?: string
  /** For a client that gave no id. @default a UUID */
  assignedClientId?: string
  /** Given back in the CONNACK after a CONNECT with an authentication method. */
  authenticationData?: Buffer
  /** For this client alone, at most the policy's. */
  sessionExpiryMaximumSeconds?: number
  /** For this client alone; the policy's `false` is everybody's. */
  retainAvailable?: boolean
}

/** One more step before a client is let in: it gets an AUTH with the data, and answers with one. */
export interface Challenge<Identity> {
  authenticationData?: Buffer
  respond(data: Buffer | undefined): Promise<Admission<Identity> | Refusal | Challenge<Identity>>
}

/** One filter of a SUBSCRIBE as the client sent it. */
export interface SubscriptionRequest {
  filter: string
  qos: QoS
}

/**
 * The MQTT rules of one personality: what its CONNACK says and what its session layer enforces.
 *
 * Data where the standard leaves a choice, small functions where the provider has its own checks.
 */
export interface MqttPolicy<Identity = unknown> {
  /** Personality id; keeps client ids of different personalities apart. */
  readonly personality: string
  readonly versions: readonly ProtocolVersion[]
  /** Said in the log, to whoever runs this, after a CONNECT that was refused 0x86 or 0x87: how one gets in. */
  readonly credentialHint?: string
  readonly maximumQoS: QoS
  /** Whether a wildcard filter is sent retained messages when it is subscribed. @default true */
  readonly retainedForWildcards?: boolean
  /** UNSUBACK code for a filter that was not subscribed. @default 0x11 */
  readonly noSubscriptionReasonCode?: number
  /** What a SUBSCRIBE above maximumQoS gets: a lower grant, or DISCONNECT 0x9B. */
  readonly subscribeAboveMaximumQoS: 'grant-maximum' | 'disconnect'
  readonly retainAvailable: boolean
  /**
   * What a retained publish gets where that is not available: DISCONNECT 0x9A, or MQTT 3.1.1 its publish
   * without the flag. @default disconnect
   */
  readonly retainUnavailable?: 'disconnect' | 'clear-before-mqtt-5'
  /** Whether a DISCONNECT carries the refusal's Reason String, as acknowledgements do. @default false */
  readonly explainsDisconnects?: boolean
  /** Whether a publish to no valid topic name ends the connection, though it could be acknowledged. @default false */
  readonly disconnectsOnInvalidTopic?: boolean
  readonly wildcardSubscriptionAvailable: boolean
  readonly subscriptionIdentifiersAvailable: boolean
  readonly sharedSubscriptionAvailable: boolean
  /** Unacknowledged QoS 1 and 2 publishes a client may have on the way to us; absent: not said. */
  readonly receiveMaximum?: number
  /** Unacknowledged QoS 1 and 2 publishes on the way to a client, whatever it allows; absent: the core's bound. */
  readonly inFlightMaximum?: number
  /** What is kept for a session whose client is away. Absent: the core's bound. */
  readonly offlineQueue?: OfflineQueue
  /**
   * Seconds from its first sending after which a QoS 1 publish without PUBACK is given up, whatever became of
   * the connection. Absent: it is kept as long as the session.
   */
  readonly givesUpAfterSeconds?: number
  /** Whether a publish that is sent again says so by its DUP flag. @default true */
  readonly marksRepeats?: boolean
  /** Highest topic alias a client may use towards us; 0: none. */
  readonly topicAliasMaximum: number
  /** Whether we shorten topics towards clients that allow it. @default false */
  readonly assignsTopicAliases?: boolean
  /** Bytes, whole packet; absent: the protocol's own limit. */
  readonly maximumPacketSize?: number
  /** Keep-alives outside the range are moved into it; `zero` says what "none" becomes. */
  readonly keepAlive: {
    minimumSeconds: number
    maximumSeconds: number
    zero: 'maximum' | 'unlimited'
    /** Reason String of the DISCONNECT that a silent client gets. */
    timeoutReason?: string
  }
  /** Larger requests are lowered to it and the CONNACK says so. */
  readonly sessionExpiryMaximumSeconds: number
  /** true: the CONNACK names every capability; false: only those that differ from the standard's default. */
  readonly announceDefaults: boolean
  /** Whether a WebSocket's closing frame counts as DISCONNECT 0x00: no will is sent. @default false */
  readonly closingFrameDisconnects?: boolean
  /** Whether a will waits as long as its client asked for. @default true */
  readonly delaysWills?: boolean
  /** Absent: no limit. */
  readonly subscriptionsPerConnection?: { maximum: number; refusal: Refusal }
  /** A SUBSCRIBE with more filters has all of them refused so. Absent: no limit. */
  readonly filtersPerSubscribe?: { maximum: number; refusal: Refusal }

  /** Checks the CONNECT, proves who the client is and says where it belongs. */
  authenticate(
    connect: ConnectRequest
  ): Promise<Admission<Identity> | Refusal | Challenge<Identity>>
  /** An AUTH on an open connection; absent: the provider knows none, and it is a Protocol Error. */
  reauthenticate?(
    session: Session<Identity>,
    request: { authenticationMethod: string; authenticationData: Buffer | undefined }
  ): Promise<Reauthentication<Identity>>
  /**
   * Whether this client may have a session under its id: the one that is kept, or a new one. The last
   * question of a CONNECT: what comes after it does not wait, except for a connection that is taken over.
   */
  checkSession?(
    client: Client<Identity>,
    kept: ClientSession | undefined,
    cleanStart: boolean
  ): Refusal | undefined
  /** Form of any MQTT 5 packet after CONNECT; a refusal ends the connection. */
  checkPacket?(session: Session<Identity>, packet: PacketForm): Refusal | undefined
  /**
   * Topic, size and permission of a publish or a will, asked for `client`. The topic is the space's.
   * May change `message.properties`, where the provider clamps an expiry, say.
   */
  checkPublish?(client: Client<Identity>, message: Message): Refusal | undefined
  /** Form and permission of one filter of a SUBSCRIBE. */
  checkSubscribe?(client: Client<Identity>, request: SubscriptionRequest): Refusal | undefined
  /** Permission to end a subscription that there is; a refusal keeps it. */
  checkUnsubscribe?(client: Client<Identity>, filter: string): Refusal | undefined
  /**
   * Takes a publish out of the ordinary path (system topics, basic ingest). A returned promise means
   * taken: the client is acknowledged when it resolves, with its Refusal if it resolves to one.
   */
  take?(session: Session<Identity>, message: Message): Promise<Refusal | void> | undefined
  /** The client's topic name in the space's terms; absent: the same. Runs before the checks. */
  toSpaceTopic?(topic: string, client: Client<Identity>): string
  /** The filters of the space that a client's filter stands for; absent: itself. Never empty. */
  toSpaceFilters?(filter: string, client: Client<Identity>): string[]
  /** Topic under which a message reaches this client; undefined: it does not reach it at all. */
  toClientTopic?(session: Session<Identity>, topic: string): string | undefined
  /** Told after the SUBACK: from here on what is published reaches the new subscriptions. */
  subscribed?(session: Session<Identity>, granted: SubscriptionRequest[]): void | Promise<void>
  /** MQTT 5 Response Information, for a client that asks for it. */
  responseInformation?(session: Session<Identity>): string | undefined
  /** More CONNACK properties, or others. */
  connackProperties?(session: Session<Identity>): WireProperties & Record<string, unknown>
}

/** How long a session's queue may get. */
export interface OfflineQueue {
  messages: number
  /** As kept. */
  bytes: number
  /**
   * `end-session`: the session is gone with all that it holds, and listeners are told; a client that is
   * connected but lets its oldest message wait for ten seconds counts as away. @default drop
   */
  whenFull?: 'drop' | 'end-session'
}

/** What a policy may want to know of a packet's form. */
export interface PacketForm {
  cmd: string
  reasonCode: number
  hasUserProperties: boolean
}

/** Who a check is made for: a session, or a client that is still at its CONNECT. */
export interface Client<Identity = unknown> {
  readonly clientId: string
  readonly version: ProtocolVersion
  readonly identity: Identity
}
