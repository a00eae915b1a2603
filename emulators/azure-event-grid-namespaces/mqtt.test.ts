import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import mqttPacket from 'mqtt-packet'
import type { PacketClient } from '@fogbank/contract/testing'
import { withNamespace, type World } from './testing.ts'

const mqtt = suite('azure-event-grid-namespaces MQTT')

const CAPABILITIES = {
  maximumQoS: 1,
  retainAvailable: true,
  maximumPacketSize: 524_288,
  topicAliasMaximum: 10,
  wildcardSubscriptionAvailable: true,
  subscriptionIdentifiersAvailable: false,
  sharedSubscriptionAvailable: false
}
const METHOD = { authenticationMethod: 'OAUTH2-JWT' }
const PUBLISHER = 'EventGrid TopicSpaces Publisher'
const SUBSCRIBER = 'EventGrid TopicSpaces Subscriber'

/** Several clients may come with one token. */
const MANY = { topicSpacesConfiguration: { maximumClientSessionsPerAuthenticationName: 100 } }

/** A client that is signed in with a token. */
async function signedIn(
  world: World,
  options: object = {},
  properties: object = {},
  token?: string
): Promise<PacketClient> {
  const client = await world.client({ ...(await world.jwt(token, properties)), ...options })
  const connack = await client.next()
  assert.is(connack?.reasonCode, 0, JSON.stringify(connack))
  return client
}

const code = (packet: Record<string, any> | undefined): unknown => [
  packet?.cmd,
  packet?.reasonCode ?? packet?.returnCode
]

mqtt('CONNACK names the capabilities and echoes the method', () =>
  withNamespace({}, async (world) => {
    const client = await world.client(await world.jwt())
    assert.equal(await client.next(), {
      cmd: 'connack',
      sessionPresent: false,
      reasonCode: 0,
      properties: { ...CAPABILITIES, ...METHOD }
    })
  })
)

mqtt('CONNACK has no response information, though a client asks for it', () =>
  withNamespace({}, async (world) => {
    const client = await world.client(
      await world.jwt(undefined, { requestResponseInformation: true })
    )
    const { properties } = (await client.next())!
    assert.equal(properties, { ...CAPABILITIES, ...METHOD })
  })
)

mqtt('an id is assigned, keep-alive and session expiry are lowered', () =>
  withNamespace({ settings: MANY }, async (world) => {
    const jwt = await world.jwt(undefined, { sessionExpiryInterval: 7200 })
    const client = await world.client({ ...jwt, clientId: '', keepalive: 0, clean: true })
    const { properties } = (await client.next())!
    const { assignedClientIdentifier, ...rest } = properties
    assert.match(assignedClientIdentifier, /^[0-9a-f-]{36}$/)
    assert.equal(rest, {
      ...CAPABILITIES,
      ...METHOD,
      serverKeepAlive: 1160,
      sessionExpiryInterval: 3600
    })
    const other = await world.client({ ...(await world.jwt()), clientId: 'b', keepalive: 1161 })
    assert.is((await other.next())!.properties.serverKeepAlive, 1160)
    const fine = await world.client({ ...(await world.jwt()), clientId: 'c', keepalive: 1160 })
    assert.is((await fine.next())!.properties.serverKeepAlive, undefined)
  })
)

mqtt('the namespace may let sessions live eight hours', () =>
  withNamespace(
    { settings: { topicSpacesConfiguration: { maximumSessionExpiryInHours: 8 } } },
    async (world) => {
      const jwt = await world.jwt(undefined, { sessionExpiryInterval: 28_801 })
      const client = await world.client(jwt)
      assert.is((await client.next())!.properties.sessionExpiryInterval, 28_800)
    }
  )
)

mqtt('each namespace has its own session expiry, also of one that a DISCONNECT asks for', () => {
  const settings = {
    namespaces: [
      { name: 'labns', topicSpacesConfiguration: { maximumSessionExpiryInHours: 8 } },
      { name: 'other' }
    ]
  }
  return withNamespace({ settings }, async (world) => {
    for (const [name, seconds] of [
      ['labns', 28_800],
      ['other', 3_600]
    ] as const) {
      const jwt = await world.jwt(undefined, { sessionExpiryInterval: 28_801 })
      const client = await world.client(jwt, { host: `${name}.localhost` })
      assert.is((await client.next())!.properties.sessionExpiryInterval, seconds)
      await client.mqtt.endAsync(false, { properties: { sessionExpiryInterval: 28_801 } })
      const { body } = await world.control('GET', `/namespaces/${name}/sessions`)
      const { connected, connectedAt, expiresAt } = body.value[0]
      assert.is(connected, false)
      assert.is(Date.parse(expiresAt) - Date.parse(connectedAt), seconds * 1000)
    }
  })
})

const NO_RETAIN = { retain: false }
mqtt(
  'a namespace that retains nothing says so, and a change of that counts for the next CONNECT',
  () =>
    withNamespace({ settings: NO_RETAIN }, async (world) => {
      const client = await world.client(await world.jwt())
      assert.is((await client.next())!.properties.retainAvailable, false)
      const { status, text } = await world.publish('a', { query: '&retain=1' })
      assert.is(status, 400)
      assert.match(text, 'The namespace takes no retained messages.')
      await world.control('PATCH', '/namespaces/default', { retain: true })
      assert.is((await world.publish('a', { query: '&retain=1' })).status, 204)
      const other = await world.client(await world.jwt())
      assert.is((await other.next())!.properties.retainAvailable, true)
    })
)

const CONNECTS: [
  what: string,
  reasonCode: number,
  options: (world: World) => Promise<object> | object
][] = [
  ['without any credential', 0x87, () => ({})],
  ['with a username and password', 0x87, () => ({ username: 'a', password: 'b' })],
  ['with a broken token', 0x87, (world) => world.jwt('a.b.c')],
  [
    'with an expired token',
    0x87,
    async (world) => world.jwt(await world.mint({ expiresInSeconds: -1 }))
  ],
  [
    'with a token for another resource',
    0x87,
    async (world) => world.jwt(await world.mint({ audience: 'https://graph.test' }))
  ],
  [
    'with an unknown method',
    0x8c,
    () => ({
      properties: { authenticationMethod: 'SCRAM-SHA-1', authenticationData: Buffer.from('x') }
    })
  ],
  [
    'with a method and no data',
    0x87,
    () => ({ properties: { authenticationMethod: 'OAUTH2-JWT' } })
  ],
  ['with 8193 bytes of data', 0x87, (world) => world.jwt('x'.repeat(8193))],
  ['with user properties', 0x83, (world) => world.jwt(undefined, { userProperties: { a: '1' } })],
  [
    'with a session name of 129 characters',
    0x85,
    async (world) => ({ ...(await world.jwt()), clientId: 'x'.repeat(129) })
  ],
  [
    'with a will of QoS 2',
    0x9b,
    async (world) => ({
      ...(await world.jwt()),
      will: { topic: 'a', payload: Buffer.from('x'), qos: 2, retain: false }
    })
  ],
  [
    'with a will to a reserved topic',
    0x90,
    async (world) => ({
      ...(await world.jwt()),
      will: { topic: '$a', payload: Buffer.from('x'), qos: 1, retain: false }
    })
  ],
  [
    'with a will and without the role',
    0x87,
    async (world) => ({
      ...(await world.jwt(await world.mint({ roles: [SUBSCRIBER] }))),
      will: { topic: 'a', payload: Buffer.from('x'), qos: 1, retain: false }
    })
  ]
]

mqtt('CONNECT is refused by its reason', () =>
  withNamespace({}, async (world) => {
    for (const [what, reasonCode, options] of CONNECTS) {
      const client = await world.client(await options(world))
      assert.equal(code(await client.next()), ['connack', reasonCode], what)
      assert.is(await client.next(), undefined, what)
    }
    assert.is(world.lines.filter((line) => line.includes(' connect 0x')).length, CONNECTS.length)
  })
)

mqtt('MQTT 3.1.1 without certificate gets return code 5, MQTT 3.1 return code 1', () =>
  withNamespace({}, async (world) => {
    const older = await world.client({ protocolVersion: 4 })
    assert.is((await older.next())?.returnCode, 5)
    const oldest = await world.client({ protocolVersion: 3, protocolId: 'MQIsdp' })
    assert.is((await oldest.next())?.returnCode, 1)
  })
)

mqtt('a session name that another principal is connected with is refused with 0x87', () =>
  withNamespace({}, async (world) => {
    await signedIn(world)
    const token = await world.mint({ oid: 'other', roles: [PUBLISHER] })
    const other = await world.client(await world.jwt(token))
    assert.equal(code(await other.next()), ['connack', 0x87])
  })
)

mqtt('the same principal takes its session over', () =>
  withNamespace({}, async (world) => {
    const first = await signedIn(world)
    await signedIn(world)
    assert.equal(code(await first.next()), ['disconnect', 0x8e])
  })
)

/** AUTH with a token, as a client sends it to stay. */
function renew({ mqtt: client }: PacketClient, token: string): void {
  const properties = { ...METHOD, authenticationData: Buffer.from(token) }
  const raw = client as unknown as { _sendPacket(packet: object): void }
  raw._sendPacket({ cmd: 'auth', reasonCode: 0x19, properties })
}

mqtt('a token that is renewed by AUTH keeps the connection until the new one ends', () =>
  withNamespace({}, async (world) => {
    const client = await signedIn(world, {}, {}, await world.mint({ expiresInSeconds: 60 }))
    renew(client, await world.mint({ expiresInSeconds: 120 }))
    assert.equal(code(await client.next()), ['auth', 0])
    world.clock.advance(60_000)
    await client.mqtt.subscribeAsync('a', { qos: 1 })
    assert.is((await client.next())?.cmd, 'suback')
    world.clock.advance(60_000)
    assert.equal(code(await client.next()), ['disconnect', 0x87])
  })
)

mqtt('an AUTH with a bad token, or with that of another principal, ends the connection', () =>
  withNamespace({}, async (world) => {
    for (const token of ['x.y.z', await world.mint({ oid: 'other' })]) {
      const client = await signedIn(world)
      renew(client, token)
      assert.equal(code(await client.next()), ['disconnect', 0x87])
    }
  })
)

mqtt("a session name is its owner's while the owner is away, too", () =>
  withNamespace({}, async (world) => {
    const first = await signedIn(world, { clean: false }, { sessionExpiryInterval: 600 })
    await first.mqtt.endAsync()
    const token = await world.mint({ oid: 'other', roles: [PUBLISHER] })
    const other = await world.client(await world.jwt(token))
    assert.equal(code(await other.next()), ['connack', 0x87])
  })
)

mqtt('a connection ends with its token, unless it was ended before', () =>
  withNamespace({}, async (world) => {
    const client = await signedIn(world, {}, {}, await world.mint({ expiresInSeconds: 60 }))
    world.clock.advance(59_999)
    assert.is(world.space.sessions().length, 1)
    world.clock.advance(1)
    assert.equal(code(await client.next()), ['disconnect', 0x87])
    assert.is(await client.next(), undefined)
  })
)

mqtt('an HTTP Publish reaches a subscriber with every property, QoS 2 is granted as 1', () =>
  withNamespace({}, async (world) => {
    const client = await signedIn(world)
    client.mqtt.subscribe('lab/#', { qos: 2 })
    assert.equal((await client.next())?.granted, [1])
    await world.publish('lab/dev1/cmd/reboot', {
      headers: {
        'mqtt-response-topic': 'lab%2Fdev1%2Freply',
        'mqtt-correlation-data': 'AQID/w==',
        'mqtt-user-properties': 'W3sicHJpb3JpdHkiOiJoaWdoIn0seyJ0aWNrZXQiOiJULTc3In1d',
        'Content-Type': 'text/plain;charset=UTF-8'
      }
    })
    const packet = await client.next()
    const { userProperties, ...properties } = packet!.properties
    assert.equal({ ...userProperties }, { priority: 'high', ticket: 'T-77' })
    assert.equal(
      { ...packet, properties },
      {
        cmd: 'publish',
        topic: 'lab/dev1/cmd/reboot',
        payload: 'go',
        qos: 1,
        retain: false,
        properties: {
          responseTopic: 'lab/dev1/reply',
          correlationData: Buffer.from([1, 2, 3, 255]),
          contentType: 'text/plain;charset=UTF-8'
        }
      }
    )
  })
)

mqtt('a publish over MQTT keeps its properties, an expiry of zero means never', () =>
  withNamespace({}, async (world) => {
    const client = await signedIn(world)
    const properties = { messageExpiryInterval: 0, userProperties: { a: '1' } }
    client.mqtt.publish('a', 'x', { qos: 1, properties })
    assert.equal(code(await client.next()), ['puback', 0])
    const { message, origin } = world.published[0]!
    assert.equal(message.properties, { userProperties: [['a', '1']] })
    assert.equal(origin, { personality: 'azure-event-grid-namespaces', clientId: 'dev1' })
  })
)

const SETTINGS = { topicSpaces: [{ name: 'lab', topicTemplates: ['lab/#'] }] }

/** Topic, QoS, options, and the packet it is answered with. */
const PUBLISHES: [topic: string, options: object, cmd: string, reasonCode: number][] = [
  ['other/x', { qos: 1 }, 'puback', 0x87],
  ['other/x', { qos: 0 }, 'disconnect', 0x87],
  [`lab/${'x'.repeat(253)}`, { qos: 1 }, 'puback', 0x90],
  [`lab/${'x'.repeat(253)}`, { qos: 0 }, 'disconnect', 0x90],
  [`lab${'/x'.repeat(15)}`, { qos: 1 }, 'puback', 0x90],
  ['$lab', { qos: 1 }, 'puback', 0x90],
  ['lab/x', { qos: 2 }, 'disconnect', 0x9b],
  ['lab/x', { qos: 1, properties: { contentType: 'x'.repeat(257) } }, 'puback', 0x97],
  ['lab/x', { qos: 1, properties: { responseTopic: 'x'.repeat(257) } }, 'puback', 0x97],
  ['lab/x', { qos: 1, properties: { correlationData: Buffer.alloc(257) } }, 'puback', 0x97],
  ['lab/x', { qos: 1, properties: { userProperties: { a: 'x'.repeat(32_768) } } }, 'puback', 0x97],
  ['lab/x', { qos: 1, retain: true, payload: Buffer.alloc(65_537) }, 'puback', 0x97]
]

mqtt('a publish is refused by its reason', () =>
  withNamespace({ settings: SETTINGS }, async (world) => {
    for (const [topic, { payload = 'x', ...options }, cmd, reasonCode] of PUBLISHES as never as [
      string,
      { payload?: Buffer },
      string,
      number
    ][]) {
      const client = await signedIn(world)
      client.mqtt.publish(topic, payload, options)
      const what = `${topic.slice(0, 20)} ${JSON.stringify(options).slice(0, 60)}`
      assert.equal(code(await client.next()), [cmd, reasonCode], what)
      client.mqtt.end(true)
      while (await client.next()) continue
    }
    assert.is(world.published.length, 0)
  })
)

mqtt('the words of a refusal come with it', () =>
  withNamespace({ settings: SETTINGS }, async (world) => {
    const client = await signedIn(world)
    client.mqtt.publish('other/x', 'x', { qos: 1 })
    const puback = await client.next()
    assert.equal(puback?.properties, {
      reasonString: "topic name 'other/x' does not match any topicspaces"
    })
  })
)

mqtt('a packet of more than 512 KiB ends the connection with 0x95', () =>
  withNamespace({}, async (world) => {
    const client = await signedIn(world)
    client.mqtt.publish('a', Buffer.alloc(524_288), { qos: 1 })
    assert.equal(code(await client.next()), ['disconnect', 0x95])
  })
)

mqtt('a subscription is answered filter by filter', () =>
  withNamespace({ settings: SETTINGS }, async (world) => {
    const client = await signedIn(world)
    const filters: [string, number][] = [
      ['lab/#', 1],
      ['lab/+/x', 1],
      ['lab', 1],
      ['#', 0x87],
      ['+/x', 0x87],
      ['other', 0x87],
      ['$share/g/lab/#', 0x9e],
      ['$SYS/#', 0x8f],
      [`lab/${'x'.repeat(253)}`, 0x8f],
      [`lab${'/x'.repeat(15)}`, 0x8f]
    ]
    client.mqtt.subscribe(Object.fromEntries(filters.map(([filter]) => [filter, { qos: 1 }])))
    assert.equal(
      (await client.next())?.granted,
      filters.map(([, granted]) => granted)
    )
  })
)

mqtt('ten filters in a SUBSCRIBE, fifty subscriptions in a session', () =>
  withNamespace({}, async (world) => {
    const client = await signedIn(world)
    const subscribe = async (from: number, count: number) => {
      const topics = Array.from({ length: count }, (_, index) => `t/${from + index}`)
      client.mqtt.subscribe(topics, { qos: 1 })
      return (await client.next())?.granted as number[]
    }
    assert.equal(await subscribe(100, 11), Array(11).fill(0x97))
    for (let from = 0; from < 50; from += 10) {
      assert.equal(await subscribe(from, 10), Array(10).fill(1))
    }
    assert.equal(await subscribe(50, 1), [0x97])
    assert.equal(await subscribe(0, 1), [1]) // held already
  })
)

mqtt('without the subscriber role nothing can be subscribed', () =>
  withNamespace({}, async (world) => {
    const token = await world.mint({ oid: 'writer', roles: [PUBLISHER] })
    const client = await signedIn(world, {}, {}, token)
    client.mqtt.subscribe('a', { qos: 1 })
    assert.equal((await client.next())?.granted, [0x87])
  })
)

const ALIASED = {
  cmd: 'publish' as const,
  topic: 'a',
  payload: 'x',
  qos: 0 as const,
  dup: false,
  retain: false,
  properties: { topicAlias: 11 }
}

mqtt('user properties outside PUBLISH, subscription ids and bad aliases end the connection', () =>
  withNamespace({}, async (world) => {
    const ends: [what: string, act: (client: PacketClient) => void, reasonCode: number][] = [
      [
        'SUBSCRIBE with user properties',
        ({ mqtt: client }) =>
          client.subscribe('a', { qos: 1, properties: { userProperties: { a: '1' } } }),
        0x83
      ],
      [
        'UNSUBSCRIBE with user properties',
        ({ mqtt: client }) =>
          client.unsubscribe('a', { properties: { userProperties: { a: '1' } } }),
        0x83
      ],
      [
        'SUBSCRIBE with a subscription identifier',
        ({ mqtt: client }) =>
          client.subscribe('a', { qos: 1, properties: { subscriptionIdentifier: 1 } }),
        0xa1
      ],
      [
        'topic alias 11',
        // mqtt.js itself would not send an alias above what the CONNACK allows.
        ({ mqtt: client }) =>
          client.stream.write(mqttPacket.generate(ALIASED, { protocolVersion: 5 })),
        0x94
      ]
    ]
    for (const [what, act, reasonCode] of ends) {
      const client = await signedIn(world)
      act(client)
      assert.equal(code(await client.next()), ['disconnect', reasonCode], what)
      client.mqtt.end(true)
      while (await client.next()) continue
    }
  })
)

mqtt('a PUBACK with a failure code ends the connection', () =>
  withNamespace({}, async (world) => {
    const jwt = await world.jwt()
    const client = await world.client({
      ...jwt,
      customHandleAcks: (_topic, _message, _packet, done) => done(0x80 as never)
    })
    await client.next()
    client.mqtt.subscribe('a', { qos: 1 })
    await client.next()
    await world.publish('a')
    assert.is((await client.next())?.cmd, 'publish')
    assert.equal(code(await client.next()), ['disconnect', 0x83])
  })
)

mqtt('a will is published with the principal checked at CONNECT', () =>
  withNamespace({ settings: MANY }, async (world) => {
    const client = await signedIn(world, {
      will: { topic: 'gone', payload: Buffer.from('bye'), qos: 1, retain: false }
    })
    const watcher = await signedIn(world, { clientId: 'watcher' })
    watcher.mqtt.subscribe('gone', { qos: 1 })
    await watcher.next()
    client.mqtt.stream.destroy()
    assert.is((await watcher.next())?.payload, 'bye')
  })
)

mqtt.run()
