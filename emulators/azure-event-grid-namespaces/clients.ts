import { X509Certificate } from 'node:crypto'
import type { Peer } from '@fogbank/core'
import { SettingsError } from '@fogbank/personality'
import type { ClientPrincipal } from './auth.ts'
import {
  endOf,
  hasName,
  isInTime,
  isIssued,
  namesIn,
  readCertificate,
  type CertificateField
} from './authentication/certificates.ts'
import type { NameSource } from './authentication/settings.ts'
import type { WholeSettings } from './defaults.ts'
import { errors } from './errors.ts'
import { limits } from './limits.ts'
import type { CaCertificate, ClientResource, ValidationScheme } from './settings.ts'

type Certificate = NonNullable<Peer['certificate']>

/** The registry of clients that come with a certificate. */
export interface Clients {
  /** Who a certificate's owner is, by the name in CONNECT or in the certificate. @throws ProviderError */
  identify(
    certificate: Certificate | undefined,
    username: string | undefined,
    nowMs: number
  ): ClientPrincipal
  /**
   * A connected client as its certificate and the registry have it now.
   * @throws ProviderError when it may not be connected any more
   */
  refresh(
    client: ClientPrincipal,
    certificate: Certificate | undefined,
    nowMs: number
  ): ClientPrincipal
}

const DEFAULT_SCHEME = 'SubjectMatchesAuthenticationName'

const FIELDS: Record<Exclude<ValidationScheme, 'ThumbprintMatch'>, CertificateField> = {
  SubjectMatchesAuthenticationName: 'Subject',
  DnsMatchesAuthenticationName: 'Dns',
  UriMatchesAuthenticationName: 'Uri',
  IpMatchesAuthenticationName: 'Ip',
  EmailMatchesAuthenticationName: 'Email'
}

const SOURCES: Record<NameSource, CertificateField> = {
  ClientCertificateSubject: 'Subject',
  ClientCertificateDns: 'Dns',
  ClientCertificateUri: 'Uri',
  ClientCertificateIp: 'Ip',
  ClientCertificateEmail: 'Email'
}

/**
 * The registry; when it is open, whoever has a certificate of the local CA is a client too, by any name
 * that the certificate has.
 *
 * Names are compared without regard to case and used in the case they were configured in. Whatever the
 * settings, a certificate counts within its time only. lenient: whoever signed it.
 * @throws SettingsError
 */
export function createClients(
  { clients, openRegistry, caCertificates, topicSpacesConfiguration = {} }: WholeSettings,
  lenient: boolean
): Clients {
  const issuers = caCertificates.map(toIssuer)
  const byName = toRegistry(clients)
  const { alternativeAuthenticationNameSources = openRegistry ? [OPEN_SOURCE] : [] } =
    topicSpacesConfiguration.clientAuthentication ?? {}
  const sources = alternativeAuthenticationNameSources.map((source) => SOURCES[source])

  /** undefined: the registry is open and does not know the name. */
  function find(name: string): ClientResource | undefined {
    const client = byName.get(name.toLowerCase())
    if (client?.state === 'Disabled') throw errors.ClientUnknown({}, { detail: 'disabled' })
    if (client || openRegistry) return client
    throw errors.ClientUnknown({}, { detail: `authenticationName=${name}` })
  }

  /** The first of the fields that is not empty has it; of several names there the one that is known. */
  function nameIn(x509: X509Certificate): string {
    for (const field of sources) {
      const names = namesIn(x509, field)
      const [first] = names
      if (first === undefined) continue
      return names.find((name) => byName.has(name.toLowerCase())) ?? first
    }
    throw errors.AuthenticationNameMissing({}, { detail: `sources=${sources.join()}` })
  }

  function checkSigner({ trusted }: Certificate, x509: X509Certificate, nowMs: number): void {
    if (trusted || lenient || issuers.some((issuer) => isIssued(x509, issuer, nowMs))) return
    throw errors.ClientCertificateInvalid({}, { detail: 'certificate of a foreign CA' })
  }

  function identify(
    certificate: Certificate | undefined,
    username: string | undefined,
    nowMs: number
  ): ClientPrincipal {
    if (!certificate) throw errors.CredentialMissing()
    const x509 = new X509Certificate(certificate.der)
    const name = username || nameIn(x509)
    limits.nameCharacters.check(name.length)
    const client = find(name)
    if (!isInTime(x509, nowMs)) {
      const detail = `from ${x509.validFrom} to ${x509.validTo}`
      throw errors.ClientCertificateExpired({}, { detail })
    }
    const scheme = client?.clientCertificateAuthentication?.validationScheme ?? DEFAULT_SCHEME
    if (client && scheme === 'ThumbprintMatch') checkThumbprint(client, x509)
    else {
      checkSigner(certificate, x509, nowMs)
      const fields = client && scheme !== 'ThumbprintMatch' ? [FIELDS[scheme]] : ANY_FIELD
      if (!fields.some((field) => hasName(x509, field, name))) {
        const detail = `${scheme} authenticationName=${name}`
        throw errors.ClientCertificateInvalid({}, { detail })
      }
    }
    const known = client
      ? toPrincipal(client)
      : ({ kind: 'client', authenticationName: name } as const)
    return { ...known, expiresAtMs: endOf(x509) }
  }

  return {
    identify,
    refresh(client, certificate, nowMs) {
      if (client.byToken) return client
      return identify(certificate, client.authenticationName, nowMs)
    }
  }
}

/** A namespace that nobody has configured finds its clients by their subject. */
const OPEN_SOURCE: NameSource = 'ClientCertificateSubject'
const ANY_FIELD = Object.values(FIELDS)

/** By authentication name in lower case. @throws SettingsError */
function toRegistry(clients: readonly ClientResource[]): Map<string, ClientResource> {
  const byName = new Map<string, ClientResource>()
  for (const client of clients) {
    const key = (client.authenticationName ?? client.name).toLowerCase()
    if (byName.has(key)) {
      throw new SettingsError(
        `clients/${client.name}/authenticationName: there is another client of the name ${key}`
      )
    }
    checkScheme(client)
    byName.set(key, client)
  }
  return byName
}

/** Thumbprints go with their scheme, and with no other. @throws SettingsError */
function checkScheme({ name, clientCertificateAuthentication }: ClientResource): void {
  const { validationScheme, allowedThumbprints } = clientCertificateAuthentication ?? {}
  const place = `clients/${name}/clientCertificateAuthentication/allowedThumbprints`
  if (validationScheme === 'ThumbprintMatch' && !allowedThumbprints) {
    throw new SettingsError(`${place} is missing, but ThumbprintMatch needs it`)
  }
  if (validationScheme !== 'ThumbprintMatch' && allowedThumbprints) {
    throw new SettingsError(`${place} goes with the validation scheme ThumbprintMatch only`)
  }
}

/** Names are used in the case they were configured in. */
function toPrincipal(client: ClientResource): ClientPrincipal {
  const authenticationName = client.authenticationName ?? client.name
  const { attributes } = client
  return { kind: 'client', authenticationName, ...(attributes ? { attributes } : {}) }
}

/** Root or intermediate, whichever signs the clients' own certificates. @throws SettingsError */
function toIssuer({ name, encodedCertificate }: CaCertificate): X509Certificate {
  const place = `caCertificates/${name}/encodedCertificate`
  const issuer = readCertificate(encodedCertificate, place)
  if (issuer.ca) return issuer
  throw new SettingsError(`${place} is no CA's certificate; put that of whoever signs the clients'`)
}

function checkThumbprint(client: ClientResource, x509: X509Certificate): void {
  const { allowedThumbprints = [] } = client.clientCertificateAuthentication ?? {}
  const own = [x509.fingerprint, x509.fingerprint256].map(plainThumbprint)
  if (allowedThumbprints.some((allowed) => own.includes(plainThumbprint(allowed)))) return
  throw errors.ClientCertificateInvalid({}, { detail: 'thumbprint' })
}

function plainThumbprint(thumbprint: string): string {
  return thumbprint.replaceAll(':', '').toLowerCase()
}
