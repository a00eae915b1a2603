import { createHmac } from 'node:crypto'
import { isSameSecret } from '@fogbank/personality'
import { errors } from './errors.ts'
import { limits } from './limits.ts'
import { valuesOf } from './query.ts'

/** An opaque token for "behind this connection", good for one group of one hub. */
export function toContinuationToken(
  key: string,
  hub: string,
  group: string,
  connectionId: string
): string {
  const position = Buffer.from(connectionId).toString('base64url')
  return `${position}.${sign(key, hub, group, position).toString('base64url')}`
}

/** The connection id that the query's token stands for. @throws ProviderError ContinuationTokenInvalid */
export function toPosition(
  key: string,
  hub: string,
  group: string,
  rawQuery: string
): string | undefined {
  const tokens = valuesOf(rawQuery, 'continuationToken')
  const [token] = tokens
  if (token === undefined) return undefined
  if (tokens.length > 1) throw errors.ContinuationTokenInvalid({}, { detail: 'given twice' })
  limits.continuationTokenCharacters.check(token.length)
  const [position = '', mac = ''] = token.split('.')
  const given = Buffer.from(mac, 'base64url')
  const wanted = sign(key, hub, group, position)
  if (!isSameSecret(given, wanted)) {
    throw errors.ContinuationTokenInvalid({}, { detail: 'not one of this group' })
  }
  return Buffer.from(position, 'base64url').toString()
}

const sign = (key: string, hub: string, group: string, position: string): Buffer =>
  createHmac('sha256', key)
    .update(JSON.stringify([hub, group, position]))
    .digest()
