// How an update changes a shadow, and what it says of the change. Sections and their metadata are walked
// side by side: only so is a leaf's `{"timestamp":…}` told from an object that has such a key.
import { copy, emptyObject, isEmpty, isEqual, isObject, type JsonObject } from './json.ts'

export type SectionName = 'desired' | 'reported'

/** One half of a shadow's state and when each leaf of it was written. */
export interface Section {
  state: JsonObject
  metadata: JsonObject
}

/**
 * Lays a patch over a section: objects merge, null deletes, all else replaces. Only what the patch names is
 * stamped. Undefined when nothing is left.
 * @param nowSeconds since 1970
 */
export function mergeSection(
  section: Section | undefined,
  patch: JsonObject,
  nowSeconds: number
): Section | undefined {
  const merged = {
    state: copy(section?.state ?? {}) as JsonObject,
    metadata: copy(section?.metadata ?? {}) as JsonObject
  }
  apply(merged.state, merged.metadata, patch, nowSeconds)
  return isEmpty(merged.state) ? undefined : merged
}

function apply(state: JsonObject, metadata: JsonObject, patch: JsonObject, now: number): void {
  for (const key of Object.keys(patch)) {
    const value = patch[key]
    if (value === null) {
      delete state[key]
      delete metadata[key]
    } else if (isObject(value)) {
      if (!isObject(state[key])) {
        state[key] = emptyObject()
        metadata[key] = emptyObject()
      }
      apply(state[key] as JsonObject, metadata[key] as JsonObject, value, now)
    } else {
      state[key] = copy(value)
      metadata[key] = stamp(value, now)
    }
  }
}

/** A value's metadata, all of it written now. */
export function stamp(value: unknown, nowSeconds: number): unknown {
  if (Array.isArray(value)) return value.map((element) => stamp(element, nowSeconds))
  if (!isObject(value)) return { timestamp: nowSeconds }
  const stamps = emptyObject()
  for (const key of Object.keys(value)) stamps[key] = stamp(value[key], nowSeconds)
  return stamps
}

/** The part of the metadata that belongs to these keys; what was deleted has none. */
export function pickMetadata(metadata: JsonObject, keys: JsonObject): JsonObject {
  const picked = emptyObject()
  for (const key of Object.keys(keys)) {
    if (!Object.hasOwn(metadata, key)) continue
    const value = keys[key]
    picked[key] = isObject(value) ? pickMetadata(metadata[key] as JsonObject, value) : metadata[key]
  }
  return picked
}

/** What is desired and not reported so; undefined when nothing is. */
export function toDelta(
  desired: JsonObject | undefined,
  reported: JsonObject | undefined
): JsonObject | undefined {
  if (!desired) return undefined
  const delta = emptyObject()
  for (const key of Object.keys(desired)) {
    const wanted = desired[key]
    if (!reported || !Object.hasOwn(reported, key)) {
      delta[key] = wanted
      continue
    }
    const actual = reported[key]
    if (isObject(wanted) && isObject(actual)) {
      const inner = toDelta(wanted, actual)
      if (inner) delta[key] = inner
    } else if (!isEqual(wanted, actual)) delta[key] = wanted
  }
  return isEmpty(delta) ? undefined : delta
}
