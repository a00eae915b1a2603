import { defineOperations, type Call, type ValidationFault } from '@fogbank/personality'
import { errors } from './errors.ts'
import { connect, getRetainedMessage, httpPublish, listRetainedMessages } from './handlers.ts'
import { limits } from './limits.ts'
import { getRetainedMessageQuery, listRetainedMessagesQuery, httpPublishQuery } from './schemas.ts'
import type { State } from './state.ts'
import { eventOperations } from './topics/operations.ts'

const DOCS = 'https://learn.microsoft.com/azure/event-grid'

/** What every call to the MQTT host can fail with. */
const COMMON = [
  'ApiVersionMissing',
  'RequestMalformed',
  'IpForbidden',
  'AuthorizationMissing',
  'TokenInvalid',
  'TokenExpired',
  'RoleMissing',
  'MethodNotAllowed',
  'Throttled',
  'InternalError',
  'ServiceUnavailable'
] as const

/** What a topic in the query can be refused for. */
const TOPIC = [
  'ParameterMissing',
  'TopicNotInTopicSpace',
  'TopicInvalid',
  'TopicTooLong',
  'TopicTooManySegments',
  'TopicReserved'
] as const

export const operations = defineOperations<State>()({
  HttpPublish: {
    method: 'POST',
    path: '{prefix*}/mqtt/messages',
    query: httpPublishQuery,
    bodyLimit: limits.payloadBytes,
    invalid: toQueryError,
    raises: [
      ...COMMON,
      ...TOPIC,
      'QosInvalid',
      'RetainInvalid',
      'ResponseTopicInvalid',
      'ResponseTopicTooLong',
      'CorrelationDataInvalid',
      'CorrelationDataTooLarge',
      'UserPropertiesInvalid',
      'UserPropertiesTooLarge',
      'MessageExpiryInvalid',
      'PayloadFormatIndicatorInvalid',
      'ContentTypeInvalid',
      'ContentTypeTooLong',
      'PayloadTooLarge',
      'RetainNotSupported',
      'RetainedMessageTooLarge',
      'RoutingFailed'
    ],
    handle: httpPublish,
    source: `${DOCS}/mqtt-http-publish`
  },
  GetRetainedMessage: {
    method: 'GET',
    path: '{prefix*}/mqtt/retainedMessages/message',
    query: getRetainedMessageQuery,
    invalid: toQueryError,
    raises: [...COMMON, ...TOPIC, 'RetainedMessageNotFound', 'PreviewConstraint'],
    handle: getRetainedMessage,
    source: `${DOCS}/mqtt-retain`
  },
  ListRetainedMessages: {
    method: 'GET',
    path: '{prefix*}/mqtt/retainedMessages',
    query: listRetainedMessagesQuery,
    invalid: toQueryError,
    raises: [
      ...COMMON,
      'ParameterMissing',
      'FilterNotInTopicSpace',
      'FilterInvalid',
      'FilterTooLong',
      'FilterTooManySegments',
      'FilterReserved',
      'FilterAndContinuationToken',
      'ContinuationTokenInvalid',
      'MaxResultsInvalid',
      'PreviewConstraint'
    ],
    handle: listRetainedMessages,
    source: `${DOCS}/mqtt-retain`
  },
  Connect: {
    method: 'GET',
    path: '{prefix*}/mqtt',
    upgrade: true,
    // An upgrade always succeeds; these are what MQTT over it, or over TCP, is refused with.
    raises: [
      'IpForbidden',
      'ConnectRateExceeded',
      'CredentialMissing',
      'ClientUnknown',
      'ClientCertificateInvalid',
      'ClientCertificateExpired',
      'AuthenticationNameMissing',
      'WebhookDenied',
      'WebhookUnavailable',
      'TokenInvalid',
      'TokenExpired',
      'AuthenticationMethodUnknown',
      'AuthenticationDataTooLarge',
      'NameTooLong',
      'SessionNameTaken',
      'TooManySessions',
      'NamespaceSessionsExceeded',
      'UserPropertiesMisplaced',
      'NegativeAcknowledgement',
      'RoleMissing',
      'TopicNotInTopicSpace',
      'TopicTooLong',
      'TopicTooManySegments',
      'TopicReserved',
      'FilterNotInTopicSpace',
      'FilterTooLong',
      'FilterTooManySegments',
      'FilterReserved',
      'TooManyFilters',
      'TooManySubscriptions',
      'ResponseTopicTooLong',
      'ContentTypeTooLong',
      'CorrelationDataTooLarge',
      'UserPropertiesTooLarge',
      'RetainNotSupported',
      'RetainedMessageTooLarge',
      'Throttled',
      'MessageRateTooHigh',
      'ServiceUnavailable'
    ],
    handle: connect,
    source: 'https://github.com/Azure-Samples/MqttApplicationSamples'
  },
  ...eventOperations
})

/** What is wrong with a query, by its first fault. */
function toQueryError({ path, property }: ValidationFault, { query }: Call<State>) {
  const parameter = property ?? path.slice(1)
  if (parameter === 'api-version') return errors.ApiVersionMissing()
  if (parameter === 'qos') return errors.QosInvalid({ qos: query.qos ?? '' })
  if (parameter === 'retain') return errors.RetainInvalid({ retain: query.retain ?? '' })
  if (parameter === 'maxresults') return limits.maxResults.exceeded(query.maxresults ?? '')
  if (parameter === 'topicfilter') return errors.ParameterMissing({ parameter: 'topicFilter' })
  if (parameter === 'continuationtoken') return errors.ContinuationTokenInvalid()
  return errors.ParameterMissing({ parameter })
}
