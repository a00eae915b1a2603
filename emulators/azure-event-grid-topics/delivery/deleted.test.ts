// A subscription that is deleted while a publish to it is on its way into the store.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createCore, createManualClock, systemIds, type Core } from '@fogbank/core'
import type { PublishedEvent } from '../events.ts'
import { createResources } from '../resources.ts'
import { createDelivery } from './index.ts'

const deleted = suite('a subscription that goes while it is published to')

deleted('leaves nothing to one that is made under its name later', async () => {
  const clock = createManualClock()
  const log = { info() {}, warn() {}, error: console.error }
  const core = await createCore({ clock, ids: systemIds, log })
  let gate = Promise.resolve()
  const waiting: Core = {
    ...core,
    async records(name) {
      const records = await core.records(name)
      return { ...records, commit: (changes) => gate.then(() => records.commit(changes)) }
    }
  }
  const resources = createResources({})
  const [resource] = resources.all
  const parts = { core: waiting, clock, ids: systemIds, log, resources, settings: undefined }
  const delivery = await createDelivery(parts)
  try {
    const scope = { resource: resource!, domainTopic: undefined }
    const destination = {
      endpointType: 'NamespaceTopic' as const,
      properties: { resourceId: '/topics/orders' }
    }
    await delivery.put({ scope, name: 'hook', properties: { destination } })
    const event = { id: 'e1', eventType: 't', subject: 's', data: 1 }
    const published: PublishedEvent = {
      ...{ ...event, resource: resource!, json: JSON.stringify(event), event },
      ...{ domainTopic: undefined, channel: undefined, topic: resource!.id },
      ...{ eventTime: undefined, dataVersion: '1', publishedAtMs: clock.now() }
    }
    let go = () => {}
    gate = new Promise<void>((resolve) => (go = resolve))
    const accepted = delivery.accept([published])
    const gone = delivery.delete(scope, 'hook')
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    go()
    await Promise.all([accepted, gone])
    const left: string[] = []
    const records = await core.records('azure-event-grid-topics:delivery')
    for await (const [key] of records.range()) left.push(key)
    assert.equal(left, [])
  } finally {
    await delivery.close()
    await core.close()
  }
})

deleted.run()
