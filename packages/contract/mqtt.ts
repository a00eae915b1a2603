import mqtt, { type IClientOptions, type IClientPublishOptions, type MqttClient } from 'mqtt'
import { createQueue } from './queue.ts'
import { within } from './within.ts'

const ANSWER_MS = 20_000

/** A message as it came. */
export interface Received {
  topic: string
  payload: Buffer
  qos: number
  retain: boolean
  properties: Record<string, unknown> | undefined
}

/** An MQTT client that keeps what it is sent until somebody asks. */
export interface TestClient {
  readonly mqtt: MqttClient
  readonly clientId: string
  /** The CONNACK: its code in MQTT 5 or 3.1.1, whichever was spoken. */
  readonly connack: { code: number; properties: Record<string, unknown> }
  readonly filters: readonly string[]
  /** The code the SUBACK gives. */
  subscribe(filter: string, qos: 0 | 1 | 2): Promise<number>
  /** One SUBSCRIBE with several filters; the codes of its SUBACK, in their order. */
  subscribeAll(filters: readonly string[], qos: 0 | 1 | 2): Promise<number[]>
  /** The code of PUBACK or PUBREC; 0 at QoS 0 and in MQTT 3. */
  publish(topic: string, payload: Buffer, options?: IClientPublishOptions): Promise<number>
  /** The next message that nobody took yet. */
  next(withinMs?: number): Promise<Received>
  /** Seconds between two signs of life, as the server wants it; 0: it does not. */
  readonly keepAliveSeconds: number
  /** Sends a PINGREQ; resolves at its answer, or when the connection is over. */
  ping(): Promise<void>
  /** Waits for the end of the connection: the code of the server's DISCONNECT, if it sent one. */
  closed(withinMs?: number): Promise<number | undefined>
  /** Leaves; abruptly: without DISCONNECT, so that the will is sent. */
  end(abruptly?: boolean): Promise<void>
}

/**
 * Connects and waits for the CONNACK, whatever it says.
 * @throws Error when the connection ends without one
 */
export async function connectMqtt(url: string, options: IClientOptions): Promise<TestClient> {
  const client = mqtt.connect(url, {
    protocolVersion: 5,
    reconnectPeriod: 0,
    resubscribe: false,
    connectTimeout: ANSWER_MS,
    ...(options.protocolVersion === 3 ? { protocolId: 'MQIsdp' } : {}),
    ...options
  })
  const clientId = options.clientId ?? ''
  const filters: string[] = []
  const messages = createQueue<Received>()
  let disconnectCode: number | undefined
  let failure: Error | undefined

  // A refusal is an answer here; how it ended is told by the promises below.
  client.on('error', (error) => (failure = error))
  client.on('disconnect', ({ reasonCode }) => (disconnectCode = reasonCode))
  client.on('message', (topic, payload, { qos, retain, properties }) => {
    messages.put({ topic, payload, qos, retain, properties: properties as Received['properties'] })
  })
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
  const answered = new Promise<TestClient['connack']>((resolve, reject) => {
    client.on('packetreceive', (packet) => {
      if (packet.cmd !== 'connack') return
      const { reasonCode, returnCode, properties } = packet
      resolve({ code: reasonCode ?? returnCode ?? 0, properties: { ...properties } })
    })
    void closed.then(() => reject(failure ?? new Error(`${clientId} was closed without a CONNACK`)))
  })
  const connack = await within(ANSWER_MS, answered, `the CONNACK for ${clientId}`).catch(
    (error: unknown) => {
      client.end(true)
      throw error
    }
  )

  function subscribeAll(wanted: readonly string[], qos: 0 | 1 | 2): Promise<number[]> {
    const text = wanted.join(', ')
    const codes = new Promise<number[]>((resolve, reject) => {
      client.subscribe([...wanted], { qos }, (error, _granted, packet) => {
        if (packet) resolve(packet.granted as number[])
        else reject(error ?? new Error(`no SUBACK for ${text}`))
      })
    })
    filters.push(...wanted)
    return within(ANSWER_MS, codes, `the SUBACK for ${text}`)
  }

  return {
    mqtt: client,
    clientId,
    connack,
    filters,
    keepAliveSeconds: Number(connack.properties.serverKeepAlive ?? options.keepalive ?? 60),
    async ping() {
      if (!client.connected) return
      const answer = new Promise<void>((resolve) => {
        const hear = ({ cmd }: { cmd: string }) => {
          if (cmd !== 'pingresp') return
          client.off('packetreceive', hear)
          resolve()
        }
        client.on('packetreceive', hear)
      })
      client.sendPing()
      await within(ANSWER_MS, Promise.race([answer, closed]), `the PINGRESP for ${clientId}`)
    },
    subscribe: async (filter, qos) => (await subscribeAll([filter], qos))[0]!,
    subscribeAll,
    publish(topic, payload, publishOptions = {}) {
      const code = new Promise<number>((resolve, reject) => {
        client.publish(topic, payload, publishOptions, (error, packet) => {
          const refusal = (error as { code?: unknown } | null | undefined)?.code
          if (typeof refusal === 'number') resolve(refusal)
          else if (error) reject(error)
          else resolve((packet as { reasonCode?: number } | undefined)?.reasonCode ?? 0)
        })
      })
      return within(ANSWER_MS, code, `the acknowledgement of ${topic}`)
    },
    next: (withinMs = ANSWER_MS) => messages.next(withinMs, `the next message for ${clientId}`),
    async closed(withinMs = ANSWER_MS) {
      await within(withinMs, closed, `the end of ${clientId}`)
      return disconnectCode
    },
    async end(abruptly = false) {
      if (abruptly) client.stream.destroy()
      else client.end()
      await within(ANSWER_MS, closed, `the end of ${clientId}`)
      client.end(true)
    }
  }
}
