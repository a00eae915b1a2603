// An authority of a test's own, and ways to ask it.
import { webcrypto } from 'node:crypto'
import { SignJWT, type CryptoKey, type JWTPayload } from 'jose'
import { createManualClock, systemIds } from '@fogbank/core'
import { createAuthority, type AuthorityOptions } from './index.ts'

export const BASE = 'https://localhost:4660'
export const TENANT = 'aaaaaaaa-0000-4000-8000-000000000001'
export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** What it answered: the status and the JSON. */
export interface Answer {
  status: number
  body: Record<string, any>
}

export function createWorld(options: Partial<AuthorityOptions> = {}) {
  const clock = createManualClock()
  const made = createAuthority({ clock, ids: systemIds, publicUrl: () => BASE, ...options })
  const nowSeconds = clock.now() / 1000
  return {
    ...made,
    clock,
    nowSeconds,
    async token(form: Record<string, string>, path = `${TENANT}/oauth2/v2.0/token`) {
      const reply = await made.app.request(`${BASE}/${path}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          scope: 'https://eventgrid.azure.net/.default',
          ...form
        }).toString()
      })
      return { status: reply.status, body: (await reply.json()) as Answer['body'] }
    },
    async identity(path: string, headers: Record<string, string> = {}): Promise<Answer> {
      const reply = await made.identity.request(`http://localhost:4600${path}`, { headers })
      return { status: reply.status, body: (await reply.json()) as Answer['body'] }
    }
  }
}

/** A JWT as clients sign them for themselves. */
export function sign(
  claims: JWTPayload,
  key: CryptoKey,
  header: { alg?: string; kid?: string; x5t?: string; 'x5t#S256'?: string } = {}
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', ...header }).sign(key)
}

/** A self-signed RSA certificate and its key, as `openssl req -x509` makes them. */
export async function createCertificate(notBeforeMs: number, notAfterMs: number) {
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
    notBefore: new Date(notBeforeMs),
    notAfter: new Date(notAfterMs),
    signingAlgorithm: algorithm,
    keys: keys as never
  })
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return {
    privateKey: keys.privateKey as CryptoKey,
    cert: certificate.toString('pem'),
    key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY'),
    thumbprint: Buffer.from(await certificate.getThumbprint(webcrypto as never)).toString(
      'base64url'
    )
  }
}
