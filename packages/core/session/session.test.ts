import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import mqttPacket from 'mqtt-packet'
import type { MqttPolicy, SessionEvent } from '../index.ts'
import { connectPacket, inbox, openPolicy, wire, withCore, type TestWorld } from '../testing.ts'

type Peer = ReturnType<typeof wire>

/** A connected bare client of this version. */
async function joined(world: TestWorld, more: object = {}, version = 5): Promise<Peer> {
  const peer = wire(await world.socket(), version)
  const protocolId = version === 3 ? 'MQIsdp' : 'MQTT'
  peer.send(connectPacket({ protocolVersion: version, protocolId, ...more }))
  assert.is((await peer.next())?.cmd, 'connack')
  return peer
}

const publish = (more: object = {}) => ({
  cmd: 'publish',
  topic: 'a',
  payload: 'x',
  qos: 1,
  messageId: 7,
  retain: false,
  dup: false,
  ...more
})

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

const packets = suite('packets under the policy')

packets('PUBACK comes when the message is kept', () =>
  withCore({}, async (world) => {
    const peer = await joined(world)
    peer.send(publish({ retain: true }))
    assert.equal(await peer.next(), { cmd: 'puback', messageId: 7, reasonCode: 0 })
    assert.ok(await world.space.retained.get('a'))
  })
)

const ENDINGS: [name: string, policy: Partial<MqttPolicy>, packet: object, reasonCode: number][] = [
  ['QoS above the maximum', { maximumQoS: 1 }, publish({ qos: 2 }), 0x9b],
  [
    'a retained message where there are none',
    { retainAvailable: false },
    publish({ retain: true }),
    0x9a
  ],
  [
    'a packet that is too large',
    { maximumPacketSize: 100 },
    publish({ payload: 'x'.repeat(100) }),
    0x95
  ],
  ['a topic alias out of range', {}, publish({ properties: { topicAlias: 9 } }), 0x94],
  [
    'a topic alias that stands for nothing',
    {},
    publish({ topic: '', properties: { topicAlias: 1 } }),
    0x94
  ],
  ['a second CONNECT', {}, connectPacket(), 0x82],
  ['an AUTH that nobody asked for', {}, { cmd: 'auth', reasonCode: 0x19 }, 0x82],
  ['a wildcard in the response topic', {}, publish({ properties: { responseTopic: 'a/#' } }), 0x82],
  [
    'a subscription identifier where there are none',
    { subscriptionIdentifiersAvailable: false },
    {
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [{ topic: 'a', qos: 0 }],
      properties: { subscriptionIdentifier: 1 }
    },
    0xa1
  ],
  [
    'a subscription above the maximum QoS',
    { maximumQoS: 1, subscribeAboveMaximumQoS: 'disconnect' },
    { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 2 }] },
    0x9b
  ]
]

for (const [name, policy, packet, reasonCode] of ENDINGS) {
  packets(`${name} is answered with DISCONNECT 0x${reasonCode.toString(16)}`, () =>
    withCore({ policy }, async (world) => {
      const peer = await joined(world)
      peer.send(packet)
      assert.equal(await peer.next(), { cmd: 'disconnect', reasonCode })
      assert.is(await peer.next(), undefined)
    })
  )
}

packets('the same for MQTT 3.1.1 closes the connection without a word', () =>
  withCore({ policy: { maximumQoS: 1 } }, async (world) => {
    const peer = await joined(world, {}, 4)
    peer.send(publish({ qos: 2 }))
    assert.is(await peer.next(), undefined)
    assert.ok(world.lines.includes('open c1 disconnect 0x9b QoSNotSupported qos=2'))
  })
)

const limited: Partial<MqttPolicy> = {
  checkPublish: (_client, message) =>
    message.topic.startsWith('secret')
      ? { rule: 'NotAuthorized', reasonCode: 0x87, reasonString: 'not yours' }
      : undefined,
  checkSubscribe: (_session, { filter }) =>
    filter.startsWith('secret') ? { rule: 'NotAuthorized', reasonCode: 0x87 } : undefined
}

packets('a refused publish: PUBACK at QoS 1, PUBREC at QoS 2, DISCONNECT at QoS 0', () =>
  withCore({ policy: limited }, async (world) => {
    const peer = await joined(world)
    peer.send(publish({ topic: 'secret' }))
    const properties = { reasonString: 'not yours' }
    assert.equal(await peer.next(), { cmd: 'puback', messageId: 7, reasonCode: 0x87, properties })
    peer.send(publish({ topic: 'secret', qos: 2, messageId: 8 }))
    assert.equal(await peer.next(), { cmd: 'pubrec', messageId: 8, reasonCode: 0x87, properties })
    peer.send(publish({ topic: 'secret', qos: 0 }))
    assert.equal(await peer.next(), { cmd: 'disconnect', reasonCode: 0x87 })
  })
)

packets('no reason string for a client that wants none [MQTT-3.1.2-29]', () =>
  withCore({ policy: limited }, async (world) => {
    const peer = await joined(world, { properties: { requestProblemInformation: false } })
    peer.send(publish({ topic: 'secret' }))
    assert.equal(await peer.next(), { cmd: 'puback', messageId: 7, reasonCode: 0x87 })
  })
)

packets('SUBACK answers filter by filter, in the order of the client', () =>
  withCore({ policy: { ...limited, maximumQoS: 1 } }, async (world) => {
    const peer = await joined(world)
    const topics = ['2', 'secret', '1', 'a/#/b', '$share/g/x', '2']
    const subscriptions = topics.map((topic, index) => ({ topic, qos: index === 2 ? 2 : 0 }))
    peer.send({ cmd: 'subscribe', messageId: 3, subscriptions })
    assert.equal(await peer.next(), {
      cmd: 'suback',
      messageId: 3,
      granted: [0, 0x87, 1, 0x8f, 0x9e, 0]
    })
  })
)

packets('MQTT 3.1.1 has one code for a failed subscription', () =>
  withCore({ policy: limited }, async (world) => {
    const peer = await joined(world, {}, 4)
    const subscriptions = ['a', 'secret'].map((topic) => ({ topic, qos: 1 }))
    peer.send({ cmd: 'subscribe', messageId: 3, subscriptions })
    assert.equal((await peer.next())?.granted, [1, 0x80])
  })
)

packets('limits on filters and subscriptions', () => {
  const refusal = { rule: 'TooMany', reasonCode: 0x97 }
  const policy: Partial<MqttPolicy> = {
    filtersPerSubscribe: { maximum: 2, refusal },
    subscriptionsPerConnection: { maximum: 3, refusal }
  }
  return withCore({ policy }, async (world) => {
    const peer = await joined(world)
    const subscribe = async (...topics: string[]) => {
      const subscriptions = topics.map((topic) => ({ topic, qos: 0 }))
      peer.send({ cmd: 'subscribe', messageId: 3, subscriptions })
      return (await peer.next())?.granted
    }
    assert.equal(await subscribe('a', 'b'), [0, 0])
    assert.equal(await subscribe('c', 'd', 'e'), [0x97, 0x97, 0x97])
    assert.equal(await subscribe('c', 'd'), [0, 0x97])
    assert.equal(await subscribe('a'), [0])
  })
})

packets('UNSUBACK tells a filter that was there from one that was not', () =>
  withCore({}, async (world) => {
    const peer = await joined(world)
    peer.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 0 }] })
    await peer.next()
    peer.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['b', 'a'] })
    assert.equal(await peer.next(), { cmd: 'unsuback', messageId: 2, granted: [0x11, 0] })
    await world.space.publish({ topic: 'a', payload: Buffer.from('x'), qos: 0, retain: false })
    peer.send({ cmd: 'pingreq' })
    assert.equal(await peer.next(), { cmd: 'pingresp' })
  })
)

packets('topic aliases are resolved and do not travel on', () =>
  withCore({}, async (world) => {
    const peer = await joined(world)
    const seen: string[] = []
    world.space.listen({ published: ({ message }) => seen.push(message.topic) })
    peer.send(publish({ topic: 'long/name', messageId: 1, properties: { topicAlias: 8 } }))
    await peer.next()
    peer.send(publish({ topic: '', messageId: 2, properties: { topicAlias: 8 } }))
    await peer.next()
    assert.equal(seen, ['long/name', 'long/name'])
  })
)

packets('user properties keep their order and repetition on the wire', () =>
  withCore({}, async (world) => {
    const peer = await joined(world)
    peer.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 0 }] })
    await peer.next()
    const pairs = [{ b: '1' }, { '2': 'two' }, { a: 'x' }, { b: '3' }]
    const sent = mqttPacket.generate(
      publish({ qos: 0, properties: { userProperties: pairs } }) as never,
      {
        protocolVersion: 5
      }
    )
    const received = new Promise<Buffer>((resolve) => {
      const chunks: Buffer[] = []
      peer.socket.on('data', (bytes) => {
        chunks.push(bytes)
        if (Buffer.concat(chunks).length >= sent.length) resolve(Buffer.concat(chunks))
      })
    })
    peer.socket.write(sent)
    assert.equal(await received, sent)
  })
)

packets('QoS is lowered to what a wildcard was granted', () =>
  withCore({}, async (world) => {
    const client = await world.connect()
    const seen = inbox(client)
    await client.subscribeAsync('w/#', { qos: 1 })
    await world.space.publish({ topic: 'w/a', payload: Buffer.from('x'), qos: 2, retain: false })
    assert.is((await seen.next()).qos, 1)
  })
)

packets('text that is not UTF-8 is a malformed packet', () =>
  withCore({}, async (world) => {
    const peer = await joined(world)
    peer.socket.write(Buffer.from([0x30, 0x05, 0x00, 0x01, 0xff, 0x00, 0x78]))
    assert.equal(await peer.next(), { cmd: 'disconnect', reasonCode: 0x81 })
  })
)

packets('a property that stands twice is a protocol error', () =>
  withCore({}, async (world) => {
    const peer = await joined(world)
    const properties = { contentType: ['a', 'b'] }
    peer.socket.write(
      mqttPacket.generate(publish({ qos: 0, properties }) as never, { protocolVersion: 5 })
    )
    assert.equal(await peer.next(), { cmd: 'disconnect', reasonCode: 0x82 })
  })
)

packets('a publish that the policy takes is acknowledged when it is dealt with', () => {
  const taken: string[] = []
  const policy: Partial<MqttPolicy> = {
    take(_session, message) {
      if (!message.topic.startsWith('$rules/')) return undefined
      taken.push(message.topic)
      return message.topic === '$rules/bad'
        ? Promise.resolve({ rule: 'Bad', reasonCode: 0x83 })
        : Promise.resolve()
    }
  }
  return withCore({ policy }, async (world) => {
    const peer = await joined(world)
    peer.send(publish({ topic: '$rules/good' }))
    assert.equal(await peer.next(), { cmd: 'puback', messageId: 7, reasonCode: 0 })
    peer.send(publish({ topic: '$rules/bad' }))
    assert.equal(await peer.next(), { cmd: 'puback', messageId: 7, reasonCode: 0x83 })
    assert.equal(taken, ['$rules/good', '$rules/bad'])
  })
})

packets('a will that the policy takes is not published', () => {
  let taken = (_topic: string) => {}
  const first = new Promise<string>((resolve) => (taken = resolve))
  const policy: Partial<MqttPolicy> = {
    take(_session, message) {
      taken(message.topic)
      return Promise.resolve()
    }
  }
  return withCore({ policy }, async (world) => {
    const seen: string[] = []
    world.space.listen({ published: ({ message }) => seen.push(message.topic) })
    const will = { topic: '$rules/gone', payload: 'x', qos: 0, retain: false }
    const peer = await joined(world, { will })
    peer.socket.destroy()
    assert.is(await first, '$rules/gone')
    assert.equal(seen, [])
  })
})

packets('topics are translated between the client and the space', () => {
  const policy: Partial<MqttPolicy> = {
    toSpaceTopic: (topic) => topic.replace(/^\//, ''),
    toSpaceFilters: (filter) => [filter.replace(/^\//, ''), `/${filter.replace(/^\//, '')}`],
    toClientTopic: (session, topic) =>
      topic === 'hidden'
        ? undefined
        : [...session.subscriptions.keys()].includes(`/${topic}`)
          ? `/${topic}`
          : topic
  }
  return withCore({ policy }, async (world) => {
    const slash = await world.connect()
    const plain = await world.connect()
    const [atSlash, atPlain] = [inbox(slash), inbox(plain)]
    assert.is((await slash.subscribeAsync('/door', { qos: 1 }))[0]?.qos, 1)
    await plain.subscribeAsync(['door', 'hidden'])
    const hidden = { topic: 'hidden', payload: Buffer.from('x'), qos: 0 as const, retain: false }
    await world.space.publish(hidden)
    await plain.publishAsync('/door', 'open')
    assert.is((await atSlash.next()).topic, '/door')
    assert.is((await atPlain.next()).topic, 'door')
    await slash.unsubscribeAsync('/door')
    await plain.publishAsync('door', 'shut')
    assert.is((await atPlain.next()).text, 'shut')
    assert.is(atSlash.messages.length, 0)
  })
})

packets.run()

const sessions = suite('sessions')

sessions('of two personalities never take each other over', () =>
  withCore({}, async (world) => {
    const events: string[] = []
    world.space.listen({ session: (event: SessionEvent) => events.push(event.type) })
    await joined(world)
    const { acceptMqtt } = await import('../index.ts')
    const { createServer } = await import('node:net')
    const other = createServer((socket) =>
      acceptMqtt({ core: world.core, policy: { ...openPolicy, personality: 'other' } }, socket, {
        address: '127.0.0.1',
        port: 0,
        transport: 'tcp'
      })
    )
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { connect } = await import('node:net')
    const peer = wire(connect((other.address() as { port: number }).port, '127.0.0.1'))
    peer.send(connectPacket())
    await peer.next()
    assert.equal(events, ['connected', 'connected'])
    assert.equal(
      world.space.sessions().map((session) => `${session.policy.personality} ${session.clientId}`),
      ['open c1', 'other c1']
    )
    peer.socket.destroy()
    other.close()
  })
)

sessions('taking over tells the old connection 0x8E and the listener who did it', () =>
  withCore({}, async (world) => {
    const events: SessionEvent[] = []
    world.space.listen({ session: (event) => events.push(event) })
    const old = await joined(world)
    await joined(world)
    assert.equal(await old.next(), { cmd: 'disconnect', reasonCode: 0x8e })
    const gone = events.find((event) => event.type === 'disconnected')
    assert.equal(gone?.type === 'disconnected' && gone.cause, { by: 'takeover' })
    assert.ok(world.lines.includes('open c1 disconnect 0x8e SessionTakenOver'))
  })
)

sessions('a client that says goodbye is told apart from one that is lost', () =>
  withCore({}, async (world) => {
    const causes: string[] = []
    let heard = () => {}
    world.space.listen({
      session(event) {
        if (event.type !== 'disconnected') return
        causes.push(event.cause.by)
        heard()
      }
    })
    const polite = await joined(world)
    const first = new Promise<void>((resolve) => (heard = resolve))
    polite.send({ cmd: 'disconnect' })
    await first
    const rude = await joined(world)
    const second = new Promise<void>((resolve) => (heard = resolve))
    rude.socket.destroy()
    await second
    assert.equal(causes, ['client', 'connection-lost'])
  })
)

sessions('a persistent one is there again after a reconnect, with its queue', () =>
  withCore({}, async (world) => {
    const properties = { sessionExpiryInterval: 60 }
    const first = await joined(world, { properties })
    first.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'q/#', qos: 1 }] })
    await first.next()
    first.send({ cmd: 'disconnect' })
    assert.is(await first.next(), undefined)
    await world.space.publish({ topic: 'q/1', payload: Buffer.from('x'), qos: 1, retain: false })
    const again = wire(await world.socket())
    again.send(connectPacket({ clean: false, properties }))
    assert.is((await again.next())?.sessionPresent, true)
    const message = await again.next()
    assert.is(message?.topic, 'q/1')
    assert.is(message?.payload.toString(), 'x')
    assert.equal([...world.space.session('open', 'c1')!.subscriptions.keys()], ['q/#'])
  })
)

sessions('a half-done QoS 2 publish ends with its session, and its id is free again', () =>
  withCore({}, async (world) => {
    const seen: string[] = []
    world.space.listen({ published: ({ message }) => seen.push(String(message.payload)) })
    const first = await joined(world)
    first.send(publish({ qos: 2, messageId: 9, payload: 'first' }))
    assert.is((await first.next())?.cmd, 'pubrec')
    first.socket.destroy()
    const again = await joined(world)
    again.send(publish({ qos: 2, messageId: 9, payload: 'second' }))
    assert.is((await again.next())?.cmd, 'pubrec')
    assert.equal(seen, ['first', 'second'])
  })
)

sessions('a half-done QoS 2 publish of a session that goes on is not published twice', () =>
  withCore({}, async (world) => {
    const seen: string[] = []
    world.space.listen({ published: ({ message }) => seen.push(String(message.payload)) })
    const properties = { sessionExpiryInterval: 60 }
    const first = await joined(world, { properties })
    first.send(publish({ qos: 2, messageId: 9 }))
    assert.is((await first.next())?.cmd, 'pubrec')
    first.socket.destroy()
    const again = await joined(world, { clean: false, properties })
    again.send(publish({ qos: 2, messageId: 9, dup: true }))
    assert.is((await again.next())?.cmd, 'pubrec')
    again.send({ cmd: 'pubrel', messageId: 9, reasonCode: 0 })
    assert.is((await again.next())?.cmd, 'pubcomp')
    assert.is(seen.length, 1)
  })
)

sessions('are told on shutdown: 0x8B', () =>
  withCore({}, async (world) => {
    const peer = await joined(world)
    await world.core.close()
    assert.equal(await peer.next(), { cmd: 'disconnect', reasonCode: 0x8b })
  })
)

sessions('are told on reset: 0x98, and forget everything', () =>
  withCore({}, async (world) => {
    const peer = await joined(world, { properties: { sessionExpiryInterval: 60 } })
    peer.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 1 }] })
    await peer.next()
    await world.core.reset()
    assert.equal(await peer.next(), { cmd: 'disconnect', reasonCode: 0x98 })
    const again = wire(await world.socket())
    again.send(connectPacket({ clean: false, properties: { sessionExpiryInterval: 60 } }))
    assert.is((await again.next())?.sessionPresent, false)
  })
)

sessions('a will is published without its delay on it', () =>
  withCore({}, async (world) => {
    const watcher = await joined(world, { clientId: 'watcher' })
    watcher.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'w', qos: 0 }] })
    await watcher.next()
    const will = {
      topic: 'w',
      payload: 'gone',
      qos: 0,
      retain: false,
      properties: { willDelayInterval: 5, contentType: 't' }
    }
    const peer = await joined(world, { will })
    peer.socket.destroy()
    const message = await watcher.next()
    assert.is(message?.payload.toString(), 'gone')
    assert.equal(message?.properties, { contentType: 't' })
  })
)

sessions.run()

const upstream = suite('aedes, where we touch it')

upstream('its client still has the parser that we replace, and one listener on it', async () => {
  const { Aedes } = await import('aedes')
  const { PassThrough } = await import('node:stream')
  const broker = await Aedes.createBroker()
  const client = broker.handle(new PassThrough()) as any
  assert.is(client._parser.listeners('packet').length, 1)
  assert.ok(Array.isArray(client._parser._queue))
  client.close()
  await new Promise<void>((resolve) => broker.close(resolve))
})

upstream.run()

const limitsOfClients = suite('what a client can take')

const feed = (world: TestWorld, topic: string, text: string, qos: 0 | 1 | 2 = 1) =>
  world.space.publish({ topic, payload: Buffer.from(text), qos, retain: false })

const subscribed = async (peer: Peer, filters: Record<string, object>, properties = {}) => {
  const subscriptions = Object.entries(filters).map(([topic, more]) => ({ topic, qos: 1, ...more }))
  peer.send({ cmd: 'subscribe', messageId: 1, subscriptions, properties })
  assert.is((await peer.next())?.cmd, 'suback')
}

limitsOfClients('Receive Maximum: what there is no room for waits its turn [MQTT-3.3.4-9]', () =>
  withCore({}, async (world) => {
    const peer = await joined(world, { properties: { receiveMaximum: 2 } })
    await subscribed(peer, { 'a/#': { qos: 2 } })
    for (const text of ['1', '2', '3']) await feed(world, 'a/b', text, 1)
    await feed(world, 'a/b', '4', 2)
    const [one, two] = [await peer.next(), await peer.next()]
    assert.equal([String(one?.payload), String(two?.payload)], ['1', '2'])
    peer.send({ cmd: 'pingreq' })
    assert.equal(await peer.next(), { cmd: 'pingresp' })
    peer.send({ cmd: 'puback', messageId: two?.messageId, reasonCode: 0 })
    assert.is(String((await peer.next())?.payload), '3')
    peer.send({ cmd: 'puback', messageId: one?.messageId, reasonCode: 0 })
    const four = await peer.next()
    assert.is(String(four?.payload), '4')
    peer.send({ cmd: 'pubrec', messageId: four?.messageId, reasonCode: 0 })
    assert.equal(await peer.next(), { cmd: 'pubrel', messageId: four?.messageId, reasonCode: 0 })
  })
)

limitsOfClients(
  'Receive Maximum of ours: one publish too many is DISCONNECT 0x93 [MQTT-3.3.4-7]',
  () =>
    withCore({ policy: { receiveMaximum: 2 } }, async (world) => {
      const peer = await joined(world)
      for (const messageId of [1, 2]) {
        peer.send(publish({ qos: 2, messageId }))
        assert.is((await peer.next())?.cmd, 'pubrec')
      }
      peer.send({ cmd: 'pubrel', messageId: 1, reasonCode: 0 })
      assert.is((await peer.next())?.cmd, 'pubcomp')
      peer.send(publish({ qos: 2, messageId: 3 }))
      assert.is((await peer.next())?.cmd, 'pubrec')
      peer.send(publish({ qos: 2, messageId: 4 }))
      assert.equal(await peer.next(), { cmd: 'disconnect', reasonCode: 0x93 })
    })
)

limitsOfClients(
  'Maximum Packet Size: at the limit it comes, one past it does not [MQTT-3.1.2-24]',
  () =>
    withCore({}, async (world) => {
      const peer = await joined(world, { properties: { maximumPacketSize: 100 } })
      await subscribed(peer, { a: {} })
      // fixed header 2, topic 3, message id 2, no properties 1
      await feed(world, 'a', 'x'.repeat(93))
      await feed(world, 'a', 'x'.repeat(92))
      const received = await peer.next()
      assert.is(received?.payload.length, 92)
      assert.ok(
        world.lines.includes('open c1 deliver 0x95 ClientMaximumPacketSize packetBytes=101')
      )
    })
)

limitsOfClients(
  'Topic Alias Maximum: topics are shortened once they are known [MQTT-3.1.2-26]',
  () =>
    withCore({ policy: { assignsTopicAliases: true } }, async (world) => {
      const peer = await joined(world, { properties: { topicAliasMaximum: 1 } })
      await subscribed(peer, { '#': { qos: 0 } })
      for (const topic of ['first', 'second', 'first']) await feed(world, topic, topic, 0)
      const seen = [await peer.next(), await peer.next(), await peer.next()]
      assert.equal(
        seen.map((packet) => [
          packet?.topic,
          packet?.properties?.topicAlias,
          String(packet?.payload)
        ]),
        [
          ['first', 1, 'first'],
          ['second', undefined, 'second'],
          ['', 1, 'first']
        ]
      )
    })
)

limitsOfClients('every matching subscription identifier is on one delivery [MQTT-3.3.4-4]', () =>
  withCore({}, async (world) => {
    const peer = await joined(world)
    await subscribed(peer, { 'a/#': {} }, { subscriptionIdentifier: 7 })
    await subscribed(peer, { 'a/b': {} }, { subscriptionIdentifier: 9 })
    await subscribed(peer, { c: {} })
    await feed(world, 'a/b', 'both')
    assert.equal((await peer.next())?.properties, { subscriptionIdentifier: [7, 9] })
    await feed(world, 'a/c', 'one')
    assert.equal((await peer.next())?.properties, { subscriptionIdentifier: 7 })
    await feed(world, 'c', 'none')
    assert.is((await peer.next())?.properties?.subscriptionIdentifier, undefined)
  })
)

limitsOfClients(
  'a queued message has its identifier, and its retain flag only where it was asked for',
  () =>
    withCore({}, async (world) => {
      const properties = { sessionExpiryInterval: 60 }
      const first = await joined(world, { properties })
      await subscribed(first, { plain: {}, kept: { rap: true } }, { subscriptionIdentifier: 5 })
      first.send({ cmd: 'disconnect' })
      assert.is(await first.next(), undefined)
      for (const topic of ['plain', 'kept']) {
        await world.space.publish({ topic, payload: Buffer.from('x'), qos: 1, retain: true })
      }
      const again = wire(await world.socket())
      again.send(connectPacket({ clean: false, properties }))
      assert.is((await again.next())?.sessionPresent, true)
      for (const [topic, retain] of [
        ['plain', false],
        ['kept', true]
      ] as const) {
        const message = await again.next()
        assert.is(message?.topic, topic)
        assert.is(message?.retain, retain)
        assert.equal(message?.properties, { subscriptionIdentifier: 5 })
      }
    })
)

limitsOfClients.run()
