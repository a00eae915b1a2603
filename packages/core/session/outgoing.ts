import type { Group } from '../groups.ts'
import type { QoS, WireProperties } from '../message.ts'
import type { Position, QueueEntry, Sent } from '../queues.ts'
import type { Connection } from './connection.ts'
import { encodeForm, encodePublish, type Manner, type PublishTemplate } from './wire.ts'

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
}

interface Waiting {
  message: Deliverable
  manner: Manner
  source: Source
}

/** The way of messages to one client: its window, its queue, its acknowledgements. */
export interface Outgoing {
  /** The client has its CONNACK and no DISCONNECT: messages may go out. */
  isOpen(): boolean
  /** Whether a QoS 1 or 2 message could go out at once. */
  hasRoom(): boolean
  /** Whether the client has let a message wait for its acknowledgement for too long. */
  isStalled(): boolean
  deliver(message: Deliverable, manner: Manner, source?: Source): void
  /** Resolves when there is room for more that can wait; false when the connection is over. */
  whenRoom(): Promise<boolean>
  /** Notes from here on which retained messages are overtaken by newer ones. */
  watchRetained(): { isOvertaken(topic: string): boolean; end(): void }
  /** After the CONNACK: sends what the session's queue holds, then what comes. */
  open(): void
  puback(messageId: number): void
  pubrec(messageId: number, reasonCode: number): void
  pubcomp(messageId: number): void
  /** The connection is over: what a group gave goes back to it. */
  close(): void
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

export function createOutgoing(connection: Connection): Outgoing {
  const { policy, stream, settled, version, entry, queues, clock, bounds } = connection
  const { receiveMaximum, maximumPacketBytes, topicAliasMaximum } = settled.client
  const window = Math.min(receiveMaximum, policy.inFlightMaximum ?? bounds.inFlight)
  const inFlight = new Map<number, Delivery>()
  const aliases = new Map<string, number>()
  let waiting: Waiting[] = []
  let waitingBytes = 0
  let nextId = 1
  let state: 'new' | 'open' | 'closed' = 'new'
  // The session's queue: read on from `handed` until nothing is left, then messages come as they are published.
  let behind = entry.expirySeconds > 0 || queues.size(entry.id).messages > 0
  let handed: Position | undefined
  /** Deliveries that an earlier connection of this session began. */
  const begun = settled.begun ?? new Map<Position, Sent>()
  /** Of a group's queue and moved into ours while they were on their way. */
  const moved = new Set<Position>()
  /** Whoever waits for the acknowledgement of a message that is still to be read from the queue. */
  const tellers = new Map<Position, (acknowledged: boolean) => void>()
  const overtaking = new Set<Set<string>>()
  let roomWaiters: (() => void)[] = []
  let reading = false
  let again = false
  let awaitingDrain = false

  const isOpen = () => state === 'open' && !connection.farewelled && !connection.cause

  function hasRoom(): boolean {
    if (inFlight.size >= window) return false // [MQTT-3.3.4-9]
    if (stream.writableLength < HIGH_WATER_BYTES) return true
    pumpWhenDrained()
    return false
  }

  function isStalled(): boolean {
    for (const { sentAtMs } of inFlight.values()) return clock.now() - sentAtMs >= STALLED_MS
    return false
  }

  /** Whether what waits in memory is more than the policy keeps for a client that takes nothing. */
  function overflows(message: Deliverable): boolean {
    const { offlineQueue: limit } = entry
    if (limit?.whenFull !== 'end-session' || !isStalled()) return false
    const messages = inFlight.size + waiting.length
    return messages >= limit.messages || waitingBytes + message.payload.length > limit.bytes
  }

  function pumpWhenDrained(): void {
    if (awaitingDrain) return
    awaitingDrain = true
    stream.once('drain', () => {
      awaitingDrain = false
      pump()
    })
  }

  function deliver(message: Deliverable, manner: Manner, source: Source = NO_SOURCE): void {
    if (!isOpen()) return source.settled?.(false)
    if (!connection.wants(message.topic)) return drop(source)
    if (message.retain) for (const topics of overtaking) topics.add(message.topic)
    if (manner.qos === 0) {
      sendOnce(message, manner)
      return source.settled?.(true)
    }
    if (source.owner === entry.id) return deliverQueued(message, manner, source)
    if (waiting.length === 0 && hasRoom()) return send(message, manner, source)
    wait(message, manner, source)
  }

  /** A message of the session's own queue; what finds no room is read from the queue later. */
  function deliverQueued(message: Deliverable, manner: Manner, source: Source): void {
    const position = source.position!
    if (handed !== undefined && position <= handed) return
    if (behind || !hasRoom()) {
      behind = true
      again = true // what is read on may have been read before this was stored
      if (source.settled) tellers.set(position, source.settled)
      return
    }
    handed = position
    send(message, manner, source)
  }

  function wait(message: Deliverable, manner: Manner, source: Source): void {
    if (overflows(message)) {
      connection.refuse({ rule: 'SessionOverflow', reasonCode: QUOTA_EXCEEDED })
      return
    }
    if (waiting.length >= bounds.waitingMessages || waitingBytes > bounds.waitingBytes) {
      const detail = `waiting=${waiting.length} waitingBytes=${waitingBytes}`
      connection.refuse({ rule: 'SlowClient', reasonCode: QUOTA_EXCEEDED, detail })
      return
    }
    waiting.push({ message, manner, source })
    waitingBytes += message.payload.length
  }

  /** QoS 0: goes out now or not at all. */
  function sendOnce(message: Deliverable, manner: Manner): void {
    if (stream.writableLength > bounds.unsentBytes) {
      const detail = `waitingBytes=${stream.writableLength}`
      connection.logRefusal('deliver', { rule: 'SlowClient', reasonCode: QUOTA_EXCEEDED, detail })
      return
    }
    write(message, manner, undefined, false)
  }

  function send(message: Deliverable, manner: Manner, source: Source, earlier?: Sent): void {
    const { qos, retain } = manner as { qos: 1 | 2; retain: boolean }
    const messageId = earlier?.messageId ?? takeId()
    const kept = source.group && source.position === undefined ? message : undefined
    const sentAtMs = clock.now()
    const delivery: Delivery = {
      messageId,
      qos,
      released: false,
      source,
      message: kept,
      retain,
      sentAtMs
    }
    inFlight.set(messageId, delivery)
    const go = () => {
      if (!isOpen()) return
      if (write(message, manner, messageId, earlier !== undefined)) return
      finish(delivery, true)
    }
    if (source.position === undefined) return go()
    const marked = mark(delivery, message, manner)
    // A repeated QoS 1 message may come under a new id after a crash; one of QoS 2 may not.
    if (qos === 1 || earlier) return go()
    marked.then(go, () => connection.refuse({ rule: 'StoreFailed', reasonCode: 0x80 }))
  }

  /** Notes in the store that a delivery has begun. */
  function mark(delivery: Delivery, message: Deliverable, manner: Manner): Promise<void> {
    const { messageId, released, source } = delivery
    const { owner, position, group } = source as Required<Source>
    const sent = { messageId, released }
    if (group && delivery.qos === 1) return Promise.resolve() // another member may get it
    if (group) {
      if (entry.expirySeconds === 0) return Promise.resolve()
      // [MQTT-4.8.2-4]: from here on it is this client's, even when it has to come back for it.
      delivery.source = { owner: entry.id, position }
      moved.add(position)
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
      return watched(queues.move(owner, entry.id, position, kept, sent))
    }
    return watched(queues.markSent(owner, position, sent))
  }

  function watched(stored: Promise<void>): Promise<void> {
    stored.catch((error: unknown) =>
      connection.log.error(error, `queue of ${policy.personality} ${connection.clientId}`)
    )
    return stored
  }

  function takeId(): number {
    while (inFlight.has(nextId) || (begun.size > 0 && isBegun(nextId)))
      nextId = nextId === 65535 ? 1 : nextId + 1
    const id = nextId
    nextId = nextId === 65535 ? 1 : nextId + 1
    return id
  }

  /** Ids of deliveries that an earlier connection began and that are not repeated yet. */
  function isBegun(messageId: number): boolean {
    for (const sent of begun.values()) if (sent.messageId === messageId) return true
    return false
  }

  /** false: too large for the client, which counts as delivered [MQTT-3.1.2-25]. */
  function write(
    message: Deliverable,
    manner: Manner,
    messageId: number | undefined,
    dup: boolean
  ): boolean {
    const topic = policy.toClientTopic?.(connection, message.topic) ?? message.topic
    const alias = topicAliasMaximum > 0 ? toAlias(topic) : undefined
    const expirySeconds = expiryLeft(message)
    const bytes =
      dup || alias
        ? encodeForm(message, { version, topic, expirySeconds, manner }, messageId, dup, alias)
        : encodePublish(message, version, topic, expirySeconds, manner, messageId)
    if (bytes.length <= maximumPacketBytes) {
      connection.writer.writeBytes(bytes)
      return true
    }
    const detail = `packetBytes=${bytes.length}`
    connection.logRefusal('deliver', { rule: 'ClientMaximumPacketSize', reasonCode: 0x95, detail })
    // An alias that was to be introduced here is not known to the client.
    if (alias?.isNew) aliases.delete(topic)
    return false
  }

  /** Seconds left [MQTT-3.3.2-6]; undefined when there is no limit. */
  function expiryLeft(message: Deliverable): number | undefined {
    if (message.messageExpiry === undefined) return undefined
    return Math.max(1, Math.ceil((message.messageExpiry - clock.now()) / 1000))
  }

  /** The first topics of a connection get short names, as many as the client allows. */
  function toAlias(topic: string): { alias: number; isNew: boolean } | undefined {
    const known = aliases.get(topic)
    if (known !== undefined) return { alias: known, isNew: false }
    if (aliases.size >= topicAliasMaximum) return undefined
    const alias = aliases.size + 1
    aliases.set(topic, alias)
    return { alias, isNew: true }
  }

  /** For the queue it is as if the client had taken it. */
  function drop({ owner, position, settled: tell }: Source): void {
    if (owner !== undefined && position !== undefined) {
      watched(queues.remove(owner, position)).catch(() => {})
    }
    tell?.(false)
  }

  function finish(delivery: Delivery, acknowledged: boolean): void {
    inFlight.delete(delivery.messageId)
    const { owner, position, settled: tell } = delivery.source
    if (owner !== undefined && position !== undefined) {
      watched(queues.remove(owner, position)).catch(() => {})
    }
    tell?.(acknowledged)
    pump()
  }

  function pump(): void {
    if (!isOpen()) return
    while (waiting.length > 0 && hasRoom()) {
      const { message, manner, source } = waiting.shift()!
      waitingBytes -= message.payload.length
      send(message, manner, source)
    }
    if (behind && hasRoom()) readOn()
    for (const group of entry.groups) if (hasRoom()) group.pump()
    if (roomWaiters.length > 0 && waiting.length === 0 && hasRoom()) wakeAll()
  }

  function wakeAll(): void {
    const waiters = roomWaiters
    roomWaiters = []
    for (const wake of waiters) wake()
  }

  function readOn(): void {
    again = true
    if (reading) return
    reading = true
    catchUp()
      .catch((error: unknown) => {
        connection.log.error(error, `queue of ${policy.personality} ${connection.clientId}`)
        connection.refuse({ rule: 'StoreFailed', reasonCode: 0x80 })
      })
      .finally(() => {
        reading = false
        // Room came while the reading was coming to its end.
        if (again && behind && isOpen() && hasRoom()) readOn()
      })
  }

  async function catchUp(): Promise<void> {
    while (behind) {
      again = false
      if (!isOpen() || !hasRoom()) return
      const entries = await queues.read(entry.id, handed, PAGE)
      for (const one of entries) {
        if (!isOpen() || !hasRoom()) return
        handed = one.position
        repeatOrSend(one)
      }
      if (entries.length === 0 && !again) behind = false
    }
  }

  function repeatOrSend({ position, message }: QueueEntry): void {
    const tell = tellers.get(position)
    tellers.delete(position)
    const source: Source = { owner: entry.id, position, ...(tell ? { settled: tell } : {}) }
    if (moved.delete(position)) return
    const earlier = begun.get(position)
    begun.delete(position)
    if (earlier?.released) {
      const { retain } = message
      const { messageId } = earlier
      inFlight.set(messageId, {
        messageId,
        qos: 2,
        released: true,
        source,
        message: undefined,
        retain,
        sentAtMs: clock.now()
      })
      return connection.write({ cmd: 'pubrel', messageId, reasonCode: 0 })
    }
    const { topic, payload, properties, expiresAtMs: messageExpiry } = message
    if (messageExpiry !== undefined && messageExpiry <= clock.now() && !earlier) return drop(source)
    if (!connection.wants(topic)) return drop(source)
    const deliverable = {
      topic,
      payload,
      ...(properties ? { properties } : {}),
      ...(messageExpiry !== undefined ? { messageExpiry } : {})
    }
    const { qos, retain, identifiers = [] } = message
    send(deliverable, { qos, retain, identifiers }, source, earlier)
  }

  function wrongAcknowledgement(packet: string, messageId: number): void {
    const detail = `${packet} for messageId=${messageId}`
    connection.refuse({ rule: 'ProtocolError', reasonCode: 0x82, detail })
  }

  return {
    isOpen,
    hasRoom,
    isStalled,
    deliver,
    async whenRoom() {
      while (isOpen() && (waiting.length > 0 || !hasRoom())) {
        await new Promise<void>((resolve) => roomWaiters.push(resolve))
      }
      return isOpen()
    },
    watchRetained() {
      const topics = new Set<string>()
      overtaking.add(topics)
      return {
        isOvertaken: (topic) => topics.has(topic),
        end: () => void overtaking.delete(topics)
      }
    },
    open() {
      state = 'open'
      pump()
    },
    puback(messageId) {
      const delivery = inFlight.get(messageId)
      if (!delivery) return
      if (delivery.qos === 2) return wrongAcknowledgement('PUBACK', messageId)
      finish(delivery, true)
    },
    pubrec(messageId, reasonCode) {
      const delivery = inFlight.get(messageId)
      if (!delivery) {
        const unknown = version === 5 ? PACKET_IDENTIFIER_NOT_FOUND : 0
        return connection.write({ cmd: 'pubrel', messageId, reasonCode: unknown })
      }
      if (delivery.qos === 1) return wrongAcknowledgement('PUBREC', messageId)
      if (reasonCode >= 0x80) return finish(delivery, true) // [MQTT-4.3.3-4]
      delivery.released = true
      const { owner, position } = delivery.source
      const release = () => connection.write({ cmd: 'pubrel', messageId, reasonCode: 0 })
      if (owner === undefined || position === undefined || delivery.source.group) return release()
      watched(queues.markSent(owner, position, { messageId, released: true })).then(release, () =>
        connection.refuse({ rule: 'StoreFailed', reasonCode: 0x80 })
      )
    },
    pubcomp(messageId) {
      const delivery = inFlight.get(messageId)
      if (!delivery) return
      if (delivery.qos === 1) return wrongAcknowledgement('PUBCOMP', messageId)
      finish(delivery, true)
    },
    close() {
      if (state === 'closed') return
      state = 'closed'
      for (const { source, qos, message, retain } of inFlight.values()) {
        // A QoS 2 message that was sent may go to nobody else [MQTT-4.8.2-5].
        if (qos === 1) giveBack(source, message, { qos, retain })
        else if (source.group) drop(source)
        else source.settled?.(false)
      }
      for (const { source, message, manner } of waiting) giveBack(source, message, manner)
      inFlight.clear()
      waiting = []
      for (const tell of tellers.values()) tell(false)
      tellers.clear()
      wakeAll()
    }
  }

  function giveBack(
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
