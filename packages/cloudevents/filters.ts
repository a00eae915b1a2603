/** One advanced filter of an Event Grid subscription, as the management API writes it. */
export interface AdvancedFilter {
  operatorType: string
  /** `data.size`, `subject`; segments are separated by dots. */
  key: string
  value?: unknown
  values?: readonly unknown[]
}

/** What is wrong with a filter, for whoever wrote it. */
export interface FilterFault {
  /** Inside the list of filters: `2.values.0`. */
  path: string
  /** Goes on from the path: `is 7, but must be a string`. */
  sentence: string
}

/** Whether an event passes. */
export type EventTest = (event: Readonly<Record<string, unknown>>) => boolean

type Primitive = 'number' | 'string' | 'boolean'
type Operand = 'value' | 'values' | 'ranges' | 'none'

/** How one operator judges an event. */
interface Operator {
  operand: Operand
  /** The only type of value that it looks at. */
  type?: Primitive
  /** Makes the test of one element against all operands. */
  compile?(operands: readonly any[]): (element: any) => boolean
  /** Fails when an element hits, instead of when none does. */
  isNegative?: boolean
  /** What a key that is missing, null or of another type amounts to. */
  missing: boolean
}

const number = (compare: (actual: number, expected: number) => boolean): Operator => ({
  operand: 'value',
  type: 'number',
  compile:
    ([expected]) =>
    (actual: number) =>
      compare(actual, expected as number),
  missing: false
})

const numbers = { operand: 'values', type: 'number', compile: isOneOf } as const
const ranges = { operand: 'ranges', type: 'number', compile: isInside } as const
const strings = (hits: (actual: string, expected: string) => boolean) =>
  ({
    operand: 'values',
    type: 'string',
    compile(operands: readonly string[]) {
      const folded = operands.map(fold)
      return (actual: string) => {
        const text = fold(actual)
        return folded.some((expected) => hits(text, expected))
      }
    }
  }) as const
const contains = strings((actual, expected) => actual.includes(expected))
const beginsWith = strings((actual, expected) => actual.startsWith(expected))
const endsWith = strings((actual, expected) => actual.endsWith(expected))
const isIn = strings((actual, expected) => actual === expected)

/**
 * The nineteen operators. The three `StringNot…With` and `StringNotContains` let nothing pass whose key
 * is missing, `StringNotIn` and the two negative number operators do: surprising, and documented so.
 * @see https://learn.microsoft.com/azure/event-grid/event-filtering
 */
const OPERATORS: Readonly<Record<string, Operator>> = {
  NumberGreaterThan: number((actual, expected) => actual > expected),
  NumberGreaterThanOrEquals: number((actual, expected) => actual >= expected),
  NumberLessThan: number((actual, expected) => actual < expected),
  NumberLessThanOrEquals: number((actual, expected) => actual <= expected),
  NumberIn: { ...numbers, missing: false },
  NumberNotIn: { ...numbers, isNegative: true, missing: true },
  NumberInRange: { ...ranges, missing: false },
  NumberNotInRange: { ...ranges, isNegative: true, missing: true },
  BoolEquals: { operand: 'value', type: 'boolean', compile: isOneOf, missing: false },
  StringContains: { ...contains, missing: false },
  StringBeginsWith: { ...beginsWith, missing: false },
  StringEndsWith: { ...endsWith, missing: false },
  StringIn: { ...isIn, missing: false },
  StringNotContains: { ...contains, isNegative: true, missing: false },
  StringNotBeginsWith: { ...beginsWith, isNegative: true, missing: false },
  StringNotEndsWith: { ...endsWith, isNegative: true, missing: false },
  StringNotIn: { ...isIn, isNegative: true, missing: true },
  IsNullOrUndefined: { operand: 'none', missing: true },
  IsNotNull: { operand: 'none', missing: false }
}

export const FILTER_OPERATORS: readonly string[] = Object.keys(OPERATORS)
export const MAXIMUM_FILTERS = 25
/** Over all filters of a subscription. */
export const MAXIMUM_FILTER_VALUES = 25
export const MAXIMUM_FILTER_TEXT = 512

/**
 * Compiles filters that `findFilterFault` has nothing against; an event has to pass all of them.
 *
 * A key is looked up exactly first, then without regard to case. Numbers and booleans that are attributes
 * of their own, outside `data`, are read as text by string operators, as CloudEvents extensions are.
 * arrays: whether a value may be an array, of which one element is enough; without it an array
 * counts as missing. Elements of another type are passed over.
 */
export function compileFilters(
  filters: readonly AdvancedFilter[],
  { arrays }: { arrays: boolean }
): EventTest {
  const tests = filters.map((filter) => compileFilter(filter, arrays))
  return (event) => tests.every((test) => test(event))
}

/** The value under a key such as `data.size`; undefined when there is none. */
export function lookUp(event: Readonly<Record<string, unknown>>, key: string): unknown {
  return follow(event, key.split('.'))
}

/** What Event Grid would refuse a subscription's filters for, if anything. */
export function findFilterFault(filters: readonly unknown[]): FilterFault | undefined {
  if (filters.length > MAXIMUM_FILTERS) {
    return {
      path: '',
      sentence: `has ${filters.length} filters, but at most ${MAXIMUM_FILTERS} fit`
    }
  }
  let count = 0
  for (const [index, filter] of filters.entries()) {
    const fault = findOwnFault(filter)
    if (fault) return { ...fault, path: fault.path ? `${index}.${fault.path}` : String(index) }
    count += operandsOf(filter as AdvancedFilter).length
  }
  if (count <= MAXIMUM_FILTER_VALUES) return undefined
  return {
    path: '',
    sentence: `has ${count} values in all, but at most ${MAXIMUM_FILTER_VALUES} fit`
  }
}

function compileFilter(filter: AdvancedFilter, arrays: boolean): EventTest {
  const operator = OPERATORS[filter.operatorType]!
  const path = filter.key.split('.')
  const { type, compile, isNegative = false, missing } = operator
  if (!type || !compile) {
    return (event) => ((follow(event, path) ?? null) === null) === missing
  }
  const hits = compile(operandsOf(filter))
  const readsText = type === 'string' && path.length === 1
  return (event) => {
    const value = follow(event, path)
    if (Array.isArray(value)) {
      if (!arrays) return missing
      return value.some((element) => typeof element === type && hits(element)) !== isNegative
    }
    if (typeof value === type) return hits(value) !== isNegative
    if (readsText && (typeof value === 'number' || typeof value === 'boolean')) {
      return hits(String(value)) !== isNegative
    }
    return missing
  }
}

function follow(event: unknown, path: readonly string[]): unknown {
  let found = event
  for (const segment of path) {
    if (typeof found !== 'object' || found === null || Array.isArray(found)) return undefined
    found = memberOf(found as Record<string, unknown>, segment)
  }
  return found
}

function memberOf(object: Record<string, unknown>, name: string): unknown {
  if (Object.hasOwn(object, name)) return object[name]
  const folded = fold(name)
  for (const key in object) if (fold(key) === folded) return object[key]
  return undefined
}

function findOwnFault(filter: unknown): FilterFault | undefined {
  if (typeof filter !== 'object' || filter === null || Array.isArray(filter)) {
    return { path: '', sentence: `is ${show(filter)}, but must be an object` }
  }
  const { operatorType, key, ...rest } = filter as Record<string, unknown>
  if (typeof operatorType !== 'string' || !Object.hasOwn(OPERATORS, operatorType)) {
    const sentence = `is ${show(operatorType)}, but must be one of ${FILTER_OPERATORS.join(', ')}`
    return { path: 'operatorType', sentence }
  }
  if (typeof key !== 'string' || key === '' || key.split('.').includes('')) {
    const sentence = `is ${show(key)}, but must name a property, such as data.size or subject`
    return { path: 'key', sentence }
  }
  const operator = OPERATORS[operatorType]!
  const wanted = operator.operand === 'ranges' ? 'values' : operator.operand
  const stray = Object.keys(rest).find((name) => name !== wanted)
  if (stray !== undefined) return { path: stray, sentence: `is nothing that ${operatorType} takes` }
  if (wanted === 'none') return undefined
  if (wanted === 'value') return findOperandFault(operator, 'value', rest.value)
  const { values } = rest
  if (!Array.isArray(values) || values.length === 0) {
    return { path: 'values', sentence: `is ${show(values)}, but must be a list with a value in it` }
  }
  for (const [index, value] of values.entries()) {
    const fault = findOperandFault(operator, `values.${index}`, value)
    if (fault) return fault
  }
  return undefined
}

function findOperandFault(
  operator: Operator,
  path: string,
  value: unknown
): FilterFault | undefined {
  if (operator.operand === 'ranges') {
    const isRange =
      Array.isArray(value) &&
      value.length === 2 &&
      value.every(Number.isFinite) &&
      value[0] <= value[1]
    if (isRange) return undefined
    return { path, sentence: `is ${show(value)}, but must be a pair of numbers, the smaller first` }
  }
  if (typeof value !== operator.type) {
    return { path, sentence: `is ${show(value)}, but must be a ${operator.type}` }
  }
  if (typeof value === 'string' && value.length > MAXIMUM_FILTER_TEXT) {
    const sentence = `has ${value.length} characters, but at most ${MAXIMUM_FILTER_TEXT} fit`
    return { path, sentence }
  }
  return undefined
}

function operandsOf({ operatorType, value, values }: AdvancedFilter): readonly unknown[] {
  const { operand } = OPERATORS[operatorType]!
  if (operand === 'none') return []
  return operand === 'value' ? [value] : (values ?? [])
}

function isOneOf(operands: readonly unknown[]): (actual: unknown) => boolean {
  const known = new Set(operands)
  return (actual) => known.has(actual)
}

function isInside(operands: readonly (readonly [number, number])[]): (actual: number) => boolean {
  return (actual) => operands.some(([least, most]) => actual >= least && actual <= most)
}

const fold = (text: string) => text.toLowerCase()
const show = (value: unknown) => JSON.stringify(value)?.slice(0, 60) ?? 'missing'
