// AWS IoT on a real port, with the SDK and MQTT clients that are closed by themselves.
import { IoTDataPlaneClient, type IoTDataPlaneClientConfig } from '@aws-sdk/client-iot-data-plane'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { startFogbank } from 'fogbank'

/** Our convenience: an access key and its secret as username and password. */
export const KEY_PAIR = { username: 'test', password: 'test' }

type Fogbank = Awaited<ReturnType<typeof startFogbank>>

export interface World {
  fogbank: Fogbank
  aws: { http: string; https: string; mqtt: string; mqtts: string; ws: string; wss: string }
  sdk(config?: IoTDataPlaneClientConfig): IoTDataPlaneClient
  connect(url: string, options?: Partial<IClientOptions>): Promise<MqttClient>
}

/** Runs a test against the emulator on its own port; everything is closed afterwards. */
export async function withFogbank(run: (world: World) => Promise<void>): Promise<void> {
  // What is refused on purpose is not for the eyes of whoever runs the tests.
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  const fogbank = await startFogbank({ only: ['aws-iot'], log })
  const aws = fogbank.endpoints['aws-iot'] as World['aws']
  const clients: { destroy(): void }[] = []
  try {
    await run({
      fogbank,
      aws,
      sdk(config = {}) {
        const client = new IoTDataPlaneClient({
          endpoint: aws.http,
          region: 'us-east-1',
          credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
          // Refusals are what these tests look for, not something to try again.
          maxAttempts: 1,
          ...config
        })
        clients.push(client)
        return client
      },
      async connect(url, options = {}) {
        const client = mqtt.connect(url, {
          protocolVersion: 5,
          reconnectPeriod: 0,
          connectTimeout: 3000,
          ...options
        })
        clients.push({ destroy: () => void client.end(true) })
        // connectAsync would wait for ever for a client that was closed before its CONNACK.
        await new Promise<void>((resolve, reject) => {
          client.once('connect', () => resolve())
          client.once('error', reject)
          client.once('close', () => reject(new Error('closed before it was connected')))
        })
        return client
      }
    })
  } finally {
    for (const client of clients) client.destroy()
    await fogbank.close()
  }
}
