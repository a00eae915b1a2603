import type { Clock, Ids } from '@fogbank/core'
import { defineErrors, type ErrorRow, type ProviderError } from '@fogbank/personality'

const CODES = 'https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes'
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
