import type { Clock, Core, Ids } from '@fogbank/core'

/** strict: signatures, issuer, audience and expiry are verified; lenient: any well-formed, unexpired credential. */
export type AuthMode = 'strict' | 'lenient'

/** Where lines for people go; pino fits. */
export interface Log {
  info(message: string): void
  warn(message: string): void
  error(error: unknown, message: string): void
}

/** The claims of a token that was found good. */
export interface VerifiedToken {
  claims: Record<string, unknown>
  expiresAtMs: number
}

/** Why a token was not accepted. */
export type TokenFault =
  'malformed' | 'signature' | 'issuer' | 'audience' | 'expired' | 'not-yet-valid'

/** Checks bearer tokens; verified ones are remembered until they expire. */
export interface TokenVerifier {
  verify(
    token: string,
    audiences: readonly string[]
  ): Promise<VerifiedToken | { fault: TokenFault }>
}

/** Settings that their schema lets pass and that still make no sense; one sentence names what and why. */
export class SettingsError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SettingsError'
  }
}

/** What a personality is given when it starts. */
export interface PersonalityContext<Settings = unknown> {
  core: Core
  clock: Clock
  ids: Ids
  log: Log
  auth: AuthMode
  /** This personality's part of the configuration, already checked against its schema. */
  settings: Settings
  tokens: TokenVerifier
  /**
   * Signs a client's public key (PEM, SPKI) with the local CA under a common name; answers the certificate,
   * PEM. Absent where there is no CA.
   */
  signClient?(commonName: string, publicKey: string): Promise<string>
  /**
   * A token of the local authority for the service itself, where it calls others; absent: there is none.
   * @param tenantId the well-known tenant when left out
   */
  issueToken?(audience: string, tenantId?: string): Promise<string>
  /** Whether 401 and 403 carry the `x-fogbank-hint` header. */
  hints: boolean
}
