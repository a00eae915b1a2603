import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { matchesFilter } from '@fogbank/core'
import { parseTopic, toMatcher } from './topics.ts'

const level = fc.constantFrom('', 'a', 'b', 'a.b', '$a', 'ab')
const topics = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'))
const filters = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([levels, all]) => [...levels, ...(all ? ['#'] : [])].join('/'))

const neverBreached = (error: Error) => {
  throw error
}

const matcher = suite('shiftr toMatcher')

matcher('agrees with the core about every filter and topic', () => {
  fc.assert(
    fc.property(filters, topics, (text, topic) => {
      fc.pre(text !== '' && text !== '/')
      const filter = parseTopic(text, neverBreached)
      assert.is(
        toMatcher(filter)(topic),
        matchesFilter(filter.name, topic),
        `${filter.name} ${topic}`
      )
    }),
    { numRuns: 3000 }
  )
})

matcher('knows # alone, and that a/# means a too', () => {
  const matches = (text: string, topic: string) => toMatcher(parseTopic(text, neverBreached))(topic)
  assert.ok(matches('#', 'a/b'))
  assert.not(matches('#', '$a'))
  assert.ok(matches('a/#', 'a'))
  assert.ok(matches('a/#', 'a/b/c'))
  assert.not(matches('a/#', 'ab'))
  assert.not(matches('a.b/+', 'axb/c'))
})

matcher('takes each character for itself that lenient limits let through', () => {
  for (const topic of ['a(b', 'a[b', 'a?b', 'a\\d', 'a|b', 'a^b', 'a{2}b', 'a.b']) {
    const matches = toMatcher(parseTopic(`${topic}/+`, () => {}))
    assert.ok(matches(`${topic}/x`), topic)
    assert.not(matches('ab/x'), topic)
    assert.not(matches('ad/x'), topic)
  }
})

matcher.run()
