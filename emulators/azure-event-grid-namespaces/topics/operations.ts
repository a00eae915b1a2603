import { defineOperations, type Call, type ValidationFault } from '@fogbank/personality'
import { errors } from '../errors.ts'
import { limits } from '../limits.ts'
import type { State } from '../state.ts'
import {
  acknowledgeCloudEvents,
  confirmEventSubscription,
  publishCloudEvents,
  receiveCloudEvents,
  rejectCloudEvents,
  releaseCloudEvents,
  renewCloudEventLocks
} from './handlers.ts'
import { eventsQuery, lockTokensBody } from './schemas.ts'

const TYPE_SPEC =
  'https://github.com/Azure/azure-rest-api-specs specification/eventgrid/data-plane/EventGridNamespace/main.tsp'
const WEB_HOOKS =
  'https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md (4.1.4)'
const TOPIC = '{prefix*}/topics/{topicName}'
const SUBSCRIPTION = `${TOPIC}/eventsubscriptions/{eventSubscriptionName}`

const VALIDATION = '{prefix*}/eventsubscriptions/{validatedSubscriptionName}/validate'

/** What every call to the events host can fail with. */
const COMMON = [
  'ApiVersionMissing',
  'RequestMalformed',
  'IpForbidden',
  'CredentialsMissing',
  'AccessKeyInvalid',
  'SasInvalid',
  'SasExpired',
  'SasOutOfScope',
  'TokenInvalid',
  'TokenExpired',
  'DataActionMissing',
  'TopicNotFound',
  'MethodNotAllowed',
  'Throttled',
  'InternalError',
  'ServiceUnavailable'
] as const

/** What a call to an event subscription can fail with besides. */
const QUEUE = ['EventSubscriptionNotFound', 'NotAQueue'] as const

const settlement = {
  method: 'POST',
  query: eventsQuery,
  body: lockTokensBody,
  bodyLimit: limits.settlementBytes,
  invalid: toFault,
  source: TYPE_SPEC
} as const

const SETTLEMENT = [
  ...COMMON,
  ...QUEUE,
  'LockTokensInvalid',
  'TooManyLockTokens',
  'SettlementTooLarge'
] as const

/** The events host: namespace topics and pull delivery. */
export const eventOperations = defineOperations<State>()({
  PublishCloudEvents: {
    method: 'POST',
    path: `${TOPIC}:publish`,
    query: eventsQuery,
    bodyLimit: limits.eventsBytes,
    invalid: toFault,
    raises: [
      ...COMMON,
      'DataMissing',
      'ContentTypeMissing',
      'AttributeMissing',
      'AttributeInvalid',
      'ExtensionNameInvalid',
      'ExtensionNameTooLong',
      'DataAmbiguous',
      'DataMalformed',
      'EventMalformed',
      'EventsTooLarge',
      'TooManyEvents',
      'EventSubscriptionFull'
    ],
    handle: publishCloudEvents,
    source: TYPE_SPEC
  },
  ReceiveCloudEvents: {
    method: 'POST',
    path: `${SUBSCRIPTION}:receive`,
    query: eventsQuery,
    invalid: toFault,
    raises: [...COMMON, ...QUEUE, 'MaxEventsInvalid', 'MaxWaitTimeInvalid'],
    handle: receiveCloudEvents,
    source: TYPE_SPEC
  },
  AcknowledgeCloudEvents: {
    ...settlement,
    path: `${SUBSCRIPTION}:acknowledge`,
    raises: SETTLEMENT,
    handle: acknowledgeCloudEvents
  },
  ReleaseCloudEvents: {
    ...settlement,
    path: `${SUBSCRIPTION}:release`,
    raises: [...SETTLEMENT, 'ReleaseDelayInvalid'],
    handle: releaseCloudEvents
  },
  RejectCloudEvents: {
    ...settlement,
    path: `${SUBSCRIPTION}:reject`,
    raises: SETTLEMENT,
    handle: rejectCloudEvents
  },
  RenewCloudEventLocks: {
    ...settlement,
    path: `${SUBSCRIPTION}:renewLock`,
    raises: SETTLEMENT,
    handle: renewCloudEventLocks
  },
  // Receivers may call back with either method.
  ConfirmEventSubscription: {
    method: 'POST',
    path: VALIDATION,
    raises: ['NotFound'],
    handle: confirmEventSubscription,
    source: WEB_HOOKS
  },
  ValidateEventSubscription: {
    method: 'GET',
    path: VALIDATION,
    raises: ['NotFound'],
    handle: confirmEventSubscription,
    source: WEB_HOOKS
  }
})

function toFault({ path, property }: ValidationFault, call: Call<State>) {
  if ((property ?? path.slice(1)) === 'api-version') return errors.ApiVersionMissing()
  return errors.LockTokensInvalid({}, { detail: `bytes=${call.body.length}` })
}
