import type { Call, Reply } from '@fogbank/personality'
import { identifyClient } from '../client-auth.ts'
import { errors } from '../errors.ts'
import type { State } from '../state.ts'

const SUBPROTOCOL = 'mqtt'

/** Lets an MQTT client's WebSocket through; its CONNECT is looked at later. */
export async function connectMqtt(call: Call<State>): Promise<Reply> {
  const principal = await identifyClient(
    call,
    call.params.hub,
    (hub) => `/clients/mqtt/hubs/${hub}`
  )
  const offered = call.header('sec-websocket-protocol') ?? ''
  if (!offered.split(',').some((name) => name.trim() === SUBPROTOCOL)) {
    throw errors.SubprotocolMissing({}, { detail: `subprotocols=${offered.slice(0, 200)}` })
  }
  const { headers } = call.request
  return { status: 101, upgrade: { principal: { ...principal, headers } } }
}

/** A WebSocket endpoint asked as if it were none. */
export function expectUpgrade(): never {
  throw errors.UpgradeExpected()
}
