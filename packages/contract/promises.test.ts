// What the whole suite promises, whichever door a message came in by.
import { mkdtempSync, rmSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  GetRetainedMessageCommand,
  IoTDataPlaneClient,
  PublishCommand
} from '@aws-sdk/client-iot-data-plane'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withFogbank, type World } from './with-fogbank.ts'
import { within } from './within.ts'

const promises = suite('promises')

const BASIC = `Basic ${Buffer.from('local:local').toString('base64')}`

function aws(world: World): IoTDataPlaneClient {
  return new IoTDataPlaneClient({
    endpoint: world.fogbank.endpoints['aws-iot']!.http as string,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' }
  })
}

promises('a message published through AWS is read back through shiftr.io', () =>
  withFogbank({}, async (world) => {
    const client = aws(world)
    await client.send(new PublishCommand({ topic: 'plant/line1', payload: Buffer.from('21') }))
    const reply = await world.http(
      { at: 'shiftr' },
      { method: 'GET', target: '/broker/plant/*', headers: { authorization: BASIC } }
    )
    assert.is(reply.status, 200)
    assert.is(reply.body.toString(), '21')
    client.destroy()
  })
)

promises(
  'a retained message published over HTTP outlives a restart with its properties',
  async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'fogbank-promises-'))
    const userProperties = [{ b: '1' }, { '2': 'two' }, { b: '3' }]
    try {
      await withFogbank({ dataDir }, async (world) => {
        const client = aws(world)
        await client.send(
          new PublishCommand({
            topic: 'lamp',
            payload: Buffer.from('on'),
            qos: 1,
            retain: true,
            contentType: 'text/plain',
            responseTopic: 'reply',
            correlationData: Buffer.from('abc').toString('base64'),
            userProperties: JSON.stringify(userProperties),
            payloadFormatIndicator: 'UTF8_DATA'
          })
        )
        client.destroy()
      })
      await withFogbank({ dataDir }, async (world) => {
        const subscriber = await world.mqtt({ at: 'control' }, { protocolVersion: 5 })
        await subscriber.subscribe('lamp', 1)
        const { topic, payload, qos, retain, properties } = await world.next(subscriber)
        assert.equal([topic, payload.toString(), qos, retain], ['lamp', 'on', 1, true])
        const { userProperties: merged, ...rest } = properties ?? {}
        assert.equal(rest, {
          contentType: 'text/plain',
          responseTopic: 'reply',
          correlationData: Buffer.from('abc'),
          payloadFormatIndicator: true
        })
        assert.equal(JSON.parse(JSON.stringify(merged)), { b: ['1', '3'], '2': 'two' })
        const client = aws(world)
        const kept = await client.send(new GetRetainedMessageCommand({ topic: 'lamp' }))
        assert.equal(JSON.parse(Buffer.from(kept.userProperties!).toString()), userProperties)
        client.destroy()
      })
    } finally {
      rmSync(dataDir, { recursive: true })
    }
  }
)

const EACH = 4000
const LANES = 10

/** Message `index` of a publisher: QoS 0 and 1 by turns, every second pair retained. */
const toMessage = (publisher: string, index: number) => ({
  topic: `burst/${publisher}/${index % LANES}`,
  text: `${publisher}:${index}`,
  qos: (index % 2) as 0 | 1,
  retain: index % 4 < 2
})

/** Posts one publisher's share over kept-alive connections, each lane on one of its own. */
async function burstOverHttp(world: World): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: LANES })
  const { hostname, port } = new URL(world.fogbank.endpoints.shiftr!.http as string)
  const post = (index: number) =>
    new Promise<number>((resolve, reject) => {
      const { topic, text, qos, retain } = toMessage('http', index)
      const request = http.request({
        agent,
        hostname,
        port,
        method: 'POST',
        path: `/broker/${topic}?qos=${qos}&retained=${retain}`,
        headers: { authorization: BASIC }
      })
      request.once('response', (reply) => {
        reply.resume()
        reply.once('end', () => resolve(reply.statusCode ?? 0))
      })
      request.once('error', reject)
      request.end(text)
    })
  const lanes = Array.from({ length: LANES }, async (_, lane) => {
    for (let index = lane; index < EACH; index += LANES) assert.is(await post(index), 200)
  })
  await Promise.all(lanes)
  agent.destroy()
}

async function burstOverMqtt(world: World, name: string): Promise<void> {
  const { mqtt } = await world.mqtt({ at: 'control' }, { protocolVersion: 5 })
  // 500 at a time: mqtt.js hangs one listener on its socket for each publish that waits.
  for (let start = 0; start < EACH; start += 500) {
    const some = Array.from({ length: 500 }, (_, offset) => toMessage(name, start + offset))
    await Promise.all(
      some.map(({ topic, text, qos, retain }) => mqtt.publishAsync(topic, text, { qos, retain }))
    )
  }
}

promises(
  'a burst of 16,000 from HTTP and three MQTT clients: received is acknowledged, in order',
  () =>
    withFogbank({}, async (world) => {
      const subscriber = await world.mqtt({ at: 'control' }, { protocolVersion: 4 })
      const seen: string[] = []
      let complete = () => {}
      const all = new Promise<void>((resolve) => (complete = resolve))
      subscriber.mqtt.on('message', (_topic, payload) => {
        seen.push(payload.toString())
        if (seen.length === 4 * EACH) complete()
      })
      await subscriber.subscribe('burst/#', 1)
      const publishers = ['m1', 'm2', 'm3'].map((name) => burstOverMqtt(world, name))
      await Promise.all([burstOverHttp(world), ...publishers])
      await within(20_000, all, `message ${4 * EACH}, of which ${seen.length} are here`)
      assert.is(new Set(seen).size, 4 * EACH)
      const last = new Map<string, number>()
      for (const text of seen) {
        const [publisher, number] = text.split(':') as [string, string]
        const lane = `${publisher} ${Number(number) % LANES} ${Number(number) % 2}`
        assert.ok((last.get(lane) ?? -1) < Number(number), `${lane} went backwards at ${text}`)
        last.set(lane, Number(number))
      }
    })
)

promises.run()
