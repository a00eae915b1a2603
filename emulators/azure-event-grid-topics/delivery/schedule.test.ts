import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  oneWebhook,
  order,
  readFolder,
  withDelivery,
  type DeliveryWorld,
  type Reaction
} from './testing.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** With dead letters in the test's folder. */
const withLetters =
  (more: object = {}) =>
  (url: string, path: string) =>
    oneWebhook(url, {
      deadLetterDestination: { endpointType: 'LocalFolder', properties: { path } },
      ...more
    })

async function ready(world: DeliveryWorld, reaction: Reaction) {
  await world.logged(/handshake orders-webhook Succeeded/)
  world.receiver.react = () => reaction
}

/** The one dead letter that there is. */
async function letterIn(world: DeliveryWorld, folder: string, advanceMs = 5 * MINUTE) {
  world.clock.advance(advanceMs)
  await world.logged(/dead letters of orders-webhook written/)
  const [letters, ...others] = Object.values(readFolder(folder)) as Record<string, unknown>[][]
  assert.equal(others, [])
  assert.is(letters!.length, 1)
  return letters![0]!
}

const retries = suite('the retry schedule')

retries('10 s, 30 s, 1 min, 5 min, 10 min, 30 min, 1 h, 3 h, 6 h, then 12 h', () =>
  withDelivery(
    (url) => oneWebhook(url),
    async (world) => {
      await ready(world, { status: 500 })
      await world.publish([order()])
      const waits = [10, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600].map((s) => s * SECOND)
      await world.receiver.next()
      for (const [index, wait] of waits.entries()) {
        await world.logged(/orders-webhook 500 .*next in/, index + 1)
        world.clock.advance(wait - 1)
        await new Promise(setImmediate)
        assert.equal(world.receiver.received, [], `attempt ${index + 2} comes too early`)
        world.clock.advance(1)
        const { headers } = await world.receiver.next()
        assert.is(headers['aeg-delivery-count'], String(index + 1))
      }
      await world.logged(/orders-webhook 500 .*attempts=10: next in 43200 s/)
    }
  )
)

retries('a success after failures ends it, and the receiver saw one id all along', () =>
  withDelivery(
    (url) => oneWebhook(url),
    async (world) => {
      await ready(world, { status: 503 })
      await world.publish([order()])
      const first = await world.receiver.next()
      await world.logged(/503 .*next in 30 s/)
      world.receiver.react = () => ({ status: 200 })
      world.clock.advance(30 * SECOND)
      const second = await world.receiver.next()
      assert.is(second.text, first.text)
      await world.logged(/orders-webhook delivered/)
      world.clock.advance(24 * HOUR)
      await world.publish([order({ id: 'marker' })])
      assert.match((await world.receiver.next()).text, 'marker')
    }
  )
)

/** Reaction of the receiver, wait until the second attempt, what a dead letter would say. */
const kinds: [string, Reaction, number, string][] = [
  ['404', { status: 404 }, 10, 'NotFound'],
  ['408', { status: 408 }, 120, 'TimedOut'],
  ['429', { status: 429 }, 10, 'Busy'],
  ['503', { status: 503 }, 30, 'Busy'],
  ['500', { status: 500 }, 10, 'Aborted'],
  ['205', { status: 205 }, 10, 'Aborted'],
  ['206', { status: 206 }, 10, 'Aborted'],
  ['302', { status: 302, headers: { Location: '/elsewhere' } }, 10, 'Aborted'],
  ['a cut connection', 'reset', 10, 'SocketError'],
  ['no answer in 30 s', 'hang', 10, 'TimedOut']
]
for (const [name, reaction, seconds, outcome] of kinds) {
  retries(`${name} is tried again after ${seconds} s, and is ${outcome}`, () =>
    withDelivery(
      withLetters({ retryPolicy: { maxDeliveryAttempts: 2 } }),
      async (world, folder) => {
        await ready(world, reaction)
        await world.publish([order()])
        const { url } = await world.receiver.next()
        assert.is(url, '/hook')
        if (reaction === 'hang') world.clock.advance(30 * SECOND)
        await world.logged(new RegExp(`attempts=1: next in ${seconds} s`))
        world.clock.advance(seconds * SECOND)
        assert.is((await world.receiver.next()).url, '/hook')
        if (reaction === 'hang') world.clock.advance(30 * SECOND)
        await world.logged(/attempts=2: MaxDeliveryAttemptsExceeded/)
        const letter = await letterIn(world, folder)
        assert.is(letter.lastDeliveryOutcome, outcome)
        assert.is(letter.deliveryAttempts, 2)
      }
    )
  )
}

retries('nobody at the port is tried again as a SocketError', () =>
  withDelivery(
    (url) => oneWebhook(url),
    async (world) => {
      await ready(world, { status: 200 })
      await world.receiver.close()
      await world.publish([order()])
      await world.logged(/orders-webhook SocketError .*attempts=1: next in 10 s/)
    }
  )
)

retries.run()

const ends = suite('the end of deliveries')

const finals: [number, string, string][] = [
  [400, 'BadRequest', 'BadRequest'],
  [401, 'Unauthorized', 'Unauthorized'],
  [403, 'Forbidden', 'Forbidden'],
  [413, 'PayloadTooLarge', 'PayloadTooLarge']
]
for (const [status, reason, outcome] of finals) {
  ends(`${status} is a dead letter at once: ${reason}`, () =>
    withDelivery(withLetters(), async (world, folder) => {
      await ready(world, { status })
      await world.publish([order()])
      await world.receiver.next()
      await world.logged(new RegExp(`${status} .*attempts=1: ${reason}, a dead letter`))
      const letter = await letterIn(world, folder)
      assert.is(letter.deadLetterReason, reason)
      assert.is(letter.lastDeliveryOutcome, outcome)
      assert.is(letter.deliveryAttempts, 1)
      assert.equal(world.receiver.received, [])
    })
  )
}

ends('without a destination for dead letters the event is dropped, and the log says so', () =>
  withDelivery(
    (url) => oneWebhook(url),
    async (world) => {
      await ready(world, { status: 400 })
      await world.publish([order()])
      await world.receiver.next()
      await world.logged(/400 .*BadRequest, dropped for want of a deadLetterDestination/)
      world.clock.advance(24 * HOUR)
      await new Promise(setImmediate)
      assert.equal(world.receiver.received, [])
    }
  )
)

ends('a time to live of 30 minutes is over at the seventh attempt, which is not made', () =>
  withDelivery(
    withLetters({ retryPolicy: { maxDeliveryAttempts: 10, eventTimeToLiveInMinutes: 30 } }),
    async (world, folder) => {
      await ready(world, { status: 500 })
      await world.publish([order()])
      for (const [index, seconds] of [10, 30, 60, 300, 600, 1800].entries()) {
        await world.receiver.next()
        await world.logged(/orders-webhook 500 .*next in/, index + 1)
        world.clock.advance(seconds * SECOND)
      }
      await world.logged(/orders-webhook late .*attempts=6: EventTimeToLiveExpired/)
      const letter = await letterIn(world, folder)
      assert.is(letter.deadLetterReason, 'EventTimeToLiveExpired')
      assert.is(letter.deliveryAttempts, 6)
      assert.is(letter.lastDeliveryAttemptTime, '2026-01-02T03:20:45Z')
      assert.equal(world.receiver.received, [])
    }
  )
)

ends(
  'dead letters of CloudEvents have lower-case attributes, and no time of the last attempt',
  () =>
    withDelivery(
      (url, path) =>
        oneWebhook(
          url,
          { deadLetterDestination: { endpointType: 'LocalFolder', properties: { path } } },
          { inputSchema: 'CloudEventSchemaV1_0' }
        ),
      async (world, folder) => {
        await ready(world, { status: 413 })
        const event = { specversion: '1.0', id: 'c1', source: '/shop', type: 'placed', data: 5 }
        await world.publish(event)
        await world.logged(/413 .*a dead letter/)
        assert.equal(await letterIn(world, folder), {
          ...event,
          deadletterreason: 'PayloadTooLarge',
          deliveryattempts: 1,
          lastdeliveryoutcome: 'PayloadTooLarge',
          publishtime: '2026-01-02T03:04:05Z'
        })
      }
    )
)

ends('dead letters that come together are in one file', () =>
  withDelivery(withLetters(), async (world, folder) => {
    await ready(world, { status: 400 })
    await world.publish([order(), order({ id: 'e2' })])
    await world.logged(/400 .*a dead letter/, 2)
    world.clock.advance(5 * MINUTE)
    await world.logged(/2 dead letters of orders-webhook written/)
    const files = Object.values(readFolder(folder)) as { id: string }[][]
    assert.equal(
      files.map((letters) => letters.map(({ id }) => id).sort()),
      [['e1', 'e2']]
    )
  })
)

ends('a folder that cannot be written is tried again for four hours', () =>
  withDelivery(
    (url) =>
      oneWebhook(url, {
        deadLetterDestination: {
          endpointType: 'LocalFolder',
          // A device is no folder, whoever asks.
          properties: { path: '/dev/null' }
        }
      }),
    async (world) => {
      await ready(world, { status: 400 })
      await world.publish([order()])
      await world.logged(/400 .*a dead letter/)
      for (let tries = 1; tries <= 47; tries++) {
        world.clock.advance(5 * MINUTE)
        await world.logged(/dead letters of .* are not written/, tries)
        await world.logged(/1 dead letters wait/, tries)
      }
      world.clock.advance(5 * MINUTE)
      await world.logged(/1 dead letters of .* dropped/)
      world.failures.length = 0
    }
  )
)

ends('events past the bound are dead letters at once, and hold back nobody', () =>
  withDelivery(
    (url, path) => ({
      delivery: { jitter: false, maximumPendingEvents: 2 },
      ...withLetters()(url, path)
    }),
    async (world, folder) => {
      await ready(world, 'hang')
      await world.publish([order({ id: '1' }), order({ id: '2' })])
      await world.publish([order({ id: '3' })])
      await world.logged(/1 dead letters of orders-webhook written/)
      const [letter] = Object.values(readFolder(folder)).flat() as Record<string, unknown>[]
      assert.is(letter!.id, '3')
      assert.is(letter!.deadLetterReason, 'MaxPendingEventsExceeded')
      assert.is(letter!.lastDeliveryOutcome, 'Full')
    }
  )
)

ends.run()
