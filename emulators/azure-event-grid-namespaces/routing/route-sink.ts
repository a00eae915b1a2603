const NAMESPACE_TOPIC = /\/namespaces\/([^/]+)\/topics\/([^/]+)$/i
const CUSTOM_TOPIC = /\/Microsoft\.EventGrid\/topics\/([^/]+)$/i
const OWN_TOPIC = /^(?:\/?topics\/)?([^/]+)$/i

/**
 * The sink that a route topic's resource id means: a topic of a namespace, a custom topic, or by its bare
 * name a topic of the namespace itself. undefined: none of them.
 */
export function toRouteSink(
  resourceId: string,
  namespace: string
): { sink: string; ownTopic?: string } | undefined {
  const [, other, topic] = NAMESPACE_TOPIC.exec(resourceId) ?? []
  if (other !== undefined) {
    const sink = `namespace-topic:${other}/${topic}`
    return other === namespace ? { sink, ownTopic: topic! } : { sink }
  }
  const custom = CUSTOM_TOPIC.exec(resourceId)?.[1]
  if (custom !== undefined) return { sink: `custom-topic:${custom}` }
  const own = OWN_TOPIC.exec(resourceId)?.[1]
  return own === undefined
    ? undefined
    : { sink: `namespace-topic:${namespace}/${own}`, ownTopic: own }
}
