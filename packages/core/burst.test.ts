import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { QoS } from './index.ts'
import { inbox, withCore, type TestWorld } from './testing.ts'

const burst = suite('core burst')

/** Every publisher's messages: QoS 0 and 1 by turns, every second pair retained. */
const plan = (publisher: string, count: number) =>
  Array.from({ length: count }, (_, index) => ({
    topic: `burst/${publisher}/${index % 10}`,
    payload: Buffer.from(`${publisher}:${index}`),
    qos: (index % 2) as QoS,
    retain: index % 4 < 2
  }))

/** 16,000 publishes from four sides at once; answers what one subscriber saw, in order. */
async function run(world: TestWorld): Promise<string[]> {
  const subscriber = await world.connect({ protocolVersion: 4 })
  const seen = inbox(subscriber)
  await subscriber.subscribeAsync('burst/#', { qos: 1 })
  const each = 4000
  const publishers = await Promise.all(
    ['m1', 'm2', 'm3'].map(async (name) => ({ name, client: await world.connect() }))
  )
  const overMqtt = publishers.map(async ({ name, client }) => {
    const messages = plan(name, each)
    // 500 at a time: mqtt.js hangs one listener on its socket for each publish that waits.
    for (let start = 0; start < each; start += 500) {
      await Promise.all(
        messages
          .slice(start, start + 500)
          .map(({ topic, payload, qos, retain }) =>
            client.publishAsync(topic, payload, { qos, retain })
          )
      )
    }
  })
  const inProcess = Promise.all(plan('http', each).map((message) => world.space.publish(message)))
  await Promise.all([...overMqtt, inProcess])
  await seen.count(4 * each)
  return seen.messages.map((message) => message.text)
}

function assertComplete(seen: string[]): void {
  assert.is(seen.length, 16_000)
  assert.is(new Set(seen).size, 16_000)
  const last = new Map<string, number>()
  for (const text of seen) {
    const [publisher, number] = text.split(':') as [string, string]
    const index = Number(number)
    // Order is promised per publisher, topic and QoS.
    const lane = `${publisher} ${index % 10} ${index % 2}`
    assert.ok((last.get(lane) ?? -1) < index, `${lane} went backwards at ${text}`)
    last.set(lane, index)
  }
}

burst('loses nothing in memory', () =>
  withCore({}, async (world) => assertComplete(await run(world)))
)

burst('loses nothing on disk', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'fogbank-burst-'))
  try {
    await withCore({ core: { directory } }, async (world) => assertComplete(await run(world)))
  } finally {
    rmSync(directory, { recursive: true })
  }
})

burst('keeps the order of QoS 2 on disk, where reads come back in any order', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'fogbank-burst-'))
  try {
    await withCore({ core: { directory } }, async (world) => {
      const seen = inbox(await subscribed(world))
      const publisher = await world.connect({ protocolVersion: 4 })
      const wanted = Array.from({ length: 2000 }, (_, index) => String(index))
      for (let start = 0; start < wanted.length; start += 500) {
        const some = wanted.slice(start, start + 500)
        await Promise.all(some.map((text) => publisher.publishAsync('lane', text, { qos: 2 })))
      }
      await seen.count(wanted.length)
      assert.equal(
        seen.messages.map(({ text }) => text),
        wanted
      )
    })
  } finally {
    rmSync(directory, { recursive: true })
  }
})

async function subscribed(world: TestWorld) {
  const client = await world.connect({ protocolVersion: 4 })
  await client.subscribeAsync('lane', { qos: 2 })
  return client
}

burst.run()
