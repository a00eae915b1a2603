import { defineOperations } from '@fogbank/personality'
import { EVENTS_PATH, VALIDATION_PATH } from './addressing.ts'
import { getInputSchema, publishEvents, validateEventSubscription, type State } from './handlers.ts'

/** What every call can fail with. */
const COMMON = [
  'NotFound',
  'MethodNotAllowed',
  'TargetMalformed',
  'ClientIpRejected',
  'PrivateEndpointMismatch',
  'CredentialMissing',
  'KeyEmpty',
  'KeyLengthInvalid',
  'KeyNotBase64',
  'KeyWrong',
  'LocalAuthDisabled',
  'SasMalformed',
  'SasSignatureInvalid',
  'SasExpired',
  'SasResourceForeign',
  'AuthorizationSchemeUnsupported',
  'TokenUnreadable',
  'TokenRejected',
  'RoleMissing',
  'InternalServerError',
  'ServiceUnavailable'
] as const

export const operations = defineOperations<State>()({
  PublishEvents: {
    method: 'POST',
    path: EVENTS_PATH,
    raises: [
      ...COMMON,
      'BodyTooLarge',
      'EventTooLarge',
      'ContentTypeUnacceptable',
      'BinaryContentTypeConflict',
      'CloudEventHeaderMissing',
      'CloudEventHeaderEmpty',
      'BodyEmpty',
      'JsonNonConforming',
      'ObjectInPlaceOfArray',
      'ArrayInPlaceOfObject',
      'UnexpectedProperty',
      'PropertyMissing',
      'MetadataVersionInvalid',
      'TopicForeign',
      'DomainTopicInvalid',
      'TooManyEvents'
    ],
    handle: publishEvents,
    source:
      'https://github.com/Azure/azure-rest-api-specs specification/eventgrid/data-plane/Microsoft.EventGrid/stable/2018-01-01/EventGrid.json'
  },
  GetInputSchema: {
    method: 'OPTIONS',
    path: EVENTS_PATH,
    // It is let in as PublishEvents is, by the same checks.
    raises: [],
    handle: getInputSchema,
    source: 'https://learn.microsoft.com/azure/event-grid/get-topic-schema'
  },
  ValidateEventSubscription: {
    method: 'GET',
    path: VALIDATION_PATH,
    raises: ['NotFound'],
    handle: validateEventSubscription,
    source:
      'https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema'
  },
  // Receivers of CloudEvents may call back with either method.
  ConfirmEventSubscription: {
    method: 'POST',
    path: VALIDATION_PATH,
    raises: ['NotFound'],
    handle: validateEventSubscription,
    source: 'https://github.com/Azure/azure-sdk-for-net/issues/21612'
  }
})
