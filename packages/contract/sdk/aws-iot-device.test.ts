// The vendor's device SDK for Node.js, which brings its own MQTT, TLS and signatures in native code.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withFogbank, type World } from '../with-fogbank.ts'
import type { Job, Outcome, TextMessage } from './aws-iot-device-client.ts'

const CLIENT_MS = 30_000

/** With every property that a PUBLISH may have. */
const MESSAGE: TextMessage = {
  topicName: 'lamp/state',
  qos: 1,
  payload: '{"on":1}',
  payloadFormat: 1,
  messageExpiryIntervalSeconds: 60,
  contentType: 'application/json',
  responseTopic: 'answers/here',
  correlationData: 'abc',
  userProperties: [
    { name: 'deviceName', value: 'alpha' },
    { name: 'deviceName', value: 'beta' }
  ]
}

/** Lets the SDK connect, publish the message to itself and leave. */
async function exchange({ fogbank }: World, certificate: Job['certificate']): Promise<Outcome> {
  const job: Job = {
    port: Number(new URL(String(fogbank.endpoints['aws-iot']!.http)).port),
    ca: await fogbank.ca(),
    ...(certificate ? { certificate } : {}),
    message: MESSAGE
  }
  const client = join(import.meta.dirname, 'aws-iot-device-client.ts')
  const args = ['--import', 'tsx', client, JSON.stringify(job)]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: CLIENT_MS })
  return JSON.parse(stdout) as Outcome
}

const DOORS = {
  'by certificate over mutual TLS': ({ fogbank }: World) => fogbank.issueClient('lamp'),
  'by signature over WebSocket': () => Promise.resolve(undefined)
}

const sdk = suite('aws-iot device SDK for Node.js')

for (const [name, toCertificate] of Object.entries(DOORS)) {
  sdk(`connects ${name}, and gets every property back`, () =>
    withFogbank({ only: ['aws-iot'] }, async (world) => {
      const { message, ...told } = await exchange(world, await toCertificate(world))
      assert.equal(told, {
        connack: 0,
        maximumQos: 1,
        receiveMaximum: 100,
        topicAliasMaximum: 8,
        suback: [1],
        puback: 0
      })
      const {
        type: _type,
        dup,
        retain,
        ...properties
      } = message as TextMessage & Record<string, unknown>
      assert.equal([dup ?? false, retain ?? false], [false, false])
      assert.equal(properties, MESSAGE)
    })
  )
}

sdk.run()
