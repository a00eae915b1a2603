import { defineErrors } from '@fogbank/personality'

const DOCS = 'https://learn.microsoft.com/azure/event-grid'
const RECORDED = 'Azure/azure-sdk-for-python sdk/eventgrid/azure-eventgrid/tests/recordings'
const REST =
  'https://github.com/Azure/azure-rest-api-specs specification/eventgrid/data-plane/Microsoft.EventGrid/stable/2018-01-01/EventGrid.json'
const PEER = 'https://github.com/pm7y/AzureEventGridSimulator'
const OURS = 'no public sighting; worded after its neighbours'

const UNAUTHORIZED = 'The request authorization key is not authorized for {host}.'
const CONFIGURED = "This resource is configured for '{schema}' schema"
const CONFIGURED_TO_RECEIVE = "This resource is configured to receive event in '{schema}' schema."
const CLOUD_EVENT_ATTRIBUTES =
  'Please check required attributes at https://github.com/cloudevents/spec/blob/v1.0/spec.md#required-attributes'

/**
 * Every refusal. `code` is the fine one, in `details`; the coarse one is the status' name, and the report
 * sentence is added by render.ts.
 */
export const errors = defineErrors({
  NotFound: {
    status: 404,
    code: 'ResourceNotFound',
    message: "No HTTP resource was found that matches the request URI '{uri}'.",
    source: `${RECORDED} test_exceptions`,
    evidence: 'recorded'
  },
  MethodNotAllowed: {
    status: 405,
    code: 'MethodNotAllowed',
    message: '.',
    source: PEER,
    evidence: 'assumed'
  },
  TargetMalformed: {
    status: 400,
    code: 'BadRequest',
    message: 'The request URI is not well-formed.',
    source: OURS,
    evidence: 'assumed'
  },
  ClientIpRejected: {
    status: 403,
    code: 'ClientIPRejected',
    message: 'Publishing to {host} by client {ip} is rejected due to IpAddress filtering rules.',
    source: `${DOCS}/troubleshoot-network-connectivity`,
    evidence: 'documented'
  },
  PrivateEndpointMismatch: {
    status: 403,
    code: 'Forbidden',
    message:
      'The request comes from a private endpoint, and no matching private endpoint connection was found.',
    source: `${DOCS}/troubleshoot-network-connectivity`,
    evidence: 'assumed'
  },
  CredentialMissing: {
    status: 401,
    code: 'Unauthorized',
    message:
      'Request must contain one of the following authorization signature: aeg-sas-token, aeg-sas-key.',
    source: PEER,
    evidence: 'assumed'
  },
  KeyEmpty: {
    status: 400,
    code: 'InvalidSas',
    message: 'Request must have a value for aeg-sas-key.',
    source: PEER,
    evidence: 'assumed'
  },
  KeyLengthInvalid: {
    status: 401,
    code: 'Unauthorized',
    message: `${UNAUTHORIZED} This is due to the reason: Invalid length for a Base-64 char array or string.`,
    source: `${RECORDED} test_exceptions`,
    evidence: 'recorded'
  },
  KeyNotBase64: {
    status: 401,
    code: 'Unauthorized',
    message: `${UNAUTHORIZED} This is due to the reason: The input is not a valid Base-64 string as it contains a non-base 64 character, more than two padding characters, or an illegal character among the padding characters. .`,
    source: 'https://github.com/Azure/azure-sdk-for-python/issues/16288',
    evidence: 'recorded'
  },
  KeyWrong: {
    status: 401,
    code: 'Unauthorized',
    message: UNAUTHORIZED,
    source: `${RECORDED} test_exceptions, of which it is the stem`,
    evidence: 'assumed'
  },
  LocalAuthDisabled: {
    status: 401,
    code: 'Unauthorized',
    message: `${UNAUTHORIZED} This is due to the reason: Local authentication is disabled.`,
    source: `${DOCS}/authenticate-with-microsoft-entra-id`,
    evidence: 'assumed'
  },
  SasMalformed: {
    status: 400,
    code: 'InvalidSas',
    message:
      'Invalid key in aeg-sas-token. Valid format :r=UrlEncodedResource&e=UrlEncodedUtcExpiration&s=UrlEncodedSignature. Input sas string: {value}.',
    source: 'https://github.com/Azure/azure-sdk-for-net/issues/9175',
    evidence: 'recorded'
  },
  SasSignatureInvalid: {
    status: 401,
    code: 'Unauthorized',
    message: `${UNAUTHORIZED} This is due to the reason: The signature of the token is invalid.`,
    source: OURS,
    evidence: 'assumed'
  },
  SasExpired: {
    status: 401,
    code: 'Unauthorized',
    message: `${UNAUTHORIZED} This is due to the reason: The token has expired.`,
    source: OURS,
    evidence: 'assumed'
  },
  SasResourceForeign: {
    status: 401,
    code: 'Unauthorized',
    message: `${UNAUTHORIZED} This is due to the reason: The token is for another resource.`,
    source: OURS,
    evidence: 'assumed'
  },
  AuthorizationSchemeUnsupported: {
    status: 401,
    code: 'Unauthorized',
    message:
      'Request has an unsupported Authorization scheme (must be SharedAccessSignature or Bearer).',
    source: PEER,
    evidence: 'assumed'
  },
  TokenUnreadable: {
    status: 401,
    code: 'Unauthorized',
    message: 'Unable to read access token.',
    source: PEER,
    evidence: 'assumed'
  },
  TokenRejected: {
    status: 401,
    code: 'Unauthorized',
    message: 'The access token is not valid for {host}.',
    source: OURS,
    evidence: 'assumed'
  },
  RoleMissing: {
    status: 403,
    code: 'Forbidden',
    message: "The principal '{principal}' does not hold the role '{role}' on {host}.",
    source: 'https://github.com/microsoft/mcp/issues/1620',
    evidence: 'assumed'
  },
  BodyTooLarge: {
    status: 413,
    reason: 'Request Entity Too Large',
    code: 'PayloadTooLarge',
    message: 'The maximum size ({limit}) has been exceeded.',
    source: `${RECORDED} test_exceptions`,
    evidence: 'recorded'
  },
  EventTooLarge: {
    status: 413,
    reason: 'Request Entity Too Large',
    code: 'PayloadTooLarge',
    message: 'The maximum size ({limit}) has been exceeded.',
    source: `${PEER}/pull/201`,
    evidence: 'assumed'
  },
  ContentTypeUnacceptable: {
    status: 415,
    code: 'InvalidContentType',
    message:
      "The Content-Type header is either missing or it doesn't have a valid value. The content type header must either be application/cloudevents+json; charset=utf-8 or application/cloudevents-batch+json; charset=UTF-8.",
    source: PEER,
    evidence: 'assumed'
  },
  BinaryContentTypeConflict: {
    status: 400,
    code: 'InvalidCloudEventHeader',
    message:
      'The request carries cloud event attributes in its headers, and its Content-Type is one of a structured cloud event.',
    source: PEER,
    evidence: 'assumed'
  },
  CloudEventHeaderMissing: {
    status: 400,
    code: 'InvalidCloudEventHeader',
    message: `{header} header is missing for the cloud event. ${CLOUD_EVENT_ATTRIBUTES}`,
    source: PEER,
    evidence: 'assumed'
  },
  CloudEventHeaderEmpty: {
    status: 400,
    code: 'InvalidCloudEventHeader',
    message: `{header} header is empty for the cloud event. ${CLOUD_EVENT_ATTRIBUTES}`,
    source: PEER,
    evidence: 'assumed'
  },
  BodyEmpty: {
    status: 400,
    code: 'InputJsonInvalid',
    message: 'Unexpected end when reading JSON.',
    source: PEER,
    evidence: 'assumed'
  },
  JsonNonConforming: {
    status: 400,
    code: 'InputJsonInvalid',
    message: `${CONFIGURED_TO_RECEIVE} The JSON received does not conform to the expected schema.`,
    source: PEER,
    evidence: 'assumed'
  },
  ObjectInPlaceOfArray: {
    status: 400,
    code: 'InputJsonInvalid',
    message: 'Unexpected token when reading JSON. Expected: StartArray, actual: StartObject.',
    source: 'https://github.com/Azure/azure-sdk-for-python/issues/15941',
    evidence: 'recorded'
  },
  ArrayInPlaceOfObject: {
    status: 400,
    code: 'InputJsonInvalid',
    message: `${CONFIGURED_TO_RECEIVE} The JSON received does not conform to the expected schema. Token Expected: StartObject, Actual Token Received: StartArray.`,
    source: 'https://github.com/Azure/azure-functions-dotnet-worker/issues/538',
    evidence: 'recorded'
  },
  UnexpectedProperty: {
    status: 400,
    code: 'InputJsonInvalid',
    message: `${CONFIGURED}. Received unexpected property '{property}' in JSON which does not conform to the expected schema.`,
    source: 'https://github.com/microsoft/onefuzz/issues/3285',
    evidence: 'recorded'
  },
  PropertyMissing: {
    status: 400,
    code: 'InputJsonInvalid',
    message: `${CONFIGURED} and requires '{property}' property to be set.`,
    source: PEER,
    evidence: 'assumed'
  },
  MetadataVersionInvalid: {
    status: 400,
    code: 'InputJsonInvalid',
    message:
      "Property 'metadataVersion' was found to be set to {value}, but was expected to either be null or be set to 1.",
    source: PEER,
    evidence: 'assumed'
  },
  TopicForeign: {
    status: 401,
    code: 'Unauthorized',
    message: "The property 'topic' names another resource than {host}. Found: {value}.",
    source: `${PEER} for the status; the words are ours`,
    evidence: 'assumed'
  },
  DomainTopicInvalid: {
    status: 400,
    code: 'InputJsonInvalid',
    message:
      "Required property 'topic' needs to either be a full resource id or should be just the name of the domain topic. Found: {value}.",
    source: 'https://github.com/MicrosoftDocs/azure-docs/issues/43468',
    evidence: 'recorded'
  },
  TooManyEvents: {
    status: 429,
    code: 'TooManyRequests',
    message: 'Too many events.',
    source: REST,
    evidence: 'assumed'
  },
  InternalServerError: {
    status: 500,
    code: 'InternalServerError',
    message: 'An internal error occurred.',
    source: OURS,
    evidence: 'assumed'
  },
  ServiceUnavailable: {
    status: 503,
    code: 'ServiceUnavailable',
    message: 'The service is temporarily unavailable.',
    source: OURS,
    evidence: 'assumed'
  }
})
