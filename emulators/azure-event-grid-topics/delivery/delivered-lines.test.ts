import { createManualClock } from '@fogbank/core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createDeliveredLines, LINES_PER_SECOND } from './delivered-lines.ts'
import { order, withDelivery, type DeliveryWorld } from './testing.ts'

const toTopic = () => ({
  topics: [
    {
      name: 'orders',
      eventSubscriptions: [
        {
          name: 'to-devices',
          destination: { endpointType: 'MqttTopic', properties: { topic: 'shop/orders' } }
        }
      ]
    }
  ]
})
const events = (count: number) =>
  Array.from({ length: count }, (_, at) => order({ id: `e${at + 1}` }))

/** Publishes so many, and takes them where they go. */
async function deliver(world: DeliveryWorld, count: number): Promise<void> {
  const client = await world.mqtt({ at: 'control' }, { clientId: 'c1' })
  await client.subscribe('shop/#', 0)
  await world.publish(events(count))
  for (let taken = 0; taken < count; taken++) await world.next(client)
}

const linesOf = (world: DeliveryWorld) =>
  world.lines.filter((line) => line.includes('to-devices delivered'))

const lines = suite('lines of the log for deliveries')

lines(`${LINES_PER_SECOND} a second have one each`, () =>
  withDelivery(toTopic, async (world) => {
    await deliver(world, LINES_PER_SECOND)
    await world.logged(/to-devices delivered/, LINES_PER_SECOND)
    world.clock.advance(1_000)
    const line = 'azure-event-grid-topics delivery to-devices delivered events=1'
    assert.equal(linesOf(world), Array(LINES_PER_SECOND).fill(line))
  })
)

lines(
  'what comes beyond them is summed up at the end of the second, and the next has its own',
  () => {
    const clock = createManualClock()
    const said: string[] = []
    const log = { info: (line: string) => void said.push(line), warn() {}, error() {} }
    const delivered = createDeliveredLines(clock, log, 'to-devices')
    for (let request = 0; request < LINES_PER_SECOND; request++) delivered.count(1)
    for (const events of [3, 4]) delivered.count(events)
    clock.advance(999)
    assert.is(said.length, LINES_PER_SECOND)
    clock.advance(1)
    delivered.count(5)
    assert.equal(said.slice(LINES_PER_SECOND), [
      'azure-event-grid-topics delivery to-devices delivered events=7 in 2 more requests',
      'azure-event-grid-topics delivery to-devices delivered events=5'
    ])
    clock.advance(1_000)
    assert.is(said.length, LINES_PER_SECOND + 2)
  }
)

lines('an end says what was not said yet', () =>
  withDelivery(toTopic, async (world) => {
    await deliver(world, LINES_PER_SECOND + 1)
    await world.logged(/to-devices delivered/, LINES_PER_SECOND)
    await world.fogbank.close()
    const [last = ''] = linesOf(world).slice(-1)
    assert.match(last, 'delivered events=1 in 1 more requests')
  })
)

lines.run()
