import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createCore, createManualClock, systemIds, type Records } from '@fogbank/core'
import { openRegistry, type Registry } from './registry.ts'

const log = { info: () => {}, warn: () => {}, error: () => {} }
const toThing = (thingName: string) => ({ thingName, thingId: 'id', attributes: {}, version: 1 })
const namesOf = (registry: Registry, after = '') =>
  [...registry.things(after)].map(({ thingName }) => thingName)

async function withRecords(run: (records: Records) => Promise<void>): Promise<void> {
  const core = await createCore({ clock: createManualClock(), ids: systemIds, log })
  try {
    await run(await core.records('aws-iot:control-plane'))
  } finally {
    await core.close()
  }
}

const things = suite('aws-iot registry things')

things('are in the order of their names, whenever they came, went and came again', () =>
  withRecords(async (records) => {
    const registry = await openRegistry(records)
    for (const name of ['m', 'a', 'z', 'A', 'm:1', 'm-1', '_'])
      await registry.putThing(toThing(name))
    await registry.putThing(toThing('m'))
    for (const name of ['z', 'never', 'a']) await registry.deleteThing(name)
    await registry.putThing(toThing('a'))
    const sorted = ['A', '_', 'a', 'm', 'm-1', 'm:1']
    assert.equal(namesOf(registry), sorted)
    assert.equal(namesOf(await openRegistry(records)), sorted)
    registry.forget()
    assert.equal(namesOf(registry), [])
  })
)

things('are read on behind a name, be it there or not', () =>
  withRecords(async (records) => {
    const registry = await openRegistry(records)
    for (const name of ['b', 'd', 'f']) await registry.putThing(toThing(name))
    for (const [after, rest] of [
      ['a', ['b', 'd', 'f']],
      ['b', ['d', 'f']],
      ['c', ['d', 'f']],
      ['f', []],
      ['g', []]
    ] as const) {
      assert.equal(namesOf(registry, after), rest)
    }
  })
)

things.run()
