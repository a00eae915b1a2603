// Steady load for a long time: random quality, retain and reconnects; memory must not grow.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { within } from '../within.ts'
import { createDevice, type Device, type QoS } from './device.ts'
import { announceSeed, shareOf, type Random } from './share.ts'
import { startSuiteProcess, withFolder, type SuiteProcess } from './suite.ts'

const SOAK_MS = 60_000
const SETTLE_MS = 10_000
const BURST_MS = 5_000
const TICK_MS = 10
/** Of the rate of the burst. */
const LOAD = 0.7
const GROWTH = 1.2
const PUBLISHERS = 4
const TOPICS = 100
/** Publishes of one client on the way: more would only wait in its socket. */
const WINDOW = 100
/** One publisher, and one subscriber, comes anew about so often. */
const RECONNECT_MS = 500
const END_MS = 30_000

const soak = suite('long soak')

/** Publishers, a subscriber that stays, and one that comes and goes; and what is known of each message. */
async function createCrowd({ ports }: SuiteProcess, random: Random) {
  const port = ports.control!
  const acknowledged: boolean[] = []
  const arrived: boolean[] = []
  let [published, delivered] = [0, 0]

  const steady = createDevice({
    clientId: 'steady',
    onMessage({ payload }) {
      delivered++
      arrived[payload.readUInt32BE(0)] = true
    }
  })
  const fickle = createDevice({
    clientId: 'fickle',
    version: 5,
    clean: false,
    onMessage: () => void delivered++
  })
  const publishers = Array.from({ length: PUBLISHERS }, (_, index) =>
    createDevice({ clientId: `p${index}`, version: index % 2 ? 4 : 5, clean: false })
  )
  for (const device of [steady, fickle]) {
    await device.connect(port)
    await device.subscribe('soak/#', 2)
  }
  for (const device of publishers) await device.connect(port)

  function publish(device: Device): void {
    const number = published++
    const payload = Buffer.alloc(64 + random.integer(200))
    payload.writeUInt32BE(number)
    const qos = random.integer(3) as QoS
    const message = {
      topic: `soak/${random.integer(TOPICS)}`,
      payload,
      qos,
      retain: random.oneIn(4)
    }
    // Of QoS 0 nothing is promised: it may go with a connection that is cut.
    const done = device.publish(message)
    if (qos > 0) void done.then((code) => (acknowledged[number] = code === 0))
  }

  async function comeAnew(device: Device): Promise<void> {
    if (random.oneIn(2)) device.kill()
    else await device.end()
    await device.closed()
    await device.connect(port)
  }

  return {
    publishers,
    publish,
    /** One publisher and perhaps the fickle subscriber; what they had under way is sent again. */
    reconnect: () => comeAnew(random.oneIn(3) ? fickle : random.pick(publishers)),
    counts: () => ({ published, delivered }),
    /** Waits for what is under way; answers how many acknowledged messages never came. */
    async settle(): Promise<number> {
      const idle = async () => {
        while (publishers.some(({ unfinished }) => unfinished > 0) || lost() > 0)
          await pause(TICK_MS)
      }
      const lost = () => acknowledged.filter((known, number) => known && !arrived[number]).length
      await within(END_MS, idle(), 'the last messages').catch(() => {})
      return lost()
    }
  }
}

type Crowd = Awaited<ReturnType<typeof createCrowd>>

/** LevelDB's compactions come and go: one look would be luck. */
const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** As many as the suite takes; answers publishes in a second. */
async function burst({ publishers, publish, counts }: Crowd, ms: number): Promise<number> {
  const startedAt = performance.now()
  const { published } = counts()
  while (performance.now() - startedAt < ms) {
    for (const device of publishers) while (device.unfinished < WINDOW) publish(device)
    await pause(0)
  }
  return ((counts().published - published) * 1000) / (performance.now() - startedAt)
}

/** A steady rate with reconnects; calls `sample` all the time, with how far it is. */
async function steadily(
  crowd: Crowd,
  { rate, ms, sample }: { rate: number; ms: number; sample(atMs: number): void }
): Promise<void> {
  const startedAt = performance.now()
  let [owed, last, next] = [0, startedAt, startedAt + RECONNECT_MS]
  while (performance.now() - startedAt < ms) {
    const now = performance.now()
    owed = Math.min(owed + ((now - last) * rate) / 1000, rate)
    last = now
    for (let index = 0; owed >= 1 && index < PUBLISHERS; index++) {
      const device = crowd.publishers[index]!
      const share = owed / (PUBLISHERS - index)
      for (let sent = 0; sent < share && device.unfinished < WINDOW; sent++, owed--) {
        crowd.publish(device)
      }
    }
    if (now > next) {
      next = now + RECONNECT_MS
      await crowd.reconnect()
    }
    sample(now - startedAt)
    await pause(TICK_MS)
  }
}

soak('memory at the end is what it was after the first part', () =>
  withFolder(async (folder) => {
    const { random } = announceSeed('soak')
    const suiteProcess = await startSuiteProcess(folder, { dataDir: folder })
    try {
      const crowd = await createCrowd(suiteProcess, random)
      const rate = await burst(crowd, BURST_MS)
      const before = crowd.counts()
      const ms = shareOf(SOAK_MS)
      const windowMs = (ms * SETTLE_MS) / SOAK_MS / 2
      const [early, late]: [number[], number[]] = [[], []]
      await steadily(crowd, {
        rate: rate * LOAD,
        ms,
        sample(atMs) {
          if (Math.abs(atMs - 2 * windowMs) < windowMs) early.push(suiteProcess.memory())
          if (atMs > ms - 2 * windowMs) late.push(suiteProcess.memory())
        }
      })
      const [settled, end] = [median(early), median(late)]
      const lost = await crowd.settle()
      const { published, delivered } = crowd.counts()
      const count = published - before.published
      const seconds = ms / 1000
      console.log(
        `   burst ${rate.toFixed()}/s; soak ${seconds} s, ${count} messages published` +
          ` (${(count / seconds).toFixed()}/s), ${delivered - before.delivered} delivered`
      )
      console.log(`   ${settled.toFixed()} MB after the first part, ${end.toFixed()} MB at the end`)
      assert.is(lost, 0)
      assert.equal(suiteProcess.problems, [])
      assert.ok(count / seconds > rate * LOAD * 0.8, 'the load was not the one that was asked for')
      assert.ok(end <= settled * GROWTH, `${settled} MB have become ${end} MB`)
    } finally {
      await suiteProcess.kill()
    }
  })
)

soak.run()
