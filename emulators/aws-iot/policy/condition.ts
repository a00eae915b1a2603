import { BlockList, isIP } from 'node:net'
import { compilePattern, type Lookup } from './pattern.ts'

/** Condition operator → key → wanted values, as a policy writes it. */
export type Conditions = Readonly<Record<string, Readonly<Record<string, string | string[]>>>>

/** Whether a statement applies. */
export type Condition = (lookup: Lookup) => boolean

type Test = (value: string, lookup: Lookup) => boolean

const OPERATOR = /^(ForAllValues:|ForAnyValue:)?([A-Za-z]+?)(IfExists)?$/

/** All operators and all keys have to hold; of the wanted values one is enough. */
export function compileConditions(conditions: Conditions, substitutes: boolean): Condition {
  const all: Condition[] = []
  for (const [operator, keys] of Object.entries(conditions)) {
    for (const [key, wanted] of Object.entries(keys)) {
      all.push(compileCondition(operator, key, [wanted].flat(), substitutes))
    }
  }
  return (lookup) => all.every((holds) => holds(lookup))
}

function compileCondition(
  operator: string,
  key: string,
  wanted: readonly string[],
  substitutes: boolean
): Condition {
  const [, quantifier, name = '', ifExists] = OPERATOR.exec(operator) ?? []
  const negated = name.includes('Not')
  const tests = wanted.map((value) => toTest(name.replace('Not', ''), value, substitutes))
  const matches = (value: string, lookup: Lookup) => {
    const found = tests.some((test) => test(value, lookup))
    return negated ? !found : found
  }
  return (lookup) => {
    const values = lookup(key)
    if (quantifier === 'ForAllValues:') {
      return (values ?? []).every((value) => matches(value, lookup))
    }
    // A key that is not there differs from everything.
    if (values === undefined) return negated || ifExists !== undefined
    return values.some((value) => matches(value, lookup))
  }
}

function toTest(name: string, wanted: string, substitutes: boolean): Test {
  if (name === 'Bool') return (value) => value === wanted.toLowerCase()
  if (name === 'IpAddress') {
    const list = toBlockList(wanted)
    return (value) =>
      list.check(plainAddress(value), isIP(plainAddress(value)) === 6 ? 'ipv6' : 'ipv4')
  }
  if (name === 'StringEquals' && !substitutes) return (value) => value === wanted
  // StringEquals knows variables, but no wildcards.
  const source = name === 'StringLike' ? wanted : wanted.replace(/[*?]/g, '${$&}')
  const pattern = compilePattern(source, substitutes)
  return (value, lookup) => pattern.matches(value, lookup)
}

/** An address range that is none holds no address. */
function toBlockList(range: string): BlockList {
  const list = new BlockList()
  const [address = '', prefix] = range.split('/')
  const family = isIP(address)
  if (family === 0) return list
  const bits = prefix === undefined ? (family === 6 ? 128 : 32) : Number(prefix)
  if (!Number.isInteger(bits) || bits < 0 || bits > (family === 6 ? 128 : 32)) return list
  list.addSubnet(address, bits, family === 6 ? 'ipv6' : 'ipv4')
  return list
}

/** Sockets that take both families write `::ffff:127.0.0.1`. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}
