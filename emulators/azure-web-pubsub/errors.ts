import { defineErrors, type Call, type ProviderError, type Reply } from '@fogbank/personality'
import type { State } from './state.ts'

const DOCS = 'https://learn.microsoft.com/azure/azure-web-pubsub'
const REST = `${DOCS}/reference-rest-api-data-plane`
const FILTER = `${DOCS}/reference-odata-filter`
const PROTOCOLS = `${DOCS}/concept-client-protocols`
const API =
  'https://github.com/Azure/azure-rest-api-specs/tree/main/specification/webpubsub/data-plane/WebPubSub'
/** Microsoft's own emulator, whose tests hold it to what the service answers. */
const EMULATOR = 'https://github.com/Azure/azure-webpubsub/tree/main/tools/emulator'

const BAD_REQUEST = 'Error.BadRequest'

const OASIS = 'https://docs.oasis-open.org/mqtt/mqtt/v5.0/mqtt-v5.0.html'
const MQTT_PARAMETERS =
  'https://github.com/MicrosoftDocs/azure-docs/blob/main/articles/azure-web-pubsub/includes/mqtt-connection-parameters.md'
const MQTT_PERMISSIONS = `${DOCS}/howto-mqtt-pubsub-among-mqtt-clients`

/** What an empty code stands for: this answer carries none. */
const NO_CODE = ''

export const errors = defineErrors({
  AuthorizationMissing: {
    status: 401,
    code: NO_CODE,
    message: null,
    source: REST,
    evidence: 'documented'
  },
  TokenInvalid: {
    status: 401,
    code: NO_CODE,
    message: null,
    source: REST,
    evidence: 'documented'
  },
  TokenExpired: {
    status: 401,
    code: NO_CODE,
    message: null,
    source: REST,
    evidence: 'documented'
  },
  AudienceMismatch: {
    status: 401,
    code: NO_CODE,
    message: null,
    source: EMULATOR,
    evidence: 'recorded'
  },
  CallerNotEntra: {
    status: 401,
    code: NO_CODE,
    message: null,
    source: EMULATOR,
    evidence: 'recorded'
  },
  RoleMissing: {
    status: 403,
    code: 'Error.Forbidden',
    message: "The principal '{principal}' does not hold the role '{role}'.",
    target: 'Request',
    source: REST,
    evidence: 'assumed'
  },
  TargetMalformed: {
    status: 400,
    code: BAD_REQUEST,
    message: 'The request URL holds a malformed percent-encoding.',
    target: 'Request',
    source: REST,
    evidence: 'assumed'
  },
  ApiVersionInvalid: {
    status: 400,
    code: BAD_REQUEST,
    message: "The api-version '{value}' is not supported.",
    target: 'api-version',
    source: EMULATOR,
    evidence: 'assumed'
  },
  HubNameInvalid: {
    status: 400,
    code: BAD_REQUEST,
    message: 'Invalid hub name.',
    target: 'hub',
    source: REST,
    evidence: 'assumed'
  },
  GroupNameInvalid: {
    status: 400,
    code: BAD_REQUEST,
    message: 'Invalid group name.',
    target: 'group',
    source: EMULATOR,
    evidence: 'recorded'
  },
  UserIdInvalid: {
    status: 400,
    code: BAD_REQUEST,
    message: 'Invalid user id.',
    target: 'userId',
    source: EMULATOR,
    evidence: 'assumed'
  },
  PermissionInvalid: {
    status: 400,
    code: BAD_REQUEST,
    message: 'Invalid permission.',
    target: 'permission',
    source: EMULATOR,
    evidence: 'assumed'
  },
  TargetNameInvalid: {
    status: 400,
    code: BAD_REQUEST,
    message: 'Invalid target name.',
    target: 'targetName',
    source: EMULATOR,
    evidence: 'assumed'
  },
  MessageTtlInvalid: {
    status: 400,
    code: BAD_REQUEST,
    message: 'The field messageTtlSeconds must be between 0 and {limit}.',
    target: 'messageTtlSeconds',
    source: API,
    evidence: 'assumed'
  },
  MinutesToExpireInvalid: {
    status: 400,
    code: BAD_REQUEST,
    message: 'The field minutesToExpire must be between 1 and {limit}.',
    target: 'minutesToExpire',
    source: API,
    evidence: 'assumed'
  },
  MaxPageSizeInvalid: {
    status: 400,
    code: BAD_REQUEST,
    message: 'The field maxpagesize must be between 1 and {limit}.',
    target: 'maxpagesize',
    source: API,
    evidence: 'assumed'
  },
  TopInvalid: {
    status: 400,
    code: BAD_REQUEST,
    message: 'The field top must be between 1 and {limit}.',
    target: 'top',
    source: API,
    evidence: 'assumed'
  },
  ClientTypeInvalid: {
    status: 400,
    code: BAD_REQUEST,
    message: 'Invalid clientType.',
    target: 'clientType',
    source: EMULATOR,
    evidence: 'recorded'
  },
  ContinuationTokenInvalid: {
    status: 400,
    code: BAD_REQUEST,
    message: 'Invalid continuationToken.',
    target: 'continuationToken',
    source: EMULATOR,
    evidence: 'assumed'
  },
  FilterInvalid: {
    status: 400,
    code: BAD_REQUEST,
    message: "{fault} (Parameter 'filter')",
    target: 'Request',
    source: FILTER,
    evidence: 'documented'
  },
  GroupsInvalid: {
    status: 400,
    code: BAD_REQUEST,
    message: 'The groups must be a non-empty list of group names.',
    target: 'groups',
    source: EMULATOR,
    evidence: 'assumed'
  },
  ContentLengthMissing: {
    status: 400,
    code: BAD_REQUEST,
    message: 'The Content-Length header is required.',
    target: 'Request',
    source: EMULATOR,
    evidence: 'assumed'
  },
  MessageTooLarge: {
    status: 400,
    code: BAD_REQUEST,
    message: 'The message exceeds {limit} bytes.',
    target: 'Request',
    source: EMULATOR,
    evidence: 'assumed'
  },
  MetadataInvalid: {
    status: 400,
    code: BAD_REQUEST,
    message: 'Invalid metadata header: {fault}.',
    target: 'Request',
    source: EMULATOR,
    evidence: 'assumed'
  },
  MediaTypeUnsupported: {
    status: 415,
    code: NO_CODE,
    message: null,
    source: EMULATOR,
    evidence: 'recorded'
  },
  BodyNotJson: {
    status: 400,
    code: BAD_REQUEST,
    message: 'The request body is not a valid JSON.',
    target: 'Request',
    source: EMULATOR,
    evidence: 'recorded'
  },
  ConnectionNotFound: {
    status: 404,
    code: 'Error.Connection.NotExisted',
    message: 'Connection `{connectionId}` is not found.',
    target: 'Connection',
    source: EMULATOR,
    evidence: 'recorded'
  },
  UserNotFound: {
    status: 404,
    code: 'Error.User.NotExisted',
    message: 'User `{userId}` is not found.',
    target: 'User',
    source: EMULATOR,
    evidence: 'assumed'
  },
  NoSuchConnection: {
    status: 404,
    code: 'Warning.Connection.NotExisted',
    message: null,
    source: REST,
    evidence: 'assumed'
  },
  NoSuchGroup: {
    status: 404,
    code: 'Warning.Group.NotExisted',
    message: null,
    source: EMULATOR,
    evidence: 'recorded'
  },
  NoSuchUser: {
    status: 404,
    code: 'Warning.User.NotExisted',
    message: null,
    source: EMULATOR,
    evidence: 'recorded'
  },
  PermissionNotFound: {
    status: 404,
    code: 'Info.Connection.NotExisted',
    message: null,
    source: EMULATOR,
    evidence: 'recorded'
  },
  PermissionsConflict: {
    status: 409,
    code: 'Error.Connection.Conflict',
    message: 'The connection has more than {limit} permissions of its own.',
    target: 'Connection',
    source: EMULATOR,
    evidence: 'recorded'
  },
  UpgradeExpected: {
    status: 400,
    code: NO_CODE,
    message: null,
    source: EMULATOR,
    evidence: 'recorded'
  },
  SubprotocolMissing: {
    status: 400,
    code: NO_CODE,
    message: null,
    source: `${DOCS}/howto-connect-mqtt-websocket-client`,
    evidence: 'assumed'
  },
  TokenGroupInvalid: {
    status: 400,
    code: NO_CODE,
    message: 'The token contains an invalid group name.',
    plain: true,
    source: EMULATOR,
    evidence: 'recorded'
  },
  ClientHubInvalid: {
    status: 400,
    code: NO_CODE,
    message: null,
    source: EMULATOR,
    evidence: 'recorded'
  },
  ClientTokenMissing: {
    status: 401,
    code: NO_CODE,
    message: null,
    source: PROTOCOLS,
    evidence: 'documented'
  },
  ClientTokenInvalid: {
    status: 401,
    code: NO_CODE,
    message: null,
    source: PROTOCOLS,
    evidence: 'documented'
  },
  ClientIdInvalid: {
    status: 400,
    code: NO_CODE,
    message: null,
    mqtt: { reasonCode: 0x85, returnCode: 2 },
    source: MQTT_PARAMETERS,
    evidence: 'documented'
  },
  KeepAliveInvalid: {
    status: 400,
    code: NO_CODE,
    message: null,
    mqtt: { reasonCode: 0x83, returnCode: 3 },
    source: MQTT_PARAMETERS,
    evidence: 'assumed'
  },
  AuthenticationMethodUnsupported: {
    status: 400,
    code: NO_CODE,
    message: null,
    mqtt: { reasonCode: 0x8c },
    source: OASIS,
    evidence: 'assumed'
  },
  WillTopicInvalid: {
    status: 400,
    code: NO_CODE,
    message: null,
    mqtt: { reasonCode: 0x90, returnCode: 3 },
    source: MQTT_PARAMETERS,
    evidence: 'assumed'
  },
  WillTooLarge: {
    status: 400,
    code: NO_CODE,
    message: null,
    mqtt: { reasonCode: 0x95, returnCode: 3 },
    source: MQTT_PARAMETERS,
    evidence: 'assumed'
  },
  WillRetained: {
    status: 400,
    code: NO_CODE,
    message: null,
    mqtt: { reasonCode: 0x9a, returnCode: 3 },
    source: OASIS,
    evidence: 'assumed'
  },
  TopicInvalid: {
    status: 400,
    code: NO_CODE,
    message: null,
    mqtt: { reasonCode: 0x90 },
    source: OASIS,
    evidence: 'assumed'
  },
  FilterTopicInvalid: {
    status: 400,
    code: NO_CODE,
    message: null,
    mqtt: { reasonCode: 0x8f },
    source: OASIS,
    evidence: 'assumed'
  },
  SendNotPermitted: {
    status: 403,
    code: NO_CODE,
    message: null,
    mqtt: { reasonCode: 0x87 },
    source: MQTT_PERMISSIONS,
    evidence: 'assumed'
  },
  JoinNotPermitted: {
    status: 403,
    code: NO_CODE,
    message: null,
    mqtt: { reasonCode: 0x87 },
    source: MQTT_PERMISSIONS,
    evidence: 'assumed'
  },
  LeaveNotPermitted: {
    status: 403,
    code: NO_CODE,
    message: null,
    mqtt: { reasonCode: 0x87 },
    source: MQTT_PERMISSIONS,
    evidence: 'assumed'
  },
  NotFound: {
    status: 404,
    code: NO_CODE,
    message: null,
    source: REST,
    evidence: 'assumed'
  },
  MethodNotAllowed: {
    status: 405,
    code: NO_CODE,
    message: null,
    source: REST,
    evidence: 'assumed'
  },
  InternalError: {
    status: 500,
    code: 'Error.InternalServerError',
    message: 'The service failed to process the request.',
    target: 'Request',
    source: REST,
    evidence: 'assumed'
  },
  ServiceUnavailable: {
    status: 503,
    code: 'Error.ServiceUnavailable',
    message: 'The service is unavailable.',
    target: 'Request',
    source: REST,
    evidence: 'assumed'
  }
})

/** What this vendor's rows say beyond the ordinary ones. */
interface OwnRow {
  /** The `target` member. */
  target?: string
  /** The message alone, as text. */
  plain?: true
}

/** The vendor's flat error object, its header, and no body where there is nothing to say. */
export function render(error: ProviderError, call: Call<State>): Reply {
  const { status, code } = error.row
  const { target, plain } = error.row as OwnRow
  const headers: Record<string, string> = {}
  if (status === 401) headers['WWW-Authenticate'] = 'Bearer'
  if (code !== NO_CODE) headers['x-ms-error-code'] = code
  if (error.text === null || call.request.method === 'HEAD') return { status, headers }
  headers['Content-Type'] = plain ? 'text/plain' : 'application/json'
  if (plain) return { status, headers, body: error.text }
  const body = { code, message: error.text, target }
  return { status, headers, body: JSON.stringify(body) }
}
