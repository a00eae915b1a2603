// How what has a message's properties is kept in the store.
import msgpack from 'msgpack-lite'
import type { UserProperty, WireProperties } from './message.ts'

/** mqtt-packet's properties as they are kept in the store: user properties as pairs. */
export type KeptProperties = Omit<WireProperties, 'userProperties'> & {
  /** What an older version kept has mqtt-packet's form. */
  userProperties?: (UserProperty | Record<string, string>)[]
}

/**
 * What is read from the store is put together by assignment, which for a property called `__proto__`
 * leaves nothing: no name that a client chose may be a key there.
 */
export function toKeptProperties(wire: WireProperties): KeptProperties {
  const { userProperties, ...rest } = wire
  if (!userProperties) return rest
  return { ...rest, userProperties: userProperties.flatMap((pair) => Object.entries(pair)) }
}

export function fromKeptProperties(kept: KeptProperties): WireProperties {
  const { userProperties, ...rest } = kept
  if (!userProperties) return rest
  const pairs = userProperties.flatMap((pair): [string, string][] =>
    Array.isArray(pair) ? [pair as [string, string]] : Object.entries(pair)
  )
  return { ...rest, userProperties: pairs.map(([name, value]) => ({ [name]: value })) }
}

/** The bytes that it is kept as; every other member as it is. */
export const pack = (value: { properties?: WireProperties }): Buffer =>
  msgpack.encode(
    value.properties ? { ...value, properties: toKeptProperties(value.properties) } : value
  )

/** What was packed. */
export function unpack<Value extends { properties?: WireProperties }>(bytes: Buffer): Value {
  const value = msgpack.decode(bytes) as Value
  const { properties } = value as { properties?: KeptProperties }
  if (properties) value.properties = fromKeptProperties(properties)
  return value
}
