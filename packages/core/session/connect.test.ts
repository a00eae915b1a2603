import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import mqttPacket from 'mqtt-packet'
import type { MqttPolicy } from '../index.ts'
import { connectPacket, wire, withCore } from '../testing.ts'

const connack = suite('CONNACK')

connack('says nothing but the standard where the policy has no limits', () =>
  withCore({ policy: { topicAliasMaximum: 0 } }, async (world) => {
    const peer = wire(await world.socket())
    peer.send(connectPacket())
    assert.equal(await peer.next(), {
      cmd: 'connack',
      sessionPresent: false,
      reasonCode: 0,
      properties: { sharedSubscriptionAvailable: false }
    })
  })
)

connack('carries what the policy says and what was changed of the request', () => {
  const policy: Partial<MqttPolicy> = {
    announceDefaults: true,
    maximumQoS: 1,
    receiveMaximum: 100,
    maximumPacketSize: 149504,
    subscriptionIdentifiersAvailable: false,
    keepAlive: { minimumSeconds: 30, maximumSeconds: 1200, zero: 'maximum' },
    sessionExpiryMaximumSeconds: 3600
  }
  return withCore({ policy }, async (world) => {
    const peer = wire(await world.socket())
    peer.send(connectPacket({ keepalive: 0, properties: { sessionExpiryInterval: 7200 } }))
    assert.equal(await peer.next(), {
      cmd: 'connack',
      sessionPresent: false,
      reasonCode: 0,
      properties: {
        sessionExpiryInterval: 3600,
        receiveMaximum: 100,
        maximumQoS: 1,
        retainAvailable: true,
        maximumPacketSize: 149504,
        topicAliasMaximum: 8,
        wildcardSubscriptionAvailable: true,
        subscriptionIdentifiersAvailable: false,
        sharedSubscriptionAvailable: false,
        serverKeepAlive: 1200
      }
    })
  })
})

connack('gives a name to a client without one and hides the prefix', () =>
  withCore({}, async (world) => {
    const peer = wire(await world.socket())
    peer.send(connectPacket({ clientId: '' }))
    const id = (await peer.next())?.properties.assignedClientIdentifier
    assert.match(id, /^[0-9a-f-]{36}$/)
    assert.is(world.space.session('open', id)?.clientId, id)
  })
)

connack(
  'echoes the authentication method of a CONNECT that was let in, and answers one that was not',
  () => {
    const policy: Partial<MqttPolicy<any>> = {
      credentialHint: 'bring a token',
      authenticate: async ({ authenticationMethod, authenticationData }) =>
        authenticationMethod === 'OAUTH2-JWT' && authenticationData?.toString() === 'good'
          ? { space: 'main', identity: 'somebody' }
          : { rule: 'TokenInvalid', reasonCode: 0x87, reasonString: 'no' }
    }
    return withCore({ policy }, async (world) => {
      const properties = {
        authenticationMethod: 'OAUTH2-JWT',
        authenticationData: Buffer.from('good')
      }
      const peer = wire(await world.socket())
      peer.send(connectPacket({ properties }))
      const answer = await peer.next()
      assert.is(answer?.reasonCode, 0)
      assert.is(answer?.properties.authenticationMethod, 'OAUTH2-JWT')
      const refused = wire(await world.socket())
      refused.send(
        connectPacket({ properties: { ...properties, authenticationData: Buffer.from('bad') } })
      )
      assert.equal(await refused.next(), {
        cmd: 'connack',
        sessionPresent: false,
        reasonCode: 0x87,
        properties: { reasonString: 'no' }
      })
      assert.is(await refused.next(), undefined)
      assert.ok(world.lines.includes('open c1 connect 0x87 TokenInvalid'))
      assert.ok(world.lines.includes('open Connect 0x87: bring a token'))
      const unasked = wire(await world.socket())
      unasked.send(connectPacket({ clientId: 'a\0' }))
      assert.is((await unasked.next())?.reasonCode, 0x85)
      assert.is(world.lines.filter((line) => line.includes('bring a token')).length, 1)
    })
  }
)

const REFUSED_CONNECTS: [name: string, packet: object, version: number, code: number][] = [
  ['a client id of 24 characters in MQTT 3.1', { clientId: 'a'.repeat(24) }, 3, 2],
  ['a client id with NUL', { clientId: 'a\0' }, 5, 0x85],
  ['Receive Maximum 0', { properties: { receiveMaximum: 0 } }, 5, 0x82],
  ['Maximum Packet Size 0', { properties: { maximumPacketSize: 0 } }, 5, 0x82],
  [
    'authentication data without a method',
    { properties: { authenticationData: Buffer.from('x') } },
    5,
    0x82
  ],
  [
    'a will with a wildcard',
    { will: { topic: 'a/#', payload: 'x', qos: 0, retain: false } },
    5,
    0x90
  ]
]

for (const [name, packet, version, code] of REFUSED_CONNECTS) {
  connack(`refuses ${name} with 0x${code.toString(16)}`, () =>
    withCore({}, async (world) => {
      const peer = wire(await world.socket(), version)
      const protocolId = version === 3 ? 'MQIsdp' : 'MQTT'
      peer.send(connectPacket({ protocolVersion: version, protocolId, ...packet }))
      const answer = await peer.next()
      assert.is(version === 5 ? answer?.reasonCode : answer?.returnCode, code)
      assert.is(await peer.next(), undefined)
    })
  )
}

connack('refuses an empty client id without clean session with 2 [MQTT-3.1.3-8]', () =>
  withCore({}, async (world) => {
    const peer = wire(await world.socket(), 4)
    const bytes = mqttPacket.generate(connectPacket({ protocolVersion: 4, clientId: '' }) as never)
    bytes[9]! &= ~0x02 // the encoder would not write it so
    peer.socket.write(bytes)
    assert.is((await peer.next())?.returnCode, 2)
    assert.is(await peer.next(), undefined)
  })
)

connack('refuses a protocol version that the policy does not have', () =>
  withCore({ policy: { versions: [4, 5] } }, async (world) => {
    const peer = wire(await world.socket(), 3)
    peer.send(connectPacket({ protocolVersion: 3, protocolId: 'MQIsdp' }))
    assert.is((await peer.next())?.returnCode, 1)
  })
)

connack.run()

const strangers = suite('what is no MQTT client')

strangers('a packet before CONNECT closes the connection', () =>
  withCore({}, async (world) => {
    const peer = wire(await world.socket())
    peer.send({ cmd: 'pingreq' })
    assert.is(await peer.next(), undefined)
  })
)

strangers('garbage closes the connection', () =>
  withCore({}, async (world) => {
    const peer = wire(await world.socket())
    peer.socket.write(Buffer.from('\x10\x05hello, this is no CONNECT', 'latin1'))
    assert.is(await peer.next(), undefined)
  })
)

strangers('a CONNECT that never becomes whole is given up', () =>
  withCore({ connectTimeoutMs: 50 }, async (world) => {
    const peer = wire(await world.socket())
    peer.socket.write(mqttPacket.generate(connectPacket() as never).subarray(0, 10))
    assert.is(await peer.next(), undefined)
    assert.ok(world.lines.some((line) => line.includes('ConnectTimeout')))
  })
)

strangers('a CONNECT that announces 200 MB is refused at its header', () =>
  withCore({}, async (world) => {
    const peer = wire(await world.socket())
    peer.socket.write(Buffer.from([0x10, 0xff, 0xff, 0xff, 0x5f]))
    assert.is(await peer.next(), undefined)
    assert.ok(world.lines.some((line) => line.includes('packetBytes=')))
  })
)

strangers.run()
