// Received is acknowledged: bursts from HTTP and MQTT at once, at every quality, half of it retained.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createDevice, type Device, type DeviceMessage, type QoS } from './device.ts'
import { createInbox, type Inbox } from './inbox.ts'
import { createPoster } from './poster.ts'
import { announceSeed, shareOf, type Random } from './share.ts'
import { startSuiteProcess, withFolder, type SuiteProcess } from './suite.ts'

const RUNS = 20
const EACH = 3_000
const LANES = 10
const PUBLISHERS = ['http', 'm1', 'm2', 'm3']
/** mqtt.js users have hundreds under way; the order has to survive that, too. */
const WINDOW = 200
const ARRIVE_MS = 60_000

const burst = suite('long burst')

interface Numbered extends DeviceMessage {
  publisher: string
  index: number
  /** What the order is promised for. */
  lane: string
}

function plan(random: Random, publisher: string): Numbered[] {
  return Array.from({ length: EACH }, (_, index) => {
    const qos = random.pick([0, 1, 2] as const)
    const topic = `burst/${publisher}/${random.integer(LANES)}`
    const payload = Buffer.from(`${publisher}:${index}`)
    const retain = random.oneIn(2)
    return { publisher, index, topic, payload, qos, retain, lane: `${topic} ${qos}` }
  })
}

/** One publisher's messages over one connection, a window of them at a time. */
async function overMqtt(device: Device, messages: Numbered[]): Promise<void> {
  for (let start = 0; start < messages.length; start += WINDOW) {
    const codes = await Promise.all(messages.slice(start, start + WINDOW).map(device.publish))
    for (const code of codes) assert.is(code, 0)
  }
}

/** Messages of one topic one after another, topics at once: requests in hand at once have no order. */
async function overHttp(port: number, messages: Numbered[]): Promise<void> {
  const poster = createPoster(port, LANES)
  const topics = [...new Set(messages.map(({ topic }) => topic))]
  const lanes = topics.map(async (topic) => {
    for (const message of messages) {
      if (message.topic === topic) assert.is(await poster.post(message), 200)
    }
  })
  await Promise.all(lanes)
  poster.close()
}

/** Each of `expected` once, and each lane in order. */
function assertComplete(who: string, { messages }: Inbox, expected: Numbered[]): void {
  const seen = messages.map(({ payload }) => payload.toString())
  const wanted = new Map(expected.map((message) => [message.payload.toString(), message]))
  const once = new Set(seen)
  assert.is(seen.length - once.size, 0, `${who} was sent some twice`)
  const missing = [...wanted.keys()].filter((text) => !once.has(text))
  assert.is(missing.length, 0, `${who} misses ${missing.length}, ${missing[0]} among them`)
  assert.is(seen.length, expected.length, `${who} was sent what was not for it`)
  const last = new Map<string, number>()
  for (const text of seen) {
    const { lane, index } = wanted.get(text)!
    assert.ok((last.get(lane) ?? -1) < index, `${who}: ${lane} went backwards at ${text}`)
    last.set(lane, index)
  }
}

/** What is retained under a topic is the last retained message of one of the qualities. */
async function assertRetained(port: number, all: Numbered[]): Promise<void> {
  const last = new Map<string, Map<QoS, string>>()
  for (const { topic, qos, retain, payload } of all) {
    if (!retain) continue
    if (!last.has(topic)) last.set(topic, new Map())
    last.get(topic)!.set(qos, payload.toString())
  }
  const inbox = createInbox()
  const reader = createDevice({ clientId: 'reader', onMessage: inbox.take })
  await reader.connect(port)
  await reader.subscribe('burst/#', 2)
  await inbox.until(() => inbox.messages.length >= last.size, ARRIVE_MS, 'the retained messages')
  await reader.end()
  assert.is(inbox.messages.length, last.size)
  for (const { topic, payload } of inbox.messages) {
    assert.ok([...last.get(topic)!.values()].includes(payload.toString()), `${topic} is stale`)
  }
}

async function run(suiteProcess: SuiteProcess, random: Random, offline: boolean): Promise<void> {
  const { control, shiftr } = suiteProcess.ports as Record<string, number>
  const listener = async (clientId: string, version: 4 | 5, qos: QoS, clean: boolean) => {
    const inbox = createInbox()
    const device = createDevice({ clientId, version, clean, onMessage: inbox.take })
    await device.connect(control!)
    assert.is(await device.subscribe('burst/#', qos), qos)
    return { clientId, inbox, device }
  }
  const live = [
    await listener('live-4', 4, 2, true),
    await listener('live-5', 5, 2, true),
    await listener('live-low', 4, 1, true)
  ]
  const away = offline
    ? [await listener('away-4', 4, 2, false), await listener('away-5', 5, 1, false)]
    : []
  for (const { device } of away) await device.end()

  const plans = PUBLISHERS.map((publisher) => plan(random, publisher))
  const publishing = plans.map(async (messages, index) => {
    if (index === 0) return overHttp(shiftr!, messages)
    const device = createDevice({
      clientId: PUBLISHERS[index]!,
      version: random.pick([4, 5] as const)
    })
    await device.connect(control!)
    await overMqtt(device, messages)
    await device.end()
  })
  await Promise.all(publishing)

  const all = plans.flat()
  for (const { clientId, inbox, device } of live) {
    const complete = () => inbox.messages.length >= all.length
    await inbox.until(complete, ARRIVE_MS, `message ${all.length} of ${clientId}`)
    await device.end()
    assertComplete(clientId, inbox, all)
  }
  const queued = all.filter(({ qos }) => qos > 0)
  for (const { clientId, inbox, device } of away) {
    assert.ok(await device.connect(control!), `${clientId} has lost its session`)
    const complete = () => inbox.messages.length >= queued.length
    await inbox.until(complete, ARRIVE_MS, `message ${queued.length} of ${clientId}`)
    await device.end()
    assertComplete(clientId, inbox, queued)
  }
  await assertRetained(control!, all)
  assert.equal(suiteProcess.problems, [])
}

for (let index = 0; index < shareOf(RUNS); index++) {
  const [onDisk, offline] = [index % 2 === 0, index % 4 < 2]
  const where = onDisk ? 'on disk' : 'in memory'
  const whom = offline ? 'with' : 'without'
  burst(`${index + 1}: ${where}, ${whom} sessions that are away`, () =>
    withFolder(async (folder) => {
      const { random } = announceSeed(`burst ${index + 1}`)
      const suiteProcess = await startSuiteProcess(folder, onDisk ? { dataDir: folder } : {})
      try {
        await run(suiteProcess, random, offline)
      } finally {
        await suiteProcess.kill()
      }
    })
  )
}

burst.run()
