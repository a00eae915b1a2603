import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createCore, createManualClock, systemIds, type SinkEvent } from '@fogbank/core'
import { createForwarder } from './forwarder.ts'

const forwarding = suite('events on their way to a topic')

forwarding('that come when the suite is closing wait for its next start', async () => {
  const clock = createManualClock()
  const log = { info() {}, warn() {}, error: console.error }
  const core = await createCore({ clock, ids: systemIds, log })
  try {
    const waiting = await core.records('azure-event-grid-namespaces:waiting')
    const context = { sinks: core.sinks, clock, log, waiting }
    const closing = await createForwarder('default/routing', context)
    closing.close()
    // Whoever takes them in is gone already.
    for (const id of ['e1', 'e2']) await closing.forward('custom-topic:orders', { id })

    const taken: SinkEvent[] = []
    core.sinks.register('custom-topic:orders', async (events) => void taken.push(...events))
    const next = await createForwarder('default/routing', context)
    clock.advance(10_000)
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(taken, [{ id: 'e1' }, { id: 'e2' }])
    next.close()
  } finally {
    await core.close()
  }
})

forwarding.run()
