import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createCore, createManualClock, systemIds } from '@fogbank/core'
import { openEventStore } from './event-store.ts'

const store = suite('the events of a namespace')

store('that are on their way in are forgotten with their subscription', async () => {
  const log = { info() {}, warn() {}, error: console.error }
  const core = await createCore({ clock: createManualClock(), ids: systemIds, log })
  try {
    const records = await core.records('azure-event-grid-namespaces:events')
    const events = await openEventStore(records)
    const [gone, other] = ['default/orders/worker', 'default/orders/other']
    const published = events.commit([
      events.put(gone, events.nextSequence(), 0, '{}'),
      events.put(other, events.nextSequence(), 0, '{}')
    ])
    await events.clear(gone)
    await published
    const left: string[] = []
    for await (const [key] of records.range()) left.push(key)
    assert.equal(left, ['e/default/orders/other/0000000000000002'])
  } finally {
    await core.close()
  }
})

store.run()
