// One client that stops reading, beside 49 that do not.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { within } from '../within.ts'
import { createDevice, type Device, type QoS } from './device.ts'
import { shareOf } from './share.ts'
import { startSuiteProcess, withFolder, type SuiteProcess } from './suite.ts'

const READERS = 49
const PAYLOAD_BYTES = 4_096
/** Enough for more than a quota (8 MiB) and the kernel's buffers to wait for the one that stopped. */
const MESSAGES = 6_000
const ROUNDS = 5
const WINDOW = 64
/** Of the rate without it; the rest is the machine's noise. */
const RATE = 0.6
/** The quota of one client, what the kernel took, and what V8 has not given back. */
const GROWTH_MB = 120
const ARRIVE_MS = 60_000

const slowReader = suite('long slow reader')

/** Publishes to everybody; answers messages in a second, until the last reader has the last one. */
async function round(port: number, stopped: Device | undefined, qos: QoS): Promise<number> {
  let done = () => {}
  let waiting = READERS
  const all = new Promise<void>((resolve) => (done = resolve))
  const counts = Array.from({ length: READERS }, () => 0)
  const readers = counts.map((_, index) =>
    createDevice({
      clientId: `reader-${index}`,
      onMessage() {
        if (++counts[index]! === MESSAGES && --waiting === 0) done()
      }
    })
  )
  for (const device of readers) {
    await device.connect(port)
    await device.subscribe('slow', qos)
  }
  if (stopped) {
    await stopped.connect(port)
    await stopped.subscribe('slow', qos)
    stopped.pause()
  }
  const publisher = createDevice({ clientId: 'publisher' })
  await publisher.connect(port)
  const payload = Buffer.alloc(PAYLOAD_BYTES)
  const startedAt = performance.now()
  for (let sent = 0; sent < MESSAGES; sent += WINDOW) {
    const some = Array.from({ length: Math.min(WINDOW, MESSAGES - sent) }, () =>
      publisher.publish({ topic: 'slow', payload, qos: 1, retain: false })
    )
    await Promise.all(some)
  }
  await within(ARRIVE_MS, all, `${MESSAGES} messages for ${READERS} readers`)
  const rate = (MESSAGES * 1000) / (performance.now() - startedAt)
  for (const device of [publisher, ...readers]) await device.end()
  return rate
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!

async function compare(suiteProcess: SuiteProcess, qos: QoS) {
  const port = suiteProcess.ports.control!
  await round(port, undefined, qos) // warms up
  const before = suiteProcess.memory()
  const ratios: number[] = []
  let most = 0
  const sampler = setInterval(() => (most = Math.max(most, suiteProcess.memory())), 20)
  try {
    for (let index = 0; index < shareOf(ROUNDS); index++) {
      const alone = await round(port, undefined, qos)
      let received = 0
      const stopped = createDevice({ clientId: 'stopped', onMessage: () => void received++ })
      ratios.push((await round(port, stopped, qos)) / alone)
      stopped.resume()
      // What was promised and cannot be kept ends the connection; the rest was never promised.
      if (qos > 0) await within(ARRIVE_MS, stopped.closed(), 'the end of the one that stopped')
      else {
        assert.is(await stopped.subscribe('still-here', 0), 0)
        await stopped.end()
      }
      assert.ok(received < MESSAGES, `the one that stopped was kept ${received} messages`)
    }
  } finally {
    clearInterval(sampler)
  }
  return { ratio: median(ratios), growth: most - before }
}

for (const qos of [0, 1] as const) {
  slowReader(
    `at QoS ${qos} one that stops does not slow down the others, nor does memory run away`,
    () =>
      withFolder(async (folder) => {
        const suiteProcess = await startSuiteProcess(folder)
        try {
          const { ratio, growth } = await compare(suiteProcess, qos)
          console.log(
            `\n   ${ratio.toFixed(2)} of the rate without it, ${growth.toFixed()} MB more`
          )
          assert.equal(suiteProcess.problems, [])
          assert.ok(ratio >= RATE, `the others are at ${ratio} of their rate`)
          assert.ok(growth <= GROWTH_MB, `${growth} MB more`)
        } finally {
          await suiteProcess.kill()
        }
      })
  )
}

slowReader.run()
