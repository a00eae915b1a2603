import type { Refusal, UserProperty } from '@fogbank/core'
import { compileSchema } from '@fogbank/personality'
import { clientErrors } from '../clients/errors.ts'
import type { UpstreamAnswer } from './post.ts'

/** CONNACK codes that refuse, by version of the protocol. */
const CODES = {
  4: new Set([1, 2, 3, 4, 5]),
  5: new Set([
    0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99,
    0x9a, 0x9b, 0x9c, 0x9d, 0x9f
  ])
} as const
const UNSPECIFIED_ERROR = 0x80
const NOT_AUTHORIZED = 0x87
/** MQTT 3.1.1. */
const SERVER_UNAVAILABLE = 3
const NOT_AUTHORIZED_3 = 5

const hasMqtt = compileSchema({
  type: 'object',
  required: ['mqtt'],
  properties: {
    mqtt: {
      type: 'object',
      required: ['code'],
      properties: {
        code: { type: 'integer' },
        reason: { type: ['string', 'null'] },
        userProperties: {
          type: ['array', 'null'],
          items: {
            type: 'object',
            required: ['name', 'value'],
            properties: { name: { type: 'string' }, value: { type: 'string' } }
          }
        }
      }
    }
  }
})

interface MqttRefusal {
  mqtt: {
    code: number
    reason?: string | null
    userProperties?: { name: string; value: string }[] | null
  }
}

/** The handler's refusal of a CONNECT as its client is told; codes are those of the client's version. */
export function toMqttRefusal({ status, body }: UpstreamAnswer, version: number): Refusal {
  const rule = clientErrors.ConnectRejected.key
  const detail = `status=${status}`
  const said = parse(body)
  if (!said) {
    const denied = status === 401 || status === 403
    const reasonCode = denied ? NOT_AUTHORIZED : UNSPECIFIED_ERROR
    return { rule, detail, reasonCode, returnCode: denied ? NOT_AUTHORIZED_3 : SERVER_UNAVAILABLE }
  }
  const { code, reason, userProperties } = said.mqtt
  const isKnown = CODES[version === 5 ? 5 : 4].has(code)
  const refusal: Refusal = {
    rule,
    detail: `${detail} code=${code}`,
    reasonCode: isKnown ? code : UNSPECIFIED_ERROR,
    returnCode: isKnown ? code : SERVER_UNAVAILABLE
  }
  if (reason) refusal.reasonString = reason
  if (userProperties) {
    refusal.userProperties = userProperties.map(({ name, value }): UserProperty => [name, value])
  }
  return refusal
}

function parse(body: Buffer): MqttRefusal | undefined {
  try {
    const said: unknown = JSON.parse(body.toString('utf8'))
    return hasMqtt(said) ? undefined : (said as MqttRefusal)
  } catch {
    return undefined // any other body says nothing of MQTT
  }
}
