/** An object of a client's JSON: what it has of its prototype is none of its keys. */
export type JsonObject = { [key: string]: unknown }

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The object's own value of a key that a client chose; undefined for one like `constructor` that it has not. */
export function own(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined
}

/** Gives the object a key that a client chose, `__proto__` too. */
export function set(object: JsonObject, key: string, value: unknown): void {
  if (key !== '__proto__') object[key] = value
  else
    Object.defineProperty(object, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true
    })
}

export function isEmpty(object: JsonObject): boolean {
  for (const _key in object) return false
  return true
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

/** The text of an object whose members are JSON already, in their order; what is undefined is left out. */
export function toText(members: Record<string, string | number | undefined>): string {
  let text = ''
  for (const name in members) {
    const value = members[name]
    if (value !== undefined) text += `${text === '' ? '{' : ','}"${name}":${value}`
  }
  return text === '' ? '{}' : `${text}}`
}
