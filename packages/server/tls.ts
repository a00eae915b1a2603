import { createPrivateKey, X509Certificate } from 'node:crypto'
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Clock, Ids } from '@fogbank/core'
import { createCertificates, type KeyPair } from './certificates.ts'
import { UsageError } from './failure.ts'
import { writeTrust } from './trust.ts'

/** The local certificate authority and the server certificate it signed. */
export interface Tls {
  /** Reads what is there already, and makes nothing. @throws UsageError for what cannot be used, or made */
  check(): void
  /** For a TLS server; made or read with the first call. */
  server(): Promise<KeyPair & { ca: string }>
  /** PEM of the authority, for clients to trust. */
  ca(): Promise<string>
  /** A client certificate under this common name. */
  issueClient(commonName: string): Promise<KeyPair>
  /** A client certificate for a public key, PEM to PEM. */
  signClient(commonName: string, publicKey: string): Promise<string>
  /** Where the authority's PEM stands; undefined when it is only in memory. */
  readonly caFile: string | undefined
}

/**
 * Few clients take `*.localhost`, as nothing stands between the star and the top: `fogbank.localhost` and the
 * names that the caller adds stand beside it.
 */
const LOCAL_NAMES = ['localhost', '*.localhost', 'fogbank.localhost', '127.0.0.1', '::1']

/** A server certificate that the user brought, by its files. */
export interface OwnCertificate {
  tlsCert?: string | undefined
  tlsKey?: string | undefined
}

/**
 * Keeps certificates in a folder and makes them anew when they run out or the names change; without a
 * folder they live in memory. Nothing is made before it is asked for.
 */
export function createTls(options: {
  directory: string | undefined
  /** Beside the local ones. */
  names?: readonly string[]
  /** Takes the place of the server certificate that would be made. */
  own?: OwnCertificate
  clock: Clock
  ids: Ids
}): Tls {
  const { directory } = options
  const certificates = createCertificates(options.clock, options.ids)
  const names = [...LOCAL_NAMES, ...(options.names ?? [])]
  let authority: Promise<KeyPair> | undefined
  let server: Promise<KeyPair> | undefined

  async function getAuthority(): Promise<KeyPair> {
    const pair = await getAuthorityPair()
    if (directory) writing(directory, '--tls-dir', () => writeTrust(directory, pair.cert))
    return pair
  }

  async function getAuthorityPair(): Promise<KeyPair> {
    const kept = read(directory, 'ca')
    if (kept && certificates.isFresh(kept)) return kept
    const made = await certificates.createAuthorityPair()
    // `fogbank ca` beside a first start: whoever comes second takes what the first has made.
    const other = read(directory, 'ca')
    if (other && certificates.isFresh(other)) return other
    writePair(directory, 'ca', made)
    return made
  }

  async function getServer(): Promise<KeyPair> {
    const issuer = await (authority ??= getAuthority())
    const own = readOwn(options.own)
    if (own) return own
    const kept = read(directory, 'server')
    if (kept && certificates.serves(kept, issuer, names)) return kept
    const made = await certificates.issue(issuer, { commonName: names.at(-1)!, names })
    writePair(directory, 'server', made)
    return made
  }

  return {
    check() {
      const server = readOwn(options.own) ?? read(directory, 'server')
      const isComplete = read(directory, 'ca') && server
      if (directory && !isComplete) checkWritable(directory)
    },
    caFile: directory && resolve(directory, 'ca.pem'),
    async server() {
      const pair = await (server ??= getServer())
      return { ...pair, ca: (await authority!).cert }
    },
    ca: async () => (await (authority ??= getAuthority())).cert,
    issueClient: async (commonName) =>
      certificates.issue(await (authority ??= getAuthority()), { commonName }),
    signClient: async (commonName, publicKey) =>
      certificates.sign(await (authority ??= getAuthority()), { commonName, publicKey })
  }
}

function read(directory: string | undefined, name: string): KeyPair | undefined {
  if (!directory || !existsSync(join(directory, `${name}.pem`))) return undefined
  const file = (extension: string) => join(directory, `${name}.${extension}`)
  let pair: KeyPair
  try {
    pair = { cert: readFileSync(file('pem'), 'utf8'), key: readFileSync(file('key'), 'utf8') }
  } catch (cause) {
    const { path = directory } = cause as NodeJS.ErrnoException
    const advice = 'mend its permissions or choose another --tls-dir'
    throw new UsageError(`${path} cannot be read; ${advice}`, { cause })
  }
  if (isPair(pair)) return pair
  const advice = 'remove both or choose another --tls-dir'
  throw new UsageError(`${file('pem')} and ${file('key')} are not a pair; ${advice}`)
}

/** @throws UsageError for one file without the other, for what cannot be read, and for what is no pair */
function readOwn({ tlsCert, tlsKey }: OwnCertificate = {}): KeyPair | undefined {
  if (tlsCert === undefined && tlsKey === undefined) return undefined
  if (tlsCert === undefined)
    throw new UsageError('--tls-key needs --tls-cert; name both, or neither')
  if (tlsKey === undefined)
    throw new UsageError('--tls-cert needs --tls-key; name both, or neither')
  const pair = { cert: readPem('--tls-cert', tlsCert), key: readPem('--tls-key', tlsKey) }
  if (isPair(pair)) return pair
  const advice = 'name a certificate and the private key that belongs to it, both PEM'
  throw new UsageError(`--tls-cert ${tlsCert} and --tls-key ${tlsKey} are not a pair; ${advice}`)
}

function readPem(flag: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const reason =
      (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not there' : 'cannot be read'
    throw new UsageError(`${flag} ${file} ${reason}; name a PEM file that you may read`, { cause })
  }
}

function isPair({ cert, key }: KeyPair): boolean {
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))
  } catch {
    // What cannot be parsed is none.
    return false
  }
}

/** Keeps a pair as `name.pem` and `name.key`, the latter for its owner's eyes only. */
export function writePair(
  directory: string | undefined,
  name: string,
  pair: KeyPair,
  setting = '--tls-dir'
): void {
  if (!directory) return
  writing(directory, setting, () => {
    const made = mkdirSync(directory, { recursive: true })
    // A folder that is ours alone holds private keys that must not get into a repository.
    if (made !== undefined) writeFileSync(join(made, '.gitignore'), '*\n')
    writeFileSync(join(directory, `${name}.key`), pair.key, { mode: 0o600 })
    chmodSync(join(directory, `${name}.key`), 0o600)
    writeFileSync(join(directory, `${name}.pem`), pair.cert)
  })
}

/** Whether the folder, or the nearest one above it that is there, takes files. */
function checkWritable(directory: string): void {
  let there = resolve(directory)
  while (!existsSync(there)) there = dirname(there)
  writing(directory, '--tls-dir', () => {
    if (!statSync(there).isDirectory()) throw new Error(`${there} is no folder`)
    accessSync(there, constants.W_OK)
  })
}

function writing(directory: string, setting: string, write: () => void): void {
  try {
    write()
  } catch (cause) {
    throw new UsageError(`${directory} cannot be written; choose another ${setting}`, { cause })
  }
}
