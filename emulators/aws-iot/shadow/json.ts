/** A JSON object without a prototype, so that no key of a client's means anything to us. */
export type JsonObject = { [key: string]: unknown }

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function emptyObject(): JsonObject {
  return Object.create(null) as JsonObject
}

export function isEmpty(object: JsonObject): boolean {
  for (const _key in object) return false
  return true
}

/** A copy that shares nothing and whose objects have no prototype. */
export function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy)
  if (!isObject(value)) return value
  const result = emptyObject()
  for (const key of Object.keys(value)) result[key] = copy(value[key])
  return result
}

export function isEqual(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    return a.every((value, index) => isEqual(value, b[index]))
  }
  if (!isObject(a) || !isObject(b)) return a === b
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key]))
}
