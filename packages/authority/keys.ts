import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type CryptoKey,
  type JWK
} from 'jose'
import type { Log } from '@fogbank/personality'

/** The one algorithm tokens are signed and checked with. */
export const ALGORITHM = 'RS256'

/** What signs tokens, and what the world may see of it. */
export interface SigningKey {
  kid: string
  privateKey: CryptoKey
  publicKey: CryptoKey
  publicJwk: JWK
}

const FILE = 'authority-key.json'

/**
 * The key kept in `directory`, or a new one; without a directory it lives as long as the process.
 *
 * The file holds a private JWK and is for its owner only (mode 0600). One that cannot be read as a key
 * is replaced.
 */
export async function loadSigningKey(
  directory: string | undefined,
  log: Log | undefined
): Promise<SigningKey> {
  if (directory === undefined) return toSigningKey(await createJwk())
  const file = path.join(directory, FILE)
  const kept = await readKept(file)
  if (kept !== undefined) {
    try {
      return await toSigningKey(JSON.parse(kept) as JWK)
    } catch (error) {
      log?.warn(`${file} holds no signing key and is replaced: ${String(error)}`)
    }
  }
  const jwk = await createJwk()
  await keep(file, jwk)
  return toSigningKey(jwk)
}

async function createJwk(): Promise<JWK> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true })
  return exportJWK(privateKey)
}

async function toSigningKey(jwk: JWK): Promise<SigningKey> {
  const { kty, n, e } = jwk
  if (kty !== 'RSA' || !n || !e || !jwk.d) throw new Error('not a private RSA key')
  const publicJwk: JWK = { kty, n, e }
  const kid = await calculateJwkThumbprint(publicJwk)
  return {
    kid,
    privateKey: (await importJWK(jwk, ALGORITHM)) as CryptoKey,
    publicKey: (await importJWK(publicJwk, ALGORITHM)) as CryptoKey,
    publicJwk: { ...publicJwk, kid, use: 'sig', alg: ALGORITHM }
  }
}

async function readKept(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** By way of a second file: a crash in the middle leaves the old one whole. */
async function keep(file: string, jwk: JWK): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true })
  const draft = `${file}.${process.pid}`
  await writeFile(draft, JSON.stringify(jwk), { mode: 0o600 })
  await chmod(draft, 0o600) // the mode above is ignored for a file that was there already
  await rename(draft, file)
}
