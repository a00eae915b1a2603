// The suite on its own port, the SDK of the control plane, and devices that try what they may.
import { join } from 'node:path'
import { IoTClient } from '@aws-sdk/client-iot'
import mqtt, { type IClientOptions } from 'mqtt'
import { startFogbank } from 'fogbank'

export type Fogbank = Awaited<ReturnType<typeof startFogbank>>

/** Runs a test against the emulator on its own port, in a folder if it has one, with the SDK. */
export async function withSuite(
  dataDir: string | undefined,
  run: (fogbank: Fogbank, iot: IoTClient) => Promise<void>
): Promise<void> {
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  const folders = dataDir ? { dataDir, tlsDir: join(dataDir, 'tls') } : {}
  const fogbank = await startFogbank({ only: ['aws-iot'], log, ...folders })
  const { http } = fogbank.endpoints['aws-iot'] as { http: string }
  const iot = new IoTClient({
    endpoint: http,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1
  })
  try {
    await run(fogbank, iot)
  } finally {
    iot.destroy()
    await fogbank.close()
  }
}

/** Reason code of the CONNACK, and of the PUBACK of one publish. */
export async function attempt(
  fogbank: Fogbank,
  options: IClientOptions,
  topic: string
): Promise<[connack: number, puback?: number]> {
  const { mqtts } = fogbank.endpoints['aws-iot'] as { mqtts: string }
  const client = mqtt.connect(mqtts, {
    protocolVersion: 5,
    reconnectPeriod: 0,
    ca: await fogbank.ca(),
    ...options
  })
  const codes = new Map<string, number>()
  client.on('packetreceive', (packet) => {
    codes.set(packet.cmd, (packet as { reasonCode?: number }).reasonCode ?? 0)
  })
  try {
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve())
      client.once('error', () => resolve())
      client.once('close', () => reject(new Error('closed without a CONNACK')))
    })
    const connack = codes.get('connack') ?? -1
    if (connack !== 0) return [connack]
    // A refusal is told by the PUBACK, which is looked at below.
    await client.publishAsync(topic, 'x', { qos: 1 }).catch(() => {})
    return [connack, codes.get('puback') ?? -1]
  } finally {
    client.end(true)
  }
}
