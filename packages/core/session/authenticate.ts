import type { Connection } from './connection.ts'
import type { Refusal } from './policy.ts'
import type { WirePacket } from './wire.ts'

/** AUTH reason codes. */
const SUCCESS = 0x00
const CONTINUE_AUTHENTICATION = 0x18
const RE_AUTHENTICATE = 0x19

/** Handles AUTH on an open connection: the client renews what it proved in its CONNECT [MQTT-4.12.1]. */
export function createReauthenticator(connection: Connection): (packet: WirePacket) => void {
  const { policy, settled } = connection
  const method = settled.authenticationMethod
  let respond: ((data: Buffer | undefined) => Promise<Reauthentication>) | undefined
  let busy = false

  function refuse(refusal: Refusal): void {
    respond = undefined
    connection.refuse(refusal)
  }

  function protocolError(detail: string): void {
    refuse({ rule: 'ProtocolError', reasonCode: 0x82, detail })
  }

  function answer(reasonCode: number, authenticationData: Buffer | undefined): void {
    const properties = {
      authenticationMethod: method,
      ...(authenticationData ? { authenticationData } : {})
    }
    connection.write({ cmd: 'auth', reasonCode, properties })
  }

  function settle(outcome: Reauthentication): void {
    busy = false
    if (connection.cause) return
    if ('rule' in outcome) return refuse(outcome)
    if ('respond' in outcome) {
      respond = outcome.respond
      return answer(CONTINUE_AUTHENTICATION, outcome.authenticationData)
    }
    respond = undefined
    if ('identity' in outcome) connection.identity = outcome.identity
    answer(SUCCESS, outcome.authenticationData)
  }

  return (packet) => {
    const { authenticationMethod, authenticationData } = packet.properties ?? {}
    // A client that connected without a method has none to renew by [MQTT-4.12.0-6].
    if (method === undefined || !policy.reauthenticate) return protocolError('packet=auth')
    if (authenticationMethod !== method) return protocolError('another authentication method') // [MQTT-4.12.1-1]
    const { reasonCode } = packet
    const isNext = reasonCode === CONTINUE_AUTHENTICATION && respond !== undefined
    if (busy || (reasonCode !== RE_AUTHENTICATE && !isNext)) {
      return protocolError(`auth reasonCode=${reasonCode}`)
    }
    busy = true
    const request = { authenticationMethod: method, authenticationData }
    const outcome = isNext
      ? respond!(authenticationData)
      : policy.reauthenticate(connection, request)
    outcome.then(settle, (error: unknown) => {
      connection.log.error(error, `${policy.personality} could not decide an AUTH`)
      refuse({ rule: 'Internal', reasonCode: 0x80 })
    })
  }
}

/** What becomes of an AUTH: refused, one more step, or done, with a new identity where there is one. */
export type Reauthentication<Identity = unknown> =
  | Refusal
  | { respond(data: Buffer | undefined): Promise<Reauthentication>; authenticationData?: Buffer }
  | { identity?: Identity; authenticationData?: Buffer }
