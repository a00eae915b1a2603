import type { JsonSchema } from '@fogbank/personality'

/** The key `authority` of the configuration: who can ask for tokens. */
export interface AuthoritySettings {
  /** Absent: any tenant id is one, and a domain name means the well-known tenant. */
  tenants?: TenantSettings[]
  /** Applications and managed identities, besides the well-known client. */
  principals?: PrincipalSettings[]
  /** Whether any other client id is a client with the well-known secret. @default true without principals */
  openRegistry?: boolean
}

export interface TenantSettings {
  tenantId: string
  /** Names that stand for it in a URL: `contoso.onmicrosoft.com`. */
  domains?: string[]
}

/** One application or managed identity; the lists are named as Microsoft Graph names them. */
export interface PrincipalSettings {
  clientId: string
  /** @default the well-known tenant */
  tenantId?: string
  /** What role assignments call principalId. @default one derived from tenant and client id */
  objectId?: string
  /** Roles for the token's `roles` claim; absent: no such claim, and role assignments decide. */
  roles?: string[]
  passwordCredentials?: { secretText: string; endDateTime?: string }[]
  keyCredentials?: KeyCredential[]
  federatedIdentityCredentials?: FederatedIdentityCredential[]
  /** Given out by the managed identity endpoints, without a credential. */
  managedIdentity?: 'SystemAssigned' | 'UserAssigned'
  /** ARM id of a user-assigned identity. */
  resourceId?: string
}

export interface KeyCredential {
  /** A certificate, PEM or the base64 of its DER, or the PEM of a public key. */
  key: string
  /** The `kid` that assertions name a public key by; certificates go by their thumbprints. */
  customKeyIdentifier?: string
}

export interface FederatedIdentityCredential {
  name?: string
  issuer: string
  subject: string
  /** @default ["api://AzureADTokenExchange"] */
  audiences?: string[]
  /** The issuer's keys as a JWK Set; needless for tokens of this authority. */
  jwks?: { keys: Record<string, unknown>[] }
}

const text: JsonSchema = { type: 'string', minLength: 1 }
const guid: JsonSchema = {
  type: 'string',
  pattern: '^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$'
}
const listOf = (items: JsonSchema): JsonSchema => ({ type: 'array', items })
const objectOf = (required: string[], properties: Record<string, JsonSchema>): JsonSchema => ({
  type: 'object',
  additionalProperties: false,
  required,
  properties
})

/** JSON Schema of `AuthoritySettings`. */
export const authoritySettingsSchema: JsonSchema = objectOf([], {
  tenants: listOf(objectOf(['tenantId'], { tenantId: guid, domains: listOf(text) })),
  principals: listOf(
    objectOf(['clientId'], {
      clientId: text,
      tenantId: guid,
      objectId: text,
      roles: listOf(text),
      passwordCredentials: listOf(
        objectOf(['secretText'], {
          secretText: text,
          endDateTime: { type: 'string', format: 'date-time' }
        })
      ),
      keyCredentials: listOf(objectOf(['key'], { key: text, customKeyIdentifier: text })),
      federatedIdentityCredentials: listOf(
        objectOf(['issuer', 'subject'], {
          name: text,
          issuer: text,
          subject: text,
          audiences: { type: 'array', items: text, minItems: 1 },
          jwks: objectOf(['keys'], { keys: listOf({ type: 'object' }) })
        })
      ),
      managedIdentity: { type: 'string', enum: ['SystemAssigned', 'UserAssigned'] },
      resourceId: text
    })
  ),
  openRegistry: { type: 'boolean' }
})
