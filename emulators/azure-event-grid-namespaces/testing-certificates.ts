// Certificates for tests: authorities, intermediates and clients with whatever fields and times.
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

x509.cryptoProvider.set(webcrypto as never)

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength: 2048
} as const
const NOT_BEFORE = new Date('2025-01-01T00:00:00Z')
const NOT_AFTER = new Date('2040-01-01T00:00:00Z')

/** A certificate and its key, both PEM; an issuer as the certificates above it need it. */
export interface Issued {
  cert: string
  key: string
  /** DER. */
  der: Buffer
  issuer: { certificate: x509.X509Certificate; key: webcrypto.CryptoKey }
}

/** A subject alternative name: `{ type: 'dns', value: 'dev1.lab' }`. */
export type AlternativeName = x509.JsonGeneralName

/** Issues a certificate; without `by` it signs itself. */
export async function issue(
  subject: string,
  options: {
    by?: Issued
    ca?: boolean
    /** With a key of this many bits that RS256 can sign with. */
    rsaBits?: number
    names?: readonly AlternativeName[]
    notBefore?: Date
    notAfter?: Date
  } = {}
): Promise<Issued> {
  const {
    by,
    ca = false,
    rsaBits,
    names = [],
    notBefore = NOT_BEFORE,
    notAfter = NOT_AFTER
  } = options
  const algorithm = rsaBits === undefined ? ALGORITHM : { ...RSA, modulusLength: rsaBits }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    issuer: by?.issuer.certificate.subject ?? subject,
    notBefore,
    notAfter,
    signingAlgorithm: by ? ALGORITHM : algorithm,
    publicKey: keys.publicKey as never,
    signingKey: (by?.issuer.key ?? keys.privateKey) as never,
    extensions: [
      new x509.BasicConstraintsExtension(ca, undefined, true),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension([...names])] : [])
    ]
  })
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {
    cert: certificate.toString('pem'),
    key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'),
    der: Buffer.from(certificate.rawData),
    issuer: { certificate, key: keys.privateKey }
  }
}
