// What takes time: long polls, locks and delays, under a clock that is moved by hand.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { within } from '@fogbank/contract/testing'
import { withNamespace, type World } from '../testing.ts'

const V = 'api-version=2024-06-01'
const WORKER = '/topics/default/eventsubscriptions/default'
const KEY = { authorization: 'SharedAccessKey Zm9nYmFuay1sb2NhbC1uYW1lc3BhY2Uta2V5LW9uZSE=' }

const receiving = suite('azure-event-grid-namespaces pull delivery')

function publish(world: World, ...ids: string[]) {
  const events = ids.map((id) => ({ id, source: 's', type: 't', specversion: '1.0', data: id }))
  const headers = { ...KEY, 'content-type': 'application/cloudevents-batch+json' }
  const target = `/topics/default:publish?${V}`
  return world.send({ target, headers, body: JSON.stringify(events) })
}

interface Item {
  brokerProperties: { lockToken: string; deliveryCount: number }
  event: { id: string }
}

async function receive(world: World, query: string): Promise<Item[]> {
  const answer = await world.send({ target: `${WORKER}:receive?${V}&${query}`, headers: KEY })
  assert.is(answer.status, 200, answer.text)
  return (JSON.parse(answer.text) as { value: Item[] }).value
}

async function settle(world: World, action: string, tokens: string[]): Promise<string[]> {
  const [name, query = ''] = action.split('?')
  const target = `${WORKER}:${name}?${V}&${query}`
  const headers = { ...KEY, 'content-type': 'application/json' }
  const body = JSON.stringify({ lockTokens: tokens })
  const answer = await world.send({ target, headers, body })
  assert.is(answer.status, 200, answer.text)
  return (JSON.parse(answer.text) as { succeededLockTokens: string[] }).succeededLockTokens
}

const idsOf = (items: Item[]) => items.map(({ event }) => event.id)
const tokensOf = (items: Item[]) => items.map(({ brokerProperties }) => brokerProperties.lockToken)

/** Lets whatever was sent reach the queue: the store in memory answers within a turn or two. */
const settled = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

receiving('waits for the time it was told to, and answers an empty list', () =>
  withNamespace({}, async (world) => {
    let done = false
    const waiting = receive(world, 'maxWaitTime=10').then((items) => {
      done = true
      return items
    })
    await settled()
    world.clock.advance(9_999)
    await settled()
    assert.is(done, false)
    world.clock.advance(1)
    assert.equal(await within(20_000, waiting, 'the answer'), [])
  })
)

receiving('waits a minute when it was told nothing', () =>
  withNamespace({}, async (world) => {
    const waiting = receive(world, '')
    await settled()
    world.clock.advance(60_000)
    assert.equal(await within(20_000, waiting, 'the answer'), [])
  })
)

receiving('wakes up with the events of one publish, and only the one who waited longest', () =>
  withNamespace({}, async (world) => {
    const first = receive(world, 'maxEvents=10')
    await settled()
    const second = receive(world, 'maxEvents=10')
    await settled()
    await publish(world, 'a', 'b')
    assert.equal(idsOf(await within(20_000, first, 'the first answer')), ['a', 'b'])
    await publish(world, 'c')
    assert.equal(idsOf(await within(20_000, second, 'the second answer')), ['c'])
  })
)

receiving('wakes up when a delay is over, with a count of 2', () =>
  withNamespace({}, async (world) => {
    await publish(world, 'a')
    const tokens = tokensOf(await receive(world, ''))
    assert.equal(await settle(world, 'release?releaseDelayInSeconds=10', tokens), tokens)
    const waiting = receive(world, 'maxWaitTime=60')
    await settled()
    world.clock.advance(10_000)
    const [item] = await within(20_000, waiting, 'the answer')
    assert.is(item!.brokerProperties.deliveryCount, 2)
    assert.is.not(item!.brokerProperties.lockToken, tokens[0])
  })
)

receiving('wakes up when a lock is over', () =>
  withNamespace({}, async (world) => {
    await publish(world, 'a')
    await receive(world, '')
    const waiting = receive(world, 'maxWaitTime=120')
    await settled()
    world.clock.advance(60_000)
    assert.equal(idsOf(await within(20_000, waiting, 'the answer')), ['a'])
  })
)

receiving('gives every event to one of several consumers, and all of them', () =>
  withNamespace({}, async (world) => {
    const wanted = Array.from({ length: 1000 }, (_, index) => `e${index}`)
    for (let start = 0; start < 1000; start += 50) {
      await publish(world, ...wanted.slice(start, start + 50))
    }
    const got: string[] = []
    const consume = async () => {
      for (;;) {
        const items = await receive(world, 'maxEvents=7&maxWaitTime=10')
        if (items.length === 0) return
        got.push(...idsOf(items))
        const tokens = tokensOf(items)
        assert.equal(await settle(world, 'acknowledge', tokens), tokens)
        if (got.length === 1000) setImmediate(() => world.clock.advance(10_000))
      }
    }
    await within(
      20_000,
      Promise.all([consume(), consume(), consume(), consume()]),
      'the last event'
    )
    assert.equal([...got].sort(), [...wanted].sort())
  })
)

receiving('answers whoever waits when the suite closes', async () => {
  let waiting: Promise<Item[]> | undefined
  await withNamespace({}, async (world) => {
    waiting = receive(world, '')
    await settled()
  })
  assert.equal(await within(20_000, waiting!, 'the answer'), [])
})

receiving('gives a subscription only what its filters let pass', () => {
  const filtersConfiguration = {
    filters: [
      { operatorType: 'NumberGreaterThan', key: 'data.size', value: 3 },
      { operatorType: 'StringIn', key: 'site', values: ['north', 'south'] }
    ]
  }
  const eventSubscriptions = [{ name: 'default', filtersConfiguration }]
  const settings = { topics: [{ name: 'default', eventSubscriptions }], allowShortWait: true }
  return withNamespace({ settings }, async (world) => {
    const events = [
      { id: 'small', site: 'north', data: { size: 3 } },
      { id: 'good', site: 'south', data: { size: 4 } },
      { id: 'elsewhere', site: 'east', data: { size: 4 } },
      { id: 'nowhere', data: { size: 4 } }
    ].map((event) => ({ ...event, source: 's', type: 't', specversion: '1.0' }))
    const headers = { ...KEY, 'content-type': 'application/cloudevents-batch+json' }
    const target = `/topics/default:publish?${V}`
    await world.send({ target, headers, body: JSON.stringify(events) })
    assert.equal(idsOf(await receive(world, 'maxEvents=10&maxWaitTime=0')), ['good'])
  })
})

receiving('refuses filters that make no sense at start, with the path of the key', async () => {
  const filters = [{ operatorType: 'NumberIn', key: 'data.size', values: ['x'] }]
  const eventSubscriptions = [{ name: 'worker', filtersConfiguration: { filters } }]
  const settings = { topics: [{ name: 'ingest', eventSubscriptions }] }
  const error = await withNamespace({ settings }, async () => {}).then(
    () => undefined,
    (thrown: Error) => thrown
  )
  assert.match(
    error?.message ?? '',
    /^topics\/ingest\/eventSubscriptions\/worker\/filtersConfiguration\/filters\/0\/values\/0 is/
  )
})

receiving.run()
