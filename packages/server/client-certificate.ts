import { join, resolve } from 'node:path'
import { systemClock, systemIds } from '@fogbank/core'
import type { Configuration } from './config.ts'
import { UsageError } from './failure.ts'
import { createTls, writePair } from './tls.ts'

/** Names that AWS IoT has for things; as a file name each is harmless. */
const THING_NAME = /^[a-zA-Z0-9:_-]{1,128}$/

/** The files that a device's SDK asks for. */
export interface ClientFiles {
  cert: string
  key: string
  ca: string
}

/**
 * Issues a client certificate for a thing, signed by the local CA, and writes it and its key.
 *
 * @param options.out folder for the two files; beside the CA in `things` when left out
 * @throws UsageError for a name that no thing has, or a folder that cannot be written
 */
export async function issueClientFiles(
  { tlsDir, hostname }: Configuration,
  { thing, out }: { thing: string; out?: string | undefined }
): Promise<ClientFiles> {
  if (!THING_NAME.test(thing)) {
    throw new UsageError(`--thing ${thing} is no name of a thing; use letters, digits, : _ and -`)
  }
  const directory = resolve(tlsDir)
  const tls = createTls({ directory, hostname, clock: systemClock, ids: systemIds })
  const folder = out === undefined ? join(directory, 'things') : resolve(out)
  writePair(folder, thing, await tls.issueClient(thing), '--out')
  return {
    cert: join(folder, `${thing}.pem`),
    key: join(folder, `${thing}.key`),
    ca: tls.caFile!
  }
}
