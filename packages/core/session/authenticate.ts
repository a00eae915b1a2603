import type { Connection } from './connection.ts'
import type { Refusal } from './policy.ts'
import type { WirePacket } from './wire.ts'

/** AUTH reason codes. */
const SUCCESS = 0x00
const CONTINUE_AUTHENTICATION = 0x18
const RE_AUTHENTICATE = 0x19

/** Handles AUTH on an open connection: the client renews what it proved in its CONNECT [MQTT-4.12.1]. */
export class Reauthenticator {
  readonly #connection: Connection
  #respond: ((data: Buffer | undefined) => Promise<Reauthentication>) | undefined
  #busy = false

  constructor(connection: Connection) {
    this.#connection = connection
  }

  receive(packet: WirePacket): void {
    const connection = this.#connection
    const { policy, settled } = connection
    const method = settled.authenticationMethod
    const { authenticationMethod, authenticationData } = packet.properties ?? {}
    // A client that connected without a method has none to renew by [MQTT-4.12.0-6].
    if (method === undefined || !policy.reauthenticate) return this.#protocolError('packet=auth')
    if (authenticationMethod !== method) {
      return this.#protocolError('another authentication method') // [MQTT-4.12.1-1]
    }
    const { reasonCode } = packet
    const respond = reasonCode === CONTINUE_AUTHENTICATION ? this.#respond : undefined
    if (this.#busy || (reasonCode !== RE_AUTHENTICATE && !respond)) {
      return this.#protocolError(`auth reasonCode=${reasonCode}`)
    }
    this.#busy = true
    const request = { authenticationMethod: method, authenticationData }
    const outcome = respond
      ? respond(authenticationData)
      : policy.reauthenticate(connection, request)
    outcome.then(
      (settledAs) => this.#settle(settledAs),
      (error: unknown) => {
        connection.log.error(error, `${policy.personality} could not decide an AUTH`)
        this.#refuse({ rule: 'Internal', reasonCode: 0x80 })
      }
    )
  }

  #settle(outcome: Reauthentication): void {
    const connection = this.#connection
    this.#busy = false
    if (connection.cause) return
    if ('rule' in outcome) return this.#refuse(outcome)
    if ('respond' in outcome) {
      this.#respond = outcome.respond
      return this.#answer(CONTINUE_AUTHENTICATION, outcome.authenticationData)
    }
    this.#respond = undefined
    if ('identity' in outcome) connection.identity = outcome.identity
    this.#answer(SUCCESS, outcome.authenticationData)
  }

  #answer(reasonCode: number, authenticationData: Buffer | undefined): void {
    const properties = {
      authenticationMethod: this.#connection.settled.authenticationMethod,
      ...(authenticationData ? { authenticationData } : {})
    }
    this.#connection.write({ cmd: 'auth', reasonCode, properties })
  }

  #refuse(refusal: Refusal): void {
    this.#respond = undefined
    this.#connection.refuse(refusal)
  }

  #protocolError(detail: string): void {
    this.#refuse({ rule: 'ProtocolError', reasonCode: 0x82, detail })
  }
}

/** What becomes of an AUTH: refused, one more step, or done, with a new identity where there is one. */
export type Reauthentication<Identity = unknown> =
  | Refusal
  | { respond(data: Buffer | undefined): Promise<Reauthentication>; authenticationData?: Buffer }
  | { identity?: Identity; authenticationData?: Buffer }
