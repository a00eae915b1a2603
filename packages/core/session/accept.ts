import type { Duplex } from 'node:stream'
import type { Core } from '../core.ts'
import { decideConnect, type Decision } from './connect.ts'
import { refusalProperties } from './connection.ts'
import { endGently } from './farewell.ts'
import type { MqttPolicy, Refusal } from './policy.ts'
import type { Peer } from './session.ts'
import { encode, StrictParser, WireFault, type WirePacket } from './wire.ts'

/** One way in for MQTT clients: a personality's rules over the core. */
export interface MqttDoor {
  core: Core
  policy: MqttPolicy<any>
  /** A connection that has not sent a whole CONNECT by then is closed. Milliseconds. @default 10000 */
  connectTimeoutMs?: number
}

const CONNECT_TIMEOUT_MS = 10_000
/** "Bad User Name or Password" and "Not authorized". */
const CREDENTIAL_CODES = new Set([0x86, 0x87])
/** AUTH reason code. */
const CONTINUE_AUTHENTICATION = 0x18
/** Nobody's CONNECT is larger: four strings and a will of 64 KiB each, and properties. */
const CONNECT_MAXIMUM_BYTES = 512 * 1024

/** A reset is the client's affair, not an error of ours; `close` follows it. */
function ignore(): void {}

/**
 * Takes over a fresh connection: reads its CONNECT, has the policy decide, and hands it to a space.
 *
 * The stream's errors are handled from here on; nothing is thrown.
 */
export function acceptMqtt(door: MqttDoor, stream: Duplex, peer: Peer): void {
  const { core, policy } = door
  const packetLimit = policy.maximumPacketSize ?? 0
  const parser = new StrictParser(
    Math.min(packetLimit || CONNECT_MAXIMUM_BYTES, CONNECT_MAXIMUM_BYTES)
  )
  const chunks: Buffer[] = []
  let connect: WirePacket | undefined
  /** Takes the client's next AUTH while it is being asked for one. */
  let authenticated: ((packet: WirePacket) => void) | undefined
  let authPackets = 0
  let decided = false
  let over = false

  const timer = setTimeout(
    () => end('ConnectTimeout', 'no whole CONNECT in time'),
    door.connectTimeoutMs ?? CONNECT_TIMEOUT_MS
  )
  const gone = () => finish()
  // It stays for good, and must hold nothing of what was needed here: parser, bytes, CONNECT.
  stream.on('error', ignore)
  stream.on('readable', read)
  stream.once('close', gone)
  stream.once('end', gone)

  parser.on('packet', (packet: WirePacket) => {
    if (!connect) connect = packet
    else if (authenticated) authenticated(packet)
  })
  parser.on('error', (error: Error) => {
    if (over || connect) return // what follows CONNECT is parsed again later, and judged then
    const version = parser.packet.protocolVersion
    if (/protocol version/i.test(error.message)) {
      // Whoever speaks a version to come reads the CONNACK of MQTT 5 [MQTT-3.1.2-2]; older ones that of 3.1.1.
      const own = Number(version) > 5 ? 5 : 4
      refuse({ rule: 'UnsupportedProtocolVersion', reasonCode: 0x84, returnCode: 1 }, own)
    } else if (error instanceof WireFault && version === 5) {
      refuse({ rule: error.rule, reasonCode: error.reasonCode, detail: error.message }, 5)
    } else {
      end('MalformedPacket', error.message)
    }
  })

  function read(): void {
    while (!over && (!connect || authenticated)) {
      const chunk = stream.read() as Buffer | null
      if (!chunk) return
      chunks.push(chunk)
      parser.parse(chunk)
    }
    if (over || !connect || decided) return
    decided = true
    if (connect.cmd !== 'connect') return end('ProtocolError', `first packet is ${connect.cmd}`)
    decideConnect({ core, policy, peer }, connect, challenge).then(settle, (error: unknown) => {
      core.log.error(error, `${policy.personality} could not decide a CONNECT`)
      refuse({ rule: 'Internal', reasonCode: 0x80, returnCode: 3 }, connect!.protocolVersion)
    })
  }

  /** Sends an AUTH and waits for the client's [MQTT-4.12.0-2], [MQTT-4.12.0-3]; the connect timeout bounds it. */
  function challenge(authenticationData: Buffer | undefined): Promise<Buffer | undefined> {
    const { authenticationMethod } = connect!.properties
    const properties = {
      authenticationMethod,
      ...(authenticationData ? { authenticationData } : {})
    }
    return new Promise((resolve) => {
      authenticated = (packet) => {
        authenticated = undefined
        authPackets++
        const isAnswer =
          packet.cmd === 'auth' &&
          packet.reasonCode === CONTINUE_AUTHENTICATION &&
          packet.properties?.authenticationMethod === authenticationMethod // [MQTT-4.12.0-5]
        if (isAnswer) return resolve(packet.properties.authenticationData)
        const detail = `packet=${packet.cmd} while authenticating`
        refuse({ rule: 'ProtocolError', reasonCode: 0x82, detail }, 5)
      }
      if (over) return
      stream.write(encode({ cmd: 'auth', reasonCode: CONTINUE_AUTHENTICATION, properties }, 5))
      read()
    })
  }

  function settle(decision: Decision): void {
    if (over) return
    if ('refusal' in decision) return refuse(decision.refusal, connect!.protocolVersion)
    finish()
    // What was read goes back, so that CONNECT and all behind it takes the broker's ordinary path.
    stream.unshift(Buffer.concat(chunks))
    const own = new StrictParser(packetLimit)
    decision.space.attach(stream, own, { ...decision.settled, authPackets })
  }

  function refuse(refusal: Refusal, version: number): void {
    if (over) return
    const code = `0x${refusal.reasonCode.toString(16).padStart(2, '0')}`
    const detail = refusal.detail ? ` ${refusal.detail}` : ''
    const clientId = connect?.clientId || '-'
    core.log.info(`${policy.personality} ${clientId} connect ${code} ${refusal.rule}${detail}`)
    if (policy.credentialHint !== undefined && CREDENTIAL_CODES.has(refusal.reasonCode)) {
      core.log.warn(`${policy.personality} Connect ${code}: ${policy.credentialHint}`)
    }
    if (refusal.answer === 'drop') {
      finish()
      return endGently(stream)
    }
    const connack: WirePacket = { cmd: 'connack', sessionPresent: false }
    if (version === 5) {
      connack.reasonCode = refusal.reasonCode
      const { serverReference } = refusal
      const properties = {
        ...refusalProperties(refusal, true),
        ...(serverReference ? { serverReference } : {})
      }
      if (Object.keys(properties).length > 0) connack.properties = properties
    } else connack.returnCode = refusal.returnCode ?? 5
    finish()
    stream.write(encode(connack, version))
    endGently(stream)
  }

  function end(rule: string, detail: string): void {
    if (over) return
    core.log.info(`${policy.personality} ${peer.address} closed ${rule} ${detail}`)
    finish()
    stream.destroy()
  }

  function finish(): void {
    over = true
    clearTimeout(timer)
    stream.off('readable', read)
    stream.off('close', gone)
    stream.off('end', gone)
  }
}
