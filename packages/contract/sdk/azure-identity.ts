import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { webcrypto } from 'node:crypto'
import { WELL_KNOWN_PRINCIPAL } from '@fogbank/authority'
import { startFogbank, type Fogbank } from 'fogbank'

const { tenantId, oid } = WELL_KNOWN_PRINCIPAL

/** The object ids that each credential's token has to carry. */
export const expectedIdentities = {
  secret: oid,
  environment: oid,
  certificate: 'certificate-oid',
  assertion: 'federated-oid',
  'app service': 'system-oid',
  'app service by client id': 'user-oid',
  imds: 'system-oid',
  'imds by client id': 'user-oid'
}

const principalsFor = (certificate: string) => [
  {
    clientId: 'certificate',
    objectId: 'certificate-oid',
    keyCredentials: [{ key: certificate }]
  },
  {
    clientId: 'federated',
    objectId: 'federated-oid',
    federatedIdentityCredentials: [
      { issuer: `https://login.microsoftonline.com/${tenantId}/v2.0`, subject: 'system-oid' }
    ]
  },
  { clientId: 'system', objectId: 'system-oid', managedIdentity: 'SystemAssigned' },
  { clientId: 'user', objectId: 'user-oid', managedIdentity: 'UserAssigned' }
]

/** A suite with a principal for each kind of credential, and the variables that point a program at it. */
export async function createIdentityWorld(
  run: (world: {
    fogbank: Fogbank
    env: Record<string, string>
    certificate: string
  }) => Promise<void>
): Promise<void> {
  const { cert, key } = await createCertificate()
  const folder = mkdtempSync(join(tmpdir(), 'fogbank-identity-'))
  const certificate = join(folder, 'client.pem')
  writeFileSync(certificate, `${cert}\n${key}\n`)
  const fogbank = await startFogbank({
    only: ['azure-event-grid-namespaces'],
    tlsDir: join(folder, 'tls'),
    config: { authority: { principals: principalsFor(cert) } },
    log: { info: () => {}, warn: () => {}, error: () => {} }
  })
  try {
    await run({ fogbank, env: fogbank.env('authority'), certificate })
  } finally {
    await fogbank.close()
    rmSync(folder, { recursive: true })
  }
}

/** Self-signed, RSA, as the identity libraries want them. */
export async function createCertificate(): Promise<{ cert: string; key: string }> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  x509.cryptoProvider.set(webcrypto as never)
  const algorithm = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1])
  }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=back end',
    notBefore: new Date('2020-01-01'),
    notAfter: new Date('2100-01-01'),
    signingAlgorithm: algorithm,
    keys: keys as never
  })
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { cert: certificate.toString('pem'), key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY') }
}
