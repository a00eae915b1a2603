import type { Clock, Ids } from '@fogbank/core'
import { defineErrors, type ErrorRow, type ProviderError } from '@fogbank/personality'

const CODES = 'https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes'
const TROUBLESHOOTING =
  'https://github.com/Azure/azure-sdk-for-java/blob/main/sdk/identity/azure-identity/TROUBLESHOOTING.md'
const FLOW =
  'https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow'

/** A row of the authority; `code` is the number behind `AADSTS`. */
export interface AuthorityErrorRow extends ErrorRow {
  /** OAuth 2.0's word for it [RFC 6749 5.2]. */
  error: string
}

const rows = {
  ParameterMissing: {
    status: 400,
    code: '900144',
    error: 'invalid_request',
    message: "The request body must contain the following parameter: '{parameter}'.",
    source: CODES,
    evidence: 'documented'
  },
  GrantTypeUnsupported: {
    status: 400,
    code: '70003',
    error: 'unsupported_grant_type',
    message: "The app requested an unsupported grant type '{grantType}'.",
    source: CODES,
    evidence: 'documented'
  },
  CredentialMissing: {
    status: 401,
    code: '7000218',
    error: 'invalid_client',
    message:
      "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    source: CODES,
    evidence: 'documented'
  },
  SecretInvalid: {
    status: 401,
    code: '7000215',
    error: 'invalid_client',
    message:
      "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{clientId}'.",
    source: CODES,
    evidence: 'documented'
  },
  SecretExpired: {
    status: 401,
    code: '7000222',
    error: 'invalid_client',
    message:
      "The provided client secret keys for app '{clientId}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.",
    source: CODES,
    evidence: 'documented'
  },
  TenantUnknown: {
    status: 400,
    code: '90002',
    error: 'invalid_request',
    message:
      "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.",
    source: CODES,
    evidence: 'documented'
  },
  ApplicationUnknown: {
    status: 400,
    code: '700016',
    error: 'unauthorized_client',
    message:
      "Application with identifier '{clientId}' was not found in the directory '{tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.",
    source: CODES,
    evidence: 'documented'
  },
  AssertionTypeUnsupported: {
    status: 400,
    code: '50027',
    error: 'invalid_request',
    message:
      "The value of 'client_assertion_type' has to be 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'.",
    source: 'RFC 7523 section 2.2',
    evidence: 'assumed'
  },
  AssertionMalformed: {
    status: 400,
    code: '50027',
    error: 'invalid_request',
    message: 'JWT token is invalid or malformed.',
    source: TROUBLESHOOTING,
    evidence: 'documented'
  },
  AssertionOfAnother: {
    status: 401,
    code: '700021',
    error: 'invalid_client',
    message:
      "Client assertion application identifier doesn't match 'client_id' parameter. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
    source: TROUBLESHOOTING,
    evidence: 'documented'
  },
  AssertionAudience: {
    status: 401,
    code: '700023',
    error: 'invalid_client',
    message:
      'Client assertion audience claim does not match Realm issuer. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .',
    source: TROUBLESHOOTING,
    evidence: 'documented'
  },
  AssertionTimes: {
    status: 401,
    code: '700024',
    error: 'invalid_client',
    message:
      'Client assertion is not within its valid time range. Current time: {now}, assertion valid from {from}, expiry time of assertion {until}. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .',
    source: CODES,
    evidence: 'documented'
  },
  AssertionSignature: {
    status: 401,
    code: '700027',
    error: 'invalid_client',
    message:
      "Client assertion contains an invalid signature. [Reason - {reason}, Thumbprint of key used by client: '{thumbprint}']",
    source: CODES,
    evidence: 'documented'
  },
  FederatedIssuer: {
    status: 400,
    code: '700211',
    error: 'invalid_request',
    message:
      "No matching federated identity record found for presented assertion issuer '{issuer}'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation",
    source: TROUBLESHOOTING,
    evidence: 'documented'
  },
  FederatedAudience: {
    status: 400,
    code: '700212',
    error: 'invalid_request',
    message:
      "No matching federated identity record found for presented assertion audience '{audience}'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation",
    source: TROUBLESHOOTING,
    evidence: 'documented'
  },
  FederatedSubject: {
    status: 400,
    code: '700213',
    error: 'invalid_request',
    message:
      "No matching federated identity record found for presented assertion subject '{subject}'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation",
    source: TROUBLESHOOTING,
    evidence: 'documented'
  },
  ScopeInvalid: {
    status: 400,
    code: '1002012',
    error: 'invalid_scope',
    message:
      'The provided value for scope {scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).',
    source: FLOW,
    evidence: 'assumed'
  },
  ResourceUnknown: {
    status: 400,
    code: '500011',
    error: 'invalid_resource',
    message:
      'The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.',
    source: CODES,
    evidence: 'documented'
  },
  BodyTooLarge: {
    status: 413,
    code: '90023',
    error: 'invalid_request',
    message: 'The request body is larger than {limit} bytes.',
    source: 'a bound of our own',
    evidence: 'assumed'
  },
  Internal: {
    status: 500,
    code: '90033',
    error: 'temporarily_unavailable',
    message: 'A transient error has occurred. Please try again.',
    source: CODES,
    evidence: 'documented'
  }
} as const satisfies Record<string, AuthorityErrorRow>

export const errors = defineErrors(rows)

/** The error body of the token endpoint. */
export function toErrorBody(
  error: ProviderError,
  { clock, ids }: { clock: Clock; ids: Ids }
): object {
  const row = error.row as AuthorityErrorRow
  const timestamp = `${new Date(clock.now()).toISOString().slice(0, 19).replace('T', ' ')}Z`
  const traceId = ids.uuid()
  const correlationId = ids.uuid()
  return {
    error: row.error,
    error_description: `AADSTS${row.code}: ${error.text} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`,
    error_codes: [Number(row.code)],
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    error_uri: `https://login.microsoftonline.com/error?code=${row.code}`
  }
}
