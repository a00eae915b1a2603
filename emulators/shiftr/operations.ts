import { defineOperations } from '@fogbank/personality'
import { connect, getInfo, preflight, publishMessage, retrieveMessage } from './handlers.ts'
import type { State } from './state.ts'

const HTTP = 'https://www.shiftr.io/docs/broker/http-interface'
const SYSTEM_TOPICS = 'https://www.shiftr.io/docs/broker/system-topics'
const MQTT = 'https://www.shiftr.io/docs/broker/mqtt-interface'
const LEGACY = 'https://docs.shiftr.io/interfaces/http'

const EVERYWHERE = [
  'PathUnknown',
  'TargetTooLong',
  'Unauthorized',
  'MethodNotAllowed',
  'Internal',
  'Unavailable'
] as const

const TOPIC = [
  'TopicEmpty',
  'TopicTooLong',
  'TopicTooDeep',
  'TopicCharacterInvalid',
  'WildcardMisplaced',
  'EscapeMalformed'
] as const

const retrieve = {
  raises: [
    ...EVERYWHERE,
    ...TOPIC,
    'RetainedInvalid',
    'MessageNotFound',
    'RetainedMessageNotFound'
  ],
  handle: retrieveMessage
} as const

const publish = {
  raises: [
    ...EVERYWHERE,
    ...TOPIC,
    'TopicWildcard',
    'TopicReserved',
    'QosInvalid',
    'RetainedInvalid',
    'TokenReadOnly',
    'PayloadTooLarge'
  ],
  handle: publishMessage
} as const

// The order of the rows is the order in which a path is matched, and of the methods in Allow.
export const operations = defineOperations<State>()({
  GetInfo: {
    method: 'GET',
    path: '/broker/$info',
    raises: ['Unauthorized'],
    handle: getInfo,
    source: SYSTEM_TOPICS
  },
  RetrieveMessage: { method: 'GET', path: '/broker/{topic*}', ...retrieve, source: HTTP },
  HeadMessage: {
    method: 'HEAD',
    path: '/broker/{topic*}',
    raises: ['Unauthorized', 'MessageNotFound'],
    handle: retrieveMessage,
    source: HTTP
  },
  TriggerAction: {
    method: 'POST',
    path: '/broker/$action',
    raises: [
      'Unauthorized',
      'TokenReadOnly',
      'PayloadTooLarge',
      'ActionMalformed',
      'ActionTypeUnknown',
      'ActionTargetUnknown'
    ],
    // Its refusals are told under `$events` as those of any other publish.
    handle: publishMessage,
    source: SYSTEM_TOPICS
  },
  PublishMessage: { method: 'POST', path: '/broker/{topic*}', ...publish, source: HTTP },
  Preflight: {
    method: 'OPTIONS',
    path: '/broker/{topic*}',
    raises: ['PathUnknown'],
    handle: preflight,
    source: HTTP
  },
  Connect: {
    method: 'GET',
    path: '/{path*}',
    upgrade: true,
    // Those of the MQTT session that it opens.
    raises: [
      'Unauthorized',
      'ClientIdTooLong',
      'TokenReadOnly',
      'TopicCharacterInvalid',
      'TopicTooLong',
      'TopicWildcard',
      'TopicReserved',
      'PayloadTooLarge',
      'TooManySubscriptions'
    ],
    handle: connect,
    source: MQTT
  },
  // The older service knew no prefix; off unless `legacyPaths` is set.
  LegacyRetrieveMessage: {
    method: 'GET',
    path: '/{topic*}',
    raises: ['MessageNotFound'],
    handle: retrieveMessage,
    source: LEGACY
  },
  LegacyHeadMessage: {
    method: 'HEAD',
    path: '/{topic*}',
    raises: ['MessageNotFound'],
    handle: retrieveMessage,
    source: LEGACY
  },
  LegacyPublishMessage: {
    method: 'POST',
    path: '/{topic*}',
    raises: ['TopicWildcard'],
    handle: publishMessage,
    source: LEGACY
  },
  LegacyPreflight: {
    method: 'OPTIONS',
    path: '/{topic*}',
    raises: [],
    handle: preflight,
    source: LEGACY
  }
})
