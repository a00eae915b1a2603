import { createHash } from 'node:crypto'

// The observed shape: base64 of two nested protobuf fields of fixed length,
// 1: { 1: the subscription's GUID as text }, 2: { 1: 16 bytes of the lock's own }.
const BEFORE_GUID = Buffer.from([0x0a, 38, 0x0a, 36])
const BEFORE_ID = Buffer.from([0x12, 18, 0x0a, 16])
const GUID_END = BEFORE_GUID.length + 36
const ID_START = GUID_END + BEFORE_ID.length
const ID_BYTES = 16
const TOKEN_BYTES = ID_START + ID_BYTES

/** Lock tokens as clients see them, of one subscription: 80 characters, opaque. */
export interface LockTokens {
  /** id: what the service knows the lock by, 16 bytes. */
  write(id: Buffer): string
}

/** The tokens of a subscription carry one GUID, which stands for `path` and is the same on every start. */
export function createLockTokens(path: string): LockTokens {
  const guid = toGuid(createHash('sha256').update(path).digest('hex'))
  const head = Buffer.concat([BEFORE_GUID, Buffer.from(guid), BEFORE_ID])
  return { write: (id) => Buffer.concat([head, id]).toString('base64') }
}

/** The lock's id in hex; undefined when the text is no lock token at all. */
export function readLockToken(token: string): string | undefined {
  const bytes = Buffer.from(token, 'base64')
  if (bytes.length !== TOKEN_BYTES || bytes.toString('base64') !== token) return undefined
  const isShaped =
    bytes.subarray(0, BEFORE_GUID.length).equals(BEFORE_GUID) &&
    bytes.subarray(GUID_END, ID_START).equals(BEFORE_ID)
  return isShaped ? bytes.toString('hex', ID_START) : undefined
}

function toGuid(hex: string): string {
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)]
  return [...parts, hex.slice(20, 32)].join('-').toUpperCase()
}
