import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { compileFilters, FILTER_OPERATORS, findFilterFault, lookUp } from './filters.ts'

/** operator, operand, the value under `data.v` (MISSING: no such key), passes, with arrays allowed. */
type Row = [operator: string, operand: unknown, value: unknown, passes: boolean, arrays?: 'arrays']

const MISSING = Symbol('no such key')
const RANGES = [
  [1, 2],
  [5.5, 9]
]

const rows: Row[] = [
  ['NumberGreaterThan', 5, 6, true],
  ['NumberGreaterThan', 5, 5, false],
  ['NumberGreaterThan', 5, '6', false],
  ['NumberGreaterThan', 5, null, false],
  ['NumberGreaterThan', 5, MISSING, false],
  ['NumberGreaterThan', 5, [1, 6], false],
  ['NumberGreaterThan', 5, [1, 6], true, 'arrays'],
  ['NumberGreaterThan', 5, ['6', true, 1], false, 'arrays'],
  ['NumberGreaterThanOrEquals', 5, 5, true],
  ['NumberGreaterThanOrEquals', 5, 4.999, false],
  ['NumberGreaterThanOrEquals', 0, null, false],
  ['NumberGreaterThanOrEquals', 0, MISSING, false],
  ['NumberGreaterThanOrEquals', 5, [4, 5], true, 'arrays'],
  ['NumberLessThan', 5, 4, true],
  ['NumberLessThan', 5, 5, false],
  ['NumberLessThan', 5, null, false],
  ['NumberLessThan', 5, MISSING, false],
  ['NumberLessThan', 5, [7, 8], false, 'arrays'],
  ['NumberLessThanOrEquals', 5, 5, true],
  ['NumberLessThanOrEquals', 5, 5.001, false],
  ['NumberLessThanOrEquals', 5, MISSING, false],
  ['NumberLessThanOrEquals', 5, [7, 5], true, 'arrays'],
  ['NumberIn', [1, 2], 2, true],
  ['NumberIn', [1, 2], 3, false],
  ['NumberIn', [1, 2], '2', false],
  ['NumberIn', [0], false, false],
  ['NumberIn', [0], null, false],
  ['NumberIn', [1, 2], MISSING, false],
  ['NumberIn', [1, 2], [9, 2], true, 'arrays'],
  ['NumberIn', [1, 2], [9, 2], false],
  ['NumberNotIn', [1, 2], 3, true],
  ['NumberNotIn', [1, 2], 2, false],
  ['NumberNotIn', [1, 2], null, true],
  ['NumberNotIn', [1, 2], MISSING, true],
  ['NumberNotIn', [1, 2], [3, 2], false, 'arrays'],
  ['NumberNotIn', [1, 2], [3, 4], true, 'arrays'],
  ['NumberNotIn', [1, 2], ['1'], true, 'arrays'],
  ['NumberInRange', RANGES, 1, true],
  ['NumberInRange', RANGES, 2, true],
  ['NumberInRange', RANGES, 5.5, true],
  ['NumberInRange', RANGES, 3, false],
  ['NumberInRange', RANGES, null, false],
  ['NumberInRange', RANGES, MISSING, false],
  ['NumberInRange', RANGES, [3, 9], true, 'arrays'],
  ['NumberNotInRange', RANGES, 3, true],
  ['NumberNotInRange', RANGES, 9, false],
  ['NumberNotInRange', RANGES, null, true],
  ['NumberNotInRange', RANGES, MISSING, true],
  ['NumberNotInRange', RANGES, [3, 9], false, 'arrays'],
  ['NumberNotInRange', RANGES, [3, 4], true, 'arrays'],
  ['BoolEquals', true, true, true],
  ['BoolEquals', true, false, false],
  ['BoolEquals', true, 'true', false],
  ['BoolEquals', false, null, false],
  ['BoolEquals', false, MISSING, false],
  ['BoolEquals', true, [false, true], true, 'arrays'],
  ['BoolEquals', true, [false, true], false],
  ['StringContains', ['RED', 'blue'], 'a red lamp', true],
  ['StringContains', ['red'], 'a green lamp', false],
  ['StringContains', ['red'], null, false],
  ['StringContains', ['red'], MISSING, false],
  ['StringContains', ['5'], 5, false],
  ['StringContains', ['red'], ['x', 'Reddish'], true, 'arrays'],
  ['StringContains', ['red'], ['x', 'Reddish'], false],
  ['StringBeginsWith', ['Ord', 'Inv'], 'invoices/1', true],
  ['StringBeginsWith', ['ord'], 'new-orders', false],
  ['StringBeginsWith', ['ord'], null, false],
  ['StringBeginsWith', ['ord'], MISSING, false],
  ['StringBeginsWith', ['ord'], ['x', 'ORDERS'], true, 'arrays'],
  ['StringEndsWith', ['.JPG'], 'a.jpg', true],
  ['StringEndsWith', ['.jpg'], 'a.jpg.txt', false],
  ['StringEndsWith', ['.jpg'], null, false],
  ['StringEndsWith', ['.jpg'], MISSING, false],
  ['StringEndsWith', ['.jpg'], [1, 'b.JPG'], true, 'arrays'],
  ['StringIn', ['Exact', 'other'], 'eXACT', true],
  ['StringIn', ['exact'], 'exactly', false],
  ['StringIn', ['null'], null, false],
  ['StringIn', ['exact'], MISSING, false],
  ['StringIn', ['exact'], ['x', 'exact'], true, 'arrays'],
  ['StringIn', ['exact'], [], false, 'arrays'],
  ['StringNotContains', ['red'], 'green', true],
  ['StringNotContains', ['red', 'EE'], 'green', false],
  ['StringNotContains', ['red'], null, false],
  ['StringNotContains', ['red'], MISSING, false],
  ['StringNotContains', ['red'], ['green', 'Red'], false, 'arrays'],
  ['StringNotContains', ['red'], ['green', 'blue'], true, 'arrays'],
  ['StringNotContains', ['red'], ['green'], false],
  ['StringNotBeginsWith', ['ord'], 'new-orders', true],
  ['StringNotBeginsWith', ['ORD'], 'orders', false],
  ['StringNotBeginsWith', ['ord'], null, false],
  ['StringNotBeginsWith', ['ord'], MISSING, false],
  ['StringNotBeginsWith', ['ord'], ['x', 'orders'], false, 'arrays'],
  ['StringNotEndsWith', ['.jpg'], 'a.png', true],
  ['StringNotEndsWith', ['.jpg'], 'a.JPG', false],
  ['StringNotEndsWith', ['.jpg'], null, false],
  ['StringNotEndsWith', ['.jpg'], MISSING, false],
  ['StringNotEndsWith', ['.jpg'], ['a.png', 'b.jpg'], false, 'arrays'],
  ['StringNotIn', ['exact'], 'exactly', true],
  ['StringNotIn', ['Exact'], 'eXACT', false],
  ['StringNotIn', ['exact'], null, true],
  ['StringNotIn', ['exact'], MISSING, true],
  ['StringNotIn', ['exact'], ['x', 'EXACT'], false, 'arrays'],
  ['StringNotIn', ['exact'], [1, 2], true, 'arrays'],
  ['IsNullOrUndefined', undefined, null, true],
  ['IsNullOrUndefined', undefined, MISSING, true],
  ['IsNullOrUndefined', undefined, '', false],
  ['IsNullOrUndefined', undefined, 0, false],
  ['IsNullOrUndefined', undefined, [], false],
  ['IsNotNull', undefined, false, true],
  ['IsNotNull', undefined, {}, true],
  ['IsNotNull', undefined, [null], true],
  ['IsNotNull', undefined, null, false],
  ['IsNotNull', undefined, MISSING, false]
]

const SINGLE = /^(Number(Greater|Less)Than(OrEquals)?|BoolEquals)$/

function toFilter(operatorType: string, operand: unknown, key = 'data.v') {
  if (operand === undefined) return { operatorType, key }
  if (SINGLE.test(operatorType)) return { operatorType, key, value: operand }
  return { operatorType, key, values: operand as unknown[] }
}

const filters = suite('advanced filters')

filters('are nineteen, and each has rows for null and for a missing key', () => {
  assert.is(FILTER_OPERATORS.length, 19)
  for (const name of FILTER_OPERATORS) {
    const own = rows.filter(([operator]) => operator === name)
    assert.ok(
      own.some(([, , value]) => value === MISSING),
      name
    )
    assert.ok(own.length >= 4, name)
  }
  assert.ok(rows.length >= 80)
})

for (const [operator, operand, value, passes, arrays] of rows) {
  const shown = value === MISSING ? 'no such key' : JSON.stringify(value)
  const how = arrays ? ' when arrays are looked into' : ''
  filters(`${operator} ${JSON.stringify(operand)} of ${shown} is ${passes}${how}`, () => {
    const filter = toFilter(operator, operand)
    assert.is(findFilterFault([filter]), undefined)
    const test = compileFilters([filter], { arrays: arrays !== undefined })
    assert.is(test({ data: value === MISSING ? { w: 1 } : { v: value } }), passes)
  })
}

filters('must all be passed', () => {
  const test = compileFilters(
    [toFilter('NumberGreaterThan', 1, 'data.a'), toFilter('StringIn', ['x'], 'subject')],
    { arrays: false }
  )
  assert.is(test({ subject: 'X', data: { a: 2 } }), true)
  assert.is(test({ subject: 'X', data: { a: 1 } }), false)
  assert.is(test({ subject: 'y', data: { a: 2 } }), false)
})

filters('read a number outside data as text, as the documented extension attribute', () => {
  const own = compileFilters([toFilter('StringBeginsWith', ['5'], 'comexampleothervalue')], {
    arrays: false
  })
  assert.is(own({ comexampleothervalue: 5 }), true)
  assert.is(own({ comexampleothervalue: 6 }), false)
})

filters('find keys in any case, the exact one first, and nothing that is inherited', () => {
  const event = {
    Subject: 's',
    data: { Key1: 1, key1: 2, deep: { a: { b: 3 } }, list: [{ x: 1 }] }
  }
  assert.is(lookUp(event, 'subject'), 's')
  assert.is(lookUp(event, 'DATA.key1'), 2)
  assert.is(lookUp(event, 'data.KEY1'), 1)
  assert.is(lookUp(event, 'data.deep.a.b'), 3)
  assert.is(lookUp(event, 'data.deep.a.b.c'), undefined)
  assert.is(lookUp(event, 'data.list.0'), undefined)
  assert.is(lookUp(event, 'data.list.length'), undefined)
  assert.is(lookUp(event, 'constructor'), undefined)
  assert.is(lookUp(event, 'data.toString'), undefined)
  assert.is(lookUp({ 'data.a': 1, data: {} }, 'data.a'), undefined)
})

filters.run()

const faults = suite('faults of advanced filters')
const text = (length: number) => 'x'.repeat(length)
const many = (count: number) =>
  Array.from({ length: count }, () => toFilter('IsNotNull', undefined))
const said = (list: unknown[]) => {
  const fault = findFilterFault(list)
  return fault && `${fault.path}: ${fault.sentence.split(', but')[0]}`
}

const wrong: [unknown, string][] = [
  [null, '0: is null'],
  [[], '0: is []'],
  [{ key: 'a' }, '0.operatorType: is missing'],
  [{ operatorType: 'StringLike', key: 'a', values: ['x'] }, '0.operatorType: is "StringLike"'],
  [{ operatorType: 'toString', key: 'a' }, '0.operatorType: is "toString"'],
  [{ operatorType: 'IsNotNull' }, '0.key: is missing'],
  [{ operatorType: 'IsNotNull', key: '' }, '0.key: is ""'],
  [{ operatorType: 'IsNotNull', key: 'data..a' }, '0.key: is "data..a"'],
  [
    { operatorType: 'IsNotNull', key: 'a', values: [] },
    '0.values: is nothing that IsNotNull takes'
  ],
  [{ operatorType: 'StringIn', key: 'a', value: 'x' }, '0.value: is nothing that StringIn takes'],
  [{ operatorType: 'StringIn', key: 'a' }, '0.values: is missing'],
  [{ operatorType: 'StringIn', key: 'a', values: [] }, '0.values: is []'],
  [{ operatorType: 'StringIn', key: 'a', values: ['x', 1] }, '0.values.1: is 1'],
  [{ operatorType: 'NumberIn', key: 'a', values: ['1'] }, '0.values.0: is "1"'],
  [{ operatorType: 'NumberLessThan', key: 'a', value: '1' }, '0.value: is "1"'],
  [{ operatorType: 'BoolEquals', key: 'a', value: 1 }, '0.value: is 1'],
  [{ operatorType: 'NumberInRange', key: 'a', values: [1, 2] }, '0.values.0: is 1'],
  [{ operatorType: 'NumberInRange', key: 'a', values: [[2, 1]] }, '0.values.0: is [2,1]'],
  [toFilter('StringIn', [text(513)]), '0.values.0: has 513 characters']
]

for (const [filter, expected] of wrong) {
  faults(`${JSON.stringify(filter).slice(0, 70)}: ${expected}`, () => {
    assert.is(said([filter]), expected)
  })
}

faults('25 filters, 25 values and 512 characters are not too many', () => {
  assert.is(findFilterFault(many(25)), undefined)
  assert.is(findFilterFault([toFilter('StringIn', Array(25).fill('x'))]), undefined)
  assert.is(findFilterFault([toFilter('StringIn', [text(512)])]), undefined)
})

faults('26 of either are', () => {
  assert.is(said(many(26)), ': has 26 filters')
  const split = [toFilter('StringIn', Array(20).fill('x')), toFilter('NumberIn', Array(6).fill(1))]
  assert.is(said(split), ': has 26 values in all')
})

faults.run()
