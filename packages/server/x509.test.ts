import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createCertificate, type CertificateRequest } from './x509.ts'

const AUTHORITY = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const LEAF = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const REQUEST: CertificateRequest = {
  serialNumber: Buffer.from('00ffeeddccbbaa99', 'hex'),
  commonName: 'Somebody',
  notBefore: new Date(Date.UTC(2026, 0, 2, 3, 4, 5)),
  notAfter: new Date(Date.UTC(2028, 0, 2, 3, 4, 5)),
  publicKey: LEAF.publicKey,
  purpose: 'client'
}

/** Made by an authority of this test. */
async function issue(changes: Partial<CertificateRequest>): Promise<X509Certificate> {
  const own = { ...REQUEST, commonName: 'Us, a CA', publicKey: AUTHORITY.publicKey } as const
  const key = AUTHORITY.privateKey
  const authority = await createCertificate({ ...own, purpose: 'authority' }, { key })
  const made = await createCertificate({ ...REQUEST, ...changes }, { key, certificate: authority })
  const certificate = new X509Certificate(made)
  assert.ok(certificate.checkIssued(new X509Certificate(authority)))
  assert.ok(certificate.verify(AUTHORITY.publicKey))
  return certificate
}

const x509 = suite('an X.509 certificate')

x509('says who it is for, for how long, and who signed', async () => {
  const certificate = await issue({})
  assert.is(certificate.subject, 'CN=Somebody')
  assert.is(certificate.issuer, 'CN=Us\\, a CA')
  assert.is(certificate.validFrom, 'Jan  2 03:04:05 2026 GMT')
  assert.is(certificate.validTo, 'Jan  2 03:04:05 2028 GMT')
  assert.is(certificate.ca, false)
  assert.equal(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2'])
  assert.is(certificate.subjectAltName, undefined)
  assert.ok(certificate.checkPrivateKey(LEAF.privateKey))
})

x509('has a serial number above zero, whatever the first bit is', async () => {
  assert.is((await issue({})).serialNumber, 'FFEEDDCCBBAA99')
  const serialNumber = Buffer.from('8000000000000001', 'hex')
  assert.is((await issue({ serialNumber })).serialNumber, '8000000000000001')
})

x509('names servers by DNS and by address, in every way to write one', async () => {
  const server = ['localhost', '*.localhost', '127.0.0.1', '::1', '::', 'fe80::1:0:0:2', '1::']
  const certificate = await issue({ purpose: { server } })
  assert.equal(certificate.subjectAltName?.split(', '), [
    'DNS:localhost',
    'DNS:*.localhost',
    'IP Address:127.0.0.1',
    'IP Address:0:0:0:0:0:0:0:1',
    'IP Address:0:0:0:0:0:0:0:0',
    'IP Address:FE80:0:0:0:1:0:0:2',
    'IP Address:1:0:0:0:0:0:0:0'
  ])
  assert.equal(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1'])
})

x509('takes common names in any script, and with what separates names elsewhere', async () => {
  for (const commonName of ['Lämpchen 💡', 'a+b=c,d', 'under_score', ' edge ']) {
    const [, found] = /^CN=(.*)$/s.exec((await issue({ commonName })).subject)!
    assert.is(found!.replaceAll('\\', ''), commonName)
  }
})

x509('lasts beyond 2049, from where on dates are written in another way', async () => {
  const notAfter = new Date(Date.UTC(2051, 6, 1))
  assert.is((await issue({ notAfter })).validTo, 'Jul  1 00:00:00 2051 GMT')
})

x509('is issued for keys of other kinds, too', async () => {
  for (const { publicKey, privateKey } of [
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('ed25519')
  ]) {
    assert.ok((await issue({ publicKey })).checkPrivateKey(privateKey))
  }
})

x509.run()
