// What MQTT clients of either version hear of each outcome, and what the lifecycle events say of it.
import mqttPacket from 'mqtt-packet'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { within, type PacketClient } from '@fogbank/contract/testing'
import type { Settings } from './settings.ts'
import { issue } from './testing-certificates.ts'
import { issueClient, withNamespace, type World } from './testing.ts'

const outcomes = suite('azure-event-grid-namespaces outcomes')

const V5 = 5
const V4 = 4
type Version = typeof V5 | typeof V4

/** The connection is closed, without a word. */
const CLOSED = 'closed'

const LAB: Settings = {
  topicSpaces: [{ name: 'lab', topicTemplates: ['lab/#'] }],
  permissionBindings: [
    { name: 'pub', clientGroupName: '$all', topicSpaceName: 'lab', permission: 'Publisher' },
    { name: 'sub', clientGroupName: '$all', topicSpaceName: 'lab', permission: 'Subscriber' }
  ]
}
const NO_RETAIN: Settings = { ...LAB, retain: false }
const FENCED: Settings = { inboundIpRules: [{ ipMask: '10.1.2.0/24' }] }
const ELSEWHERE = { address: '10.1.3.1' }
const NAMESPACE = '/namespaces/default'

/** A client with the certificate of its name, whatever becomes of its CONNECT. */
async function connect(
  world: World,
  version: Version,
  options: object = {},
  peer: object = {},
  name = 'dev1'
): Promise<PacketClient> {
  return world.client(
    { protocolVersion: version, ...options },
    { certificate: await issueClient(name), ...peer }
  )
}

async function connected(world: World, version: Version, options = {}, peer = {}) {
  const client = await connect(world, version, options, peer)
  assert.is(codeOf(await client.next()), 0)
  return client
}

const codeOf = (packet: Record<string, any> | undefined) =>
  packet ? ((packet.reasonCode ?? packet.returnCode) as number) : CLOSED

async function told(world: World): Promise<Record<string, any>[]> {
  const { body } = await world.control('GET', `${NAMESPACE}/lifecycleEvents`)
  return body.value
}

async function countConnections(world: World): Promise<number> {
  const type = 'Microsoft.EventGrid.MQTTClientSessionConnected'
  return (await told(world)).filter((event) => event.type === type).length
}

const will = (more: object) => ({
  will: { topic: 'lab/gone', payload: Buffer.from('x'), qos: 1, retain: false, ...more }
})

interface Refused {
  what: string
  settings?: Settings
  /** What has happened before. */
  before?: (world: World, version: Version) => Promise<unknown>
  options?: object
  peer?: () => object | Promise<object>
  /** Whose certificate it is. */
  name?: string
  v5: number
  /** Absent: MQTT 3.1.1 cannot say it. */
  v4?: number | typeof CLOSED
}

const asMany = (count: number): Settings => ({
  topicSpacesConfiguration: { maximumClientSessionsPerAuthenticationName: count }
})

const CONNECTS: Refused[] = [
  {
    what: 'an unknown client',
    settings: { clients: [{ name: 'dev2' }] },
    options: { username: 'dev1' },
    v5: 0x87,
    v4: 5
  },
  {
    what: 'a disabled client',
    settings: { clients: [{ name: 'dev1', state: 'Disabled' }] },
    options: { username: 'dev1' },
    v5: 0x87,
    v4: 5
  },
  {
    what: 'a certificate that nobody known has signed',
    peer: async () => ({ certificate: { der: (await issue('CN=dev1')).der, trusted: false } }),
    v5: 0x87,
    v4: 5
  },
  { what: 'no certificate', peer: () => ({ certificate: undefined }), v5: 0x87, v4: 5 },
  {
    what: 'a token that is none',
    options: {
      properties: { authenticationMethod: 'OAUTH2-JWT', authenticationData: Buffer.from('a.b.c') }
    },
    v5: 0x87
  },
  {
    what: 'an unknown authentication method',
    options: {
      properties: { authenticationMethod: 'SCRAM-SHA-1', authenticationData: Buffer.from('x') }
    },
    v5: 0x8c
  },
  {
    what: 'a session name of another client',
    before: (world, version) => connected(world, version, { clientId: 'shared' }),
    options: { clientId: 'shared' },
    name: 'dev2',
    v5: 0x87,
    v4: 5
  },
  {
    what: 'one session of a name too many',
    settings: asMany(2),
    before: async (world, version) => {
      for (const clientId of ['one', 'two']) await connected(world, version, { clientId })
    },
    options: { clientId: 'three' },
    v5: 0x97,
    v4: 3
  },
  {
    what: 'one CONNECT of a second too many',
    settings: { enforceQuotas: true },
    before: async (world, version) => {
      for (let index = 0; index < 200; index++) {
        const client = await connected(world, version)
        client.mqtt.end(true)
      }
    },
    v5: 0x9f,
    v4: 3
  },
  {
    what: 'user properties in CONNECT',
    options: { properties: { userProperties: { a: '1' } } },
    v5: 0x83
  },
  { what: 'a will of QoS 2', settings: LAB, options: will({ qos: 2 }), v5: 0x9b, v4: 5 },
  {
    what: 'a will to be retained where nothing is',
    settings: NO_RETAIN,
    options: will({ retain: true }),
    v5: 0x9a,
    v4: CLOSED
  },
  {
    what: 'a will to where the client may not publish',
    settings: LAB,
    options: will({ topic: 'other' }),
    v5: 0x87,
    v4: 5
  },
  {
    what: 'an address that the IP filter blocks',
    settings: FENCED,
    peer: () => ELSEWHERE,
    v5: 0x87,
    v4: 5
  },
  {
    what: 'any address where public access is disabled',
    settings: { publicNetworkAccess: 'Disabled' },
    v5: 0x87,
    v4: 5
  }
]

for (const { what, settings = {}, before, options, peer, name, v5, v4 } of CONNECTS) {
  const versions: [Version, number | typeof CLOSED][] = [[V5, v5]]
  if (v4 !== undefined) versions.push([V4, v4])
  for (const [version, code] of versions) {
    outcomes(`CONNECT by MQTT ${version} with ${what}: ${code}, and no event`, () =>
      withNamespace({ settings }, async (world) => {
        await before?.(world, version)
        const connections = await countConnections(world)
        const client = await connect(world, version, options, (await peer?.()) ?? {}, name)
        assert.is(codeOf(await client.next()), code)
        if (code !== CLOSED) assert.is(await client.next(), undefined)
        assert.is(await countConnections(world), connections)
      })
    )
  }
}

for (const [version, code] of [
  [V5, 0x88],
  [V4, 3]
] as const) {
  outcomes(`CONNECT by MQTT ${version} that the broker fails to decide: ${code}`, () => {
    const webHookAuthentication = {
      endpointUrl: 'http://127.0.0.1:1/',
      azureActiveDirectoryApplicationIdOrUri: 'api://hook',
      azureActiveDirectoryTenantId: 'any'
    }
    const settings: Settings = {
      topicSpacesConfiguration: { clientAuthentication: { webHookAuthentication } }
    }
    const issueToken = () => Promise.reject(new Error('the authority is broken'))
    return withNamespace({ settings, issueToken }, async (world) => {
      const client = await connect(world, version)
      assert.is(codeOf(await client.next()), code)
      assert.match(world.lines.join('\n'), /could not decide a CONNECT: .*authority is broken/)
    })
  })
}

for (const version of [V5, V4] as const) {
  for (const [asked, effective] of [
    [0, 1160],
    [1161, 1160],
    [1160, 1160],
    [60, 60]
  ] as const) {
    outcomes(`MQTT ${version} with a keep-alive of ${asked} s has one of ${effective} s`, () =>
      withNamespace({}, async (world) => {
        const client = await connect(world, version, { keepalive: asked })
        const connack = await client.next()
        assert.is(codeOf(connack), 0)
        assert.is(world.space.sessions()[0]!.keepAliveSeconds, effective)
        const lowered = asked === effective ? undefined : effective
        if (version === V5) assert.is(connack!.properties.serverKeepAlive, lowered)
      })
    )
  }
}

/** A packet that MQTT.js itself would not send. */
function write({ mqtt: client }: PacketClient, packet: object, version: Version): void {
  client.stream.write(mqttPacket.generate(packet as never, { protocolVersion: version }))
}

const OF_SUBSCRIBE = ['suback']
const USER_PROPERTIES = { properties: { userProperties: { a: '1' } } }
const publishing =
  (topic: string, options: object, payload: string | Buffer = 'x') =>
  ({ mqtt: client }: PacketClient) =>
    void client.publish(topic, payload, options)
const subscribing =
  (filters: string | string[], qos: 0 | 1 | 2 = 1) =>
  ({ mqtt: client }: PacketClient) =>
    void client.subscribe(filters, { qos })
const counted = (count: number) => Array.from({ length: count }, (_, index) => `lab/${index}`)

/** An acknowledgement by its name with its codes, or what the DISCONNECT says, or that there is none. */
type Answer = [cmd: string, ...codes: number[]] | number | typeof CLOSED

interface Live {
  what: string
  settings?: Settings
  options?: object
  act: (client: PacketClient, world: World, version: Version) => unknown
  v5: Answer
  /** Absent: MQTT 3.1.1 cannot say it. */
  v4?: Answer
  /** Absent: the connection stays. One for each version where they differ. */
  reason?: string | [v5: string | undefined, v4: string]
}

const TOO_LONG = `lab/${'x'.repeat(253)}`
const LARGE = Buffer.alloc(400_000)
const TOO_DEEP = `lab${'/x'.repeat(15)}`

const LIVE: Live[] = [
  {
    what: 'the same client comes again',
    act: (_client, world, version) => connected(world, version),
    v5: 0x8e,
    v4: CLOSED,
    reason: 'SessionTakenOver'
  },
  {
    what: 'publishes with QoS 1 where it may not',
    act: publishing('other', { qos: 1 }),
    v5: ['puback', 0x87],
    v4: CLOSED,
    reason: [undefined, 'ClientAuthorizationError']
  },
  {
    what: 'publishes with QoS 0 where it may not',
    act: publishing('other', { qos: 0 }),
    v5: 0x87,
    v4: CLOSED,
    reason: 'ClientAuthorizationError'
  },
  ...[TOO_LONG, TOO_DEEP].flatMap((topic): Live[] => [
    {
      what: `publishes with QoS 1 to ${topic.slice(0, 8)}…`,
      act: publishing(topic, { qos: 1 }),
      v5: ['puback', 0x90],
      v4: CLOSED,
      reason: [undefined, 'ClientError']
    },
    {
      what: `publishes with QoS 0 to ${topic.slice(0, 8)}…`,
      act: publishing(topic, { qos: 0 }),
      v5: 0x90,
      v4: CLOSED,
      reason: 'ClientError'
    }
  ]),
  {
    what: 'publishes with QoS 2',
    act: publishing('lab/a', { qos: 2 }),
    v5: 0x9b,
    v4: CLOSED,
    reason: 'ClientError'
  },
  {
    what: 'retains where nothing is retained',
    settings: NO_RETAIN,
    act: publishing('lab/a', { qos: 1, retain: true }),
    v5: 0x9a,
    v4: CLOSED,
    reason: 'ClientError'
  },
  {
    what: 'sends more than 512 KiB',
    act: publishing('lab/a', { qos: 1 }, Buffer.alloc(524_288)),
    v5: 0x95,
    v4: CLOSED,
    reason: 'ClientError'
  },
  {
    what: 'publishes more than its rate',
    settings: { ...LAB, enforceQuotas: true },
    act: (client) => {
      for (let index = 0; index <= 1_000; index++) client.mqtt.publish('lab/a', '', { qos: 1 })
    },
    v5: ['puback', 0x97],
    v4: CLOSED,
    reason: [undefined, 'QuotaExceeded']
  },
  {
    what: 'goes on publishing over its rate',
    settings: { ...LAB, enforceQuotas: true },
    act: async (client, world) => {
      for (let second = 0; second <= 10; second++) {
        // Three of them are more than a mebibyte.
        for (let index = 0; index < 3; index++) publishing('lab/a', { qos: 0 }, LARGE)(client)
        client.mqtt.sendPing()
        if (second === 10) break
        assert.is((await client.next())?.cmd, 'pingresp')
        world.clock.advance(1_000)
      }
    },
    v5: 0x96,
    reason: 'QuotaExceeded'
  },
  {
    what: 'subscribes to one filter that it may have and to one that it may not',
    act: subscribing(['lab/a', 'other']),
    v5: ['suback', 1, 0x87],
    v4: ['suback', 1, 0x80]
  },
  {
    what: 'subscribes with QoS 2',
    act: subscribing('lab/a', 2),
    v5: ['suback', 1],
    v4: ['suback', 1]
  },
  {
    what: 'subscribes to eleven filters at once',
    act: subscribing(counted(11)),
    v5: ['suback', ...Array<number>(11).fill(0x97)],
    v4: ['suback', ...Array<number>(11).fill(0x80)]
  },
  {
    what: 'has a fifty-first subscription',
    act: async (client) => {
      for (let from = 0; from < 50; from += 10) {
        subscribing(counted(50).slice(from, from + 10))(client)
        assert.is((await client.next())?.cmd, 'suback')
      }
      subscribing('lab/50')(client)
    },
    v5: ['suback', 0x97],
    v4: ['suback', 0x80]
  },
  {
    what: 'shares a subscription',
    act: subscribing('$share/g/lab/a'),
    v5: ['suback', 0x9e],
    v4: ['suback', 0x80]
  },
  {
    what: 'gives a subscription identifier',
    act: ({ mqtt: client }) =>
      void client.subscribe('lab/a', { qos: 1, properties: { subscriptionIdentifier: 1 } }),
    v5: 0xa1,
    reason: 'ClientError'
  },
  {
    what: 'has user properties in SUBSCRIBE',
    act: ({ mqtt: client }) => void client.subscribe('lab/a', { qos: 1, ...USER_PROPERTIES }),
    v5: 0x83,
    reason: 'ClientError'
  },
  {
    what: 'has user properties in UNSUBSCRIBE',
    act: ({ mqtt: client }) => void client.unsubscribe('lab/a', USER_PROPERTIES),
    v5: 0x83,
    reason: 'ClientError'
  },
  {
    what: 'has user properties in PUBACK',
    act: (client) => write(client, { cmd: 'puback', messageId: 1, ...USER_PROPERTIES }, V5),
    v5: 0x83,
    reason: 'ClientError'
  },
  {
    what: 'has user properties in DISCONNECT',
    act: (client) => write(client, { cmd: 'disconnect', reasonCode: 0, ...USER_PROPERTIES }, V5),
    v5: 0x83,
    reason: 'ClientError'
  },
  {
    what: 'has user properties in AUTH',
    act: (client) => {
      const properties = { authenticationMethod: 'OAUTH2-JWT', ...USER_PROPERTIES.properties }
      write(client, { cmd: 'auth', reasonCode: 0x19, properties }, V5)
    },
    v5: 0x83,
    reason: 'ClientError'
  },
  {
    what: 'answers a message with a PUBACK that says no',
    act: (client) => write(client, { cmd: 'puback', messageId: 1, reasonCode: 0x80 }, V5),
    v5: 0x83,
    reason: 'ClientError'
  },
  {
    what: 'is silent for one and a half keep-alives',
    options: { keepalive: 1_160, reschedulePings: false },
    act: (_client, world) => world.clock.advance(1_740_000),
    v5: 0x8d,
    v4: CLOSED,
    reason: 'ClientError'
  },
  {
    what: 'is disabled',
    act: (_client, world) =>
      world.control('PUT', `${NAMESPACE}/clients/dev1`, { state: 'Disabled' }),
    v5: 0x87,
    v4: CLOSED,
    reason: 'ClientAuthenticationError'
  },
  {
    what: 'loses the binding that it subscribed by',
    act: async (client, world) => {
      await client.mqtt.subscribeAsync('lab/a', { qos: 1 })
      assert.is((await client.next())?.cmd, 'suback')
      await world.control('DELETE', `${NAMESPACE}/permissionBindings/sub`)
    },
    v5: 0x87,
    v4: CLOSED,
    reason: 'ClientAuthorizationError'
  },
  {
    what: 'has an address that a new IP filter blocks',
    act: (_client, world) => world.control('PATCH', NAMESPACE, FENCED),
    v5: 0x87,
    v4: CLOSED,
    reason: 'IpForbidden'
  },
  {
    what: 'loses its way in as public access is disabled',
    act: (_client, world) => world.control('PATCH', NAMESPACE, { publicNetworkAccess: 'Disabled' }),
    v5: 0x87,
    v4: CLOSED,
    reason: 'IpForbidden'
  },
  {
    what: 'is disconnected over the control port',
    act: (_client, world) => world.control('POST', `${NAMESPACE}/sessions/dev1/disconnect`),
    v5: 0x98,
    v4: CLOSED,
    reason: 'ServerInitiatedDisconnect'
  }
]

/** The first packet that is an answer: of acknowledgements the first that says no, or the one that was asked for. */
async function answerOf(client: PacketClient, expected: Answer): Promise<Answer> {
  for (;;) {
    const packet = await client.next()
    if (!packet) return CLOSED
    const { cmd, reasonCode = 0, granted } = packet
    if (cmd === 'disconnect') {
      assert.is(await client.next(), undefined)
      return reasonCode
    }
    if (cmd === 'pingresp' || (cmd === 'puback' && reasonCode === 0)) continue
    assert.ok(Array.isArray(expected), `${cmd} ${reasonCode}`)
    return OF_SUBSCRIBE.includes(cmd) ? [cmd, ...granted] : [cmd, reasonCode]
  }
}

/** The event of a session's end, once it is there. */
async function lastReason(world: World): Promise<unknown> {
  for (let turn = 0; turn < 100; turn++) {
    const found = (await told(world)).find(({ data }) => data.disconnectionReason !== undefined)
    if (found) return found.data.disconnectionReason
    await new Promise((resolve) => setImmediate(resolve))
  }
  return undefined
}

for (const { what, settings = LAB, options = {}, act, v5, v4, reason } of LIVE) {
  const [reason5, reason4] = Array.isArray(reason) ? reason : [reason, reason]
  const versions: [Version, Answer, string | undefined][] = [[V5, v5, reason5]]
  if (v4 !== undefined) versions.push([V4, v4, reason4])
  for (const [version, answer, end] of versions) {
    const heard = typeof answer === 'number' ? `0x${answer.toString(16)}` : String(answer)
    outcomes(`a client by MQTT ${version} that ${what}: ${heard} ${end ?? ''}`, () =>
      withNamespace({ settings }, async (world) => {
        const client = await connected(world, version, options)
        await act(client, world, version)
        assert.equal(await answerOf(client, answer), answer)
        if (end !== undefined) return assert.is(await lastReason(world), end)
        client.mqtt.sendPing()
        const alive = async () => {
          while ((await client.next())?.cmd !== 'pingresp');
        }
        await within(2000, alive(), 'the PINGRESP')
        assert.is(world.space.sessions().length, 1)
      })
    )
  }
}

for (const version of [V5, V4] as const) {
  outcomes(
    `a client by MQTT ${version} that is away and whose queue is full: SessionOverflow`,
    () =>
      withNamespace({ settings: LAB }, async (world) => {
        const lasting = { clean: false, properties: { sessionExpiryInterval: 600 } }
        const options = version === V5 ? lasting : { clean: false }
        const client = await connected(world, version, options)
        await client.mqtt.subscribeAsync('lab/#', { qos: 1 })
        await client.mqtt.endAsync()
        for (let index = 0; index <= 100; index++) await world.publish(`lab/${index}`)
        const back = await connect(world, version, options)
        assert.is((await back.next())?.sessionPresent, false)
        const reasons = (await told(world)).map(({ data }) => data.disconnectionReason)
        assert.equal(reasons, [
          undefined,
          'ClientInitiatedDisconnect',
          'SessionOverflow',
          undefined
        ])
      })
  )
}

outcomes.run()
