import { X509Certificate } from 'node:crypto'
import type { Peer } from '@fogbank/core'
import { SettingsError } from '@fogbank/personality'
import type { ClientPrincipal } from './auth.ts'
import { errors } from './errors.ts'
import { limits } from './limits.ts'
import type { WholeSettings } from './defaults.ts'
import type { CaCertificate, ClientResource, ValidationScheme } from './settings.ts'

type Certificate = NonNullable<Peer['certificate']>

/** The registry of clients that come with a certificate. */
export interface Clients {
  /** Who a certificate's owner is, by the name in CONNECT or in the certificate. @throws ProviderError */
  identify(certificate: Certificate | undefined, username: string | undefined): ClientPrincipal
  /** The client as it stands in the registry now. @throws ProviderError when it may not be connected */
  refresh(client: ClientPrincipal, certificate: Certificate | undefined): ClientPrincipal
}

/**
 * The registry; when it is open, whoever has a certificate of the local CA is a client too.
 *
 * Names are compared without regard to case and used in the case they were configured in.
 * @throws Error when two clients have one name
 */
export function createClients(
  { clients, openRegistry, caCertificates }: WholeSettings,
  lenient: boolean
): Clients {
  const issuers = caCertificates.map(toIssuer)
  const byName = new Map<string, ClientResource>()
  for (const client of clients) {
    const key = (client.authenticationName ?? client.name).toLowerCase()
    if (byName.has(key)) throw new SettingsError(`there are two clients with the name ${key}`)
    byName.set(key, client)
  }

  /** undefined: the registry is open and does not know the name. */
  function find(name: string): ClientResource | undefined {
    const client = byName.get(name.toLowerCase())
    if (client?.state === 'Disabled') throw errors.ClientUnknown({}, { detail: 'disabled' })
    if (client || openRegistry) return client
    throw errors.ClientUnknown({}, { detail: `authenticationName=${name}` })
  }

  function isTrusted({ trusted }: Certificate, x509: X509Certificate): boolean {
    return trusted || lenient || issuers.some((one) => isIssued(x509, one))
  }

  return {
    refresh(client, certificate) {
      if (client.byToken) return client
      const { authenticationName } = client
      const found = find(authenticationName)
      if (!found) return { kind: 'client', authenticationName }
      if (certificate) {
        const x509 = new X509Certificate(certificate.der)
        checkCertificate(found, authenticationName, x509, isTrusted(certificate, x509))
      }
      return toPrincipal(found)
    },
    identify(certificate, username) {
      if (!certificate) throw errors.CredentialMissing()
      const x509 = new X509Certificate(certificate.der)
      const name = username || commonName(x509)
      if (name === undefined) throw errors.ClientUnknown({}, { detail: 'no name' })
      limits.nameCharacters.check(name.length)
      const trusted = isTrusted(certificate, x509)
      const client = find(name)
      if (client) {
        checkCertificate(client, name, x509, trusted)
        return toPrincipal(client)
      }
      if (!trusted) {
        throw errors.ClientCertificateInvalid({}, { detail: 'certificate of a foreign CA' })
      }
      return { kind: 'client', authenticationName: name }
    }
  }
}

/** Names are used in the case they were configured in. */
function toPrincipal(client: ClientResource): ClientPrincipal {
  const authenticationName = client.authenticationName ?? client.name
  const { attributes } = client
  return { kind: 'client', authenticationName, ...(attributes ? { attributes } : {}) }
}

/** A CA certificate may stand on one line, as the portal's samples have it. @throws SettingsError */
function toIssuer({ name, encodedCertificate }: CaCertificate): X509Certificate {
  const [, base64 = encodedCertificate] =
    /-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----/s.exec(encodedCertificate) ?? []
  try {
    return new X509Certificate(Buffer.from(base64, 'base64'))
  } catch (cause) {
    throw new SettingsError(`caCertificates/${name}: encodedCertificate is no certificate`, {
      cause
    })
  }
}

/** The service asks for the one who signed the leaf itself. */
function isIssued(x509: X509Certificate, issuer: X509Certificate): boolean {
  return x509.checkIssued(issuer) && x509.verify(issuer.publicKey)
}

function checkCertificate(
  client: ClientResource,
  name: string,
  x509: X509Certificate,
  trusted: boolean
): void {
  const { validationScheme, allowedThumbprints = [] } = client.clientCertificateAuthentication ?? {
    validationScheme: undefined
  }
  if (validationScheme === 'ThumbprintMatch') {
    const own = [x509.fingerprint, x509.fingerprint256].map(plainThumbprint)
    if (allowedThumbprints.some((allowed) => own.includes(plainThumbprint(allowed)))) return
    throw errors.ClientCertificateInvalid({}, { detail: 'thumbprint' })
  }
  if (!trusted) throw errors.ClientCertificateInvalid({}, { detail: 'certificate of a foreign CA' })
  if (validationScheme === undefined) return
  const names = namesOf(x509, validationScheme).map((one) => one.toLowerCase())
  if (!names.includes(name.toLowerCase())) {
    throw errors.ClientCertificateInvalid(
      {},
      { detail: `${validationScheme} authenticationName=${name}` }
    )
  }
}

const ALTERNATIVE_NAMES: Partial<Record<ValidationScheme, string>> = {
  DnsMatchesAuthenticationName: 'DNS:',
  UriMatchesAuthenticationName: 'URI:',
  IpMatchesAuthenticationName: 'IP Address:',
  EmailMatchesAuthenticationName: 'email:'
}

function namesOf(x509: X509Certificate, scheme: ValidationScheme): string[] {
  const prefix = ALTERNATIVE_NAMES[scheme]
  if (prefix === undefined) return [commonName(x509) ?? '', x509.subject.replaceAll('\n', ',')]
  return (x509.subjectAltName ?? '')
    .split(', ')
    .filter((entry) => entry.startsWith(prefix))
    .map((entry) => entry.slice(prefix.length))
}

function commonName(x509: X509Certificate): string | undefined {
  return /^CN=(.+)$/m.exec(x509.subject)?.[1]
}

function plainThumbprint(thumbprint: string): string {
  return thumbprint.replaceAll(':', '').toLowerCase()
}
