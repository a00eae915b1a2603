import type { Limit } from '@fogbank/personality'
import { errors } from './errors.ts'
import { isObject, splitObjects, type Json, type JsonObject } from './json.ts'
import { OPERATION_BYTES } from './limits.ts'

/** The events of one request, before anybody has looked into them. */
export interface Batch {
  events: readonly JsonObject[]
  /** JSON text of each, as it was sent. */
  texts: readonly string[]
}

/** Takes the root apart: an array of objects, not empty, or the one object. @throws ProviderError */
export function toBatch({ text, value }: Json, schema: string): Batch {
  const events = Array.isArray(value) ? value : [value]
  if (events.length === 0 || !events.every(isObject)) throw errors.JsonNonConforming({ schema })
  return { events, texts: splitObjects(text, schema) }
}

/**
 * Checks the size of each event and counts what they would be billed as: steps of 64 KB.
 * @throws ProviderError EventTooLarge
 */
export function countOperations({ texts }: Batch, limit: Limit): number {
  let operations = 0
  for (const text of texts) {
    const bytes = Buffer.byteLength(text)
    limit.check(bytes)
    operations += Math.ceil(bytes / OPERATION_BYTES)
  }
  return operations
}
