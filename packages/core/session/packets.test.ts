import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import mqttPacket from 'mqtt-packet'
import type { MqttPolicy } from '../index.ts'
import { connectPacket, inbox, joined, publish, withCore } from '../testing.ts'

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
  [
    'a publish whose check fails itself',
    {
      checkPublish() {
        throw new Error('the check is at fault')
      }
    },
    publish(),
    0x80
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

packets('what follows the reason of an end in one piece is nobody’s business', () =>
  withCore({ policy: {} }, async (world) => {
    const peer = await joined(world)
    const second = mqttPacket.generate(connectPacket() as never, { protocolVersion: 5 })
    peer.socket.write(Buffer.concat([second, Buffer.from('rubbish')]))
    assert.equal(await peer.next(), { cmd: 'disconnect', reasonCode: 0x82 })
    assert.is(await peer.next(), undefined)
    const ends = world.lines.filter((line) => line.includes(' disconnect '))
    assert.is(ends.length, 1, ends.join('\n'))
  })
)

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

for (const version of [3, 4, 5]) {
  packets(`a QoS 2 publish that is repeated at once counts once [MQTT-4.3.3-10], v${version}`, () =>
    withCore({}, async (world) => {
      const peer = await joined(world, {}, version)
      const heard: string[] = []
      world.space.listen({ published: ({ message }) => heard.push(String(message.payload)) })
      const packet = { topic: 'b', qos: 2, messageId: 5 }
      const bytes = [packet, { ...packet, dup: true }].map((one) =>
        mqttPacket.generate(publish(one) as never, { protocolVersion: version })
      )
      peer.socket.write(Buffer.concat(bytes))
      for (const _ of bytes) assert.is((await peer.next())?.cmd, 'pubrec')
      assert.equal(heard, ['x'])
      peer.send({ cmd: 'pubrel', messageId: 5, reasonCode: 0 })
      assert.is((await peer.next())?.cmd, 'pubcomp')
      peer.send(publish({ ...packet, payload: 'another' }))
      assert.is((await peer.next())?.cmd, 'pubrec')
      assert.equal(heard, ['x', 'another'])
    })
  )
}

packets('a QoS 2 publish that the policy takes is taken once, over connections too', () => {
  const taken: string[] = []
  const policy: Partial<MqttPolicy> = {
    take: async (_session, { payload }) => void taken.push(String(payload))
  }
  return withCore({ policy }, async (world) => {
    const lasting = { clean: false, properties: { sessionExpiryInterval: 600 } }
    const packet = { topic: 'b', qos: 2, messageId: 5 }
    const first = await joined(world, lasting)
    for (const dup of [false, true]) first.send(publish({ ...packet, dup }))
    assert.is((await first.next())?.cmd, 'pubrec')
    first.send({ cmd: 'pingreq' })
    while ((await first.next())?.cmd !== 'pingresp');
    first.socket.destroy()
    const again = await joined(world, lasting)
    again.send(publish({ ...packet, dup: true }))
    assert.equal(await again.next(), { cmd: 'pubrec', messageId: 5, reasonCode: 0 })
    assert.equal(taken, ['x'])
    again.send({ cmd: 'pubrel', messageId: 5, reasonCode: 0 })
    assert.is((await again.next())?.cmd, 'pubcomp')
    again.send(publish({ ...packet, payload: 'another' }))
    assert.is((await again.next())?.cmd, 'pubrec')
    assert.equal(taken, ['x', 'another'])
  })
})

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

const WITHOUT_FILTER: [name: string, bytes: number[]][] = [
  ['SUBSCRIBE', [0x82, 3, 0, 1, 0]],
  ['UNSUBSCRIBE', [0xa2, 3, 0, 1, 0]]
]

for (const [name, bytes] of WITHOUT_FILTER) {
  packets(`a ${name} that names no filter ends the connection, and nothing else`, () =>
    withCore({}, async (world) => {
      const peer = await joined(world)
      peer.socket.write(Buffer.from(bytes))
      assert.equal(await peer.next(), { cmd: 'disconnect', reasonCode: 0x82 })
      assert.is(await peer.next(), undefined)
    })
  )
}

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
