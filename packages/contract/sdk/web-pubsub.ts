// What every method of the Web PubSub service clients answers, in whatever language.
import { createHmac } from 'node:crypto'
import { DEVELOPMENT_KEYS } from '@fogbank/authority'

const PATH = '/clients/mqtt/hubs/chat'
/** Seconds since 1970, in the year 2100. */
const FAR = 4_102_444_800

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Where an MQTT client of hub `chat` connects; of Alice, unless the claims say otherwise. */
export function deviceUrl(endpoint: string, claims: object = { sub: 'alice' }): string {
  const payload = { aud: `${endpoint}${PATH}`, exp: FAR, ...claims }
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(payload)}`
  const signature = createHmac('sha256', DEVELOPMENT_KEYS.webPubSubKey)
    .update(signed)
    .digest('base64url')
  return `${endpoint.replace('http', 'ws')}${PATH}?access_token=${signed}.${signature}`
}

/** What each call of a program answers; null: nothing. Client `device1` of Alice is connected. */
export const ANSWERS = {
  connection: true,
  'no connection': false,
  user: true,
  'no user': false,
  'no group': false,
  'add connection': null,
  group: true,
  all: null,
  'to group': null,
  'to user': null,
  'to connection': null,
  'remove connection': null,
  'add user': null,
  'remove user': null,
  'remove user everywhere': null,
  'remove connection everywhere': null,
  'no permission': false,
  grant: null,
  permission: true,
  revoke: null,
  'close group': null,
  'close user': null,
  'close connection': null,
  'close all': null
}

/** What `device1` gets of them, in this order. */
export const MESSAGES = ['to all', 'to group', '{"to": "user"}', 'to connection']
