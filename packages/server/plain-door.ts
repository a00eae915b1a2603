import type { Core, MqttPolicy, Refusal } from '@fogbank/core'

/** What the configuration says of the plain door. */
export interface PlainDoorSettings {
  keepAliveMaximumSeconds?: number
  receiveMaximum?: number
  topicAliasMaximum?: number
  /** Filters that are answered 0x80. */
  denySubscribe?: string[]
}

export const plainDoorSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    keepAliveMaximumSeconds: { type: 'integer', minimum: 1, maximum: 65535 },
    receiveMaximum: { type: 'integer', minimum: 1, maximum: 65535 },
    topicAliasMaximum: { type: 'integer', minimum: 0, maximum: 65535 },
    denySubscribe: { type: 'array', items: { type: 'string', minLength: 1 } }
  }
}

const MAIN_SPACE = 'main'
/** Topic trees that belong to a personality, or to us: not read or written through this door. */
const FOREIGN_TREES = ['$aws', '$webpubsub', '$events', '$info', '$action', '$fogbank']

/** What a shared subscription puts before its filter. */
const SHARED_PREFIX = /^\$share\/[^/]*\//

/** Standard MQTT with no provider's rules, for MQTTX, probes and conformance clients. */
export function createPlainDoor(core: Core, settings: PlainDoorSettings): MqttPolicy<undefined> {
  const denied = new Set(settings.denySubscribe)

  const foreign = (topic: string): Refusal | undefined => {
    if (topic[0] !== '$') return undefined
    const tree = topic.replace(SHARED_PREFIX, '').split('/', 1)[0]!
    if (!FOREIGN_TREES.includes(tree)) return undefined
    return { rule: 'ForeignTopicTree', reasonCode: 0x87, detail: `tree=${tree}` }
  }

  return {
    personality: 'plain',
    versions: [3, 4, 5],
    maximumQoS: 2,
    subscribeAboveMaximumQoS: 'grant-maximum',
    retainAvailable: true,
    wildcardSubscriptionAvailable: true,
    subscriptionIdentifiersAvailable: true,
    sharedSubscriptionAvailable: true,
    ...(settings.receiveMaximum ? { receiveMaximum: settings.receiveMaximum } : {}),
    topicAliasMaximum: settings.topicAliasMaximum ?? 16,
    assignsTopicAliases: true,
    keepAlive: {
      minimumSeconds: 0,
      maximumSeconds: settings.keepAliveMaximumSeconds ?? 65535,
      zero: settings.keepAliveMaximumSeconds ? 'maximum' : 'unlimited'
    },
    sessionExpiryMaximumSeconds: 0xffffffff,
    announceDefaults: false,

    async authenticate({ username }) {
      const space = username || MAIN_SPACE
      if (core.spaces().includes(space)) return { space, identity: undefined }
      const spaces = core.spaces().join(', ')
      return {
        rule: 'UnknownSpace',
        reasonCode: 0x86,
        returnCode: 4,
        detail: `space=${space}; the username is empty or one of: ${spaces}`
      }
    },
    checkPublish: (_client, message) => foreign(message.topic),
    checkSubscribe(_session, { filter }) {
      if (denied.has(filter)) {
        return { rule: 'DenySubscribe', reasonCode: 0x80, detail: `filter=${filter}` }
      }
      return foreign(filter)
    }
  }
}
