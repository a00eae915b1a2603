import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fill, substitute, type MatchContext } from './match.ts'

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5)
const UPPER = 'AB12CD34-0000-4000-8000-0123456789AB'
const LOWER = UPPER.toLowerCase()
const context = (): MatchContext => ({ names: new Map(), nowMs: NOW })

const CASES: [expected: unknown, fitting: unknown[], others: unknown[]][] = [
  ['<uuid>', [UPPER, LOWER], ['', 'x', `${LOWER}0`, 5, undefined]],
  ['<rid>', [LOWER], [UPPER]],
  [
    '<rfc3339>',
    ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.678+01:00'],
    ['2026-01-02', '2026-01-02T03:04:05']
  ],
  ['<etag>', ['"a"', 'W/"a"'], ['a']],
  ['<any>', ['', 0, null, { a: 1 }], [undefined]],
  ['<string>', ['', 'a\nb'], [1, null, {}]],
  ['<integer>', [0, -5, '17'], [1.5, 'x', '']],
  ['<epoch-ms>', [NOW, NOW + 300_000, String(NOW)], [NOW / 1000, NOW + 300_001]],
  ['<epoch-s>', [NOW / 1000, String(NOW / 1000)], [NOW]],
  ['at <rfc3339>, id <uuid>.', [`at 2026-01-02T03:04:05Z, id ${LOWER}.`], [`id ${LOWER}.`]],
  ['(<integer>)', ['(5)'], ['(x)', 5]],
  ['<unknown>', ['<unknown>'], ['x']],
  [{ a: ['<uuid>', 1] }, [{ a: [LOWER, 1] }], [{ a: [LOWER, 2] }, { a: [LOWER] }, {}, null]]
]

const match = suite('placeholders')

for (const [expected, fitting, others] of CASES) {
  match(JSON.stringify(expected), () => {
    for (const actual of fitting) assert.equal(fill(expected, actual, context()), actual)
    for (const actual of others) assert.not.equal(fill(expected, actual, context()), actual)
  })
}

match('a captured value must come again', () => {
  const { names, nowMs } = context()
  fill({ id: 'v-<name:id>', token: '<name:token>' }, { id: 'v-1', token: 'a b' }, { names, nowMs })
  assert.is(fill('<same:id>', '1', { names, nowMs }), '1')
  assert.is(fill('<same:id>', '2', { names, nowMs }), '<same:id>')
  assert.is(substitute('/x?t=<same:token>', names, encodeURIComponent), '/x?t=a%20b')
})

match('a value that was not captured is a mistake of the transcript', () => {
  assert.throws(() => substitute('<same:x>', new Map()), /<same:x> stands before <name:x>/)
})

match.run()
