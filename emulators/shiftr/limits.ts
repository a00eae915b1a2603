import { MAX_TOPIC_LEVELS } from '@fogbank/core'
import { defineLimits } from '@fogbank/personality'
import { errors } from './errors.ts'

const HTTP = 'https://www.shiftr.io/docs/broker/http-interface'
const MQTT = 'https://www.shiftr.io/docs/broker/mqtt-interface'

export const limits = defineLimits(errors, {
  topicCharacters: {
    value: 128,
    unit: 'characters, decoded, without the leading slash',
    raises: 'TopicTooLong',
    source: MQTT,
    evidence: 'documented'
  },
  topicLevels: {
    value: MAX_TOPIC_LEVELS,
    unit: 'levels',
    raises: 'TopicTooDeep',
    source: 'the matcher beneath the broker; shiftr.io names no limit',
    evidence: 'assumed'
  },
  payloadBytes: {
    value: 65_536,
    unit: 'bytes',
    raises: 'PayloadTooLarge',
    source: HTTP,
    evidence: 'documented'
  },
  targetBytes: {
    value: 8192,
    unit: 'bytes of the request target',
    raises: 'TargetTooLong',
    source: HTTP,
    evidence: 'assumed'
  },
  clientIdCharacters: {
    value: 64,
    unit: 'characters',
    raises: 'ClientIdTooLong',
    source: MQTT,
    evidence: 'documented'
  },
  subscriptionsPerConnection: {
    value: 100,
    unit: 'subscriptions',
    raises: 'TooManySubscriptions',
    source: MQTT,
    evidence: 'documented'
  }
})

/** Seconds; a keep-alive outside is moved inside. Source: shiftr.io/docs/broker/mqtt-interface. */
export const KEEP_ALIVE = { minimumSeconds: 1, maximumSeconds: 300 } as const
