import { countLevels, topicFilterFault, topicNameFault } from '@fogbank/core'
import { errors } from './errors.ts'
import { limits } from './limits.ts'

/** Checks the form of a topic that somebody publishes to, on either door. @throws ProviderError */
export function checkTopic(topic: string): void {
  limits.topicBytes.check(Buffer.byteLength(topic))
  limits.topicSegments.check(countLevels(topic))
  const fault = topicNameFault(topic)
  if (fault) throw errors.TopicInvalid({}, { detail: fault })
  if (isReserved(topic)) throw errors.TopicReserved({}, { detail: `topic=${topic}` })
}

/** Checks the form of a filter that somebody subscribes to or lists by. @throws ProviderError */
export function checkFilter(filter: string): void {
  limits.filterBytes.check(Buffer.byteLength(filter))
  limits.filterSegments.check(countLevels(filter))
  const fault = topicFilterFault(filter)
  if (fault) throw errors.FilterInvalid({}, { detail: fault })
  if (isReserved(filter)) throw errors.FilterReserved({}, { detail: `filter=${filter}` })
}

/** Whether a topic can be a retained message's here; others of a shared space are not shown. */
export function isListed(topic: string): boolean {
  return (
    !isReserved(topic) &&
    Buffer.byteLength(topic) <= limits.topicBytes.value &&
    countLevels(topic) <= limits.topicSegments.value
  )
}

function isReserved(topic: string): boolean {
  return topic.charCodeAt(0) === 0x24
}
