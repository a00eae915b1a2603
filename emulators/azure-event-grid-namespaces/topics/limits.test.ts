// Bodies of the events host at their limits and one past them, sent whole.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { limits } from '../limits.ts'
import { withNamespace, type World } from '../testing.ts'

const V = 'api-version=2024-06-01'
const KEY = { authorization: 'SharedAccessKey Zm9nYmFuay1sb2NhbC1uYW1lc3BhY2Uta2V5LW9uZSE=' }
const EVENT = '{"id":"a","source":"s","type":"t","specversion":"1.0","data":"'
const MAXIMUM = limits.eventsBytes.value

const limit = suite('azure-event-grid-namespaces limits of the events host')

const toEvent = (bytes: number) => `${EVENT}${'x'.repeat(bytes - EVENT.length - 2)}"}`
/** Two events and what is around them. */
const toBatch = (bytes: number) => `[${toEvent(500_000)},${toEvent(bytes - 500_003)}]`

function send(world: World, type: string, body: string) {
  const headers = { ...KEY, 'content-type': `application/${type}` }
  return world.send({ target: `/topics/default:publish?${V}`, headers, body })
}

async function waiting(world: World): Promise<number> {
  const target = `/topics/default/eventsubscriptions/default:receive?${V}&maxEvents=10&maxWaitTime=0`
  const { text } = await world.send({ target, headers: KEY })
  return JSON.parse(text).value.length
}

for (const [what, type, toBody, count] of [
  ['an event', 'cloudevents+json', toEvent, 1],
  ['a batch', 'cloudevents-batch+json', toBatch, 2],
  ['an event in binary mode', 'octet-stream', (bytes: number) => 'x'.repeat(bytes), 1]
] as const) {
  limit(`${what} has one mebibyte and not a byte more`, () =>
    withNamespace({ settings: { allowShortWait: true } }, async (world) => {
      const headers = { 'ce-id': 'a', 'ce-source': 's', 'ce-type': 't', 'ce-specversion': '1.0' }
      const binary = (body: string) =>
        world.send({
          target: `/topics/default:publish?${V}`,
          headers: { ...KEY, ...headers, 'content-type': `application/${type}` },
          body
        })
      const publish = type === 'octet-stream' ? binary : (body: string) => send(world, type, body)
      assert.is(toBody(MAXIMUM).length, MAXIMUM)
      const tooLarge = await publish(toBody(MAXIMUM + 1))
      assert.is(tooLarge.status, 403)
      assert.is(
        JSON.parse(tooLarge.text).error.message,
        'The event or batch exceeds 1048576 bytes.'
      )
      assert.is(await waiting(world), 0)
      assert.is((await publish(toBody(MAXIMUM))).status, 200)
      assert.is(await waiting(world), count)
    })
  )
}

limit.run()
