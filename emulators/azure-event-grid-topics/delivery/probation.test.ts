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

const settings =
  (probation: boolean, more: object = {}) =>
  (url: string, path: string) => ({
    ...oneWebhook(url, {
      ...more,
      deadLetterDestination: { endpointType: 'LocalFolder', properties: { path } }
    }),
    delivery: { jitter: false, probation }
  })

/** Publishes an event that fails so. */
async function fail(world: DeliveryWorld, reaction: Reaction, line: RegExp): Promise<void> {
  await world.logged(/handshake orders-webhook Succeeded/)
  world.receiver.react = () => reaction
  await world.publish([order({ id: 'failing' })])
  await world.receiver.next()
  await world.logged(line)
  world.receiver.react = () => ({ status: 200 })
}

/** Whether anything was sent by now: a request that was begun is there before an answer of ours. */
async function isQuiet(world: DeliveryWorld): Promise<boolean> {
  await fetch(String(world.fogbank.endpoints.control!.http))
  return world.receiver.received.length === 0
}

const idsOf = ({ text }: { text: string }) =>
  (JSON.parse(text) as { id: string }[]).map(({ id }) => id)

const probation = suite('probation')

/** What an endpoint does, and how long even a new event waits for it. */
const durations: [reaction: Reaction, line: RegExp, waitMs: number][] = [
  [{ status: 503 }, /orders-webhook 503/, 10 * SECOND],
  [{ status: 429 }, /orders-webhook 429/, 10 * SECOND],
  [{ status: 408 }, /orders-webhook 408/, 10 * SECOND],
  ['reset', /orders-webhook SocketError/, 30 * SECOND],
  [{ status: 404 }, /orders-webhook 404/, 5 * MINUTE],
  [{ status: 401 }, /orders-webhook 401/, 5 * MINUTE],
  [{ status: 403 }, /orders-webhook 403/, 5 * MINUTE]
]
for (const [reaction, line, waitMs] of durations) {
  const what = typeof reaction === 'string' ? reaction : reaction.status
  probation(`after ${what} a new event waits ${waitMs / SECOND} s`, () =>
    withDelivery(settings(true), async (world) => {
      await fail(world, reaction, line)
      await world.publish([order({ id: 'new' })])
      world.clock.advance(waitMs - 1)
      assert.ok(await isQuiet(world))
      world.clock.advance(1)
      const first = idsOf(await world.receiver.next())
      // A retry that fell due meanwhile waits with it.
      const ids = first[0] === 'new' ? first : idsOf(await world.receiver.next())
      assert.equal(ids, ['new'])
    })
  )
}

for (const status of [500, 400, 413]) {
  probation(`${status} is about the event: the next one goes out at once`, () =>
    withDelivery(settings(true), async (world) => {
      await fail(world, { status }, new RegExp(`orders-webhook ${status}`))
      await world.publish([order({ id: 'new' })])
      assert.equal(idsOf(await world.receiver.next()), ['new'])
    })
  )
}

probation('without the setting an endpoint that failed gets new events at once', () =>
  withDelivery(settings(false), async (world) => {
    await fail(world, { status: 404 }, /orders-webhook 404/)
    await world.publish([order({ id: 'new' })])
    assert.equal(idsOf(await world.receiver.next()), ['new'])
  })
)

probation('an event whose time ran out meanwhile is a dead letter of it', () =>
  withDelivery(
    settings(true, { retryPolicy: { eventTimeToLiveInMinutes: 1 } }),
    async (world, folder) => {
      await fail(world, { status: 401 }, /orders-webhook 401/)
      await world.publish([order({ id: 'late' })])
      world.clock.advance(5 * MINUTE)
      await world.logged(/late events=1 attempts=0: EventTimeToLiveExpired, a dead letter/)
      world.clock.advance(5 * MINUTE)
      await world.logged(/dead letters of orders-webhook written/, 2)
      const letters = Object.values(readFolder(folder)).flat() as Record<string, unknown>[]
      const { lastDeliveryOutcome, deliveryAttempts } = letters.find(({ id }) => id === 'late')!
      assert.equal([lastDeliveryOutcome, deliveryAttempts], ['Probation', 0])
    }
  )
)

probation.run()
