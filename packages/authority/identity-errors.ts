import { defineErrors } from '@fogbank/personality'

const IMDS =
  'https://learn.microsoft.com/en-us/entra/identity/managed-identities-azure-resources/how-to-use-vm-token'
const APP_SERVICE = 'https://learn.microsoft.com/en-us/azure/app-service/overview-managed-identity'

/** What the two managed identity endpoints refuse with; IMDS calls its `code` error. */
export const identityErrors = defineErrors({
  MetadataHeaderMissing: {
    status: 400,
    code: 'invalid_request',
    message: 'Required metadata header not specified',
    source: IMDS,
    evidence: 'documented'
  },
  VariableMissing: {
    status: 400,
    code: 'invalid_request',
    message: "Required query variable '{variable}' is missing",
    source: 'seen of IMDS for resource; taken to hold for api-version, and for App Service',
    evidence: 'assumed'
  },
  IdentityUnknown: {
    status: 400,
    code: 'invalid_request',
    message: 'Identity not found',
    source: 'seen of IMDS; https://github.com/Azure/azure-sdk-for-go has it in its tests',
    evidence: 'documented'
  },
  ResourceInvalid: {
    status: 400,
    code: 'invalid_resource',
    message:
      'AADSTS500011: The resource principal named {resource} was not found in the tenant named {tenant}.',
    source: IMDS,
    evidence: 'assumed'
  },
  IdentityHeaderWrong: {
    status: 401,
    code: 'Unauthorized',
    message: 'The X-IDENTITY-HEADER header is missing or is not the value of IDENTITY_HEADER.',
    source: APP_SERVICE,
    evidence: 'assumed'
  },
  AppServiceIdentityUnknown: {
    status: 400,
    code: 'BadRequest',
    message:
      'No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.',
    source: 'seen of App Service; MSAL for Java and .NET have it in their tests',
    evidence: 'documented'
  }
})
