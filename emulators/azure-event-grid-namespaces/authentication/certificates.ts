import { X509Certificate } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { SettingsError } from '@fogbank/personality'

/** Where a certificate may carry its owner's name. */
export type CertificateField = 'Subject' | 'Dns' | 'Uri' | 'Ip' | 'Email'

/** How Node writes the kinds of alternative names. */
const ALTERNATIVE_NAMES: Record<string, CertificateField> = {
  DNS: 'Dns',
  URI: 'Uri',
  'IP Address': 'Ip',
  email: 'Email'
}

/** `KIND:VALUE`, separated by commas; a value with a comma in it is a JSON string. */
const ALTERNATIVE_NAME = /(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)/g

/**
 * What stands in one field of a certificate, in the order it stands there.
 *
 * Of the subject the common names first, then the whole distinguished name, in both orders that tools
 * write it. Addresses are written as RFC 5952 has it.
 */
export function namesIn(x509: X509Certificate, field: CertificateField): string[] {
  if (field === 'Subject') return subjectNames(x509)
  return [...(x509.subjectAltName ?? '').matchAll(ALTERNATIVE_NAME)]
    .filter(([, kind = '']) => ALTERNATIVE_NAMES[kind] === field)
    .map(([, , value = '']) => (value.startsWith('"') ? String(JSON.parse(value)) : value))
    .map((value) => (field === 'Ip' ? toAddress(value) : value))
    .filter((value) => value !== '')
}

/** Whether a name stands in the field; names are compared without regard to case. */
export function hasName(x509: X509Certificate, field: CertificateField, name: string): boolean {
  const wanted = (field === 'Ip' ? toAddress(name) : name).toLowerCase()
  const spaceless = wanted.replace(/\s*,\s*/g, ',')
  return namesIn(x509, field).some((own) => [wanted, spaceless].includes(own.toLowerCase()))
}

function subjectNames({ subject }: X509Certificate): string[] {
  // Node gives undefined, whatever its types say, for a subject without any attribute.
  const attributes = (subject ?? '').split('\n').filter((line) => line !== '')
  if (attributes.length === 0) return []
  const commonNames = attributes
    .filter((line) => line.startsWith('CN='))
    .map((line) => unescape2253(line.slice('CN='.length)))
  return [...commonNames, attributes.join(','), attributes.toReversed().join(',')]
}

/** A value of a distinguished name without the escapes of RFC 2253. */
function unescape2253(value: string): string {
  return value.replace(/\\([0-9A-Fa-f]{2}|.)/g, (_all, escaped: string) =>
    escaped.length === 2 ? String.fromCharCode(Number.parseInt(escaped, 16)) : escaped
  )
}

/** One way to write an address, of the several that IPv6 has. */
function toAddress(text: string): string {
  return isIPv6(text) ? new URL(`http://[${text}]`).hostname.slice(1, -1) : text
}

/** Whether the certificate's time has come and is not over. */
export function isInTime(x509: X509Certificate, nowMs: number): boolean {
  return Date.parse(x509.validFrom) <= nowMs && nowMs < endOf(x509)
}

/** When a certificate ends, in milliseconds since 1970. */
export function endOf(x509: X509Certificate): number {
  // What is said to the second lasts to the end of it.
  return Date.parse(x509.validTo) + 1000
}

/** Whether `issuer` signed this very certificate, and could at the time. */
export function isIssued(x509: X509Certificate, issuer: X509Certificate, nowMs: number): boolean {
  return isInTime(issuer, nowMs) && x509.checkIssued(issuer) && x509.verify(issuer.publicKey)
}

/**
 * A certificate of the settings: PEM, which may stand on one line as the portal's samples have it.
 * @param place the key it stands under
 * @throws SettingsError
 */
export function readCertificate(encoded: string, place: string): X509Certificate {
  const [, base64 = encoded] =
    /-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----/s.exec(encoded) ?? []
  try {
    return new X509Certificate(Buffer.from(base64, 'base64'))
  } catch (cause) {
    throw new SettingsError(`${place} is no certificate; put its PEM there`, { cause })
  }
}
