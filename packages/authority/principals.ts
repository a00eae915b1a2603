import { createPublicKey, X509Certificate, type KeyObject } from 'node:crypto'
import { SettingsError } from '@fogbank/personality'
import { errors } from './errors.ts'
import { toObjectId, type TokenRequest } from './mint.ts'
import type {
  AuthoritySettings,
  FederatedIdentityCredential,
  KeyCredential,
  PrincipalSettings
} from './settings.ts'
import { WELL_KNOWN_PRINCIPAL } from './well-known.ts'

/** An application or a managed identity, ready to be asked. */
export interface ClientApplication {
  clientId: string
  tenantId: string
  oid: string
  roles?: readonly string[]
  secrets: readonly { text: string; expiresAtMs: number }[]
  keys: readonly ClientKey[]
  federated: readonly FederatedIdentityCredential[]
  managedIdentity?: 'SystemAssigned' | 'UserAssigned'
  resourceId?: string
}

/** What an application signs its assertions with. */
export interface ClientKey {
  key: KeyObject
  /** Thumbprints in base64url, and in hexadecimal upper case, and the `kid` it was given. */
  names: ReadonlySet<string>
  expiresAtMs: number
}

/** How a managed identity is asked for; nothing: the system-assigned one. */
export interface IdentitySelection {
  clientId?: string
  objectId?: string
  resourceId?: string
}

/** Everybody who can have a token. */
export interface Registry {
  /**
   * The tenant that a path's first segment stands for; undefined: whichever is the client's own.
   * @throws ProviderError for a tenant that is not there
   */
  toTenant(segment: string): string | undefined
  /** @throws ProviderError for a client that this tenant does not know */
  findClient(clientId: string, tenantId: string | undefined): ClientApplication
  findManagedIdentity(selection: IdentitySelection): ClientApplication | undefined
  /** What the token of a configured client says; nothing for any other. */
  claimsOf(clientId: string | undefined): Pick<TokenRequest, 'tenantId' | 'oid' | 'roles'>
}

/** Segments that name no tenant. `adfs` is the one for which SDKs ask no public endpoint whether we are real. */
const ANY_TENANT = new Set(['common', 'organizations', 'adfs'])
const GUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

/** Compiles the configuration. @throws SettingsError for keys that are none, and for names that lead nowhere */
export function createRegistry(settings: AuthoritySettings = {}): Registry {
  const { tenants, principals = [] } = settings
  const { openRegistry = principals.length === 0 } = settings
  const known = tenants && new Set(tenants.map(({ tenantId }) => tenantId.toLowerCase()))
  const domains = new Map<string, string>()
  for (const { tenantId, domains: own = [] } of tenants ?? []) {
    for (const domain of own) domains.set(domain.toLowerCase(), tenantId.toLowerCase())
  }
  const clients = new Map<string, ClientApplication>()
  for (const [index, principal] of principals.entries()) {
    const client = toClient(principal, `principals/${index}`)
    const key = client.clientId.toLowerCase()
    if (clients.has(key)) {
      throw new SettingsError(
        `principals/${index}/clientId: there are two principals ${client.clientId}`
      )
    }
    if (known && !known.has(client.tenantId)) {
      throw new SettingsError(
        `principals/${index}/tenantId: there is no tenant ${client.tenantId}; add it to tenants`
      )
    }
    clients.set(key, client)
  }
  const all = [...clients.values()]
  const system = all.filter(({ managedIdentity }) => managedIdentity === 'SystemAssigned')
  if (system.length > 1) {
    throw new SettingsError(
      `principals: ${system.map(({ clientId }) => clientId).join(' and ')} are both SystemAssigned; make one UserAssigned`
    )
  }
  const wellKnown = toClient({ clientId: WELL_KNOWN_PRINCIPAL.clientId })

  function find(clientId: string): ClientApplication | undefined {
    const key = clientId.toLowerCase()
    return clients.get(key) ?? (key === wellKnown.clientId ? wellKnown : undefined)
  }

  return {
    claimsOf(clientId) {
      const client = clients.get((clientId ?? WELL_KNOWN_PRINCIPAL.clientId).toLowerCase())
      if (!client) return {}
      const { tenantId, oid, roles } = client
      return { tenantId, oid, ...(roles ? { roles } : {}) }
    },
    toTenant(segment) {
      const name = segment.toLowerCase()
      if (ANY_TENANT.has(name)) return undefined
      if (!known) return GUID.test(name) ? name : WELL_KNOWN_PRINCIPAL.tenantId
      const tenantId = known.has(name) ? name : domains.get(name)
      if (tenantId === undefined) throw errors.TenantUnknown({ tenant: segment })
      return tenantId
    },
    findClient(clientId, tenantId) {
      const client = find(clientId)
      const configured = client && clients.has(clientId.toLowerCase())
      if (client && (!configured || tenantId === undefined || tenantId === client.tenantId)) {
        // The well-known client is one of every tenant, as an application that all of them let in.
        return configured ? client : { ...client, tenantId: tenantId ?? client.tenantId }
      }
      const tenant = tenantId ?? WELL_KNOWN_PRINCIPAL.tenantId
      if (client || !openRegistry) throw errors.ApplicationUnknown({ clientId, tenant })
      return toClient({ clientId, tenantId: tenant })
    },
    findManagedIdentity({ clientId, objectId, resourceId }) {
      if (clientId === undefined && objectId === undefined && resourceId === undefined) {
        return system[0] ?? wellKnown
      }
      const managed = [...all.filter((client) => client.managedIdentity), wellKnown]
      const isSame = (given: string | undefined, own: string | undefined) =>
        given === undefined || given.toLowerCase() === own?.toLowerCase()
      const found = managed.find(
        (client) =>
          isSame(clientId, client.clientId) &&
          isSame(objectId, client.oid) &&
          isSame(resourceId, client.resourceId)
      )
      if (found || !openRegistry || clientId === undefined) return found
      if (objectId !== undefined || resourceId !== undefined) return undefined
      return toClient({ clientId })
    }
  }
}

function toClient(principal: PrincipalSettings, place = ''): ClientApplication {
  const { clientId, roles, managedIdentity, resourceId } = principal
  const { keyCredentials = [], federatedIdentityCredentials: federated = [] } = principal
  const tenantId = (principal.tenantId ?? WELL_KNOWN_PRINCIPAL.tenantId).toLowerCase()
  // One that is told apart by nothing else has the secret that everybody has.
  const isPlain = keyCredentials.length === 0 && federated.length === 0 && !managedIdentity
  const secrets =
    principal.passwordCredentials ??
    (isPlain ? [{ secretText: WELL_KNOWN_PRINCIPAL.clientSecret }] : [])
  return {
    clientId,
    tenantId,
    oid: principal.objectId ?? toObjectId(tenantId, clientId),
    ...(roles ? { roles } : {}),
    secrets: secrets.map(({ secretText, endDateTime }) => ({
      text: secretText,
      expiresAtMs: endDateTime === undefined ? Infinity : Date.parse(endDateTime)
    })),
    keys: keyCredentials.map((key, index) =>
      toKey(key, `${place}/keyCredentials/${index}/key of ${clientId}`)
    ),
    federated,
    ...(managedIdentity ? { managedIdentity } : {}),
    ...(resourceId === undefined ? {} : { resourceId })
  }
}

function toKey({ key, customKeyIdentifier }: KeyCredential, place: string): ClientKey {
  const names = new Set(customKeyIdentifier === undefined ? [] : [customKeyIdentifier])
  try {
    if (key.includes('PUBLIC KEY')) {
      return { key: createPublicKey(key), names, expiresAtMs: Infinity }
    }
    const certificate = new X509Certificate(
      key.includes('CERTIFICATE') ? key : Buffer.from(key, 'base64')
    )
    for (const fingerprint of [certificate.fingerprint, certificate.fingerprint256]) {
      const hex = fingerprint.replaceAll(':', '')
      names.add(hex).add(Buffer.from(hex, 'hex').toString('base64url'))
    }
    return { key: certificate.publicKey, names, expiresAtMs: Date.parse(certificate.validTo) }
  } catch (cause) {
    throw new SettingsError(
      `${place} is neither a certificate (PEM, or base64 of DER) nor a public key (PEM)`,
      { cause }
    )
  }
}
