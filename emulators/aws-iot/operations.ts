import { defineOperations, type Call } from '@fogbank/personality'
import {
  deleteConnection,
  getConnection,
  listSubscriptions,
  sendDirectMessage
} from './connections/handlers.ts'
import { controlPlaneOperations } from './control-plane/operations.ts'
import { errors } from './errors.ts'
import {
  connect,
  getRetainedMessage,
  listRetainedMessages,
  publish,
  type State
} from './handlers.ts'
import { limits } from './limits.ts'
import {
  deleteConnectionQuery,
  getConnectionQuery,
  listNamedShadowsQuery,
  sendDirectMessageQuery,
  listRetainedMessagesQuery,
  publishQuery
} from './schemas.ts'
import {
  deleteThingShadow,
  getThingShadow,
  listNamedShadowsForThing,
  updateThingShadow
} from './shadow/handlers.ts'

const API = 'https://docs.aws.amazon.com/iot/latest/apireference'

/** What every signed call can fail with on the service's side. */
const SERVICE = ['Throttled', 'InternalFailure'] as const
/** The newest calls have no 401 of their own. */
const CONNECTION_CALLER = [
  'MissingAuthenticationToken',
  'IamDenied',
  'ClientIdInvalid',
  'ConnectionNotFound'
] as const
/** What a call can fail with because of who makes it; Publish shows every row of the signature. */
const CALLER = ['MissingAuthenticationToken', 'Unauthorized'] as const

/** What a topic can fail with, whoever it is for. */
const TOPIC = ['TopicInvalid', 'TopicWildcard', 'TopicTooLong', 'TopicTooManySlashes'] as const
/** What the properties of a message can fail with. */
const MESSAGE = [
  'UserPropertiesInvalid',
  'UserPropertiesTooLarge',
  'CorrelationDataInvalid',
  'CorrelationDataTooLarge',
  'PayloadFormatIndicatorInvalid',
  'ContentTypeInvalid',
  'ContentTypeTooLong',
  'ResponseTopicInvalid',
  'ResponseTopicTooLong'
] as const
/** What a call for a shadow that has to be there can fail with. */
const KNOWN_SHADOW = [
  ...CALLER,
  'ThingNameInvalid',
  'ShadowNameInvalid',
  'ShadowNotFound',
  'ShadowEncodingUnsupported',
  'ShadowTooManyRequests',
  'MethodNotAllowed',
  'ServiceUnavailable',
  ...SERVICE
] as const

function invalidBoolean({ path }: { path: string }, { query }: Pick<Call, 'query'>) {
  const parameter = path.slice(1)
  return errors.BooleanInvalid({ parameter, value: query[parameter] ?? '' })
}

export const operations = defineOperations<State>()({
  Publish: {
    method: 'POST',
    path: '/topics/{topic*}',
    query: publishQuery,
    bodyLimit: limits.payloadBytes,
    invalid(fault, { query }) {
      if (fault.path === '/qos') return errors.QosInvalid({ qos: query.qos ?? '' })
      if (fault.path === '/retain') return errors.RetainInvalid({ retain: query.retain ?? '' })
      return errors.MessageExpiryInvalid({ messageExpiry: query.messageExpiry ?? '' })
    },
    raises: [
      'MissingAuthenticationToken',
      'AuthorizationMalformed',
      'AuthorizationDateMissing',
      'AlgorithmUnsupported',
      'CredentialMalformed',
      'CredentialTerminatorInvalid',
      'CredentialServiceInvalid',
      'CredentialDateMismatch',
      'DateMalformed',
      'HostNotSigned',
      'SignatureNotYetCurrent',
      'SignatureExpired',
      'SecurityTokenInvalid',
      'SecurityTokenExpired',
      'SignatureMismatch',
      'IamDenied',
      'PolicyDenied',
      'Unauthorized',
      'RequestMalformed',
      'QosInvalid',
      'RetainInvalid',
      'MessageExpiryInvalid',
      ...MESSAGE,
      ...TOPIC,
      'TopicReserved',
      'RetainOnReservedTopic',
      'MethodNotAllowed',
      'PayloadTooLarge',
      ...SERVICE
    ],
    handle: publish,
    source: `${API}/API_iotdata_Publish.html`
  },
  GetRetainedMessage: {
    method: 'GET',
    path: '/retainedMessage/{topic*}',
    raises: [
      ...CALLER,
      ...TOPIC,
      'RetainedMessageNotFound',
      'MethodNotAllowed',
      'ServiceUnavailable',
      ...SERVICE
    ],
    unavailable: errors.ServiceUnavailable,
    handle: getRetainedMessage,
    source: `${API}/API_iotdata_GetRetainedMessage.html`
  },
  ListRetainedMessages: {
    method: 'GET',
    path: '/retainedMessage',
    query: listRetainedMessagesQuery,
    invalid: (_fault, { query }) => limits.maxResults.exceeded(query.maxResults ?? ''),
    raises: [
      ...CALLER,
      'MaxResultsInvalid',
      'NextTokenInvalid',
      'MethodNotAllowed',
      'ServiceUnavailable',
      ...SERVICE
    ],
    unavailable: errors.ServiceUnavailable,
    handle: listRetainedMessages,
    source: `${API}/API_iotdata_ListRetainedMessages.html`
  },
  GetThingShadow: {
    method: 'GET',
    path: '/things/{thingName}/shadow',
    raises: KNOWN_SHADOW,
    unavailable: errors.ServiceUnavailable,
    handle: getThingShadow,
    source: `${API}/API_iotdata_GetThingShadow.html`
  },
  UpdateThingShadow: {
    method: 'POST',
    path: '/things/{thingName}/shadow',
    bodyLimit: limits.payloadBytes,
    raises: [
      ...CALLER,
      'ThingNameInvalid',
      'ShadowNameInvalid',
      'ShadowJsonInvalid',
      'ShadowStateMissing',
      'ShadowStateNotObject',
      'ShadowDesiredNotObject',
      'ShadowReportedNotObject',
      'ShadowVersionInvalid',
      'ShadowClientTokenInvalid',
      'ShadowTooDeep',
      'ShadowNodeInvalid',
      'ShadowVersionConflict',
      'ShadowTooLarge',
      'ShadowEncodingUnsupported',
      'ShadowTooManyRequests',
      'PayloadTooLarge',
      'MethodNotAllowed',
      'ServiceUnavailable',
      ...SERVICE
    ],
    unavailable: errors.ServiceUnavailable,
    handle: updateThingShadow,
    source: `${API}/API_iotdata_UpdateThingShadow.html`
  },
  DeleteThingShadow: {
    method: 'DELETE',
    path: '/things/{thingName}/shadow',
    raises: KNOWN_SHADOW,
    unavailable: errors.ServiceUnavailable,
    handle: deleteThingShadow,
    source: `${API}/API_iotdata_DeleteThingShadow.html`
  },
  ListNamedShadowsForThing: {
    method: 'GET',
    path: '/api/things/shadow/ListNamedShadowsForThing/{thingName}',
    query: listNamedShadowsQuery,
    invalid: (_fault, { query }) => limits.pageSize.exceeded(query.pageSize ?? ''),
    raises: [
      ...CALLER,
      'ThingNameInvalid',
      'PageSizeInvalid',
      'NextTokenInvalid',
      'MethodNotAllowed',
      'ServiceUnavailable',
      ...SERVICE
    ],
    unavailable: errors.ServiceUnavailable,
    handle: listNamedShadowsForThing,
    source: `${API}/API_iotdata_ListNamedShadowsForThing.html`
  },
  GetConnection: {
    method: 'GET',
    path: '/connections/{clientId}',
    query: getConnectionQuery,
    invalid: invalidBoolean,
    raises: [...CONNECTION_CALLER, 'BooleanInvalid', ...SERVICE],
    handle: getConnection,
    source: `${API}/API_iotdata_GetConnection.html`
  },
  DeleteConnection: {
    method: 'DELETE',
    path: '/connections/{clientId}',
    query: deleteConnectionQuery,
    invalid: invalidBoolean,
    raises: [...CONNECTION_CALLER, 'BooleanInvalid', ...SERVICE],
    handle: deleteConnection,
    source: `${API}/API_iotdata_DeleteConnection.html`
  },
  ListSubscriptions: {
    method: 'GET',
    path: '/connections/{clientId}/subscriptions',
    query: listRetainedMessagesQuery,
    invalid: (_fault, { query }) => limits.maxResults.exceeded(query.maxResults ?? ''),
    raises: [...CONNECTION_CALLER, 'MaxResultsInvalid', 'NextTokenInvalid', ...SERVICE],
    handle: listSubscriptions,
    source: `${API}/API_iotdata_ListSubscriptions.html`
  },
  SendDirectMessage: {
    method: 'POST',
    path: '/connections/{clientId}/messages',
    query: sendDirectMessageQuery,
    bodyLimit: limits.payloadBytes,
    invalid(fault, call) {
      const { timeout = '' } = call.query
      if (fault.path === '/timeout') return limits.confirmationSeconds.exceeded(timeout)
      return invalidBoolean(fault, call)
    },
    raises: [
      ...CONNECTION_CALLER,
      'Unauthorized',
      'DirectTopicMissing',
      'ConfirmationTimeoutInvalid',
      'BooleanInvalid',
      ...TOPIC,
      'TopicReserved',
      ...MESSAGE,
      'PayloadTooLarge',
      'ConfirmationMissing',
      ...SERVICE
    ],
    handle: sendDirectMessage,
    source: `${API}/API_iotdata_SendDirectMessage.html`
  },
  Connect: {
    method: 'GET',
    path: '/mqtt',
    upgrade: true,
    raises: [
      'MissingAuthenticationToken',
      'AuthorizationQueryIncomplete',
      'ExpiresInvalid',
      'SignatureExpired',
      'SignatureMismatch'
    ],
    handle: connect,
    source: 'https://docs.aws.amazon.com/iot/latest/developerguide/protocols.html'
  },
  ...controlPlaneOperations
})
