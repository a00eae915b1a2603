import { once } from 'node:events'
import net from 'node:net'
import mqttPacket from 'mqtt-packet'
import { within } from '../within.ts'

const ANSWER_MS = 30_000

export type QoS = 0 | 1 | 2

/** What is published, and what arrives. */
export interface DeviceMessage {
  topic: string
  payload: Buffer
  qos: QoS
  retain: boolean
  properties?: { messageExpiryInterval?: number }
}

/** What may differ from one connection to the next. */
export interface ConnectOptions {
  /** Forget the session. @default true */
  clean?: boolean
  /** MQTT 5; how long the session outlives the connection. @default a day where it is not clean, else 0 */
  expirySeconds?: number
  will?: DeviceMessage & { delaySeconds?: number }
}

export interface DeviceOptions extends ConnectOptions {
  clientId: string
  /** @default 4 */
  version?: 4 | 5
  /** Called for each message once, as the protocol counts once. */
  onMessage?(message: DeviceMessage): void
}

/** MQTT 5, by the standard's abbreviations: no local, retain as published, retain handling. */
export interface SubscribeOptions {
  nl?: boolean
  rap?: boolean
  rh?: 0 | 1 | 2
}

/** A publish that is not acknowledged for good. */
interface Unfinished {
  packet: Record<string, any>
  /** QoS 2: the PUBREC is here, and PUBREL is what is sent again. */
  received: boolean
  done(reasonCode: number): void
}

/**
 * An MQTT client that does exactly what the standard asks of one, over as many connections as it takes.
 *
 * What is unfinished when a connection ends is sent again on the next [MQTT-4.4.0-1].
 */
export interface Device {
  readonly clientId: string
  /** Connects anew; answers whether the server still had the session. */
  connect(port: number, options?: ConnectOptions): Promise<boolean>
  /** The granted QoS, or a failure code. */
  subscribe(filter: string, qos: QoS, options?: SubscribeOptions): Promise<number>
  unsubscribe(filter: string): Promise<void>
  /** Resolves with the reason code of PUBACK, PUBCOMP or a failed PUBREC; QoS 0: when there is room. */
  publish(message: DeviceMessage): Promise<number>
  /** Resolves when the server has read all that was sent so far. */
  ping(): Promise<void>
  /** Publishes that wait for an acknowledgement. */
  readonly unfinished: number
  readonly connected: boolean
  /** Resolves when the connection of now is over. */
  closed(): Promise<void>
  /** Cuts the connection. */
  kill(): void
  /** Leaves with a DISCONNECT. */
  end(): Promise<void>
  /** Stops, and goes on, taking bytes from the socket. */
  pause(): void
  resume(): void
}

export function createDevice(options: DeviceOptions): Device {
  const { clientId, version = 4, onMessage } = options
  const unfinished = new Map<number, Unfinished>()
  /** Ids of QoS 2 messages that came and were not released: the same id again is the same message. */
  const taken = new Set<number>()
  const answers = new Map<string, (packet: Record<string, any>) => void>()
  let socket: net.Socket | undefined
  let over: Promise<void> = Promise.resolve()
  let corked = false
  let draining: Promise<unknown> | undefined
  let lastId = 0

  function send(packet: Record<string, any>): void {
    if (!socket || socket.destroyed) return
    const to = socket
    if (!corked) {
      corked = true
      to.cork()
      setImmediate(() => {
        corked = false
        to.uncork()
      })
    }
    to.write(mqttPacket.generate(packet as never, { protocolVersion: version }))
  }

  /** Resolves when the socket takes more, or is gone. */
  function room(): Promise<unknown> {
    if (!socket?.writableNeedDrain || socket.destroyed) return Promise.resolve()
    const drained = (draining ??= new Promise((resolve) => socket!.once('drain', resolve)).then(
      () => (draining = undefined)
    ))
    return Promise.race([drained, over])
  }

  function freeId(): number {
    do lastId = lastId === 65_535 ? 1 : lastId + 1
    while (unfinished.has(lastId))
    return lastId
  }

  function answerTo(key: string): Promise<Record<string, any>> {
    const answer = new Promise<Record<string, any>>((resolve) => answers.set(key, resolve))
    const lost = over.then(() => {
      throw new Error(`${clientId} lost its connection before ${key}`)
    })
    return within(ANSWER_MS, Promise.race([answer, lost]), `${key} for ${clientId}`).finally(() =>
      answers.delete(key)
    )
  }

  function receive(packet: Record<string, any>): void {
    const { cmd, messageId } = packet
    switch (cmd) {
      case 'publish':
        return receivePublish(packet)
      case 'pubrel':
        taken.delete(messageId)
        return send({ cmd: 'pubcomp', messageId })
      case 'pubrec': {
        const waiting = unfinished.get(messageId)
        if ((packet.reasonCode ?? 0) >= 0x80) return finish(messageId, packet.reasonCode)
        if (waiting) waiting.received = true
        return send({ cmd: 'pubrel', messageId })
      }
      case 'puback':
      case 'pubcomp':
        return finish(messageId, packet.reasonCode ?? 0)
      default:
        answers.get(messageId === undefined ? cmd : `${cmd} ${messageId}`)?.(packet)
    }
  }

  function receivePublish({ topic, payload, qos, retain, messageId }: Record<string, any>): void {
    if (qos === 2) {
      const known = taken.has(messageId)
      taken.add(messageId)
      send({ cmd: 'pubrec', messageId })
      if (known) return
    } else if (qos === 1) send({ cmd: 'puback', messageId })
    onMessage?.({ topic, payload, qos, retain })
  }

  function finish(messageId: number, reasonCode: number): void {
    const waiting = unfinished.get(messageId)
    unfinished.delete(messageId)
    waiting?.done(reasonCode)
  }

  function sendAgain(): void {
    for (const [messageId, { packet, received }] of unfinished) {
      send(received ? { cmd: 'pubrel', messageId } : { ...packet, dup: true })
    }
  }

  return {
    clientId,
    get unfinished() {
      return unfinished.size
    },
    get connected() {
      return socket !== undefined && !socket.destroyed
    },
    async connect(port, now = {}) {
      const { clean = true, will, expirySeconds = clean ? 0 : 86_400 } = { ...options, ...now }
      const fresh = net.connect(port, '127.0.0.1')
      fresh.setNoDelay(true)
      await once(fresh, 'connect')
      fresh.on('error', () => {}) // 'close' follows, and tells
      socket = fresh
      corked = false
      draining = undefined
      over = new Promise((resolve) => fresh.once('close', () => resolve()))
      const parser = mqttPacket.parser({ protocolVersion: version })
      parser.on('packet', receive)
      parser.on('error', () => fresh.destroy())
      fresh.on('data', (bytes) => parser.parse(bytes))
      const answer = answerTo('connack')
      send({
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion: version,
        clean,
        clientId,
        keepalive: 0,
        ...(will ? { will: toWill(will) } : {}),
        ...(version === 5 ? { properties: { sessionExpiryInterval: expirySeconds } } : {})
      })
      const connack = await answer
      const code = connack.reasonCode ?? connack.returnCode ?? 0
      if (code !== 0) throw new Error(`${clientId} was refused with ${code}`)
      if (!connack.sessionPresent) taken.clear()
      sendAgain()
      return connack.sessionPresent === true
    },
    async subscribe(filter, qos, more = {}) {
      const messageId = freeId()
      const answer = answerTo(`suback ${messageId}`)
      send({ cmd: 'subscribe', messageId, subscriptions: [{ topic: filter, qos, ...more }] })
      return (await answer).granted[0]
    },
    async unsubscribe(filter) {
      const messageId = freeId()
      const answer = answerTo(`unsuback ${messageId}`)
      send({ cmd: 'unsubscribe', messageId, unsubscriptions: [filter] })
      await answer
    },
    publish(message) {
      const packet: Record<string, any> = { cmd: 'publish', ...message, dup: false }
      if (message.qos === 0) {
        send(packet)
        return room().then(() => 0)
      }
      packet.messageId = freeId()
      return new Promise((done) => {
        unfinished.set(packet.messageId, { packet, received: false, done })
        send(packet)
      })
    },
    async ping() {
      const answer = answerTo('pingresp')
      send({ cmd: 'pingreq' })
      await answer
    },
    closed: () => over,
    kill: () => void socket?.destroy(),
    async end() {
      send({ cmd: 'disconnect' })
      socket?.uncork()
      socket?.end()
      await within(ANSWER_MS, over, `the end of ${clientId}`)
    },
    pause: () => void socket?.pause(),
    resume: () => void socket?.resume()
  }
}

function toWill({ delaySeconds = 0, ...message }: NonNullable<ConnectOptions['will']>): object {
  return delaySeconds > 0
    ? { ...message, properties: { willDelayInterval: delaySeconds } }
    : message
}
