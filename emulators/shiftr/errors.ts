import { defineErrors, type Call, type ProviderError, type Reply } from '@fogbank/personality'

const HTTP = 'https://www.shiftr.io/docs/broker/http-interface'
const MQTT = 'https://www.shiftr.io/docs/broker/mqtt-interface'
const SYSTEM_TOPICS = 'https://www.shiftr.io/docs/broker/system-topics'
const MQTT_STANDARD = 'MQTT 3.1.1, section 4.7'

const NOT_AUTHORIZED = { reasonCode: 0x87, returnCode: 5 }
const TOPIC_NAME_INVALID = { reasonCode: 0x90, returnCode: 5 }

// The documentation names one outcome, "the OK response", and one code word, `invalid-topic`. The rules are
// documented; which status and which sentence answer a breach is our best guess, hence `assumed`.
export const errors = defineErrors({
  MessageNotFound: {
    status: 404,
    code: 'not-found',
    message: 'no message matches',
    source: HTTP,
    evidence: 'assumed'
  },
  RetainedMessageNotFound: {
    status: 404,
    code: 'not-found',
    message: 'no retained message matches',
    source: HTTP,
    evidence: 'assumed'
  },
  PathUnknown: {
    status: 404,
    code: 'not-found',
    message: 'every path begins with /broker/',
    source: HTTP,
    evidence: 'assumed'
  },
  TopicEmpty: {
    status: 400,
    code: 'invalid-topic',
    message: 'a topic has at least one character',
    mqtt: TOPIC_NAME_INVALID,
    source: MQTT_STANDARD,
    evidence: 'assumed'
  },
  TopicTooLong: {
    status: 400,
    code: 'invalid-topic',
    message: '{actual} characters, at most {limit}',
    mqtt: TOPIC_NAME_INVALID,
    source: MQTT,
    evidence: 'assumed'
  },
  TopicTooDeep: {
    status: 400,
    code: 'invalid-topic',
    message: '{actual} levels, at most {limit}',
    mqtt: TOPIC_NAME_INVALID,
    source: 'the matcher beneath the broker',
    evidence: 'assumed'
  },
  TopicCharacterInvalid: {
    status: 400,
    code: 'invalid-topic',
    message: 'character {character} is not allowed',
    mqtt: TOPIC_NAME_INVALID,
    source: MQTT,
    evidence: 'assumed'
  },
  TopicWildcard: {
    status: 400,
    code: 'invalid-topic',
    message: 'wildcards cannot be published to',
    mqtt: TOPIC_NAME_INVALID,
    source: SYSTEM_TOPICS,
    evidence: 'assumed'
  },
  WildcardMisplaced: {
    status: 400,
    code: 'invalid-topic',
    message: '+ fills a level and # fills the last one',
    mqtt: { reasonCode: 0x8f },
    source: MQTT_STANDARD,
    evidence: 'assumed'
  },
  TopicReserved: {
    status: 400,
    code: 'invalid-topic',
    message: '{topic} cannot be published to',
    mqtt: TOPIC_NAME_INVALID,
    source: SYSTEM_TOPICS,
    evidence: 'assumed'
  },
  EscapeMalformed: {
    status: 400,
    code: 'invalid-topic',
    message: 'malformed percent escape',
    source: HTTP,
    evidence: 'assumed'
  },
  QosInvalid: {
    status: 400,
    code: 'invalid-qos',
    message: 'use 0, 1 or 2',
    source: HTTP,
    evidence: 'assumed'
  },
  RetainedInvalid: {
    status: 400,
    code: 'invalid-retained',
    message: 'use true or false',
    source: HTTP,
    evidence: 'assumed'
  },
  ActionMalformed: {
    status: 400,
    code: 'invalid-action',
    message: 'a JSON object with type and target_id is required',
    mqtt: { reasonCode: 0x83 },
    source: SYSTEM_TOPICS,
    evidence: 'assumed'
  },
  ActionTypeUnknown: {
    status: 400,
    code: 'invalid-action',
    message: 'unknown type',
    mqtt: { reasonCode: 0x83 },
    source: SYSTEM_TOPICS,
    evidence: 'assumed'
  },
  ActionTargetUnknown: {
    status: 400,
    code: 'invalid-action',
    message: 'no such target',
    mqtt: { reasonCode: 0x83 },
    source: SYSTEM_TOPICS,
    evidence: 'assumed'
  },
  Unauthorized: {
    status: 401,
    code: 'unauthorized',
    message: 'instance name and token secret required',
    mqtt: { reasonCode: 0x86, returnCode: 4 },
    source: HTTP,
    evidence: 'assumed'
  },
  TokenReadOnly: {
    status: 403,
    code: 'forbidden',
    message: 'token is read-only',
    mqtt: NOT_AUTHORIZED,
    source: SYSTEM_TOPICS,
    evidence: 'assumed'
  },
  MethodNotAllowed: {
    status: 405,
    code: 'method-not-allowed',
    message: 'use {allow}',
    source: HTTP,
    evidence: 'assumed'
  },
  PayloadTooLarge: {
    status: 413,
    code: 'payload-too-large',
    message: 'at most {limit} bytes',
    mqtt: { reasonCode: 0x97, returnCode: 5 },
    source: HTTP,
    evidence: 'assumed'
  },
  TargetTooLong: {
    status: 414,
    code: 'uri-too-long',
    message: 'at most {limit} bytes',
    source: HTTP,
    evidence: 'assumed'
  },
  ClientIdTooLong: {
    status: 400,
    code: 'invalid-client-id',
    message: '{actual} characters, at most {limit}',
    mqtt: { reasonCode: 0x85, returnCode: 2 },
    source: MQTT,
    evidence: 'assumed'
  },
  TooManySubscriptions: {
    status: 400,
    code: 'too-many-subscriptions',
    message: 'at most {limit} subscriptions',
    mqtt: { reasonCode: 0x97 },
    source: MQTT,
    evidence: 'assumed'
  },
  Internal: {
    status: 500,
    code: 'internal',
    message: 'internal error',
    source: HTTP,
    evidence: 'assumed'
  },
  Unavailable: {
    status: 503,
    code: 'unavailable',
    message: 'the broker is closed or its store failed',
    source: HTTP,
    evidence: 'assumed'
  }
})

const CHALLENGE = 'Basic realm="shiftr.io", charset="UTF-8"'

/** One line, `code: sentence`; the audience uses curl. */
export function render(error: ProviderError, call: Call): Reply {
  const { status, code } = error.row
  const message = error.text ?? code
  const json = call.header('accept')?.includes('application/json') ?? false
  const headers: Record<string, string> = {
    'Content-Type': json ? 'application/json; charset=utf-8' : 'text/plain; charset=utf-8'
  }
  if (status === 401) headers['WWW-Authenticate'] = CHALLENGE
  return {
    status,
    headers,
    body: json ? JSON.stringify({ code, message }) : `${code}: ${message}\n`
  }
}
