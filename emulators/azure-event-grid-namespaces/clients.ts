import { X509Certificate } from 'node:crypto'
import type { Peer } from '@fogbank/core'
import { SettingsError } from '@fogbank/personality'
import type { ClientPrincipal } from './auth.ts'
import { errors } from './errors.ts'
import { limits } from './limits.ts'
import type { ClientResource, ValidationScheme } from './settings.ts'

type Certificate = NonNullable<Peer['certificate']>

/** The registry of clients that come with a certificate. */
export interface Clients {
  /** Who a certificate's owner is, by the name in CONNECT or in the certificate. @throws ProviderError */
  identify(certificate: Certificate | undefined, username: string | undefined): ClientPrincipal
}

/**
 * The clients of the configuration; without any, whoever has a certificate of the local CA is one.
 *
 * Names are compared without regard to case and used in the case they were configured in.
 * @throws Error when two clients have one name
 */
export function createClients(
  resources: readonly ClientResource[] | undefined,
  lenient: boolean
): Clients {
  const byName = new Map<string, ClientResource>()
  for (const client of resources ?? []) {
    const key = (client.authenticationName ?? client.name).toLowerCase()
    if (byName.has(key)) throw new SettingsError(`there are two clients with the name ${key}`)
    byName.set(key, client)
  }

  return {
    identify(certificate, username) {
      if (!certificate) throw errors.CredentialMissing()
      const x509 = new X509Certificate(certificate.der)
      const name = username || commonName(x509)
      if (name === undefined) throw errors.ClientUnknown({}, { detail: 'no name' })
      limits.nameCharacters.check(name.length)
      const trusted = certificate.trusted || lenient
      if (!resources) {
        if (!trusted)
          throw errors.ClientCertificateInvalid({}, { detail: 'certificate of a foreign CA' })
        return { kind: 'client', authenticationName: name }
      }
      const client = byName.get(name.toLowerCase())
      if (!client) throw errors.ClientUnknown({}, { detail: `authenticationName=${name}` })
      if (client.state === 'Disabled') throw errors.ClientUnknown({}, { detail: 'disabled' })
      checkCertificate(client, name, x509, trusted)
      const authenticationName = client.authenticationName ?? client.name
      const { attributes } = client
      return { kind: 'client', authenticationName, ...(attributes ? { attributes } : {}) }
    }
  }
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
