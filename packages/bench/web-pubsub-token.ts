import { createHmac } from 'node:crypto'
import { DEVELOPMENT_KEYS } from '@fogbank/authority'

/** A token of Web PubSub's access key, good for an hour. */
export function signFor(audience: string, claims: object = {}): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const exp = Math.floor(Date.now() / 1000) + 3600
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ aud: audience, exp, ...claims })}`
  const hmac = createHmac('sha256', DEVELOPMENT_KEYS.webPubSubKey).update(signed)
  return `${signed}.${hmac.digest('base64url')}`
}
