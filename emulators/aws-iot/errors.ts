import { defineErrors, type Call, type ProviderError, type Reply } from '@fogbank/personality'

const API = 'https://docs.aws.amazon.com/iot/latest/apireference'
const PUBLISH = `${API}/API_iotdata_Publish.html`
const SIGNING =
  'https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html'
const MQTT = 'https://docs.aws.amazon.com/iot/latest/developerguide/mqtt.html'
const QUOTAS = 'https://docs.aws.amazon.com/general/latest/gr/iot-core.html'
const SHADOW_ERRORS =
  'https://docs.aws.amazon.com/iot/latest/developerguide/device-shadow-error-messages.html'
const EXCLUSIVE_THING = 'https://docs.aws.amazon.com/iot/latest/developerguide/exclusive-thing.html'

/** Forbidden on every wire: MQTT 5 Not Authorized, MQTT 3.1.1 return code 5. */
const NOT_AUTHORIZED = { reasonCode: 0x87, returnCode: 5 }
const QUOTA_EXCEEDED = { reasonCode: 0x97 }
const TOPIC_NAME_INVALID = { reasonCode: 0x90 }
const TOPIC_FILTER_INVALID = { reasonCode: 0x8f }

export const errors = defineErrors({
  MissingAuthenticationToken: {
    status: 403,
    code: 'ForbiddenException',
    message: 'Missing Authentication Token',
    mqtt: NOT_AUTHORIZED,
    source: 'answer of the service to an unsigned WebSocket upgrade, public capture of 2017',
    evidence: 'recorded'
  },
  AuthorizationMalformed: {
    status: 403,
    code: 'ForbiddenException',
    message: "Authorization header requires '{parameter}' parameter. Authorization={authorization}",
    source: 'https://github.com/aws-amplify/amplify-js/issues/5913',
    evidence: 'recorded'
  },
  AuthorizationDateMissing: {
    status: 403,
    code: 'ForbiddenException',
    message:
      "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization={authorization}",
    source: SIGNING,
    evidence: 'assumed'
  },
  AuthorizationQueryIncomplete: {
    status: 403,
    code: 'ForbiddenException',
    message:
      "AWS query-string parameters must include '{parameter}'. Re-examine the query-string parameters.",
    source: SIGNING,
    evidence: 'assumed'
  },
  AlgorithmUnsupported: {
    status: 403,
    code: 'ForbiddenException',
    message: "Unsupported AWS 'algorithm': '{algorithm}'.",
    source: SIGNING,
    evidence: 'assumed'
  },
  CredentialMalformed: {
    status: 403,
    code: 'ForbiddenException',
    message:
      "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{credential}'.",
    source: SIGNING,
    evidence: 'assumed'
  },
  CredentialTerminatorInvalid: {
    status: 403,
    code: 'ForbiddenException',
    message:
      "Credential should be scoped with a valid terminator: 'aws4_request', not '{terminator}'.",
    source: SIGNING,
    evidence: 'assumed'
  },
  CredentialServiceInvalid: {
    status: 403,
    code: 'ForbiddenException',
    message: "Credential should be scoped to correct service: '{service}'.",
    source: SIGNING,
    evidence: 'assumed'
  },
  CredentialDateMismatch: {
    status: 403,
    code: 'ForbiddenException',
    message:
      "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{scopeDay}' != '{day}', from '{date}'.",
    source: SIGNING,
    evidence: 'assumed'
  },
  DateMalformed: {
    status: 403,
    code: 'ForbiddenException',
    message:
      "Date must be in ISO-8601 'basic format'. Got '{date}'. See http://en.wikipedia.org/wiki/ISO_8601",
    source: SIGNING,
    evidence: 'assumed'
  },
  ExpiresInvalid: {
    status: 403,
    code: 'ForbiddenException',
    message: "X-Amz-Expires must be between 1 and {limit} seconds, got '{actual}'.",
    source: 'https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html',
    evidence: 'assumed'
  },
  HostNotSigned: {
    status: 403,
    code: 'ForbiddenException',
    message: "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
    source: SIGNING,
    evidence: 'assumed'
  },
  SignatureNotYetCurrent: {
    status: 403,
    code: 'ForbiddenException',
    message: 'Signature not yet current: {date} is still later than {latest} ({now} + 5 min.)',
    source: 'https://github.com/aws/aws-iot-device-sdk-cpp-v2/issues/221 (its content-length, 171)',
    evidence: 'recorded'
  },
  SignatureExpired: {
    status: 403,
    code: 'ForbiddenException',
    message: 'Signature expired: {date} is now earlier than {earliest} ({now} - {minutes} min.)',
    source: SIGNING,
    evidence: 'assumed'
  },
  SecurityTokenInvalid: {
    status: 403,
    code: 'UnrecognizedClientException',
    message: 'The security token included in the request is invalid.',
    mqtt: NOT_AUTHORIZED,
    source: 'https://docs.aws.amazon.com/iot/latest/apireference/CommonErrors.html',
    evidence: 'assumed'
  },
  SecurityTokenExpired: {
    status: 403,
    code: 'ForbiddenException',
    message: 'The security token included in the request is expired',
    source: 'https://docs.aws.amazon.com/iot/latest/apireference/CommonErrors.html',
    evidence: 'assumed'
  },
  SignatureMismatch: {
    status: 403,
    code: 'ForbiddenException',
    message:
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
    source: 'https://github.com/aws/aws-sdk-java-v2/issues/1194',
    evidence: 'recorded'
  },
  IamDenied: {
    status: 403,
    code: 'ForbiddenException',
    message: 'Forbidden',
    mqtt: NOT_AUTHORIZED,
    source: 'https://github.com/aws/aws-sdk-js-v3/issues/5562',
    evidence: 'recorded'
  },
  PolicyDenied: {
    status: 403,
    code: 'ForbiddenException',
    message: null,
    mqtt: NOT_AUTHORIZED,
    source: 'answer of the service to a device its policy denies, public capture of 2020',
    evidence: 'recorded'
  },
  Unauthorized: {
    status: 401,
    code: 'UnauthorizedException',
    message: 'You are not authorized to perform this operation.',
    source: PUBLISH,
    evidence: 'documented'
  },

  RequestMalformed: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'The request is not valid.',
    source: PUBLISH,
    evidence: 'documented'
  },
  QosInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message: "Invalid QoS '{qos}': it must be 0 or 1",
    source: PUBLISH,
    evidence: 'assumed'
  },
  RetainInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message: "Invalid retain '{retain}': it must be true or false",
    source: PUBLISH,
    evidence: 'assumed'
  },
  MessageExpiryInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message: "Invalid messageExpiry '{messageExpiry}': it must be a number of seconds",
    source: PUBLISH,
    evidence: 'assumed'
  },
  UserPropertiesInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message:
      'Invalid user properties: a JSON array of objects of one string each is expected, base64 encoded',
    source: PUBLISH,
    evidence: 'assumed'
  },
  UserPropertiesTooLarge: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'User properties exceed {limit} bytes',
    mqtt: QUOTA_EXCEEDED,
    source: QUOTAS,
    evidence: 'assumed'
  },
  CorrelationDataInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Invalid correlation data: base64 is expected',
    source: PUBLISH,
    evidence: 'assumed'
  },
  CorrelationDataTooLarge: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Correlation data exceeds {limit} bytes',
    mqtt: QUOTA_EXCEEDED,
    source: QUOTAS,
    evidence: 'assumed'
  },
  PayloadFormatIndicatorInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message:
      "Invalid payload format indicator '{indicator}': it must be UNSPECIFIED_BYTES or UTF8_DATA",
    source: PUBLISH,
    evidence: 'assumed'
  },
  ContentTypeInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Invalid content type',
    source: PUBLISH,
    evidence: 'assumed'
  },
  ContentTypeTooLong: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Content type exceeds {limit} bytes',
    mqtt: QUOTA_EXCEEDED,
    source: QUOTAS,
    evidence: 'assumed'
  },
  ResponseTopicInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Invalid response topic: it must be a topic without wildcards',
    mqtt: TOPIC_NAME_INVALID,
    source: PUBLISH,
    evidence: 'assumed'
  },
  ResponseTopicTooLong: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Response topic exceeds {limit} bytes',
    mqtt: QUOTA_EXCEEDED,
    source: QUOTAS,
    evidence: 'assumed'
  },
  TopicInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Invalid topic',
    mqtt: TOPIC_NAME_INVALID,
    source: PUBLISH,
    evidence: 'assumed'
  },
  TopicWildcard: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Invalid topic: wildcards are not allowed',
    mqtt: TOPIC_NAME_INVALID,
    source: MQTT,
    evidence: 'assumed'
  },
  TopicTooLong: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Topic exceeds {limit} bytes',
    mqtt: TOPIC_NAME_INVALID,
    source: QUOTAS,
    evidence: 'assumed'
  },
  TopicTooManySlashes: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Topic has more than {limit} slashes',
    mqtt: TOPIC_NAME_INVALID,
    source: QUOTAS,
    evidence: 'assumed'
  },
  TopicReserved: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Topic is reserved',
    mqtt: { reasonCode: 0x87 },
    source: 'https://docs.aws.amazon.com/iot/latest/developerguide/reserved-topics.html',
    evidence: 'assumed'
  },
  RetainOnReservedTopic: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Messages on reserved topics cannot be retained',
    mqtt: { reasonCode: 0x87 },
    source: MQTT,
    evidence: 'assumed'
  },
  MaxResultsInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message: "Invalid maxResults '{actual}': it must be between 1 and {limit}",
    source: `${API}/API_iotdata_ListRetainedMessages.html`,
    evidence: 'assumed'
  },
  NextTokenInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Invalid nextToken',
    source: `${API}/API_iotdata_ListRetainedMessages.html`,
    evidence: 'assumed'
  },
  RetainedMessageNotFound: {
    status: 404,
    code: 'ResourceNotFoundException',
    message: 'The specified resource does not exist.',
    source: `${API}/API_iotdata_GetRetainedMessage.html`,
    evidence: 'assumed'
  },
  UnknownOperation: {
    status: 404,
    code: 'ResourceNotFoundException',
    message: 'The specified resource does not exist.',
    source: `${API}/API_Operations_AWS_IoT_Data_Plane.html`,
    evidence: 'assumed'
  },
  ControlPlaneUnknownOperation: {
    status: 404,
    code: 'UnknownOperationException',
    message: null,
    source: 'https://docs.aws.amazon.com/iot/latest/apireference/API_Operations_AWS_IoT.html',
    evidence: 'assumed'
  },
  EndpointTypeInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Endpoint type {endpointType} is not supported',
    source: `${API}/API_DescribeEndpoint.html`,
    evidence: 'assumed'
  },
  NameInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message:
      "1 validation error detected: Value '{name}' at '{kind}' failed to satisfy constraint: Member must satisfy regular expression pattern: {pattern}",
    source: `${API}/API_CreateThing.html`,
    evidence: 'assumed'
  },
  ThingNotFound: {
    status: 404,
    code: 'ResourceNotFoundException',
    message: 'Thing {thingName} cannot be found.',
    source: `${API}/API_DescribeThing.html`,
    evidence: 'assumed'
  },
  ThingTypeNotFound: {
    status: 404,
    code: 'ResourceNotFoundException',
    message: 'Thing type {thingTypeName} cannot be found.',
    source: `${API}/API_CreateThing.html`,
    evidence: 'assumed'
  },
  BillingGroupNotFound: {
    status: 404,
    code: 'ResourceNotFoundException',
    message: 'Billing group {billingGroupName} cannot be found.',
    source: `${API}/API_CreateThing.html`,
    evidence: 'assumed'
  },
  ThingExists: {
    status: 409,
    code: 'ResourceAlreadyExistsException',
    message: 'Thing {thingName} already exists in account with different attributes',
    source: 'message of the service in a public log of 2021',
    evidence: 'recorded'
  },
  ThingAttached: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Cannot delete. Thing {thingName} is still attached to one or more principals',
    source: 'https://github.com/CGI-FR/IoT-Hub-Portal/issues/2147',
    evidence: 'recorded'
  },
  ThingVersionConflict: {
    status: 409,
    code: 'VersionConflictException',
    message: 'The version of thing {thingName} is not {expectedVersion}',
    source: `${API}/API_DeleteThing.html`,
    evidence: 'assumed'
  },
  ThingPrincipalTypeInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message:
      "1 validation error detected: Value '{thingPrincipalType}' at 'thingPrincipalType' failed to satisfy constraint: Member must satisfy enum value set: [NON_EXCLUSIVE_THING, EXCLUSIVE_THING]",
    source: `${API}/API_AttachThingPrincipal.html`,
    evidence: 'assumed'
  },
  PrincipalExclusive: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Certificate {certificateId} is exclusively attached to thing {thingName}',
    source: EXCLUSIVE_THING,
    evidence: 'assumed'
  },
  PrincipalNotExclusive: {
    status: 400,
    code: 'InvalidRequestException',
    message:
      'Certificate {certificateId} is already attached to thing {thingName} and cannot be attached exclusively',
    source: EXCLUSIVE_THING,
    evidence: 'assumed'
  },
  PolicyMalformed: {
    status: 400,
    code: 'MalformedPolicyException',
    message: 'Policy document is Malformed',
    source: `${API}/API_CreatePolicy.html`,
    evidence: 'assumed'
  },
  PolicyTooLong: {
    status: 400,
    code: 'MalformedPolicyException',
    message: 'Policy document exceeds {limit} characters',
    source: `${API}/API_CreatePolicy.html`,
    evidence: 'assumed'
  },
  PolicyExists: {
    status: 409,
    code: 'ResourceAlreadyExistsException',
    message: 'Policy cannot be created - name already exists (name={policyName})',
    source: `${API}/API_CreatePolicy.html`,
    evidence: 'assumed'
  },
  PolicyNotFound: {
    status: 404,
    code: 'ResourceNotFoundException',
    message: 'Policy {policyName} cannot be found.',
    source: `${API}/API_AttachPolicy.html`,
    evidence: 'assumed'
  },
  PrincipalInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Invalid principal {principal}',
    source: `${API}/API_AttachPolicy.html`,
    evidence: 'assumed'
  },
  CertificateNotFound: {
    status: 404,
    code: 'ResourceNotFoundException',
    message: 'Certificate {certificateId} cannot be found.',
    source: `${API}/API_AttachPolicy.html`,
    evidence: 'assumed'
  },
  MethodNotAllowed: {
    status: 405,
    code: 'MethodNotAllowedException',
    message: 'The specified combination of HTTP verb and URI is not supported.',
    source: PUBLISH,
    evidence: 'documented'
  },
  PayloadTooLarge: {
    status: 413,
    code: 'RequestEntityTooLargeException',
    message: 'The payload exceeds the maximum size allowed',
    mqtt: QUOTA_EXCEEDED,
    source: SHADOW_ERRORS,
    evidence: 'assumed'
  },
  Throttled: {
    status: 429,
    code: 'ThrottlingException',
    message: 'Rate exceeded',
    mqtt: QUOTA_EXCEEDED,
    source: PUBLISH,
    evidence: 'assumed'
  },
  InternalFailure: {
    status: 500,
    code: 'InternalFailureException',
    message: 'Internal service failure',
    source: SHADOW_ERRORS,
    evidence: 'documented'
  },
  ServiceUnavailable: {
    status: 503,
    code: 'ServiceUnavailableException',
    message: 'The service is temporarily unavailable.',
    source: `${API}/API_iotdata_GetRetainedMessage.html`,
    evidence: 'documented'
  },

  ConnectionNotFound: {
    status: 404,
    code: 'ResourceNotFoundException',
    message: 'The specified resource does not exist.',
    source: `${API}/API_iotdata_GetConnection.html`,
    evidence: 'assumed'
  },
  DirectTopicMissing: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'topic is required',
    source: `${API}/API_iotdata_SendDirectMessage.html`,
    evidence: 'assumed'
  },
  ConfirmationTimeoutInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Invalid timeout: it must be between 1 and {limit} seconds',
    source: `${API}/API_iotdata_SendDirectMessage.html`,
    evidence: 'assumed'
  },
  BooleanInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message: "Invalid {parameter} '{value}': it must be true or false",
    source: `${API}/API_iotdata_DeleteConnection.html`,
    evidence: 'assumed'
  },
  ConfirmationMissing: {
    status: 504,
    code: 'GatewayTimeoutException',
    message: 'The client did not acknowledge the message in time.',
    source: `${API}/API_iotdata_SendDirectMessage.html`,
    evidence: 'assumed'
  },

  // The shadows' own table; their bodies name the status, see render.
  ShadowJsonInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Invalid JSON',
    source: SHADOW_ERRORS,
    evidence: 'documented'
  },
  ShadowStateMissing: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Missing required node: state',
    source: SHADOW_ERRORS,
    evidence: 'documented'
  },
  ShadowStateNotObject: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'State node must be an object',
    source: SHADOW_ERRORS,
    evidence: 'documented'
  },
  ShadowDesiredNotObject: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Desired node must be an object',
    source: SHADOW_ERRORS,
    evidence: 'documented'
  },
  ShadowReportedNotObject: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Reported node must be an object',
    source: SHADOW_ERRORS,
    evidence: 'documented'
  },
  ShadowVersionInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Invalid version',
    source: SHADOW_ERRORS,
    evidence: 'documented'
  },
  ShadowClientTokenInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Invalid clientToken',
    source: SHADOW_ERRORS,
    evidence: 'documented'
  },
  ShadowTooDeep: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'JSON contains too many levels of nesting; maximum is {limit}',
    source: SHADOW_ERRORS,
    evidence: 'documented'
  },
  ShadowNodeInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message: "State contains an invalid node: '{key}'",
    source: 'https://github.com/aws-greengrass/aws-greengrass-shadow-manager/pull/178',
    evidence: 'recorded'
  },
  ShadowNotFound: {
    status: 404,
    code: 'ResourceNotFoundException',
    message: "No shadow exists with name: '{id}'",
    source: SHADOW_ERRORS,
    evidence: 'recorded'
  },
  ShadowVersionConflict: {
    status: 409,
    code: 'ConflictException',
    message: 'Version conflict',
    source: SHADOW_ERRORS,
    evidence: 'documented'
  },
  ShadowTooLarge: {
    status: 413,
    code: 'RequestEntityTooLargeException',
    message: 'The payload exceeds the maximum size allowed',
    source: SHADOW_ERRORS,
    evidence: 'documented'
  },
  ShadowEncodingUnsupported: {
    status: 415,
    code: 'UnsupportedDocumentEncodingException',
    message: 'Unsupported documented encoding; supported encoding is UTF-8',
    source: SHADOW_ERRORS,
    evidence: 'documented'
  },
  ShadowTooManyRequests: {
    status: 429,
    code: 'ThrottlingException',
    message: 'Too many requests',
    source: SHADOW_ERRORS,
    evidence: 'assumed'
  },
  ThingNameInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Invalid thing name',
    source: `${API}/API_iotdata_UpdateThingShadow.html`,
    evidence: 'assumed'
  },
  ShadowNameInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Invalid shadow name',
    source: `${API}/API_iotdata_UpdateThingShadow.html`,
    evidence: 'assumed'
  },
  PageSizeInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Invalid page size: it must be between 1 and {limit}',
    source: `${API}/API_iotdata_ListNamedShadowsForThing.html`,
    evidence: 'assumed'
  },

  ClientIdInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Invalid client identifier',
    mqtt: { reasonCode: 0x85, returnCode: 2 },
    source: QUOTAS,
    evidence: 'assumed'
  },
  FilterInvalid: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Invalid topic filter',
    mqtt: TOPIC_FILTER_INVALID,
    source: MQTT,
    evidence: 'documented'
  },
  FilterTooLong: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Topic filter exceeds {limit} bytes',
    mqtt: TOPIC_FILTER_INVALID,
    source: QUOTAS,
    evidence: 'assumed'
  },
  FilterTooManySlashes: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Topic filter has more than {limit} slashes',
    mqtt: TOPIC_FILTER_INVALID,
    source: QUOTAS,
    evidence: 'assumed'
  },
  TooManyFilters: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Too many subscriptions in one SUBSCRIBE',
    mqtt: QUOTA_EXCEEDED,
    source: QUOTAS,
    evidence: 'assumed'
  },
  TooManySubscriptions: {
    status: 400,
    code: 'InvalidRequestException',
    message: 'Too many subscriptions',
    mqtt: QUOTA_EXCEEDED,
    source: QUOTAS,
    evidence: 'assumed'
  }
})

/**
 * The service's error envelope; the colon behind the type stands in every capture.
 *
 * A shadow's refusals have a number beside the message over MQTT. No capture shows what they have over
 * HTTP, and with a number the vendor's SDK for Go would know none of them: it takes `code` for a text.
 * @see aws-sdk-go-v2: aws/protocol/restjson/decoder_util.go
 */
export function render(error: ProviderError, call: Call): Reply {
  return {
    status: error.row.status,
    headers: { 'Content-Type': 'application/json', 'x-amzn-ErrorType': `${error.row.code}:` },
    body: JSON.stringify({ message: error.text, traceId: call.requestId })
  }
}
