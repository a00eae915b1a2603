import type { Group } from '../groups.ts'
import type { QoS, WireProperties } from '../message.ts'
import type { Position, QueueEntry, Sent } from '../queues.ts'
import { add, noEntries, noMembers, put } from '../sparse.ts'
import type { Connection } from './connection.ts'
import { encodeForm, encodePublish, writeBytes, type Manner, type PublishTemplate } from './wire.ts'

/** A message that is to be delivered; one object for all who get it. */
export interface Deliverable {
  /** The space's. */
  topic: string
  payload: Buffer
  properties?: WireProperties
  /** Absolute, milliseconds since 1970. */
  messageExpiry?: number
  /** As published: it is the topic's retained message now. */
  retain?: boolean
  /** More than one client gets it. */
  isShared?: boolean
  /** Bytes of the last encoding, for the next client that wants the same. */
  template?: PublishTemplate
}

/** Where a delivery comes from, so that it can be forgotten there, or given back. */
export interface Source {
  /** The queue: a session's or a group's; with `position`, absent for what is in memory alone. */
  owner?: string
  position?: Position
  group?: Group
  /** Told once the client has acknowledged, or that it never will. */
  settled?: (acknowledged: boolean) => void
}

/** A QoS 1 or 2 publish that the client has not finished. */
interface Delivery {
  messageId: number
  qos: 1 | 2
  /** QoS 2: PUBREC has come, PUBREL has gone. */
  released: boolean
  source: Source
  /** Kept for a group's alone, which may hand it to another member. */
  message: Deliverable | undefined
  retain: boolean
  sentAtMs: number
  /** As sentAtMs, by an earlier connection maybe. */
  firstSentAtMs: number
}

interface Waiting {
  message: Deliverable
  manner: Manner
  source: Source
}

const NO_SOURCE: Source = {}
/** Entries of the queue that are read at once. */
const PAGE = 64
/** Bytes written and not taken by the client at which the rest of a queue waits. */
const HIGH_WATER_BYTES = 1024 * 1024

/** How long a message may wait for its acknowledgement before its client counts as away. */
const STALLED_MS = 10_000

/** MQTT 5 "Quota exceeded". */
const QUOTA_EXCEEDED = 0x97
/** MQTT 5 "Packet Identifier not found". */
const PACKET_IDENTIFIER_NOT_FOUND = 0x92

/** The way of messages to one client: its window, its queue, its acknowledgements. */
export class Outgoing {
  readonly #connection: Connection
  readonly #window: number
  #inFlight: Map<number, Delivery> = noEntries()
  #aliases: Map<string, number> = noEntries()
  #waiting: Waiting[] = []
  #waitingBytes = 0
  #nextId = 1
  #state: 'new' | 'open' | 'closed' = 'new'
  // The session's queue: read on from `handed` until nothing is left, then messages come as they are published.
  #behind: boolean
  #handed: Position | undefined
  /** Deliveries that an earlier connection of this session began. */
  readonly #begun: Map<Position, Sent>
  /** Of a group's queue and moved into ours while they were on their way; a reading may come across them. */
  #moved: Set<Position> = noMembers()
  #movedAndGone: Set<Position> = noMembers()
  /** Whoever waits for the acknowledgement of a message that is still to be read from the queue. */
  #tellers: Map<Position, (acknowledged: boolean) => void> = noEntries()
  #overtaking: Set<Set<string>> = noMembers()
  #roomWaiters: (() => void)[] = []
  #reading = false
  #again = false
  #awaitingDrain = false
  /** The wait for the first of `#inFlight` that is to be given up. */
  #giveUp: { atMs: number; cancel: () => void } | undefined

  constructor(connection: Connection) {
    const { policy, settled, entry, queues, bounds } = connection
    this.#connection = connection
    this.#window = Math.min(
      settled.client.receiveMaximum,
      policy.inFlightMaximum ?? bounds.inFlight
    )
    this.#behind = entry.expirySeconds > 0 || queues.size(entry.id).messages > 0
    this.#begun = settled.begun ?? noEntries()
  }

  /** The client has its CONNACK and no DISCONNECT: messages may go out. */
  isOpen(): boolean {
    const { farewelled, cause } = this.#connection
    return this.#state === 'open' && !farewelled && !cause
  }

  /** Whether a QoS 1 or 2 message could go out at once. */
  hasRoom(): boolean {
    const { stream } = this.#connection
    if (this.#inFlight.size >= this.#window) return false // [MQTT-3.3.4-9]
    if (stream.writableLength < HIGH_WATER_BYTES) return true
    this.#pumpWhenDrained()
    return false
  }

  /** Whether a message may be handed over and wait here, where there is no room for it. */
  mayWait(): boolean {
    const { stream } = this.#connection
    return this.#waiting.length < PAGE && stream.writableLength < HIGH_WATER_BYTES
  }

  /** Whether the client has let a message wait for its acknowledgement for too long. */
  isStalled(): boolean {
    const { clock } = this.#connection
    for (const { sentAtMs } of this.#inFlight.values()) return clock.now() - sentAtMs >= STALLED_MS
    return false
  }

  /** Whether what waits in memory is more than the policy keeps for a client that takes nothing. */
  #overflows(message: Deliverable): boolean {
    const { offlineQueue: limit } = this.#connection.entry
    if (limit?.whenFull !== 'end-session' || !this.isStalled()) return false
    const messages = this.#inFlight.size + this.#waiting.length
    return messages >= limit.messages || this.#waitingBytes + message.payload.length > limit.bytes
  }

  #pumpWhenDrained(): void {
    const { stream } = this.#connection
    if (this.#awaitingDrain) return
    this.#awaitingDrain = true
    stream.once('drain', () => {
      this.#awaitingDrain = false
      this.#pump()
    })
  }

  deliver(message: Deliverable, manner: Manner, source: Source = NO_SOURCE): void {
    const connection = this.#connection
    const { entry } = connection
    if (!this.isOpen()) return source.settled?.(false)
    if (!connection.wants(message.topic)) return this.#drop(source)
    if (message.retain) for (const topics of this.#overtaking) topics.add(message.topic)
    if (manner.qos === 0) {
      this.#sendOnce(message, manner)
      return source.settled?.(true)
    }
    if (source.owner === entry.id) return this.#deliverQueued(message, manner, source)
    if (this.#waiting.length === 0 && this.hasRoom()) return this.#send(message, manner, source)
    this.#wait(message, manner, source)
  }

  /** A message of the session's own queue; what finds no room is read from the queue later. */
  #deliverQueued(message: Deliverable, manner: Manner, source: Source): void {
    const position = source.position!
    if (this.#handed !== undefined && position <= this.#handed) return
    if (this.#behind || !this.hasRoom()) {
      this.#behind = true
      this.#again = true // what is read on may have been read before this was stored
      if (source.settled) this.#tellers = put(this.#tellers, position, source.settled)
      return
    }
    this.#handed = position
    this.#send(message, manner, source)
  }

  #wait(message: Deliverable, manner: Manner, source: Source): void {
    const connection = this.#connection
    const { bounds } = connection
    if (this.#overflows(message)) {
      connection.refuse({ rule: 'SessionOverflow', reasonCode: QUOTA_EXCEEDED })
      return
    }
    if (
      this.#waiting.length >= bounds.waitingMessages ||
      this.#waitingBytes > bounds.waitingBytes
    ) {
      const detail = `waiting=${this.#waiting.length} waitingBytes=${this.#waitingBytes}`
      connection.refuse({ rule: 'SlowClient', reasonCode: QUOTA_EXCEEDED, detail })
      return
    }
    this.#waiting.push({ message, manner, source })
    this.#waitingBytes += message.payload.length
  }

  /** QoS 0: goes out now or not at all. */
  #sendOnce(message: Deliverable, manner: Manner): void {
    const connection = this.#connection
    const { bounds, stream } = connection
    if (stream.writableLength > bounds.unsentBytes) {
      const detail = `waitingBytes=${stream.writableLength}`
      connection.logRefusal('deliver', { rule: 'SlowClient', reasonCode: QUOTA_EXCEEDED, detail })
      return
    }
    this.#write(message, manner, undefined, false)
  }

  #send(message: Deliverable, manner: Manner, source: Source, earlier?: Sent): void {
    const connection = this.#connection
    const { qos, retain } = manner as { qos: 1 | 2; retain: boolean }
    const messageId = earlier?.messageId ?? this.#takeId()
    const kept = source.group && source.position === undefined ? message : undefined
    const sentAtMs = connection.clock.now()
    const delivery: Delivery = {
      messageId,
      qos,
      released: false,
      source,
      message: kept,
      retain,
      sentAtMs,
      firstSentAtMs: earlier?.sentAtMs ?? sentAtMs
    }
    this.#inFlight = put(this.#inFlight, messageId, delivery)
    if (qos === 1) this.#waitToGiveUp(delivery)
    const isMarked = earlier !== undefined && connection.policy.marksRepeats !== false
    const go = () => {
      if (!this.isOpen()) return
      if (this.#write(message, manner, messageId, isMarked)) return
      this.#finish(delivery, true)
    }
    if (source.position === undefined) return go()
    const marked = this.#mark(delivery, message, manner)
    // A repeated QoS 1 message may come under a new id after a crash; one of QoS 2 may not.
    if (qos === 1 || earlier) return go()
    marked.then(go, () => connection.refuse({ rule: 'StoreFailed', reasonCode: 0x80 }))
  }

  /** Notes in the store that a delivery has begun. */
  #mark(delivery: Delivery, message: Deliverable, manner: Manner): Promise<void> {
    const { entry, queues } = this.#connection
    const { messageId, released, source, firstSentAtMs: sentAtMs } = delivery
    const { owner, position, group } = source as Required<Source>
    const sent = { messageId, released, sentAtMs }
    if (group && delivery.qos === 1) return Promise.resolve() // another member may get it
    if (group) {
      if (entry.expirySeconds === 0) return Promise.resolve()
      // [MQTT-4.8.2-4]: from here on it is this client's, even when it has to come back for it.
      delivery.source = { owner: entry.id, position }
      this.#moved = add(this.#moved, position)
      const { topic, payload, properties, messageExpiry: expiresAtMs } = message
      const { retain, identifiers } = manner
      const kept = {
        topic,
        payload,
        qos: 2 as const,
        retain,
        identifiers,
        ...(properties ? { properties } : {}),
        ...(expiresAtMs !== undefined ? { expiresAtMs } : {})
      }
      return this.#watched(queues.move(owner, entry.id, position, kept, sent))
    }
    return this.#watched(queues.markSent(owner, position, sent))
  }

  /** When this counts as undeliverable; undefined: never. */
  #giveUpAtMs(firstSentAtMs: number): number | undefined {
    const { givesUpAfterSeconds } = this.#connection.policy
    return givesUpAfterSeconds === undefined
      ? undefined
      : firstSentAtMs + givesUpAfterSeconds * 1000
  }

  /** One wait for all that is in flight, for what was sent first. */
  #waitToGiveUp({ firstSentAtMs }: Delivery): void {
    const { clock } = this.#connection
    const atMs = this.#giveUpAtMs(firstSentAtMs)
    if (atMs === undefined || (this.#giveUp && this.#giveUp.atMs <= atMs)) return
    this.#giveUp?.cancel()
    const cancel = clock.after(atMs - clock.now(), () => this.#giveUpOverdue())
    this.#giveUp = { atMs, cancel }
  }

  #giveUpOverdue(): void {
    const { clock } = this.#connection
    this.#giveUp = undefined
    for (const delivery of [...this.#inFlight.values()]) {
      if (delivery.qos === 2) continue
      if (this.#giveUpAtMs(delivery.firstSentAtMs)! > clock.now()) this.#waitToGiveUp(delivery)
      else {
        this.#sayGivenUp(delivery.messageId)
        this.#finish(delivery, false)
      }
    }
  }

  #sayGivenUp(messageId: number): void {
    const { log, policy, clientId } = this.#connection
    const after = `no PUBACK within ${policy.givesUpAfterSeconds} s`
    log.info(`${policy.personality} ${clientId} deliver given up: ${after} messageId=${messageId}`)
  }

  #watched(stored: Promise<void>): Promise<void> {
    const connection = this.#connection
    const { policy } = connection
    stored.catch((error: unknown) =>
      connection.log.error(error, `queue of ${policy.personality} ${connection.clientId}`)
    )
    return stored
  }

  #takeId(): number {
    while (
      this.#inFlight.has(this.#nextId) ||
      (this.#begun.size > 0 && this.#isBegun(this.#nextId))
    )
      this.#nextId = this.#nextId === 65535 ? 1 : this.#nextId + 1
    const id = this.#nextId
    this.#nextId = this.#nextId === 65535 ? 1 : this.#nextId + 1
    return id
  }

  /** Ids of deliveries that an earlier connection began and that are not repeated yet. */
  #isBegun(messageId: number): boolean {
    for (const sent of this.#begun.values()) if (sent.messageId === messageId) return true
    return false
  }

  /** false: too large for the client, which counts as delivered [MQTT-3.1.2-25]. */
  #write(
    message: Deliverable,
    manner: Manner,
    messageId: number | undefined,
    dup: boolean
  ): boolean {
    const connection = this.#connection
    const { policy, settled, version } = connection
    const { maximumPacketBytes, topicAliasMaximum } = settled.client
    const topic = policy.toClientTopic?.(connection, message.topic) ?? message.topic
    const alias = topicAliasMaximum > 0 ? this.#toAlias(topic) : undefined
    const expirySeconds = this.#expiryLeft(message)
    const bytes =
      dup || alias
        ? encodeForm(message, { version, topic, expirySeconds, manner }, messageId, dup, alias)
        : encodePublish(message, version, topic, expirySeconds, manner, messageId)
    if (bytes.length <= maximumPacketBytes) {
      writeBytes(connection.stream, bytes)
      return true
    }
    const detail = `packetBytes=${bytes.length}`
    connection.logRefusal('deliver', { rule: 'ClientMaximumPacketSize', reasonCode: 0x95, detail })
    // An alias that was to be introduced here is not known to the client.
    if (alias?.isNew) this.#aliases.delete(topic)
    return false
  }

  /** Seconds left [MQTT-3.3.2-6]; undefined when there is no limit. */
  #expiryLeft(message: Deliverable): number | undefined {
    const { clock } = this.#connection
    if (message.messageExpiry === undefined) return undefined
    return Math.max(1, Math.ceil((message.messageExpiry - clock.now()) / 1000))
  }

  /** The first topics of a connection get short names, as many as the client allows. */
  #toAlias(topic: string): { alias: number; isNew: boolean } | undefined {
    const { settled } = this.#connection
    const { topicAliasMaximum } = settled.client
    const known = this.#aliases.get(topic)
    if (known !== undefined) return { alias: known, isNew: false }
    if (this.#aliases.size >= topicAliasMaximum) return undefined
    const alias = this.#aliases.size + 1
    this.#aliases = put(this.#aliases, topic, alias)
    return { alias, isNew: true }
  }

  /** For the queue it is as if the client had taken it. */
  #drop({ owner, position, settled: tell }: Source): void {
    const { queues } = this.#connection
    if (owner !== undefined && position !== undefined) {
      this.#watched(queues.remove(owner, position)).catch(() => {})
    }
    tell?.(false)
  }

  #finish(delivery: Delivery, acknowledged: boolean): void {
    const { queues } = this.#connection
    this.#inFlight.delete(delivery.messageId)
    const { owner, position, settled: tell } = delivery.source
    if (owner !== undefined && position !== undefined) {
      this.#watched(queues.remove(owner, position)).then(
        () => this.#forgetMoved(position),
        () => {} // said in the log
      )
    }
    tell?.(acknowledged)
    this.#pump()
  }

  #pump(): void {
    const { entry } = this.#connection
    if (!this.isOpen()) return
    while (this.#waiting.length > 0 && this.hasRoom()) {
      const { message, manner, source } = this.#waiting.shift()!
      this.#waitingBytes -= message.payload.length
      this.#send(message, manner, source)
    }
    if (this.#behind && this.hasRoom()) this.#readOn()
    for (const group of entry.groups) if (this.hasRoom()) group.pump()
    if (this.#roomWaiters.length > 0 && this.#waiting.length === 0 && this.hasRoom())
      this.#wakeAll()
  }

  #wakeAll(): void {
    const waiters = this.#roomWaiters
    this.#roomWaiters = []
    for (const wake of waiters) wake()
  }

  #readOn(): void {
    const connection = this.#connection
    const { policy } = connection
    this.#again = true
    if (this.#reading) return
    this.#reading = true
    this.#catchUp()
      .catch((error: unknown) => {
        connection.log.error(error, `queue of ${policy.personality} ${connection.clientId}`)
        connection.refuse({ rule: 'StoreFailed', reasonCode: 0x80 })
      })
      .finally(() => {
        this.#reading = false
        for (const position of this.#movedAndGone) this.#moved.delete(position)
        this.#movedAndGone.clear()
        // Room came while the reading was coming to its end.
        if (this.#again && this.#behind && this.isOpen() && this.hasRoom()) this.#readOn()
      })
  }

  /** It is out of the store; a reading that began before may have it in hand all the same. */
  #forgetMoved(position: Position): void {
    if (!this.#moved.has(position)) return
    if (this.#reading) this.#movedAndGone = add(this.#movedAndGone, position)
    else this.#moved.delete(position)
  }

  async #catchUp(): Promise<void> {
    const { entry, queues } = this.#connection
    while (this.#behind) {
      this.#again = false
      if (!this.isOpen() || !this.hasRoom()) return
      const entries = await queues.read(entry.id, this.#handed, PAGE)
      for (const one of entries) {
        if (!this.isOpen() || !this.hasRoom()) return
        this.#handed = one.position
        this.#repeatOrSend(one)
      }
      if (entries.length === 0 && !this.#again) this.#behind = false
    }
  }

  #repeatOrSend({ position, message }: QueueEntry): void {
    const connection = this.#connection
    const { clock, entry } = connection
    const tell = this.#tellers.get(position)
    this.#tellers.delete(position)
    const source: Source = { owner: entry.id, position, ...(tell ? { settled: tell } : {}) }
    if (this.#moved.delete(position)) return
    const earlier = this.#begun.get(position)
    this.#begun.delete(position)
    if (earlier?.released) {
      const { retain } = message
      const { messageId } = earlier
      this.#inFlight = put(this.#inFlight, messageId, {
        messageId,
        qos: 2,
        released: true,
        source,
        message: undefined,
        retain,
        sentAtMs: clock.now(),
        firstSentAtMs: clock.now()
      })
      return connection.write({ cmd: 'pubrel', messageId, reasonCode: 0 })
    }
    const giveUpAtMs =
      message.qos === 1 ? this.#giveUpAtMs(earlier?.sentAtMs ?? clock.now()) : undefined
    if (earlier && giveUpAtMs !== undefined && giveUpAtMs <= clock.now()) {
      this.#sayGivenUp(earlier.messageId)
      return this.#drop(source)
    }
    const { topic, payload, properties, expiresAtMs: messageExpiry } = message
    if (messageExpiry !== undefined && messageExpiry <= clock.now() && !earlier)
      return this.#drop(source)
    if (!connection.wants(topic)) return this.#drop(source)
    const deliverable = {
      topic,
      payload,
      ...(properties ? { properties } : {}),
      ...(messageExpiry !== undefined ? { messageExpiry } : {})
    }
    const { qos, retain, identifiers = [] } = message
    this.#send(deliverable, { qos, retain, identifiers }, source, earlier)
  }

  #wrongAcknowledgement(packet: string, messageId: number): void {
    const connection = this.#connection
    const detail = `${packet} for messageId=${messageId}`
    connection.refuse({ rule: 'ProtocolError', reasonCode: 0x82, detail })
  }

  /** Resolves when there is room for more that can wait; false when the connection is over. */
  async whenRoom(): Promise<boolean> {
    while (this.isOpen() && (this.#waiting.length > 0 || !this.hasRoom())) {
      await new Promise<void>((resolve) => this.#roomWaiters.push(resolve))
    }
    return this.isOpen()
  }

  /** Notes from here on which retained messages are overtaken by newer ones. */
  watchRetained(): { isOvertaken(topic: string): boolean; end(): void } {
    const topics = new Set<string>()
    this.#overtaking = add(this.#overtaking, topics)
    return {
      isOvertaken: (topic) => topics.has(topic),
      end: () => void this.#overtaking.delete(topics)
    }
  }

  /** After the CONNACK: sends what the session's queue holds, then what comes. */
  open(): void {
    this.#state = 'open'
    this.#pump()
  }

  puback(messageId: number): void {
    const delivery = this.#inFlight.get(messageId)
    if (!delivery) return
    if (delivery.qos === 2) return this.#wrongAcknowledgement('PUBACK', messageId)
    this.#finish(delivery, true)
  }

  pubrec(messageId: number, reasonCode: number): void {
    const connection = this.#connection
    const { queues, version } = connection
    const delivery = this.#inFlight.get(messageId)
    if (!delivery) {
      const unknown = version === 5 ? PACKET_IDENTIFIER_NOT_FOUND : 0
      return connection.write({ cmd: 'pubrel', messageId, reasonCode: unknown })
    }
    if (delivery.qos === 1) return this.#wrongAcknowledgement('PUBREC', messageId)
    if (reasonCode >= 0x80) return this.#finish(delivery, true) // [MQTT-4.3.3-4]
    delivery.released = true
    const { owner, position } = delivery.source
    const release = () => connection.write({ cmd: 'pubrel', messageId, reasonCode: 0 })
    if (owner === undefined || position === undefined || delivery.source.group) return release()
    this.#watched(queues.markSent(owner, position, { messageId, released: true })).then(
      release,
      () => connection.refuse({ rule: 'StoreFailed', reasonCode: 0x80 })
    )
  }

  pubcomp(messageId: number): void {
    const delivery = this.#inFlight.get(messageId)
    if (!delivery) return
    if (delivery.qos === 1) return this.#wrongAcknowledgement('PUBCOMP', messageId)
    this.#finish(delivery, true)
  }

  /** The connection is over: what a group gave goes back to it. */
  close(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#giveUp?.cancel()
    for (const { source, qos, message, retain } of this.#inFlight.values()) {
      // A QoS 2 message that was sent may go to nobody else [MQTT-4.8.2-5].
      if (qos === 1) this.#giveBack(source, message, { qos, retain })
      else if (source.group) this.#drop(source)
      else source.settled?.(false)
    }
    for (const { source, message, manner } of this.#waiting) this.#giveBack(source, message, manner)
    this.#inFlight.clear()
    this.#waiting = []
    for (const tell of this.#tellers.values()) tell(false)
    this.#tellers.clear()
    this.#wakeAll()
  }

  #giveBack(
    source: Source,
    message: Deliverable | undefined,
    { qos, retain }: { qos: QoS; retain: boolean }
  ): void {
    const { group, position } = source
    source.settled?.(false)
    if (!group) return
    if (position !== undefined) group.giveBack(position)
    else if (message) group.offer(message, qos, retain, undefined)
  }
}
