import { createHash } from 'node:crypto'
import { accessSync, constants, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'

/** The CA and the public authorities, for programs whose variable takes the place of their own list. */
export const TRUST_PEM = 'ca-bundle.pem'
/** The same for Java, which reads no PEM. */
export const TRUST_JKS = 'ca-bundle.jks'
/** What Java's own store has, too; it guards nothing, as the store holds no secret. */
const JKS_PASSWORD = 'changeit'

/**
 * Keeps both files beside `ca.pem`, made anew when the CA is another.
 *
 * The public authorities are those that Node came with. A folder that can only be read, as mounted
 * ones, is left as it is.
 */
export function writeTrust(directory: string, ca: string): void {
  const [pem, jks] = [join(directory, TRUST_PEM), join(directory, TRUST_JKS)]
  if (existsSync(jks) && existsSync(pem) && readFileSync(pem, 'utf8').startsWith(ca)) return
  if (!isWritable(directory)) return
  writeFileSync(jks, toJks([ca, ...rootCertificates]))
  // The one that is looked at comes last: a start that was cut short leaves nothing half done.
  writeFileSync(pem, `${[ca.trimEnd(), ...rootCertificates].join('\n')}\n`)
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK)
    return true
  } catch {
    // There is no other way to ask.
    return false
  }
}

/**
 * A Java KeyStore of certificates to trust, PEM each.
 *
 * @see OpenJDK: sun.security.provider.JavaKeyStore; certificates stand there since Java 1.2
 */
export function toJks(certificates: readonly string[]): Buffer {
  const entries = certificates.flatMap((pem, index) => {
    const raw = toDer(pem)
    const created = Buffer.alloc(8)
    return [uint32(2), text(`ca-${index}`), created, text('X.509'), uint32(raw.length), raw]
  })
  const store = Buffer.concat([
    uint32(0xfeedfeed),
    uint32(2),
    uint32(certificates.length),
    ...entries
  ])
  const digest = createHash('sha1')
    .update(Buffer.from(JKS_PASSWORD, 'utf16le').swap16())
    .update('Mighty Aphrodite')
    .update(store)
    .digest()
  return Buffer.concat([store, digest])
}

/** Not by way of X509Certificate: to read a hundred and fifty is a quarter of a first start. */
const toDer = (pem: string) => Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64')

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** ASCII behind its length, as Java's writeUTF puts it. */
function text(value: string): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(value.length)
  return Buffer.concat([length, Buffer.from(value, 'latin1')])
}
