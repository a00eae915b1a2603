import { defineLimits } from '@fogbank/personality'
import { errors } from './errors.ts'

const QUOTAS = 'https://docs.aws.amazon.com/general/latest/gr/iot-core.html'
const MQTT = 'https://docs.aws.amazon.com/iot/latest/developerguide/mqtt.html'
const LIST =
  'https://docs.aws.amazon.com/iot/latest/apireference/API_iotdata_ListRetainedMessages.html'

export const limits = defineLimits(errors, {
  payloadBytes: {
    value: 131_072,
    unit: 'bytes',
    raises: 'PayloadTooLarge',
    source: 'https://docs.aws.amazon.com/iot/latest/developerguide/topicdata.html',
    evidence: 'documented'
  },
  topicBytes: {
    value: 256,
    unit: 'bytes of UTF-8, without $aws/rules/RULE/',
    raises: 'TopicTooLong',
    source: QUOTAS,
    evidence: 'documented'
  },
  topicSlashes: {
    value: 7,
    unit: 'slashes, without those of $aws/rules/RULE/',
    raises: 'TopicTooManySlashes',
    source: QUOTAS,
    evidence: 'documented'
  },
  filterBytes: {
    value: 256,
    unit: 'bytes of UTF-8, without $share/NAME/',
    raises: 'FilterTooLong',
    source: QUOTAS,
    evidence: 'documented'
  },
  filterSlashes: {
    value: 7,
    unit: 'slashes, without those of $share/NAME/',
    raises: 'FilterTooManySlashes',
    source: QUOTAS,
    evidence: 'documented'
  },
  shareNameCharacters: {
    value: 128,
    unit: 'characters',
    raises: 'FilterInvalid',
    source: MQTT,
    evidence: 'documented'
  },
  userPropertiesBytes: {
    value: 8192,
    unit: 'bytes of all names and values',
    raises: 'UserPropertiesTooLarge',
    source: QUOTAS,
    evidence: 'assumed'
  },
  correlationDataBytes: {
    value: 4096,
    unit: 'bytes',
    raises: 'CorrelationDataTooLarge',
    source: QUOTAS,
    evidence: 'assumed'
  },
  contentTypeBytes: {
    value: 256,
    unit: 'bytes of UTF-8',
    raises: 'ContentTypeTooLong',
    source: QUOTAS,
    evidence: 'assumed'
  },
  responseTopicBytes: {
    value: 256,
    unit: 'bytes of UTF-8',
    raises: 'ResponseTopicTooLong',
    source: QUOTAS,
    evidence: 'assumed'
  },
  maxResults: {
    value: 200,
    unit: 'retained messages a page',
    raises: 'MaxResultsInvalid',
    source: LIST,
    evidence: 'documented'
  },
  confirmationSeconds: {
    value: 15,
    unit: 'seconds that SendDirectMessage waits',
    raises: 'ConfirmationTimeoutInvalid',
    source:
      'https://docs.aws.amazon.com/iot/latest/apireference/API_iotdata_SendDirectMessage.html',
    evidence: 'documented'
  },
  shadowBytes: {
    value: 8192,
    unit: 'bytes of desired and reported as JSON, metadata not counted',
    raises: 'ShadowTooLarge',
    source: 'https://docs.aws.amazon.com/iot/latest/developerguide/device-shadow-document.html',
    evidence: 'documented'
  },
  shadowDepth: {
    value: 6,
    unit: 'levels of nesting inside desired or reported',
    raises: 'ShadowTooDeep',
    source:
      'https://docs.aws.amazon.com/iot/latest/developerguide/device-shadow-error-messages.html',
    evidence: 'assumed'
  },
  shadowClientTokenBytes: {
    value: 64,
    unit: 'bytes of UTF-8',
    raises: 'ShadowClientTokenInvalid',
    source: 'https://docs.aws.amazon.com/iot/latest/developerguide/device-shadow-document.html',
    evidence: 'documented'
  },
  pageSize: {
    value: 100,
    unit: 'named shadows a page',
    raises: 'PageSizeInvalid',
    source:
      'https://docs.aws.amazon.com/iot/latest/apireference/API_iotdata_ListNamedShadowsForThing.html',
    evidence: 'documented'
  },
  thingsPerPage: {
    value: 250,
    unit: 'things a page',
    raises: 'MaxResultsInvalid',
    source: 'https://docs.aws.amazon.com/iot/latest/apireference/API_ListThings.html',
    evidence: 'documented'
  },
  policyCharacters: {
    value: 2048,
    unit: 'characters, without white space',
    raises: 'PolicyTooLong',
    source: QUOTAS,
    evidence: 'documented'
  },
  presignedSeconds: {
    value: 604_800,
    unit: 'seconds',
    raises: 'ExpiresInvalid',
    source: 'https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html',
    evidence: 'assumed'
  },
  clientIdBytes: {
    value: 128,
    unit: 'bytes of UTF-8',
    raises: 'ClientIdInvalid',
    source: QUOTAS,
    evidence: 'documented'
  },
  filtersPerSubscribe: {
    value: 8,
    unit: 'filters in one SUBSCRIBE',
    raises: 'TooManyFilters',
    source: QUOTAS,
    evidence: 'documented'
  },
  subscriptionsPerConnection: {
    value: 50,
    unit: 'subscriptions',
    raises: 'TooManySubscriptions',
    source: QUOTAS,
    evidence: 'documented'
  }
})
