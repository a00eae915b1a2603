import { errors } from './errors.ts'
import type { Resource } from './resources.ts'

const NAME = /^[A-Za-z0-9-]{3,50}$/
const RESOURCE_ID =
  /^(\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.EventGrid\/domains\/[^/]+)\/topics\/([A-Za-z0-9-]{3,50})$/i

/**
 * The bare name of the domain topic that an event names, by that name or by its full resource id.
 * @throws ProviderError DomainTopicInvalid, TopicForeign for an id of another domain
 */
export function toDomainTopic(value: string, domain: Resource, host: string): string {
  if (NAME.test(value)) return value
  const [, domainId, name] = RESOURCE_ID.exec(value) ?? []
  if (domainId === undefined || name === undefined) throw errors.DomainTopicInvalid({ value })
  if (domainId.toLowerCase() !== domain.id.toLowerCase()) throw errors.TopicForeign({ host, value })
  return name
}

/** The full resource id of a domain topic. */
export const toDomainTopicId = (domain: Resource, name: string) => `${domain.id}/topics/${name}`
