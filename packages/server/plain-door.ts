import type { Core, MqttPolicy, Reauthentication, Refusal } from '@fogbank/core'
import { isSameSecret } from '@fogbank/personality'

/** What the configuration says of the plain door. */
export interface PlainDoorSettings {
  keepAliveMaximumSeconds?: number
  receiveMaximum?: number
  topicAliasMaximum?: number
  /** Filters that are answered 0x80. */
  denySubscribe?: string[]
  /** Clients that are sent elsewhere (0x9C), by client id: the server reference they get. */
  redirect?: Record<string, string>
}

export const plainDoorSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    keepAliveMaximumSeconds: { type: 'integer', minimum: 1, maximum: 65535 },
    receiveMaximum: { type: 'integer', minimum: 1, maximum: 65535 },
    topicAliasMaximum: { type: 'integer', minimum: 0, maximum: 65535 },
    denySubscribe: { type: 'array', items: { type: 'string', minLength: 1 } },
    redirect: { type: 'object', additionalProperties: { type: 'string', minLength: 1 } }
  }
}

const MAIN_SPACE = 'main'
/** Topic trees that belong to a personality, or to us: not read or written through this door. */
const FOREIGN_TREES = ['$aws', '$webpubsub', '$events', '$info', '$action', '$fogbank']

/** The one authentication method of this door: the client sends back the bytes that it was sent. */
const ECHO = 'echo'
const ECHO_BYTES = 16

const WRONG_ECHO: Refusal = { rule: 'WrongEcho', reasonCode: 0x87 }

/** What a shared subscription puts before its filter. */
const SHARED_PREFIX = /^\$share\/[^/]*\//

/** Standard MQTT with no provider's rules, for MQTTX, probes and conformance clients. */
export function createPlainDoor(core: Core, settings: PlainDoorSettings): MqttPolicy<undefined> {
  const denied = new Set(settings.denySubscribe)
  const redirect = new Map(Object.entries(settings.redirect ?? {}))

  const foreign = (topic: string): Refusal | undefined => {
    if (topic[0] !== '$') return undefined
    const tree = topic.replace(SHARED_PREFIX, '').split('/', 1)[0]!
    if (!FOREIGN_TREES.includes(tree)) return undefined
    return {
      rule: 'ForeignTopicTree',
      reasonCode: 0x87,
      reasonString: `the topics under ${tree} belong to another door`,
      userProperties: [['tree', tree]],
      detail: `tree=${tree}`
    }
  }

  /** Asks a client that authenticates for an echo; `proven` is what it is answered with. */
  function askForEcho<Proven extends object>(proven: Proven) {
    const challenge = core.ids.bytes(ECHO_BYTES)
    return {
      authenticationData: challenge,
      async respond(data: Buffer | undefined): Promise<Proven | Refusal> {
        return data && isSameSecret(data, challenge) ? proven : WRONG_ECHO
      }
    }
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

    async authenticate({ clientId, username, authenticationMethod }) {
      const serverReference = redirect.get(clientId)
      if (serverReference !== undefined) {
        return { rule: 'UseAnotherServer', reasonCode: 0x9c, returnCode: 3, serverReference }
      }
      if (authenticationMethod !== undefined && authenticationMethod !== ECHO) {
        const detail = `method=${authenticationMethod}`
        return { rule: 'BadAuthenticationMethod', reasonCode: 0x8c, detail }
      }
      const space = username || MAIN_SPACE
      if (core.spaces().includes(space)) {
        const admission = { space, identity: undefined }
        return authenticationMethod === ECHO ? askForEcho(admission) : admission
      }
      const spaces = core.spaces().join(', ')
      return {
        rule: 'UnknownSpace',
        reasonCode: 0x86,
        returnCode: 4,
        detail: `space=${space}; the username is empty or one of: ${spaces}`
      }
    },
    reauthenticate: async (): Promise<Reauthentication<undefined>> => askForEcho({}),
    responseInformation: ({ clientId }) => `reply/${clientId}/`,
    checkPublish: (_client, message) => foreign(message.topic),
    checkSubscribe(_session, { filter }) {
      if (denied.has(filter)) {
        return { rule: 'DenySubscribe', reasonCode: 0x80, detail: `filter=${filter}` }
      }
      return foreign(filter)
    }
  }
}
