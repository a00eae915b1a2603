import { createPublicKey, X509Certificate, webcrypto } from 'node:crypto'
import type { Clock, Ids } from '@fogbank/core'

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  cert: string
  key: string
}

/** Apple's systems refuse server certificates that last longer. */
const LIFETIME_DAYS = 825
const DAY_MS = 86_400_000
/** A certificate this close to its end is made anew. */
const RENEWAL_DAYS = 30

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

/** Makes certificates; the library is loaded with the first one, as it is slow to load. */
export function createCertificates(clock: Clock, ids: Ids) {
  async function load() {
    await import('reflect-metadata')
    const x509 = await import('@peculiar/x509')
    x509.cryptoProvider.set(webcrypto as never)
    return x509
  }

  const validity = () => ({
    // Clocks of containers and devices are often a little behind.
    notBefore: new Date(clock.now() - DAY_MS),
    notAfter: new Date(clock.now() + (LIFETIME_DAYS - 1) * DAY_MS)
  })

  async function toPair(
    x509: Awaited<ReturnType<typeof load>>,
    certificate: { toString(format: 'pem'): string },
    privateKey: webcrypto.CryptoKey
  ): Promise<KeyPair> {
    const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', privateKey)
    return {
      cert: `${certificate.toString('pem')}\n`,
      key: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`
    }
  }

  async function createAuthorityPair(): Promise<KeyPair> {
    const x509 = await load()
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: ids.bytes(8).toString('hex'),
      name: 'CN=Fogbank local CA',
      ...validity(),
      signingAlgorithm: ALGORITHM,
      keys: keys as never,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(
          x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
          true
        ),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey as never)
      ]
    })
    return toPair(x509, certificate, keys.privateKey)
  }

  async function create(
    x509: Awaited<ReturnType<typeof load>>,
    authority: KeyPair,
    subject: { commonName: string; names?: readonly string[] | undefined; publicKey: unknown }
  ) {
    const { commonName, names, publicKey } = subject
    const issuer = new x509.X509Certificate(authority.cert)
    const [pkcs8] = x509.PemConverter.decode(authority.key)
    const signingKey = await webcrypto.subtle.importKey('pkcs8', pkcs8!, ALGORITHM, false, ['sign'])
    const usage = names ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth
    const extensions = [
      new x509.BasicConstraintsExtension(false),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([usage]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer)
    ]
    const alternatives = names?.map((name) => ({
      type: isAddress(name) ? 'ip' : 'dns',
      value: name
    }))
    return x509.X509CertificateGenerator.create({
      serialNumber: ids.bytes(8).toString('hex'),
      subject: `CN=${commonName}`,
      issuer: issuer.subject,
      ...validity(),
      signingAlgorithm: ALGORITHM,
      publicKey: publicKey as never,
      signingKey: signingKey as never,
      extensions: alternatives
        ? [...extensions, new x509.SubjectAlternativeNameExtension(alternatives as never)]
        : extensions
    })
  }

  /** A certificate signed by the authority: for a server under these names, or for a client. */
  async function issue(
    authority: KeyPair,
    subject: { commonName: string; names?: readonly string[] }
  ): Promise<KeyPair> {
    const x509 = await load()
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
    const certificate = await create(x509, authority, { ...subject, publicKey: keys.publicKey })
    return toPair(x509, certificate, keys.privateKey)
  }

  /** A client's certificate for a key pair that somebody else holds; PEM to PEM. */
  async function sign(
    authority: KeyPair,
    { commonName, publicKey }: { commonName: string; publicKey: string }
  ): Promise<string> {
    const x509 = await load()
    const spki = createPublicKey(publicKey).export({ type: 'spki', format: 'der' })
    const certificate = await create(x509, authority, {
      commonName,
      publicKey: new x509.PublicKey(spki)
    })
    return `${certificate.toString('pem')}\n`
  }

  /** Whether a kept certificate still serves: long enough to live, of this authority, for these names. */
  function serves(pair: KeyPair, authority: KeyPair, names: readonly string[]): boolean {
    const certificate = new X509Certificate(pair.cert)
    const covered = certificate.subjectAltName ?? ''
    return (
      isFresh(pair) &&
      certificate.checkIssued(new X509Certificate(authority.cert)) &&
      names.every((name) => covered.split(', ').includes(toAlternative(name)))
    )
  }

  function isFresh(pair: KeyPair): boolean {
    const ends = Date.parse(new X509Certificate(pair.cert).validTo)
    return ends - clock.now() > RENEWAL_DAYS * DAY_MS
  }

  return { createAuthorityPair, issue, sign, serves, isFresh }
}

const isAddress = (name: string) => /^[\d.]+$/.test(name) || name.includes(':')

/** A name as Node prints it in subjectAltName. */
function toAlternative(name: string): string {
  if (!isAddress(name)) return `DNS:${name}`
  return `IP Address:${name === '::1' ? '0:0:0:0:0:0:0:1' : name}`
}
