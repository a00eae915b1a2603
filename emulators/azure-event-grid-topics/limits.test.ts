// Each size at the limit and one past it.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Settings } from './settings.ts'
import { EVENT, ID, messageOf, withTopics } from './testing.ts'

const sizes = suite('azure-event-grid-topics sizes')

/** One event whose own text has so many bytes. */
function toEvent(bytes: number): string {
  const empty = JSON.stringify({ ...EVENT, data: '' })
  return JSON.stringify({ ...EVENT, data: 'x'.repeat(bytes - empty.length) })
}

/** A request of so many bytes around small events. */
function toBody(bytes: number): string {
  const body = `[${toEvent(1_000)},${toEvent(2_000)}]`
  return body + ' '.repeat(bytes - body.length)
}

const REQUESTS: [settings: Settings, limit: number][] = [
  [{}, 1_048_576],
  [{ eventSizeLimit: '64KB' }, 1_048_576],
  [{ sizeLimits: 'observed' }, 1_536_000]
]

for (const [settings, limit] of REQUESTS) {
  sizes(`a request has at most ${limit} bytes with ${JSON.stringify(settings)}`, () =>
    withTopics({ settings }, async ({ publish, outcome }) => {
      assert.is(await outcome(toBody(limit)), '200 ok')
      const refused = await publish(toBody(limit + 1))
      assert.is(refused.status, 413)
      assert.is(messageOf(refused), `The maximum size (${limit}) has been exceeded.`)
    })
  )
}

const EVENTS: [settings: Settings, limit: number][] = [
  [{ eventSizeLimit: '64KB' }, 65_536],
  [{ eventSizeLimit: '64KB', sizeLimits: 'observed' }, 65_536],
  [{ sizeLimits: 'observed' }, 1_049_600]
]

for (const [settings, limit] of EVENTS) {
  sizes(`an event has at most ${limit} bytes with ${JSON.stringify(settings)}`, () =>
    withTopics({ settings }, async ({ publish, outcome }) => {
      assert.is(await outcome(`[${toEvent(limit)},${toEvent(500)}]`), '200 ok')
      assert.is(await outcome(`[${toEvent(500)},${toEvent(limit + 1)}]`), '413 EventTooLarge')
      const refused = await publish(`[${toEvent(limit + 1)}]`)
      assert.is(messageOf(refused), `The maximum size (${limit}) has been exceeded.`)
    })
  )
}

sizes('an event is measured in bytes of UTF-8, as it was written', () =>
  withTopics({ settings: { eventSizeLimit: '64KB' } }, async ({ outcome }) => {
    const around = toEvent(500).length - 500
    const event = (data: string) => JSON.stringify([{ ...EVENT, data }])
    const room = 65_536 - around - JSON.stringify({ ...EVENT, data: '' }).length
    assert.is(await outcome(event('é'.repeat(room / 2))), '200 ok')
    assert.is(await outcome(event('é'.repeat(room / 2 + 1))), '413 EventTooLarge')
    const spaced = `[{ ${' '.repeat(65_000)} ${toEvent(500).slice(1)}]`
    assert.is(await outcome(spaced), '200 ok')
    assert.is(await outcome(spaced.replace('{', `{${' '.repeat(40)}`)), '413 EventTooLarge')
  })
)

sizes('the request comes before the credential of nobody, and after a wrong one', () =>
  withTopics({}, async ({ outcome }) => {
    const headers = { 'aeg-sas-key': 'AAAA' }
    assert.is(await outcome(toBody(1_048_577), { headers }), '401 KeyWrong')
    assert.is(await outcome(toBody(1_048_577)), '413 BodyTooLarge')
  })
)

sizes('events beyond 64 KB are counted in steps of 64 KB, in the log', () =>
  withTopics({}, async ({ world, outcome }) => {
    const log = () => world.lines.filter((line) => line.includes('operations='))
    assert.is(await outcome(`[${toEvent(65_536)},${toEvent(500)}]`), '200 ok')
    assert.equal(log(), [])
    assert.is(await outcome(`[${toEvent(65_537)},${toEvent(500)},${toEvent(200_000)}]`), '200 ok')
    assert.equal(log(), [`${ID} PublishEvents default events=3 operations=7`])
  })
)

sizes.run()
