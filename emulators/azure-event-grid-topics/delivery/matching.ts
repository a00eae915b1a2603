import { compileFilters } from '@fogbank/cloudevents'
import type { PublishedEvent } from '../events.ts'
import type { SubscriptionFilter } from './definition.ts'
import { toFiltered } from './output.ts'

/** Whether a subscription wants an event. */
export type Matcher = (event: PublishedEvent) => boolean

/** Compiles every part of a filter; an event has to pass all of them. */
export function compileMatcher(filter: SubscriptionFilter = {}): Matcher {
  const { includedEventTypes, subjectBeginsWith, subjectEndsWith } = filter
  const tests: Matcher[] = []
  const types = new Set((includedEventTypes ?? []).map((type) => type.toLowerCase()))
  if (types.size > 0 && !types.has('all')) {
    tests.push(({ eventType }) => types.has(eventType.toLowerCase()))
  }
  const fold = (text: string) => (filter.isSubjectCaseSensitive ? text : text.toLowerCase())
  if (subjectBeginsWith) {
    const start = fold(subjectBeginsWith)
    tests.push(({ subject }) => subject !== undefined && fold(subject).startsWith(start))
  }
  if (subjectEndsWith) {
    const end = fold(subjectEndsWith)
    tests.push(({ subject }) => subject !== undefined && fold(subject).endsWith(end))
  }
  if (filter.advancedFilters?.length) {
    const arrays = filter.enableAdvancedFilteringOnArrays ?? false
    const passes = compileFilters(filter.advancedFilters, { arrays })
    tests.push((event) => passes(toFiltered(event)))
  }
  return (event) => tests.every((test) => test(event))
}
