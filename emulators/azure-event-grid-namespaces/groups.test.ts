import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { compileQuery } from './groups.ts'
import type { Variables } from './templates.ts'

const groups = suite('azure-event-grid-namespaces client groups')

const METER: Variables = {
  authenticationName: 'meter-7',
  attributes: { kind: 'meter', floor: 3, areas: ['north', 'roof'] }
}

/** A query, and whether METER belongs to its group. */
const QUERIES: [query: string, member: boolean][] = [
  ["attributes.kind = 'meter'", true],
  ['attributes.kind = "meter"', true],
  ["attributes.kind='meter'", true],
  ["attributes.kind = 'METER'", false],
  ["attributes.kind <> 'valve'", true],
  ["attributes.kind != 'meter'", false],
  ["attributes.missing <> 'x'", false],
  ["attributes.constructor <> 'x'", false],
  ['attributes.floor = 3', true],
  ["attributes.floor = '3'", false],
  ['attributes.floor > 2', true],
  ['attributes.floor > 3', false],
  ['attributes.floor >= 3', true],
  ['attributes.floor < -3', false],
  ['attributes.floor <= 3', true],
  ['attributes.kind > 2', false],
  ["attributes.kind IN ['valve', 'meter']", true],
  ["attributes.kind in ['valve']", false],
  ['attributes.floor IN [1,2,3]', true],
  ["attributes.areas = 'roof'", true],
  ["attributes.areas = 'cellar'", false],
  ["attributes.areas IN ['cellar', 'north']", true],
  ["authenticationName = 'meter-7'", true],
  ["authenticationName IN ['meter-8']", false],
  ["attributes.kind = 'valve' and attributes.floor = 3 or attributes.areas = 'roof'", true],
  ["attributes.areas = 'roof' or attributes.floor = 3 and attributes.kind = 'valve'", true],
  ["(attributes.areas = 'roof' or attributes.floor = 3) and attributes.kind = 'valve'", false],
  ["attributes.kind = 'valve' OR (attributes.floor = 3 AND authenticationName <> 'x')", true],
  ["  attributes.kind = 'meter'  ", true]
]

for (const [query, member] of QUERIES) {
  groups(`${query} is ${member}`, () => {
    assert.is(compileQuery(query)(METER), member)
  })
}

/** A query that is none, and what is said of it. */
const MISTAKES: [query: string, sentence: RegExp][] = [
  ['', /ends where an attribute should be/],
  ['attributes.kind', /ends where an operator should be/],
  ['attributes.kind =', /ends where a value should be/],
  ['kind = 1', /attributes\.KEY or authenticationName should be where kind is/],
  ["'meter' = attributes.kind", /should be where meter is/],
  ['attributes.kind ~ 1', /cannot be read from "~ 1" on/],
  ["attributes.kind = 'meter", /cannot be read from "'meter" on/],
  ['attributes.kind is 1', /there is no operator is/],
  ['attributes.kind = attributes.floor', /a value should be where attributes\.floor is/],
  ['attributes.kind IN (1)', /\[ should be where \( is/],
  ['attributes.kind IN [1', /ends where \] should be/],
  ['(attributes.kind = 1', /ends where \) should be/],
  ['attributes.kind = 1 attributes.floor = 2', /and or or should be where attributes\.floor is/],
  ['not attributes.kind = 1', /should be where not is/]
]

for (const [query, sentence] of MISTAKES) {
  groups(`says what is wrong with "${query}"`, () => {
    assert.throws(() => compileQuery(query), sentence)
  })
}

groups.run()
