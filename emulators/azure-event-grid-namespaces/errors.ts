import {
  defineErrors,
  type Call,
  type Evidence,
  type ProviderError,
  type Reply
} from '@fogbank/personality'
import type { State } from './state.ts'

const AZURE = 'https://learn.microsoft.com/azure/event-grid'
const FIREWALL = `${AZURE}/configure-firewall-mqtt`
const HTTP_PUBLISH = `${AZURE}/mqtt-http-publish`
const RETAIN = `${AZURE}/mqtt-retain`
const QUOTAS = `${AZURE}/quotas-limits`
const MQTT = `${AZURE}/mqtt-support`
const TROUBLESHOOTING = `${AZURE}/mqtt-troubleshoot-errors`
const CLIENT_CERTIFICATES = `${AZURE}/mqtt-client-certificate-authentication`
const WEBHOOKS = `${AZURE}/authenticate-with-namespaces-using-webhook-authentication`
const TOKENS = `${AZURE}/mqtt-client-microsoft-entra-token-and-rbac`
const TOPIC_SPACES = `${AZURE}/mqtt-topic-spaces`
const EVENTS =
  'https://github.com/Azure/azure-rest-api-specs/blob/main/specification/eventgrid/data-plane/EventGridNamespace/main.tsp'

const EVENT_CONCEPTS = `${AZURE}/concepts-event-grid-namespaces`
const KEYS = `${AZURE}/authenticate-with-access-keys-shared-access-signatures`
const SDK =
  'https://github.com/Azure/azure-sdk-for-js/tree/main/sdk/eventgrid/eventgrid-namespaces (documentation of its errors)'
const RECORDINGS =
  'https://github.com/Azure/azure-sdk-assets go/sdk/messaging/eventgrid/aznamespaces/testdata/recordings'

const NOT_AUTHORIZED = { reasonCode: 0x87, returnCode: 5 }
const SERVER_UNAVAILABLE = { reasonCode: 0x88, returnCode: 3 }
const IMPLEMENTATION_SPECIFIC = { reasonCode: 0x83, returnCode: 5 }
const TOPIC_NAME_INVALID = { reasonCode: 0x90 }
const TOPIC_FILTER_INVALID = { reasonCode: 0x8f }
const QUOTA_EXCEEDED = { reasonCode: 0x97, returnCode: 3 }
const PROTOCOL_ERROR = { reasonCode: 0x82 }
const RETAIN_NOT_SUPPORTED = { reasonCode: 0x9a, returnCode: 5 }

export const errors = defineErrors({
  AuthorizationMissing: {
    status: 401,
    code: 'Unauthorized',
    message: 'The request has no bearer token in its Authorization header.',
    source: HTTP_PUBLISH,
    evidence: 'assumed'
  },
  TokenInvalid: {
    status: 401,
    code: 'Unauthorized',
    message: 'The token is not valid.',
    mqtt: NOT_AUTHORIZED,
    source: HTTP_PUBLISH,
    evidence: 'assumed'
  },
  TokenExpired: {
    status: 401,
    code: 'Unauthorized',
    message: 'The token has expired.',
    mqtt: NOT_AUTHORIZED,
    source: HTTP_PUBLISH,
    evidence: 'assumed'
  },
  RoleMissing: {
    status: 403,
    code: 'Forbidden',
    message: "The principal '{principal}' does not hold the role '{role}'.",
    mqtt: NOT_AUTHORIZED,
    source: TOKENS,
    evidence: 'assumed'
  },
  IpForbidden: {
    status: 403,
    code: 'Forbidden',
    message: "The IP address '{address}' is blocked by the IP filter of the namespace.",
    mqtt: NOT_AUTHORIZED,
    source: FIREWALL,
    evidence: 'assumed'
  },
  TopicNotInTopicSpace: {
    status: 403,
    code: 'Forbidden',
    message: "topic name '{topic}' does not match any topicspaces",
    mqtt: NOT_AUTHORIZED,
    source: TROUBLESHOOTING,
    evidence: 'assumed'
  },
  FilterNotInTopicSpace: {
    status: 403,
    code: 'Forbidden',
    message: "topic filter '{filter}' does not match any topicspaces",
    mqtt: NOT_AUTHORIZED,
    source: TROUBLESHOOTING,
    evidence: 'assumed'
  },
  TopicInvalid: {
    status: 403,
    code: 'Forbidden',
    message: 'The topic name is not valid.',
    mqtt: TOPIC_NAME_INVALID,
    source: HTTP_PUBLISH,
    evidence: 'assumed'
  },
  TopicTooLong: {
    status: 403,
    code: 'Forbidden',
    message: 'The topic name exceeds {limit} bytes.',
    mqtt: TOPIC_NAME_INVALID,
    source: QUOTAS,
    evidence: 'assumed'
  },
  TopicTooManySegments: {
    status: 403,
    code: 'Forbidden',
    message: 'The topic name has more than {limit} segments.',
    mqtt: TOPIC_NAME_INVALID,
    source: QUOTAS,
    evidence: 'assumed'
  },
  TopicReserved: {
    status: 403,
    code: 'Forbidden',
    message: "Topics beginning with '$' are reserved.",
    mqtt: TOPIC_NAME_INVALID,
    source: TOPIC_SPACES,
    evidence: 'assumed'
  },
  FilterInvalid: {
    status: 400,
    code: 'BadRequest',
    message: 'The topic filter is not valid.',
    mqtt: TOPIC_FILTER_INVALID,
    source: RETAIN,
    evidence: 'assumed'
  },
  FilterTooLong: {
    status: 400,
    code: 'BadRequest',
    message: 'The topic filter exceeds {limit} bytes.',
    mqtt: TOPIC_FILTER_INVALID,
    source: QUOTAS,
    evidence: 'assumed'
  },
  FilterTooManySegments: {
    status: 400,
    code: 'BadRequest',
    message: 'The topic filter has more than {limit} segments.',
    mqtt: TOPIC_FILTER_INVALID,
    source: QUOTAS,
    evidence: 'assumed'
  },
  FilterReserved: {
    status: 400,
    code: 'BadRequest',
    message: "Topics beginning with '$' are reserved.",
    mqtt: TOPIC_FILTER_INVALID,
    source: TOPIC_SPACES,
    evidence: 'assumed'
  },
  RequestMalformed: {
    status: 400,
    code: 'BadRequest',
    message: 'The request URL holds a malformed percent-encoding.',
    source: HTTP_PUBLISH,
    evidence: 'assumed'
  },
  ApiVersionMissing: {
    status: 400,
    code: 'BadRequest',
    message: "The query parameter 'api-version' is required.",
    source: HTTP_PUBLISH,
    evidence: 'assumed'
  },
  ParameterMissing: {
    status: 400,
    code: 'BadRequest',
    message: "The query parameter '{parameter}' is required.",
    source: HTTP_PUBLISH,
    evidence: 'assumed'
  },
  QosInvalid: {
    status: 400,
    code: 'BadRequest',
    message: "The QoS '{qos}' is not valid; it must be 0 or 1.",
    source: HTTP_PUBLISH,
    evidence: 'assumed'
  },
  RetainInvalid: {
    status: 400,
    code: 'BadRequest',
    message: "The retain flag '{retain}' is not valid; it must be 0 or 1.",
    source: HTTP_PUBLISH,
    evidence: 'assumed'
  },
  MessageExpiryInvalid: {
    status: 400,
    code: 'BadRequest',
    message: "The header 'mqtt-message-expiry' must be an unsigned integer.",
    source: HTTP_PUBLISH,
    evidence: 'assumed'
  },
  PayloadFormatIndicatorInvalid: {
    status: 400,
    code: 'BadRequest',
    message: "The header 'mqtt-payload-format-indicator' must be 0 or 1.",
    source: HTTP_PUBLISH,
    evidence: 'assumed'
  },
  ResponseTopicInvalid: {
    status: 400,
    code: 'BadRequest',
    message: "The header 'mqtt-response-topic' is not a percent-encoded topic name.",
    mqtt: PROTOCOL_ERROR,
    source: HTTP_PUBLISH,
    evidence: 'assumed'
  },
  ResponseTopicTooLong: {
    status: 400,
    code: 'BadRequest',
    message: 'The response topic exceeds {limit} bytes.',
    mqtt: QUOTA_EXCEEDED,
    source: QUOTAS,
    evidence: 'assumed'
  },
  CorrelationDataInvalid: {
    status: 400,
    code: 'BadRequest',
    message: "The header 'mqtt-correlation-data' is not base64.",
    source: HTTP_PUBLISH,
    evidence: 'assumed'
  },
  CorrelationDataTooLarge: {
    status: 400,
    code: 'BadRequest',
    message: 'The correlation data exceeds {limit} bytes.',
    mqtt: QUOTA_EXCEEDED,
    source: QUOTAS,
    evidence: 'assumed'
  },
  UserPropertiesInvalid: {
    status: 400,
    code: 'BadRequest',
    message:
      "The header 'mqtt-user-properties' is not a base64-encoded JSON array of objects with string values.",
    source: HTTP_PUBLISH,
    evidence: 'assumed'
  },
  UserPropertiesTooLarge: {
    status: 400,
    code: 'BadRequest',
    message: 'The user properties exceed {limit} bytes.',
    mqtt: QUOTA_EXCEEDED,
    source: QUOTAS,
    evidence: 'assumed'
  },
  ContentTypeInvalid: {
    status: 400,
    code: 'BadRequest',
    message: "The header 'content-type' is not UTF-8.",
    source: HTTP_PUBLISH,
    evidence: 'assumed'
  },
  ContentTypeTooLong: {
    status: 400,
    code: 'BadRequest',
    message: 'The content type exceeds {limit} bytes.',
    mqtt: QUOTA_EXCEEDED,
    source: QUOTAS,
    evidence: 'assumed'
  },
  RetainedMessageTooLarge: {
    status: 413,
    code: 'RequestEntityTooLarge',
    message: 'The retained message exceeds {limit} bytes.',
    mqtt: QUOTA_EXCEEDED,
    source: QUOTAS,
    evidence: 'assumed'
  },
  RetainNotSupported: {
    status: 400,
    code: 'BadRequest',
    message: 'The namespace takes no retained messages.',
    mqtt: RETAIN_NOT_SUPPORTED,
    source: MQTT,
    evidence: 'assumed'
  },
  PayloadTooLarge: {
    status: 413,
    code: 'RequestEntityTooLarge',
    message: 'The message exceeds {limit} bytes.',
    source: QUOTAS,
    evidence: 'assumed'
  },
  MaxResultsInvalid: {
    status: 400,
    code: 'BadRequest',
    message: "The query parameter 'maxResults' must be between 1 and {limit}.",
    source: RETAIN,
    evidence: 'assumed'
  },
  ContinuationTokenInvalid: {
    status: 400,
    code: 'BadRequest',
    message: "The query parameter 'continuationToken' is not valid.",
    source: RETAIN,
    evidence: 'assumed'
  },
  FilterAndContinuationToken: {
    status: 400,
    code: 'BadRequest',
    message: "The query parameters 'topicFilter' and 'continuationToken' exclude each other.",
    source: RETAIN,
    evidence: 'assumed'
  },
  RetainedMessageNotFound: {
    status: 404,
    code: 'NotFound',
    message: "There is no retained message for the topic '{topic}'.",
    source: RETAIN,
    evidence: 'assumed'
  },
  NotFound: {
    status: 404,
    code: 'NotFound',
    message: 'The requested resource does not exist.',
    source: EVENTS,
    evidence: 'assumed'
  },
  MethodNotAllowed: {
    status: 405,
    code: 'MethodNotAllowed',
    message: 'The method is not allowed on this resource; allowed: {allow}.',
    source: EVENTS,
    evidence: 'assumed'
  },
  Throttled: {
    status: 429,
    code: 'TooManyRequests',
    message: 'The throughput quota of the namespace is exceeded.',
    mqtt: QUOTA_EXCEEDED,
    source: RETAIN,
    evidence: 'assumed'
  },
  MessageRateTooHigh: {
    status: 429,
    code: 'TooManyRequests',
    message: 'The client goes on publishing over its quota.',
    mqtt: { reasonCode: 0x96 },
    source: QUOTAS,
    evidence: 'assumed'
  },
  ConnectRateExceeded: {
    status: 429,
    code: 'TooManyRequests',
    message: 'The namespace takes no more connections in this second.',
    mqtt: { reasonCode: 0x9f, returnCode: 3 },
    source: QUOTAS,
    evidence: 'assumed'
  },
  InternalError: {
    status: 500,
    code: 'InternalServerError',
    message: 'The server encountered an error.',
    mqtt: { reasonCode: 0x80, returnCode: 3 },
    source: HTTP_PUBLISH,
    evidence: 'assumed'
  },
  RoutingFailed: {
    status: 500,
    code: 'InternalServerError',
    message: 'Routing the message failed.',
    source: HTTP_PUBLISH,
    evidence: 'assumed'
  },
  ServiceUnavailable: {
    status: 503,
    code: 'ServiceUnavailable',
    message: 'The service is busy.',
    mqtt: { reasonCode: 0x88, returnCode: 3 },
    source: RETAIN,
    evidence: 'assumed'
  },
  PreviewConstraint: {
    status: 409,
    code: 'Conflict',
    message: 'The namespace does not allow this during the preview.',
    source: RETAIN,
    evidence: 'assumed'
  },
  TopicNotFound: {
    status: 410,
    code: 'Gone',
    message: "The topic '{topic}' does not exist.",
    source: SDK,
    evidence: 'assumed'
  },
  EventSubscriptionNotFound: {
    status: 404,
    code: 'NotFound',
    message: "The event subscription '{eventSubscription}' does not exist.",
    source: EVENTS,
    evidence: 'assumed'
  },
  NotAQueue: {
    status: 400,
    code: 'BadRequest',
    message: "The event subscription '{eventSubscription}' does not deliver by queue.",
    source: EVENTS,
    evidence: 'assumed'
  },
  CredentialsMissing: {
    status: 401,
    code: 'Unauthorized',
    message: 'The request has neither an access key nor a shared access signature nor a token.',
    source: KEYS,
    evidence: 'assumed'
  },
  AccessKeyInvalid: {
    status: 401,
    code: 'Unauthorized',
    message: 'The access key is not one of the namespace.',
    source: KEYS,
    evidence: 'assumed'
  },
  SasInvalid: {
    status: 401,
    code: 'Unauthorized',
    message: 'The shared access signature is not valid.',
    source: KEYS,
    evidence: 'assumed'
  },
  SasExpired: {
    status: 401,
    code: 'Unauthorized',
    message: 'The shared access signature has expired.',
    source: KEYS,
    evidence: 'assumed'
  },
  SasOutOfScope: {
    status: 401,
    code: 'Unauthorized',
    message: 'The shared access signature does not cover the resource or the operation.',
    source: KEYS,
    evidence: 'assumed'
  },
  DataActionMissing: {
    status: 401,
    code: 'Unauthorized',
    message: "The principal '{principal}' is not allowed to perform '{action}'.",
    source: 'https://github.com/Azure/azure-sdk-for-net/issues/40812',
    evidence: 'assumed'
  },
  DataMissing: {
    status: 400,
    code: 'BadRequest',
    message: "'data' attribute is required",
    source: RECORDINGS,
    evidence: 'recorded'
  },
  ContentTypeMissing: {
    status: 400,
    code: 'BadRequest',
    message: 'CONTENT-TYPE is not provided',
    source: RECORDINGS,
    evidence: 'recorded'
  },
  AttributeMissing: {
    status: 400,
    code: 'BadRequest',
    message: "'{attribute}' attribute is required",
    source: RECORDINGS,
    evidence: 'assumed'
  },
  AttributeInvalid: {
    status: 400,
    code: 'BadRequest',
    message: "'{attribute}' attribute is not valid",
    source: EVENT_CONCEPTS,
    evidence: 'assumed'
  },
  ExtensionNameInvalid: {
    status: 400,
    code: 'BadRequest',
    message: "'{attribute}' is not a valid attribute name",
    source: EVENT_CONCEPTS,
    evidence: 'assumed'
  },
  ExtensionNameTooLong: {
    status: 400,
    code: 'BadRequest',
    message: 'An attribute name has at most {limit} characters.',
    source: EVENT_CONCEPTS,
    evidence: 'assumed'
  },
  DataAmbiguous: {
    status: 400,
    code: 'BadRequest',
    message: "'data' and 'data_base64' attributes exclude each other",
    source: 'https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md',
    evidence: 'assumed'
  },
  DataMalformed: {
    status: 400,
    code: 'BadRequest',
    message: "'data' attribute is not valid JSON",
    source: EVENT_CONCEPTS,
    evidence: 'assumed'
  },
  EventMalformed: {
    status: 400,
    code: 'BadRequest',
    message: 'The body is not a CloudEvent, or a batch of them, in JSON.',
    source: EVENT_CONCEPTS,
    evidence: 'assumed'
  },
  EventsTooLarge: {
    status: 403,
    code: 'Forbidden',
    message: 'The event or batch exceeds {limit} bytes.',
    source: SDK,
    evidence: 'assumed'
  },
  TooManyEvents: {
    status: 400,
    code: 'BadRequest',
    message: 'A request has at most {limit} events.',
    source: QUOTAS,
    evidence: 'assumed'
  },
  EventSubscriptionFull: {
    status: 403,
    code: 'Forbidden',
    message: 'An event subscription holds {limit} events, which is all it can.',
    source: SDK,
    evidence: 'assumed'
  },
  MaxEventsInvalid: {
    status: 400,
    code: 'BadRequest',
    message: "The query parameter 'maxEvents' must be between 1 and {limit}.",
    source: EVENTS,
    evidence: 'assumed'
  },
  MaxWaitTimeInvalid: {
    status: 400,
    code: 'BadRequest',
    message: "The query parameter 'maxWaitTime' must be between 10 and {limit}.",
    source: EVENTS,
    evidence: 'assumed'
  },
  ReleaseDelayInvalid: {
    status: 400,
    code: 'BadRequest',
    message: "The query parameter 'releaseDelayInSeconds' must be 0, 10, 60, 600 or 3600.",
    source: EVENTS,
    evidence: 'assumed'
  },
  LockTokensInvalid: {
    status: 400,
    code: 'BadRequest',
    message: "The body must be a JSON object with the texts 'lockTokens'.",
    source: EVENTS,
    evidence: 'assumed'
  },
  TooManyLockTokens: {
    status: 400,
    code: 'BadRequest',
    message: 'A request has at most {limit} lock tokens.',
    source: EVENTS,
    evidence: 'assumed'
  },
  SettlementTooLarge: {
    status: 403,
    code: 'Forbidden',
    message: 'The body exceeds {limit} bytes.',
    source: SDK,
    evidence: 'assumed'
  },
  ClientUnknown: {
    status: 401,
    code: 'Unauthorized',
    message: 'Client could not be found.',
    mqtt: NOT_AUTHORIZED,
    source: `${AZURE}/monitor-mqtt-delivery-reference`,
    evidence: 'assumed'
  },
  ClientCertificateInvalid: {
    status: 401,
    code: 'Unauthorized',
    message: 'The client certificate does not authenticate the client.',
    mqtt: NOT_AUTHORIZED,
    source: CLIENT_CERTIFICATES,
    evidence: 'assumed'
  },
  ClientCertificateExpired: {
    status: 401,
    code: 'Unauthorized',
    message: 'The client certificate is not valid at this time.',
    mqtt: NOT_AUTHORIZED,
    source: CLIENT_CERTIFICATES,
    evidence: 'assumed'
  },
  AuthenticationNameMissing: {
    status: 401,
    code: 'Unauthorized',
    message:
      'The client gave no authentication name, neither as its username nor in a field of its certificate that the namespace looks at.',
    mqtt: NOT_AUTHORIZED,
    source: CLIENT_CERTIFICATES,
    evidence: 'assumed'
  },
  WebhookDenied: {
    status: 401,
    code: 'Unauthorized',
    message: 'The web hook of the namespace denied the client.',
    mqtt: NOT_AUTHORIZED,
    source: WEBHOOKS,
    evidence: 'documented'
  },
  WebhookUnavailable: {
    status: 503,
    code: 'ServiceUnavailable',
    message: 'The web hook of the namespace gave no answer that decides.',
    mqtt: SERVER_UNAVAILABLE,
    source: WEBHOOKS,
    evidence: 'documented'
  },
  CredentialMissing: {
    status: 401,
    code: 'Unauthorized',
    message: 'The client presented neither a certificate nor a token.',
    mqtt: NOT_AUTHORIZED,
    source: `${AZURE}/mqtt-client-authentication`,
    evidence: 'assumed'
  },
  SessionNameTaken: {
    status: 403,
    code: 'Forbidden',
    message: 'The session name belongs to another client.',
    mqtt: NOT_AUTHORIZED,
    source: MQTT,
    evidence: 'assumed'
  },
  TooManySessions: {
    status: 403,
    code: 'Forbidden',
    message: 'The authentication name has {limit} sessions, which is all it can.',
    mqtt: QUOTA_EXCEEDED,
    source: MQTT,
    evidence: 'assumed'
  },
  NamespaceSessionsExceeded: {
    status: 403,
    code: 'Forbidden',
    message: 'The namespace has {limit} sessions, which is all it can.',
    mqtt: QUOTA_EXCEEDED,
    source: QUOTAS,
    evidence: 'assumed'
  },
  AuthenticationMethodUnknown: {
    status: 400,
    code: 'BadRequest',
    message: "The authentication method '{method}' is not supported.",
    mqtt: { reasonCode: 0x8c },
    source: TOKENS,
    evidence: 'assumed'
  },
  AuthenticationDataTooLarge: {
    status: 400,
    code: 'BadRequest',
    message: 'The authentication data exceeds {limit} bytes.',
    mqtt: NOT_AUTHORIZED,
    source: QUOTAS,
    evidence: 'assumed'
  },
  NameTooLong: {
    status: 400,
    code: 'BadRequest',
    message: 'Session and authentication names have at most {limit} characters.',
    mqtt: { reasonCode: 0x85, returnCode: 2 },
    source: QUOTAS,
    evidence: 'assumed'
  },
  UserPropertiesMisplaced: {
    status: 400,
    code: 'BadRequest',
    message: 'User properties are supported on PUBLISH only.',
    mqtt: IMPLEMENTATION_SPECIFIC,
    source: MQTT,
    evidence: 'assumed'
  },
  NegativeAcknowledgement: {
    status: 400,
    code: 'BadRequest',
    message: 'A PUBACK with a failure code ends the connection.',
    mqtt: IMPLEMENTATION_SPECIFIC,
    source: MQTT,
    evidence: 'assumed'
  },
  TooManyFilters: {
    status: 400,
    code: 'BadRequest',
    message: 'A SUBSCRIBE may hold at most {limit} topic filters.',
    mqtt: QUOTA_EXCEEDED,
    source: QUOTAS,
    evidence: 'assumed'
  },
  TooManySubscriptions: {
    status: 400,
    code: 'BadRequest',
    message: 'A session may hold at most {limit} subscriptions.',
    mqtt: QUOTA_EXCEEDED,
    source: QUOTAS,
    evidence: 'assumed'
  }
})

/** What one lock token of several was refused for; the answer as a whole is a success. */
export const lockFaults = {
  TokenLost: {
    code: 'TokenLost',
    message: 'Token has expired.',
    source: RECORDINGS,
    evidence: 'recorded'
  },
  BadToken: { code: 'BadToken', message: '', source: EVENTS, evidence: 'assumed' }
} as const satisfies Record<
  string,
  { code: string; message: string } & { source: string; evidence: Evidence }
>

/** The body that the events host was recorded with; nothing is known of the topic-space host's. */
export function render(error: ProviderError, { requestId, state }: Call<State>): Reply {
  const { code, status } = error.row
  const body = {
    error: {
      code,
      message: error.text,
      timestamp_utc: toTimestamp(state.clock.now()),
      tracking_id: requestId.toUpperCase()
    }
  }
  return {
    status,
    headers: {
      'broker-errorcode': code,
      'Content-Type': 'application/json; charset=utf-8',
      ...(status === 429 ? { 'Retry-After': '1' } : {})
    },
    body: JSON.stringify(body)
  }
}

/** Nanoseconds and an offset, as the service writes its times. */
function toTimestamp(timeMs: number): string {
  return new Date(timeMs).toISOString().replace('Z', '000000+00:00')
}
