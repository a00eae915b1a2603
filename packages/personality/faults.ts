import type { PersonalityDefinition } from './personality.ts'
import type { ProviderError } from './errors.ts'

/** Errors ordered ahead for coming calls (`POST /fail`), so that each row can be provoked. */
export interface Faults {
  /**
   * The next `times` calls of the operation answer with this row.
   * @throws Error naming the operation or row that does not exist
   */
  order(operation: string, error: string, times: number): void
  /** The error for this call, if one was ordered. */
  take(operation: string): ProviderError | undefined
  clear(): void
}

export function createFaults(definition: PersonalityDefinition): Faults {
  const ordered = new Map<string, { error: string; times: number }[]>()
  return {
    order(operation, error, times) {
      if (!Object.hasOwn(definition.operations, operation)) {
        const known = Object.keys(definition.operations).join(', ')
        throw new Error(`operation ${operation} is unknown to ${definition.name}; it has ${known}`)
      }
      if (!Object.hasOwn(definition.errors, error)) {
        const known = Object.keys(definition.errors).join(', ')
        throw new Error(`error ${error} is unknown to ${definition.name}; it has ${known}`)
      }
      const queue = ordered.get(operation) ?? []
      queue.push({ error, times })
      ordered.set(operation, queue)
    },
    take(operation) {
      if (ordered.size === 0) return undefined
      const queue = ordered.get(operation)
      const first = queue?.[0]
      if (!queue || !first) return undefined
      first.times--
      if (first.times <= 0) queue.shift()
      if (queue.length === 0) ordered.delete(operation)
      return toError(definition, first.error)
    },
    clear: () => ordered.clear()
  }
}

/** The row as it would come by itself: where a limit raises it, one past that limit. */
function toError(
  { errors, limits }: PersonalityDefinition,
  key: string
): ProviderError | undefined {
  const limit = Object.values(limits).find(({ raises }) => raises === key)
  const values = limit ? { limit: limit.value, actual: limit.value + 1 } : {}
  return errors[key]?.(values, { detail: 'ordered by POST /fail' })
}
