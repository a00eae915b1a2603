import type { Call, Limit } from '@fogbank/personality'
import { limits } from './limits.ts'
import type { State } from './state.ts'

/** The values of a name that may stand in a query more than once, decoded; a comma separates nothing. */
export function valuesOf(rawQuery: string, name: string): string[] {
  const wanted = name.toLowerCase()
  // Most names are not there, which takes no decoding to see.
  if (!rawQuery.includes('%') && !rawQuery.toLowerCase().includes(wanted)) return []
  return pairsOf(rawQuery)
    .filter(([one]) => one === wanted)
    .map(([, value]) => value)
}

/** Decoded pairs, names in lower case: the service does not tell cases apart, and reads `+` as a space. */
function pairsOf(rawQuery: string): [name: string, value: string][] {
  return rawQuery
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=')
      const name = equals < 0 ? pair : pair.slice(0, equals)
      return [decode(name).toLowerCase(), equals < 0 ? '' : decode(pair.slice(equals + 1))]
    })
}

const decode = (text: string) => decodeURIComponent(text.replaceAll('+', ' '))

const INTEGER = /^[+-]?\d{1,15}$/

/** Seconds of `messageTtlSeconds`; 0 and absent: for ever. @throws ProviderError MessageTtlInvalid */
export function readTtl({ rawQuery }: Call<State>): number {
  return (
    readInteger(rawQuery, 'messageTtlSeconds', { limit: limits.messageTtlSeconds, from: 0 }) ?? 0
  )
}

/**
 * An integer of the query within its bounds; undefined when it is not there.
 * @throws ProviderError the limit's row, also for what is no integer, or stands there twice
 */
export function readInteger(
  rawQuery: string,
  name: string,
  { limit, from }: { limit: Limit; from: number }
): number | undefined {
  const values = valuesOf(rawQuery, name)
  if (values.length === 0) return undefined
  const text = values.join(',')
  const value = Number(text)
  if (!INTEGER.test(text) || value < from || value > limit.value) {
    throw limit.exceeded(text.slice(0, 200))
  }
  return value
}
