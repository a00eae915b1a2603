import { createHash, createPublicKey, sign, X509Certificate, type KeyObject } from 'node:crypto'
import { isIP } from 'node:net'
import type { AsnType, BaseBlock } from 'asn1js'

/** What the one certificate says that another does not. */
export interface CertificateRequest {
  serialNumber: Buffer
  commonName: string
  notBefore: Date
  notAfter: Date
  /** Whose certificate it is. */
  publicKey: KeyObject
  /** For an authority no names count; for a server those that it is called by; a client has none. */
  purpose: 'authority' | 'client' | { server: readonly string[] }
}

/** Who signs: an elliptic key, and its certificate as PEM; absent: the key signs for itself. */
export interface Issuer {
  key: KeyObject
  certificate?: string
}

/** @see RFC 5280 4.2.1, RFC 5758 3.2 */
const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2'
}
/** Bits of KeyUsage, with how many of the byte's are not used. */
const KEY_USAGE = { digitalSignature: [0x80, 7], certificateAndCrlSign: [0x06, 1] } as const
const CONTEXT_SPECIFIC = 3
/** Tags of a GeneralName. */
const GENERAL_NAME = { dns: 2, ip: 7 }
/** Times from here on have another form [RFC 5280 4.1.2.5]. */
const LAST_UTC_TIME_YEAR = 2049
/** Where the subject stands in what an authority's certificate says of it. */
const SUBJECT = 5

/**
 * Makes a certificate, PEM, of the fields that ours have.
 *
 * Libraries that know all there is in X.509 take longer to load than the rest of a start; this one is loaded
 * with the first certificate, and only writes ASN.1.
 */
export async function createCertificate(
  request: CertificateRequest,
  issuer: Issuer
): Promise<string> {
  const asn1 = await import('asn1js')

  const oid = (value: string) => new asn1.ObjectIdentifier({ value })
  const sequence = (...value: AsnType[]) => new asn1.Sequence({ value: value as BaseBlock[] })
  const der = (block: AsnType) => Buffer.from(block.toBER())
  const tagged = (tagNumber: number, ...value: AsnType[]) =>
    new asn1.Constructed({
      idBlock: { tagClass: CONTEXT_SPECIFIC, tagNumber },
      value: value as BaseBlock[]
    })
  const taggedBytes = (tagNumber: number, valueHex: Uint8Array) =>
    new asn1.Primitive({ idBlock: { tagClass: CONTEXT_SPECIFIC, tagNumber }, valueHex })
  const time = (valueDate: Date) =>
    valueDate.getUTCFullYear() > LAST_UTC_TIME_YEAR
      ? new asn1.GeneralizedTime({ valueDate })
      : new asn1.UTCTime({ valueDate })

  function name(commonName: string) {
    const Text = /^[A-Za-z0-9 '()+,./:=?-]*$/.test(commonName)
      ? asn1.PrintableString
      : asn1.Utf8String
    const attribute = sequence(oid(OID.commonName), new Text({ value: commonName }))
    return sequence(new asn1.Set({ value: [attribute] }))
  }

  function extension(id: string, critical: boolean, value: AsnType) {
    const valueHex = value.toBER()
    const octets = new asn1.OctetString({ valueHex })
    return critical
      ? sequence(oid(id), new asn1.Boolean({ value: true }), octets)
      : sequence(oid(id), octets)
  }

  const read = (bytes: Buffer) => asn1.fromBER(bytes).result as InstanceType<typeof asn1.Sequence>
  const keyInfo = (key: KeyObject) => read(key.export({ type: 'spki', format: 'der' }))

  /** SHA-1 of the key's bits, as everybody has it. */
  function keyIdentifier(publicKey: KeyObject): Buffer {
    const [, bits] = keyInfo(publicKey).valueBlock.value
    const { valueHexView } = (bits as InstanceType<typeof asn1.BitString>).valueBlock
    return createHash('sha1').update(valueHexView).digest()
  }

  function keyUsage([bits, unusedBits]: readonly [number, number]) {
    const valueHex = Uint8Array.of(bits)
    return extension(OID.keyUsage, true, new asn1.BitString({ valueHex, unusedBits }))
  }

  function extensions(): AsnType[] {
    if (request.purpose === 'authority') {
      const own = keyIdentifier(request.publicKey)
      return [
        extension(
          OID.basicConstraints,
          true,
          sequence(new asn1.Boolean({ value: true }), new asn1.Integer({ value: 0 }))
        ),
        keyUsage(KEY_USAGE.certificateAndCrlSign),
        extension(OID.subjectKeyIdentifier, false, new asn1.OctetString({ valueHex: own }))
      ]
    }
    const usage = request.purpose === 'client' ? OID.clientAuth : OID.serverAuth
    const signer = keyIdentifier(createPublicKey(issuer.key))
    const common = [
      extension(OID.basicConstraints, false, sequence()),
      keyUsage(KEY_USAGE.digitalSignature),
      extension(OID.extendedKeyUsage, false, sequence(oid(usage))),
      extension(OID.authorityKeyIdentifier, false, sequence(taggedBytes(0, signer)))
    ]
    if (request.purpose === 'client') return common
    const names = request.purpose.server.map((one) =>
      isIP(one)
        ? taggedBytes(GENERAL_NAME.ip, addressBytes(one))
        : taggedBytes(GENERAL_NAME.dns, Buffer.from(one))
    )
    return [...common, extension(OID.subjectAltName, false, sequence(...names))]
  }

  /** The authority's subject, byte for byte. */
  function issuerName(): AsnType {
    if (issuer.certificate === undefined) return name(request.commonName)
    const [said] = read(new X509Certificate(issuer.certificate).raw).valueBlock.value
    return (said as InstanceType<typeof asn1.Sequence>).valueBlock.value[SUBJECT]!
  }

  const algorithm = sequence(oid(OID.ecdsaWithSha256))
  const { serialNumber, commonName, notBefore, notAfter, publicKey } = request
  const toSign = sequence(
    tagged(0, new asn1.Integer({ value: 2 })),
    asn1.Integer.fromBigInt(BigInt(`0x${serialNumber.toString('hex')}`)),
    algorithm,
    issuerName(),
    sequence(time(notBefore), time(notAfter)),
    name(commonName),
    keyInfo(publicKey),
    tagged(3, sequence(...extensions()))
  )
  const signature = sign('sha256', der(toSign), issuer.key)
  const certificate = sequence(toSign, algorithm, new asn1.BitString({ valueHex: signature }))
  return toPem(der(certificate))
}

function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g)!
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

/** The 4 or 16 bytes of an address. */
function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number))
  // URL writes it in its shortest form, in which at most one run of zeroes is left out.
  const [before = '', after] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const groups = (text = '') => text.split(':').filter(Boolean)
  const left = groups(before)
  const right = groups(after)
  const zeroes = new Array<string>(8 - left.length - right.length).fill('0')
  const bytes = Buffer.alloc(16)
  for (const [index, group] of [...left, ...zeroes, ...right].entries()) {
    bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2)
  }
  return bytes
}
