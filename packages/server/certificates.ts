import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  X509Certificate,
  type KeyObject
} from 'node:crypto'
import { isIP } from 'node:net'
import type { Clock, Ids } from '@fogbank/core'
import { createCertificate } from './x509.ts'

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

/** Makes certificates on the curve P-256. */
export function createCertificates(clock: Clock, ids: Ids) {
  const common = () => ({
    serialNumber: ids.bytes(8),
    // Clocks of containers and devices are often a little behind.
    notBefore: new Date(clock.now() - DAY_MS),
    notAfter: new Date(clock.now() + (LIFETIME_DAYS - 1) * DAY_MS)
  })

  const generate = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })

  const toPair = (cert: string, key: KeyObject): KeyPair => ({
    cert,
    key: String(key.export({ type: 'pkcs8', format: 'pem' }))
  })

  const toIssuer = ({ cert, key }: KeyPair) => ({ certificate: cert, key: createPrivateKey(key) })

  async function createAuthorityPair(): Promise<KeyPair> {
    const { publicKey, privateKey } = generate()
    const subject = { commonName: 'Fogbank local CA', publicKey, purpose: 'authority' } as const
    return toPair(
      await createCertificate({ ...common(), ...subject }, { key: privateKey }),
      privateKey
    )
  }

  /** A certificate signed by the authority: for a server under these names, or for a client. */
  async function issue(
    authority: KeyPair,
    { commonName, names }: { commonName: string; names?: readonly string[] }
  ): Promise<KeyPair> {
    const { publicKey, privateKey } = generate()
    const purpose = names ? { server: names } : 'client'
    const subject = { commonName, publicKey, purpose } as const
    return toPair(
      await createCertificate({ ...common(), ...subject }, toIssuer(authority)),
      privateKey
    )
  }

  /** A client's certificate for a key pair that somebody else holds; PEM to PEM. */
  async function sign(
    authority: KeyPair,
    { commonName, publicKey }: { commonName: string; publicKey: string }
  ): Promise<string> {
    const subject = {
      commonName,
      publicKey: createPublicKey(publicKey),
      purpose: 'client'
    } as const
    return createCertificate({ ...common(), ...subject }, toIssuer(authority))
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

/** A name as Node prints it in subjectAltName. */
function toAlternative(name: string): string {
  if (!isIP(name)) return `DNS:${name}`
  return `IP Address:${name === '::1' ? '0:0:0:0:0:0:0:1' : name}`
}
