// SIGKILL at random moments under load: what was acknowledged is there after the restart.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { within } from '../within.ts'
import { createDevice, type Device, type QoS } from './device.ts'
import { createInbox } from './inbox.ts'
import { createLedger, createRisingLedger } from './ledger.ts'
import { createPoster } from './poster.ts'
import { createShadowKeeper } from './shadows.ts'
import { announceSeed, shareOf, type Random } from './share.ts'
import { startSuiteProcess, withFolder, type SuiteProcess } from './suite.ts'

const KILLS = 100
const LONGEST_LOAD_MS = 500
const RECOVER_MS = 20_000
const RETAINED_TOPICS = 20
const SUBSCRIPTIONS = 15
const WINDOW = 30
/** Published once by their sender, at a quality that promises once. */
const EXACTLY_ONCE = ['mqtt2', 'http2']

const kills = suite('long kills')

/** What outlives the processes: the clients, and what they were promised. */
function createWorld(random: Random) {
  const queued = createLedger()
  const retained = createRisingLedger()
  const shadows = createRisingLedger()
  const subscribed = new Set<string>()
  /** Asked for or given up without an answer: either is right. */
  const uncertain = new Set<string>()
  const wills = new Map<string, 'promised' | 'seen'>()
  const subscriptionMessages = createInbox()
  const consumer = createDevice({
    clientId: 'consumer',
    version: 5,
    clean: false,
    onMessage: ({ payload }) => queued.arrived(payload.toString())
  })
  const subscriber = createDevice({
    clientId: 'subscriber',
    version: random.pick([4, 5] as const),
    clean: false,
    onMessage: subscriptionMessages.take
  })
  const publishers = ([1, 2] as const).map((qos) => ({
    qos,
    device: createDevice({
      clientId: `publisher-${qos}`,
      version: random.pick([4, 5] as const),
      clean: false
    })
  }))
  return {
    ...{ random, queued, retained, shadows, subscribed, uncertain, wills },
    ...{ consumer, subscriber, publishers, subscriptionMessages }
  }
}

type World = ReturnType<typeof createWorld>

/** Everything at once, until the connections break. */
function load(world: World, { ports }: SuiteProcess, round: number): Promise<unknown> {
  const { random, queued, retained } = world
  const poster = createPoster(ports.shiftr!, 8)
  let over = false

  const queueOverMqtt = ({ device, qos }: { device: Device; qos: QoS }) =>
    Array.from({ length: WINDOW }, async () => {
      while (device.connected) {
        const text = queued.send(`mqtt${qos}`)
        const payload = Buffer.from(text)
        const message = { topic: `queue/${random.integer(5)}`, payload, qos, retain: false }
        const done = device.publish(message).then(() => queued.acknowledge(text))
        await Promise.race([done, device.closed()])
      }
    })
  const queueOverHttp = async (qos: QoS) => {
    while (!over) {
      const text = queued.send(`http${qos}`)
      const message = { topic: 'queue/http', payload: Buffer.from(text), qos, retain: false }
      assert.is(await poster.post(message), 200)
      queued.acknowledge(text)
    }
  }
  const retain = async (
    key: string,
    publish: (topic: string, payload: Buffer) => Promise<unknown>
  ) => {
    for (let index = 0; !over; index++) {
      const topic = `kept/${key}/${index % RETAINED_TOPICS}`
      const value = retained.next(topic)
      await publish(topic, Buffer.from(String(value)))
      retained.acknowledge(topic, value)
    }
  }
  const keeper = createDevice({ clientId: 'keeper' })
  const retainOverMqtt = async () => {
    await keeper.connect(ports.control!)
    await retain('mqtt', (topic, payload) =>
      Promise.race([
        keeper.publish({ topic, payload, qos: 1, retain: true }),
        keeper.closed().then(() => Promise.reject(new Error('the connection is lost')))
      ])
    )
  }
  const retainOverHttp = () =>
    retain('http', async (topic, payload) =>
      assert.is(await poster.post({ topic, payload, qos: 1, retain: true }), 200)
    )
  const keepShadows = async () => {
    const shadowKeeper = await createShadowKeeper(ports['aws-iot']!)
    while (shadowKeeper && !over) {
      const thing = `thing-${random.integer(5)}`
      const value = world.shadows.next(thing)
      await shadowKeeper.put(thing, value)
      world.shadows.acknowledge(thing, value)
    }
    shadowKeeper?.close()
  }

  const jobs = [
    ...world.publishers.flatMap(queueOverMqtt),
    queueOverHttp(1),
    queueOverHttp(2),
    retainOverMqtt(),
    retainOverHttp(),
    keepShadows(),
    subscribe(world, round),
    promiseWill(world, ports.control!, round)
  ]
  void world.subscriber.closed().then(() => {
    over = true
    poster.close()
  })
  // Each ends with the process; whatever it was waiting for then has not been promised.
  return Promise.allSettled(jobs).then((results) => {
    for (const result of results) {
      if (result.status === 'rejected' && (result.reason as Error).name === 'Assertion')
        throw result.reason
    }
  })
}

async function subscribe({ subscriber, subscribed, uncertain }: World, round: number) {
  const filter = `sub/${round}`
  uncertain.add(filter)
  assert.is(await subscriber.subscribe(filter, 1), 1)
  uncertain.delete(filter)
  subscribed.add(filter)
  if (subscribed.size <= SUBSCRIPTIONS) return
  const [oldest] = subscribed as Iterable<string> as string[]
  subscribed.delete(oldest!)
  uncertain.add(oldest!)
  await subscriber.unsubscribe(oldest!)
  uncertain.delete(oldest!)
}

async function promiseWill({ wills, random }: World, port: number, round: number) {
  const topic = `will/${round}`
  const will = { topic, payload: Buffer.from('lost'), qos: 1 as const, retain: true }
  const device = createDevice({ clientId: topic, version: random.pick([4, 5] as const), will })
  await device.connect(port)
  wills.set(topic, 'promised')
  await device.closed()
}

/** Holds a fresh process against everything that earlier ones promised. */
async function verify(world: World, { ports }: SuiteProcess, first: boolean): Promise<void> {
  const port = ports.control!
  for (const { device } of world.publishers) {
    const known = await device.connect(port)
    assert.ok(known || first, `${device.clientId} has lost its session`)
    const finished = async () => {
      while (device.unfinished > 0) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await within(RECOVER_MS, finished(), `what ${device.clientId} had under way`)
  }

  assert.ok((await world.consumer.connect(port)) || first, 'the consumer has lost its session')
  if (first) await world.consumer.subscribe('queue/#', 2)
  await until(
    () => world.queued.missing().length === 0,
    () => {
      const missing = world.queued.missing()
      return `${missing.length} queued messages are lost: ${missing.slice(0, 5).join(' ')}`
    }
  )
  assert.equal(world.queued.repeated(EXACTLY_ONCE), [])

  await verifySubscriptions(world, port, first)

  const kept = new Map<string, number>()
  const seen = new Set<string>()
  const reader = createDevice({
    clientId: 'reader',
    onMessage({ topic, payload }) {
      if (topic.startsWith('will/')) seen.add(topic)
      else kept.set(topic, Number(payload))
    }
  })
  await reader.connect(port)
  await reader.subscribe('kept/#', 1)
  await reader.subscribe('will/#', 1)
  const keys = world.retained.keys()
  const lost = () => keys.filter((key) => !kept.has(key))
  await until(
    () => lost().length === 0,
    () => `retained messages are lost: ${lost().join(' ')}`
  )
  const faults = keys.map((key) => world.retained.fault(key, kept.get(key)))
  assert.equal(faults.filter(Boolean), [])
  const unsent = () => [...world.wills.keys()].filter((topic) => !seen.has(topic))
  await until(
    () => unsent().length === 0,
    () => `wills are lost: ${unsent().join(' ')}`
  )
  await reader.end()

  const shadowKeeper = await createShadowKeeper(ports['aws-iot']!)
  for (const thing of world.shadows.keys()) {
    assert.is(world.shadows.fault(thing, await shadowKeeper!.get(thing)), undefined)
  }
  shadowKeeper?.close()
}

async function verifySubscriptions(world: World, port: number, first: boolean): Promise<void> {
  const { subscriber, subscribed, uncertain, subscriptionMessages: inbox } = world
  assert.ok((await subscriber.connect(port)) || first, 'the subscriber has lost its session')
  if (first) await subscriber.subscribe('sub/always', 1)
  inbox.clear()
  const publisher = createDevice({ clientId: 'prober' })
  await publisher.connect(port)
  const probed = [...subscribed, ...uncertain, 'sub/gone', 'sub/always']
  for (const topic of probed) {
    await publisher.publish({ topic, payload: Buffer.from('?'), qos: 1, retain: false })
  }
  const topics = () => inbox.messages.map(({ topic }) => topic)
  const lost = () => [...subscribed, 'sub/always'].filter((topic) => !topics().includes(topic))
  await until(
    () => lost().length === 0,
    () => `subscriptions are lost: ${lost().join(' ')}`
  )
  const extra = topics().filter((topic) => topic === 'sub/gone')
  assert.equal(extra, [])
  await publisher.end()
  // What was uncertain is settled now, one way or the other.
  for (const filter of uncertain) {
    await subscriber.unsubscribe(filter)
    uncertain.delete(filter)
  }
}

async function until(test: () => boolean, say: () => string): Promise<void> {
  const deadline = performance.now() + RECOVER_MS
  while (!test()) {
    if (performance.now() > deadline) assert.unreachable(say())
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

kills(`nothing acknowledged is lost over ${shareOf(KILLS)} kills`, () =>
  withFolder(async (folder) => {
    const { random } = announceSeed('kills')
    const world = createWorld(random)
    for (let round = 0; round <= shareOf(KILLS); round++) {
      const suiteProcess = await startSuiteProcess(folder, { dataDir: folder })
      try {
        await verify(world, suiteProcess, round === 0)
        assert.equal(suiteProcess.problems, [])
        if (round === shareOf(KILLS)) break
        // Half of the time the consumer is away, and all goes to its queue.
        if (random.oneIn(2)) await world.consumer.end()
        const loading = load(world, suiteProcess, round)
        await new Promise((resolve) => setTimeout(resolve, random.integer(LONGEST_LOAD_MS)))
        await suiteProcess.kill()
        await within(RECOVER_MS, loading, 'the end of the load')
      } catch (error) {
        throw new Error(`after ${round} kills: ${(error as Error).message}`, { cause: error })
      } finally {
        await suiteProcess.kill()
      }
    }
    const { sent, acknowledged, arrived } = world.queued.counts()
    console.log(`   ${sent} queued, ${acknowledged} acknowledged, ${arrived} arrived`)
    console.log(`   ${world.wills.size} wills, ${world.retained.keys().length} retained topics`)
  })
)

kills.run()
