import type { Resource } from './resources.ts'

/** What has been published so far, by resource. */
export interface Metrics {
  count(resource: Resource, events: number, operations: number): void
  /** `PublishSuccessCount` is Azure Monitor's name; operations are what is billed, in steps of 64 KB. */
  read(): Record<string, { PublishSuccessCount: number; operations: number }>
  clear(): void
}

export function createMetrics(): Metrics {
  const counts = new Map<string, { PublishSuccessCount: number; operations: number }>()
  return {
    count({ id }, events, operations) {
      const sums = counts.get(id) ?? { PublishSuccessCount: 0, operations: 0 }
      sums.PublishSuccessCount += events
      sums.operations += operations
      counts.set(id, sums)
    },
    read: () => Object.fromEntries([...counts].map(([id, sums]) => [id, { ...sums }])),
    clear: () => counts.clear()
  }
}
