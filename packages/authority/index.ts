import type { Hono } from 'hono'
import type { Clock, Ids } from '@fogbank/core'
import type { AuthMode, Log, PersonalityDescription, TokenVerifier } from '@fogbank/personality'
import { createEndpoints } from './endpoints.ts'
import { loadSigningKey, type SigningKey } from './keys.ts'
import { createIdentityEndpoints } from './managed-identity.ts'
import { signToken, type TokenRequest } from './mint.ts'
import { createRegistry } from './principals.ts'
import type { AuthoritySettings } from './settings.ts'
import { createVerifier } from './verify.ts'
import { WELL_KNOWN_PRINCIPAL } from './well-known.ts'

export { TOKEN_LIFETIME_SECONDS, type TokenRequest } from './mint.ts'
export { IDENTITY_PATHS } from './managed-identity.ts'
export { authoritySettingsSchema, type AuthoritySettings } from './settings.ts'
export { AUDIENCES, DEVELOPMENT_KEYS, IDENTITY_HEADER, WELL_KNOWN_PRINCIPAL } from './well-known.ts'

export interface AuthorityOptions {
  clock: Clock
  ids: Ids
  log?: Log
  /** `https://localhost:4660`, without a trailing slash; asked anew for each token, as ports come late. */
  publicUrl(): string
  /** Whether tokens and discovery always name `publicUrl`, whatever Host was asked. @default false */
  pinned?: boolean
  /** @default strict */
  auth?: AuthMode
  /** Tenants and principals. @default any tenant, any client with the well-known secret */
  settings?: AuthoritySettings
  /** Where the signing key is kept; absent: in memory, new on each start. */
  keyDir?: string
}

/** The local look-alike of Entra: issues app-only tokens and checks them. */
export interface Authority extends TokenVerifier {
  app: Hono<any>
  /** The managed identity endpoints, for a port that speaks plain HTTP on this machine. */
  identity: Hono<any>
  /** A token for anybody, valid or, with a negative lifetime, expired. */
  mint(request?: TokenRequest): Promise<string>
  describe(): PersonalityDescription
  /** Forgets the tokens it has verified. They stay valid: the key does not change. */
  reset(): void
  /** Makes or reads the signing key now, not when it is first wanted; resolves when it is there. */
  ready(): Promise<void>
}

/**
 * Starts the authority; its key is made or read when it is first wanted, as that takes 100 ms of work.
 *
 * Issuers echo the Host of the token request. Any host is accepted back, as only our own key's
 * signature counts.
 * @throws SettingsError for settings that make no sense
 */
export function createAuthority(options: AuthorityOptions): Authority {
  const { clock, ids, log, publicUrl, keyDir, pinned = false, auth = 'strict' } = options
  const registry = createRegistry(options.settings)
  let loading: Promise<SigningKey> | undefined
  const key = () => (loading ??= loadSigningKey(keyDir, log))
  const verifier = createVerifier({ key, clock, auth })
  const common = { clock, ids, log, key, registry }
  const app = createEndpoints({
    ...common,
    lenient: auth === 'lenient',
    verifier,
    toBaseUrl: (request) => (pinned ? publicUrl() : toBaseUrl(request, publicUrl()))
  })
  const { tenantId, clientId, clientSecret } = WELL_KNOWN_PRINCIPAL
  return {
    app,
    identity: createIdentityEndpoints({ ...common, publicUrl }),
    verify: verifier.verify,
    mint: async (request = {}) =>
      signToken(
        { ...registry.claimsOf(request.clientId), ...request },
        { clock, ids, key: await key(), baseUrl: publicUrl() }
      ),
    describe: () => ({
      credential: `any client id, secret ${clientSecret}`,
      credentials: { tenantId, clientId, clientSecret },
      hint: `use client secret ${clientSecret}; the well-known client ${clientId} holds all roles`
    }),
    reset: verifier.clear,
    async ready() {
      await key()
    }
  }
}

/** The Host a client asked, under our scheme: tokens are only ever sent over https. */
function toBaseUrl(request: Request, publicUrl: string): string {
  const host = request.headers.get('host') ?? new URL(request.url).host
  return `${new URL(publicUrl).protocol}//${host}`
}
