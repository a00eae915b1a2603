import { join, resolve } from 'node:path'
import { systemClock, systemIds } from '@fogbank/core'
import type { Configuration } from './config.ts'
import { UsageError } from './failure.ts'
import { createTls, writePair } from './tls.ts'

/** The files that a device's SDK asks for. */
export interface ClientFiles {
  cert: string
  key: string
  ca: string
}

/** Whose certificate it is. */
interface Kind {
  /** The flag that names it. */
  flag: string
  /** Folder of its files, beside the CA. */
  folder: string
  /** As file names they are harmless. */
  names: RegExp
  mistake: string
}

/** Things of AWS IoT, clients of an Event Grid namespace: the names that each vendor allows. */
const KINDS = {
  thing: {
    flag: '--thing',
    folder: 'things',
    names: /^[a-zA-Z0-9:_-]{1,128}$/,
    mistake: 'is no name of a thing; use letters, digits, : _ and -'
  },
  client: {
    flag: '--client',
    folder: 'clients',
    names: /^(?!\.+$)[a-zA-Z0-9:._-]{1,128}$/,
    mistake: 'is no name of a client; use letters, digits, : . _ and -'
  }
} as const satisfies Record<string, Kind>

/** Who a certificate is for: `{ thing: 'lamp' }`. */
export type CertificateOwner = { thing: string } | { client: string }

/**
 * Issues a client certificate, signed by the local CA under the name as common name, and writes it and
 * its key.
 *
 * @param out folder for the two files; one beside the CA when left out
 * @throws UsageError for a name that the vendor does not allow, or a folder that cannot be written
 */
export async function issueClientFiles(
  { tlsDir }: Pick<Configuration, 'tlsDir'>,
  owner: CertificateOwner,
  out?: string
): Promise<ClientFiles> {
  const [kind, name] = 'thing' in owner ? [KINDS.thing, owner.thing] : [KINDS.client, owner.client]
  if (!kind.names.test(name)) throw new UsageError(`${kind.flag} ${name} ${kind.mistake}`)
  const directory = resolve(tlsDir)
  const tls = createTls({ directory, clock: systemClock, ids: systemIds })
  const folder = out === undefined ? join(directory, kind.folder) : resolve(out)
  writePair(folder, name, await tls.issueClient(name), '--out')
  return {
    cert: join(folder, `${name}.pem`),
    key: join(folder, `${name}.key`),
    ca: tls.caFile!
  }
}
