import { defineLimits } from '@fogbank/personality'
import { errors } from './errors.ts'

const QUOTAS = 'https://learn.microsoft.com/azure/event-grid/quotas-limits'
const EVENTS =
  'https://github.com/Azure/azure-rest-api-specs specification/eventgrid/data-plane/EventGridNamespace/main.tsp'
const RETAIN = 'https://learn.microsoft.com/azure/event-grid/mqtt-retain'

export const limits = defineLimits(errors, {
  payloadBytes: {
    value: 524_288,
    unit: 'bytes',
    raises: 'PayloadTooLarge',
    source: QUOTAS,
    evidence: 'documented'
  },
  retainedMessageBytes: {
    value: 65_536,
    unit: 'bytes',
    raises: 'RetainedMessageTooLarge',
    source: RETAIN,
    evidence: 'documented'
  },
  topicBytes: {
    value: 256,
    unit: 'bytes, UTF-8',
    raises: 'TopicTooLong',
    source: QUOTAS,
    evidence: 'documented'
  },
  topicSegments: {
    value: 15,
    unit: 'segments',
    raises: 'TopicTooManySegments',
    source: QUOTAS,
    evidence: 'documented'
  },
  filterBytes: {
    value: 256,
    unit: 'bytes, UTF-8',
    raises: 'FilterTooLong',
    source: QUOTAS,
    evidence: 'documented'
  },
  filterSegments: {
    value: 15,
    unit: 'segments',
    raises: 'FilterTooManySegments',
    source: QUOTAS,
    evidence: 'documented'
  },
  responseTopicBytes: {
    value: 256,
    unit: 'bytes, UTF-8',
    raises: 'ResponseTopicTooLong',
    source: QUOTAS,
    evidence: 'documented'
  },
  contentTypeBytes: {
    value: 256,
    unit: 'bytes, UTF-8',
    raises: 'ContentTypeTooLong',
    source: QUOTAS,
    evidence: 'documented'
  },
  correlationDataBytes: {
    value: 256,
    unit: 'bytes',
    raises: 'CorrelationDataTooLarge',
    source: QUOTAS,
    evidence: 'documented'
  },
  userPropertiesBytes: {
    value: 32_768,
    unit: 'bytes, UTF-8, all names and values together',
    raises: 'UserPropertiesTooLarge',
    source: QUOTAS,
    evidence: 'documented'
  },
  messageExpirySeconds: {
    value: 0xffff_ffff,
    unit: 'seconds',
    raises: 'MessageExpiryInvalid',
    source: 'https://docs.oasis-open.org/mqtt/mqtt/v5.0/mqtt-v5.0.html (3.3.2.3.3)',
    evidence: 'documented'
  },
  authenticationDataBytes: {
    value: 8_192,
    unit: 'bytes',
    raises: 'AuthenticationDataTooLarge',
    source: QUOTAS,
    evidence: 'documented'
  },
  nameCharacters: {
    value: 128,
    unit: 'characters',
    raises: 'NameTooLong',
    source: QUOTAS,
    evidence: 'documented'
  },
  filtersPerSubscribe: {
    value: 10,
    unit: 'topic filters in a SUBSCRIBE',
    raises: 'TooManyFilters',
    source: QUOTAS,
    evidence: 'documented'
  },
  subscriptionsPerSession: {
    value: 50,
    unit: 'subscriptions',
    raises: 'TooManySubscriptions',
    source: QUOTAS,
    evidence: 'documented'
  },
  httpPublishesPerSecond: {
    value: 500,
    unit: 'HTTP publishes a second and throughput unit',
    raises: 'Throttled',
    source: QUOTAS,
    evidence: 'documented'
  },
  httpPublishBytesPerSecond: {
    value: 524_288,
    unit: 'bytes a second and throughput unit, payloads of HTTP publishes',
    raises: 'Throttled',
    source: QUOTAS,
    evidence: 'documented'
  },
  inboundMessagesPerSecond: {
    value: 1_000,
    unit: 'messages a second, of a connection, and of a namespace per throughput unit',
    raises: 'Throttled',
    source: QUOTAS,
    evidence: 'documented'
  },
  inboundBytesPerSecond: {
    value: 1_048_576,
    unit: 'bytes a second, payloads, of a connection, and of a namespace per throughput unit',
    raises: 'Throttled',
    source: QUOTAS,
    evidence: 'documented'
  },
  sessionsPerNamespace: {
    value: 10_000,
    unit: 'sessions of a namespace per throughput unit',
    raises: 'NamespaceSessionsExceeded',
    source: QUOTAS,
    evidence: 'documented'
  },
  connectsPerSecond: {
    value: 200,
    unit: 'CONNECTs a second and throughput unit',
    raises: 'ConnectRateExceeded',
    source: QUOTAS,
    evidence: 'documented'
  },
  maxResults: {
    value: 100,
    unit: 'retained messages in an answer',
    raises: 'MaxResultsInvalid',
    source: RETAIN,
    evidence: 'documented'
  },
  eventsBytes: {
    value: 1_048_576,
    unit: 'bytes, an event or a batch',
    raises: 'EventsTooLarge',
    source: QUOTAS,
    evidence: 'documented'
  },
  eventsPerRequest: {
    value: 1_000,
    unit: 'events',
    raises: 'TooManyEvents',
    source: QUOTAS,
    evidence: 'documented'
  },
  extensionNameCharacters: {
    value: 20,
    unit: 'characters',
    raises: 'ExtensionNameTooLong',
    source: 'https://learn.microsoft.com/azure/event-grid/concepts-event-grid-namespaces',
    evidence: 'documented'
  },
  eventsPerSubscription: {
    value: 1_000_000,
    unit: 'events that wait or are locked',
    raises: 'EventSubscriptionFull',
    source: 'our own: something has to bound the memory',
    evidence: 'assumed'
  },
  maxEvents: {
    value: 100,
    unit: 'events',
    raises: 'MaxEventsInvalid',
    source: EVENTS,
    evidence: 'documented'
  },
  maxWaitTimeSeconds: {
    value: 120,
    unit: 'seconds',
    raises: 'MaxWaitTimeInvalid',
    source: EVENTS,
    evidence: 'documented'
  },
  lockTokensPerRequest: {
    value: 1_000,
    unit: 'lock tokens',
    raises: 'TooManyLockTokens',
    source: EVENTS,
    evidence: 'assumed'
  },
  settlementBytes: {
    value: 1_048_576,
    unit: 'bytes',
    raises: 'SettlementTooLarge',
    source: EVENTS,
    evidence: 'assumed'
  }
})
