// In which order messages are seen, and that every spelling of a topic reads the same one.
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withShiftr, type Received, type TestClient } from './testing.ts'

const ordering = suite('shiftr ordering')

async function take(client: TestClient, count: number): Promise<Received[]> {
  const taken: Received[] = []
  while (taken.length < count) taken.push(await client.next())
  return taken
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index))
const texts = (messages: Received[]) => messages.map(({ text }) => text)

ordering('200 POSTs of one client arrive in order at two subscribers', () =>
  withShiftr({}, async ({ post, client }) => {
    const [one, two] = [await client(), await client()]
    await one.subscribe('a')
    await two.subscribe('+', 1)
    for (const text of numbers(200)) assert.is((await post('/broker/a', text)).status, 200)
    assert.equal(texts(await take(one, 200)), numbers(200))
    assert.equal(texts(await take(two, 200)), numbers(200))
  })
)

ordering(
  'with a second client posting meanwhile, every connection sees one and the same order',
  () =>
    withShiftr({}, async ({ post, client }) => {
      const [one, two] = [await client(), await client()]
      await one.subscribe('#')
      await two.subscribe('#')
      const publish = async (who: string, query: string) => {
        for (const text of numbers(200)) await post(`/broker/${who}${query}`, `${who}${text}`)
      }
      await Promise.all([publish('a', ''), publish('b', '?retained=true')])
      const seen = texts(await take(one, 400))
      assert.equal(texts(await take(two, 400)), seen)
      for (const who of ['a', 'b']) {
        const own = seen.filter((text) => text.startsWith(who))
        assert.equal(
          own,
          numbers(200).map((text) => who + text)
        )
      }
    })
)

ordering('an answered POST can be read', () =>
  withShiftr({}, async ({ call, post }) => {
    for (const text of numbers(50)) {
      await post('/broker/a?retained=true&qos=1', text)
      const replies = await Promise.all(
        ['a', 'a?retained=true', '@', '@?retained=true'].map((path) => call(`/broker/${path}`))
      )
      assert.equal(
        replies.map((reply) => reply.text),
        [text, text, text, text]
      )
    }
  })
)

ordering('of retained messages the one that was retained last is the latest', () =>
  withShiftr({ manualClock: true }, async ({ call, post, clock }) => {
    await post('/broker/x/a?retained=true', 'first')
    await post('/broker/x/c?retained=true', 'second')
    await post('/broker/x/b?retained=true', 'third')
    await post('/broker/x/a', 'not retained')
    assert.is((await call('/broker/x/*?retained=true')).text, 'third')
    assert.is((await call('/broker/x/*')).text, 'not retained')
    clock!.advance(1000)
    await post('/broker/x/a?retained=true', 'fourth')
    assert.is((await call('/broker/x/*?retained=true')).text, 'fourth')
    await post('/broker/x/a?retained=true', '')
    assert.is((await call('/broker/x/*?retained=true')).text, 'third')
  })
)

const level = fc.constantFrom('a', 'b', 'c')
const filters = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([levels, all]) => [...levels, ...(all ? ['#'] : [])].join('/'))

/** Ways to write one filter in a path. */
const SPELLINGS: ((filter: string) => string)[] = [
  (filter) => filter.replaceAll('#', '%23'),
  (filter) => filter.replaceAll('#', '@'),
  (filter) => filter.replaceAll('+', '*').replaceAll('#', '@'),
  (filter) => filter.replaceAll('+', '%2B').replaceAll('#', '%23'),
  (filter) => filter.replaceAll('+', '%2b').replaceAll('#', '%40'),
  (filter) => `/${filter.replaceAll('#', '@')}`,
  (filter) => `%2F${filter.replaceAll('+', '%2A').replaceAll('#', '@')}`
]

ordering('every spelling of a filter reads the same message', () =>
  withShiftr({}, async ({ call, post }) => {
    const topics = ['a', 'b', 'a/b', 'b/a', 'a/b/c', 'c/b/a', 'a/a']
    for (const topic of topics) await post(`/broker/${topic}?retained=true`, topic)
    await fc.assert(
      fc.asyncProperty(filters, fc.boolean(), async (filter, retained) => {
        const replies = await Promise.all(
          SPELLINGS.map((spell) => call(`/broker/${spell(filter)}?retained=${retained}`))
        )
        const answers = replies.map(({ status, text }) => `${status} ${text}`)
        assert.equal(new Set(answers).size, 1, `${filter}: ${answers.join(', ')}`)
      }),
      { numRuns: 60 }
    )
  })
)

ordering.run()
