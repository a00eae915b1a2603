import type { Duplex } from 'node:stream'
import type { Core } from '../core.ts'
import type { MqttPolicy } from './policy.ts'
import type { Peer } from './session.ts'

/** One way in for MQTT clients: a personality's rules over the core. */
export interface MqttDoor {
  core: Core
  policy: MqttPolicy<never> | MqttPolicy<unknown>
  /** A connection that has not sent a whole CONNECT by then is closed. Milliseconds. @default 10000 */
  connectTimeoutMs?: number
}

/**
 * Takes over a fresh connection: reads its CONNECT, has the policy decide, and hands it to a space.
 *
 * The stream's errors are handled from here on; nothing is thrown.
 */
export function acceptMqtt(_door: MqttDoor, _stream: Duplex, _peer: Peer): void {
  throw new Error('being built')
}
