// How an update changes a shadow, and what it says of the change. Sections and their metadata are walked
// side by side: only so is a leaf's `{"timestamp":…}` told from an object that has such a key.
import { isEmpty, isEqual, isObject, own, set, type JsonObject } from './json.ts'

export type SectionName = 'desired' | 'reported'

/** One half of a shadow's state and when each leaf of it was written. Nobody changes one in place. */
export interface Section {
  readonly state: JsonObject
  readonly metadata: JsonObject
  /** Both as JSON: measured, stored and told more often than they change. */
  readonly stateText: string
  readonly metadataText: string
}

export function toSection(state: JsonObject, metadata: JsonObject): Section {
  return {
    state,
    metadata,
    stateText: JSON.stringify(state),
    metadataText: JSON.stringify(metadata)
  }
}

const NOTHING: JsonObject = {}

/** What an update says of a section: its patch and the patch's metadata. */
export type Patch = Section

export const toPatch = (patch: JsonObject, nowSeconds: number): Patch =>
  toSection(patch, stamp(patch, nowSeconds))

/**
 * Lays a patch over a section: objects merge, null deletes, all else replaces. Only what the patch names is
 * stamped. Undefined when nothing is left.
 */
export function mergeSection(section: Section | undefined, patch: Patch): Section | undefined {
  // As a device reports: nothing of what was there stays, and nothing has to be written anew.
  if (section && isCovered(section.state, patch.state)) return patch
  const { state, metadata } = lay(section?.state, section?.metadata, patch.state, patch.metadata)
  return isEmpty(state) ? undefined : toSection(state, metadata)
}

/** Whether the patch has a new value for each key, in the same order. */
function isCovered(state: JsonObject, patch: JsonObject): boolean {
  const keys = Object.keys(state)
  const named = Object.keys(patch)
  return (
    keys.length === named.length &&
    keys.every((key, index) => {
      if (key !== named[index]) return false
      const value = patch[key]
      if (!isObject(value)) return value !== null
      const known = state[key]
      return isObject(known) && isCovered(known, value)
    })
  )
}

/** New objects where the patch says something, those that were there where it says nothing. */
function lay(
  stateBefore = NOTHING,
  metadataBefore = NOTHING,
  patch: JsonObject,
  stamps: JsonObject
): Pick<Section, 'state' | 'metadata'> {
  const state = { ...stateBefore }
  const metadata = { ...metadataBefore }
  for (const key of Object.keys(patch)) {
    const value = patch[key]
    if (value === null) {
      delete state[key]
      delete metadata[key]
    } else if (isObject(value)) {
      const known = own(state, key)
      const inner = isObject(known)
        ? lay(known, metadata[key] as JsonObject, value, stamps[key] as JsonObject)
        : lay(NOTHING, NOTHING, value, stamps[key] as JsonObject)
      set(state, key, inner.state)
      set(metadata, key, inner.metadata)
    } else {
      set(state, key, value)
      set(metadata, key, stamps[key])
    }
  }
  return { state, metadata }
}

/** A value's metadata, all of it written now. */
function stamp(value: JsonObject, nowSeconds: number): JsonObject {
  return stampAny(value, { timestamp: nowSeconds }) as JsonObject
}

function stampAny(value: unknown, now: { timestamp: number }): unknown {
  if (Array.isArray(value)) return value.map((element) => stampAny(element, now))
  if (!isObject(value)) return now
  const stamps: JsonObject = {}
  for (const key of Object.keys(value)) set(stamps, key, stampAny(value[key], now))
  return stamps
}

/** The part of the metadata that belongs to these keys; what was deleted has none. */
export function pickMetadata(metadata: JsonObject, keys: JsonObject): JsonObject {
  const picked: JsonObject = {}
  for (const key of Object.keys(keys)) {
    if (!Object.hasOwn(metadata, key)) continue
    const value = keys[key]
    const stamps = metadata[key]
    set(picked, key, isObject(value) ? pickMetadata(stamps as JsonObject, value) : stamps)
  }
  return picked
}

/** What is desired and not reported so; undefined when nothing is. */
export function toDelta(
  desired: JsonObject | undefined,
  reported: JsonObject | undefined
): JsonObject | undefined {
  if (!desired) return undefined
  const delta: JsonObject = {}
  for (const key of Object.keys(desired)) {
    const wanted = desired[key]
    if (!reported || !Object.hasOwn(reported, key)) {
      set(delta, key, wanted)
      continue
    }
    const actual = reported[key]
    if (isObject(wanted) && isObject(actual)) {
      const inner = toDelta(wanted, actual)
      if (inner) set(delta, key, inner)
    } else if (!isEqual(wanted, actual)) set(delta, key, wanted)
  }
  return isEmpty(delta) ? undefined : delta
}
