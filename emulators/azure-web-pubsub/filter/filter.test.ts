import { ProviderError } from '@fogbank/personality'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withWebPubSub } from '../testing.ts'
import { compileFilter, type Filterable } from './index.ts'

const alice: Filterable = {
  connectionId: 'conn1',
  userId: 'alice',
  protocol: 'json.webpubsub.azure.v1',
  groups: new Set(['g1', 'g2'])
}
const nobody: Filterable = { ...alice, userId: null, groups: new Set() }

/** Filter, whether it takes Alice, whether it takes who has neither name nor group. */
const ROWS: [filter: string, alice: boolean, nobody: boolean][] = [
  ["userId eq 'alice'", true, false],
  ["userId eq 'Alice'", false, false],
  ["USERID eq 'alice'", true, false],
  ["userId ne 'alice'", false, true],
  ['userId eq null', false, true],
  ['userId ne null', true, false],
  ["userId eq 'o''brien'", false, false],
  ["userId in ('bob', 'alice')", true, false],
  ["userId in ('Doe, John', 'x')", false, false],
  ['userId in (null)', false, true],
  ["'g1' in groups", true, false],
  ["'G1' in groups", false, false],
  ["connectionId eq 'conn1' and 'g2' in groups", true, false],
  ["protocol eq 'json.webpubsub.azure.v1'", true, true],
  ['length(userId) gt 4', true, false],
  ['length(userId) ge 5', true, false],
  ['length(userId) lt 6', true, false],
  ['length(userId) le 4', false, false],
  ['length(userId) eq null', false, true],
  ['length(groups) eq 2', true, false],
  ['length(groups) ge 0', true, true],
  ['not (length(userId) gt 5)', true, true],
  ['not (length(userId) gt 4)', false, true],
  ["tolower('ALICE') eq userId", true, false],
  ["toupper(userId) eq 'ALICE'", true, false],
  ["trim(' alice ') eq userId", true, false],
  ["substring(userId, 1) eq 'lice'", true, false],
  ["substring(userId, 1, 2) eq 'li'", true, false],
  ["substring(userId, 9) eq ''", true, false],
  ["startswith(userId, 'al')", true, false],
  ["endswith(userId, 'ce')", true, false],
  ["contains(userId, 'lic')", true, false],
  ["contains(userId, 'Lic')", false, false],
  ["indexof(userId, 'i') eq 2", true, false],
  ["indexof(userId, 'z') eq -1", true, true],
  ["concat(userId, '!') eq 'alice!'", true, false],
  ["concat(concat(userId, ', '), connectionId) eq 'alice, conn1'", true, false],
  ['true', true, true],
  ['false', false, false],
  ['true or false and false', true, true],
  ['(true or false) and false', false, false],
  ["not startswith(userId, 'b')", true, true],
  ['not not true', true, true],
  ["true eq ('g1' in groups)", true, false],
  ['1 lt 2 and -1 lt 0', true, true]
]

/** Filter and the whole sentence it is refused with. */
const REFUSED: [filter: string, message: string][] = [
  ['userId lt 1', "Invalid syntax for 'userId lt 1': Type 'string', expect 'int'."],
  [
    'not length(userId) gt 5',
    "Invalid syntax for 'not length(userId)': Type 'null', expect 'bool'."
  ],
  ["( not 'a' )", "Invalid syntax for 'not 'a'': Type 'string', expect 'bool'."],
  ['invalid(ab,c)', "Invalid syntax for 'invalid(ab,c)': Token 'invalid(ab,c)' is not supported."],
  ['ab eq 1', "Invalid syntax for 'ab eq 1': Token 'ab' is not supported."],
  [
    'not length(connectionId)',
    "Invalid syntax for 'not length(connectionId)': Type 'int', expect 'bool'."
  ],
  ['userId', "Invalid syntax for 'userId': Type 'string', expect 'bool'."],
  ['userId eq 1', "Invalid syntax for 'userId eq 1': Type 'int', expect 'string'."],
  ['true and 1', "Invalid syntax for 'true and 1': Type 'int', expect 'bool'."],
  ["true or 'a'", "Invalid syntax for 'true or 'a'': Type 'string', expect 'bool'."],
  ['1 in groups', "Invalid syntax for '1 in groups': Type 'int', expect 'string'."],
  ["'a' in userId", "Invalid syntax for ''a' in userId': Type 'string', expect 'collection'."],
  ['userId in (1)', "Invalid syntax for 'userId in (1)': Type 'int', expect 'string'."],
  ['length(1) eq 1', "Invalid syntax for 'length(1)': Type 'int', expect 'string'."],
  [
    "substring('a', 'b') eq ''",
    "Invalid syntax for 'substring('a', 'b')': Type 'string', expect 'int'."
  ],
  ['length() eq 1', "Invalid syntax for 'length()': Function 'length' does not take 0 arguments."],
  [
    "contains('a') and true",
    "Invalid syntax for 'contains('a')': Function 'contains' does not take 1 arguments."
  ],
  ["userId eq 'a", "Invalid syntax for 'userId eq 'a': The string is not closed."],
  ['(true', "Invalid syntax for '(true': Unexpected end."],
  ['userId eq', "Invalid syntax for 'userId eq': Unexpected end."],
  [
    "constructor eq 'a'",
    "Invalid syntax for 'constructor eq 'a'': Token 'constructor' is not supported."
  ],
  [
    "'a' in __proto__",
    "Invalid syntax for ''a' in __proto__': Token '__proto__' is not supported."
  ],
  ['true)', "Invalid syntax for 'true)': Token ')' is not supported."],
  ['true true', "Invalid syntax for 'true true': Token 'true' is not supported."],
  ['and true', "Invalid syntax for 'and true': Token 'and' is not supported."],
  ['1.5 lt 2', "Invalid syntax for '1.5 lt 2': Token '1.5' is not supported."],
  ['userId & 1', "Invalid syntax for 'userId & 1': Token '&' is not supported."],
  [
    "(userId, 'a') eq userId",
    "Invalid syntax for '(userId, 'a') eq userId': Token ',' is not supported."
  ]
]

const filters = suite('azure-web-pubsub filter')

for (const [filter, ofAlice, ofNobody] of ROWS) {
  filters(`${filter} takes ${ofAlice ? 'Alice' : 'not Alice'}`, () => {
    const accepts = compileFilter(filter)
    assert.equal([accepts(alice), accepts(nobody)], [ofAlice, ofNobody])
  })
}

function refusal(filter: string): string {
  try {
    compileFilter(filter)
  } catch (error) {
    if (error instanceof ProviderError && error.key === 'FilterInvalid') return error.text!
    throw error
  }
  throw new Error(`${filter} was accepted`)
}

for (const [filter, message] of REFUSED) {
  filters(`${filter} is refused`, () =>
    assert.is(refusal(filter), `${message} (Parameter 'filter')`)
  )
}

filters('a fault is the answer of the call, before its body is looked at', () =>
  withWebPubSub({}, async ({ call }) => {
    for (const [filter, message] of REFUSED) {
      const target = `:send?filter=${encodeURIComponent(filter)}`
      const { status, body } = await call('POST', target, { text: '{', type: 'application/json' })
      assert.is(status, 400, filter)
      assert.equal(JSON.parse(body.toString()), {
        code: 'Error.BadRequest',
        message: `${message} (Parameter 'filter')`,
        target: 'Request'
      })
    }
  })
)

filters('a hundred clauses are taken, one more is not', () => {
  const many = (count: number) => Array(count).fill("userId eq 'a'").join(' or ')
  compileFilter(many(100))
  assert.match(refusal(many(101)), 'More than 100 clauses')
})

filters('nesting of a hundred levels is taken, one more is not', () => {
  const deep = (levels: number) => `${'not '.repeat(levels - 1)}true`
  compileFilter(deep(100))
  assert.match(refusal(deep(101)), 'Nested too deeply')
  assert.match(refusal('('.repeat(50_000)), 'Nested too deeply')
})

filters.run()
