// How many sessions a client may have, how much they hold, and when they end; with MQTT.js.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { mintToken, within, type PacketClient } from '@fogbank/contract/testing'
import { startFogbank } from 'fogbank'
import mqtt from 'mqtt'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { limits } from './limits.ts'
import type { Settings } from './settings.ts'
import { issueClient, withNamespace, type World } from './testing.ts'

const sessions = suite('azure-event-grid-namespaces sessions')

const ID = 'azure-event-grid-namespaces'
const LASTING = { sessionExpiryInterval: 600 }
const several = (count: number): Settings => ({
  topicSpacesConfiguration: { maximumClientSessionsPerAuthenticationName: count }
})

/** A client with a token, whatever becomes of its CONNECT. */
async function connect(world: World, clientId: string, options: object = {}, properties = {}) {
  const { properties: own } = await world.jwt(undefined, properties)
  return world.client({ clientId, ...options, properties: own! })
}

async function connected(world: World, clientId: string, options = {}, properties = {}) {
  const client = await connect(world, clientId, options, properties)
  const connack = await client.next()
  assert.is(connack?.reasonCode, 0, JSON.stringify(connack))
  return { ...client, connack: connack! }
}

/** A session that waits for its client, subscribed to everything. */
async function leave(world: World, clientId = 'dev1'): Promise<void> {
  const client = await connected(world, clientId, { clean: false }, LASTING)
  await client.mqtt.subscribeAsync('lab/#', { qos: 1 })
  await client.mqtt.endAsync()
}

async function publish(world: World, topic: string, body: string | Buffer = 'x'): Promise<void> {
  assert.is((await world.publish(topic, { body })).status, 204)
}

async function reasons(world: World): Promise<unknown[]> {
  const { body } = await world.control('GET', '/namespaces/default/lifecycleEvents')
  return body.value.map(({ data }: any) => [data.sequenceNumber, data.disconnectionReason])
}

/** The next publish that a client gets. */
async function message(client: PacketClient): Promise<Record<string, any>> {
  for (;;) {
    const packet = await client.next()
    if (packet?.cmd === 'publish') return packet
    assert.ok(packet, 'the connection was closed')
  }
}

sessions('of one authentication name there is one, its client connected or away', () =>
  withNamespace({}, async (world) => {
    await leave(world)
    const second = await connect(world, 'dev2')
    assert.is((await second.next())?.reasonCode, 0x97)
    const own = await connected(world, 'dev1', { clean: false }, LASTING)
    assert.is(own.connack.sessionPresent, true)
    await own.mqtt.endAsync()
    const ending = await connected(world, 'dev1', { clean: true })
    await ending.mqtt.endAsync()
    await connected(world, 'dev2')
  })
)

sessions('of one authentication name there are as many as the namespace says', () =>
  withNamespace({ settings: several(3) }, async (world) => {
    await leave(world, 'dev1')
    for (const clientId of ['dev2', 'dev3']) await connected(world, clientId)
    const fourth = await connect(world, 'dev4')
    assert.is((await fourth.next())?.reasonCode, 0x97)
  })
)

sessions('are counted no more when they were ended, whatever ended them', () =>
  withNamespace({}, async (world) => {
    const properties = { sessionExpiryInterval: 60 }
    const ends = [
      () => world.clock.advance(60_000),
      () => world.space.clients.end(ID, 'away', { reasonCode: 0x98, rule: 'Test' })
    ]
    for (const end of ends) {
      const client = await connected(world, 'away', { clean: false }, properties)
      await client.mqtt.endAsync()
      const refused = await connect(world, 'other')
      assert.is((await refused.next())?.reasonCode, 0x97)
      await end()
      const other = await connected(world, 'other', { clean: true })
      await other.mqtt.endAsync()
    }
  })
)

for (const [what, clean] of [
  ['that go with their connections', true],
  ['that outlive them', false]
] as const) {
  sessions(`${what} are one, though two CONNECTs come at once`, () =>
    withNamespace({}, async (world) => {
      const clients = [
        await connect(world, 'dev1', { clean }, clean ? {} : LASTING),
        await connect(world, 'dev2', { clean }, clean ? {} : LASTING)
      ]
      const codes = await Promise.all(clients.map(async ({ next }) => (await next())?.reasonCode))
      assert.equal(codes.toSorted(), [0, 0x97])
      assert.is(world.space.clients.list().length, 1)
    })
  )
}

sessions('whose CONNECT came to nothing keep nobody out', () =>
  withNamespace({}, async (world) => {
    const { identity } = await admitted(world)
    const { checkSession } = world.running.mqtt!
    const client = { clientId: 'lost', version: 5 as const, identity }
    assert.is(checkSession!(client, undefined, true), undefined)
    const early = await connect(world, 'dev2')
    assert.is((await early.next())?.reasonCode, 0x97)
    const own = await connect(world, 'lost')
    assert.is((await own.next())?.reasonCode, 0)
    await own.mqtt.endAsync()
    assert.is(checkSession!(client, undefined, true), undefined)
    world.clock.advance(10_000)
    await connected(world, 'dev2')
  })
)

/** Who a client is, before it has a session. */
async function admitted({ running, mint }: World) {
  const outcome = await running.mqtt!.authenticate({
    version: 5,
    clientId: 'lost',
    cleanStart: true,
    keepAliveSeconds: 60,
    sessionExpirySeconds: 0,
    authenticationMethod: 'OAUTH2-JWT',
    authenticationData: Buffer.from(await mint()),
    peer: { address: '127.0.0.1', port: 1, transport: 'tcp' }
  })
  assert.ok('identity' in outcome)
  return outcome
}

sessions("whose names meet, of two clients at once, are the first one's", () =>
  withNamespace({}, async (world) => {
    const { identity } = await admitted(world)
    const { checkSession } = world.running.mqtt!
    const client = { clientId: 'same', version: 5 as const, identity }
    assert.is(checkSession!(client, undefined, true), undefined)
    const other = await world.client(
      { clientId: 'same' },
      { certificate: await issueClient('dev2') }
    )
    assert.is((await other.next())?.reasonCode, 0x87)
  })
)

sessions('of a namespace that has enough are refused with 0x97', () =>
  withNamespace({ settings: { enforceQuotas: true, ...several(100) } }, async (world) => {
    const { identity } = await admitted(world)
    const { checkSession } = world.running.mqtt!
    const codeOf = (clientId: string, name: string) => {
      const principal = { kind: 'client', authenticationName: name }
      const client = { clientId, version: 5 as const, identity: { ...identity, principal } }
      return checkSession!(client, undefined, true)?.reasonCode
    }
    const limit = limits.sessionsPerNamespace.value
    for (let index = 0; index < limit; index++) {
      assert.is(codeOf(`session${index}`, `name${index}`), undefined)
    }
    assert.is(codeOf('one-more', 'one-more'), 0x97)
    assert.is(codeOf('session7', 'name7'), undefined, 'one of them comes again')
    const refused = await connect(world, 'one-more')
    assert.is((await refused.next())?.reasonCode, 0x97)
    await world.control('PATCH', '/namespaces/default', { sku: { capacity: 2 } })
    await connected(world, 'one-more')
  })
)

sessions('of an earlier run are counted', async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'fogbank-sessions-'))
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  try {
    for (const [clientId, code] of [
      ['dev1', 0],
      ['dev2', 0x97]
    ] as const) {
      const fogbank = await startFogbank({ only: [ID], log, dataDir })
      try {
        const { [ID]: own } = fogbank.endpoints
        const authenticationData = Buffer.from(await mintToken(fogbank))
        const properties = { authenticationMethod: 'OAUTH2-JWT', authenticationData, ...LASTING }
        const client = mqtt.connect(String(own!.mqtt), {
          ...{ protocolVersion: 5, reconnectPeriod: 0, clean: false, clientId, properties }
        })
        // A refusal is an error, too; the packet says which.
        client.on('error', () => {})
        const answer = await within(
          5000,
          new Promise<{ reasonCode?: number }>((resolve) =>
            client.once('packetreceive', (packet) => resolve(packet as { reasonCode?: number }))
          ),
          'the CONNACK'
        )
        assert.is(answer.reasonCode, code)
        await client.endAsync(true)
      } finally {
        await fogbank.close()
      }
    }
  } finally {
    await rm(dataDir, { recursive: true })
  }
})

sessions('keep a hundred messages; the hundred and first ends them', () =>
  withNamespace({}, async (world) => {
    await leave(world)
    for (let index = 1; index <= 100; index++) await publish(world, `lab/${index}`)
    const back = await connected(world, 'dev1', { clean: false }, LASTING)
    assert.is(back.connack.sessionPresent, true)
    for (let index = 1; index <= 100; index++) {
      assert.is((await message(back)).topic, `lab/${index}`)
    }
    await back.mqtt.endAsync()

    for (let index = 1; index <= 101; index++) await publish(world, `lab/${index}`)
    const later = await connected(world, 'dev1', { clean: false }, LASTING)
    assert.is(later.connack.sessionPresent, false)
    assert.equal(await reasons(world), [
      [1, undefined],
      [1, 'ClientInitiatedDisconnect'],
      [2, undefined],
      [2, 'ClientInitiatedDisconnect'],
      [2, 'SessionOverflow'],
      [3, undefined]
    ])
  })
)

sessions('keep a megabyte; what does not fit ends them', () =>
  withNamespace({}, async (world) => {
    for (const [bytes, sessionPresent] of [
      [520_000, true],
      [524_288, false]
    ] as const) {
      await leave(world)
      for (const topic of ['lab/1', 'lab/2']) await publish(world, topic, Buffer.alloc(bytes))
      const back = await connected(world, 'dev1', { clean: false }, LASTING)
      assert.is(back.connack.sessionPresent, sessionPresent, String(bytes))
      if (sessionPresent) for (const _ of [1, 2]) await message(back)
      await back.mqtt.endAsync()
    }
  })
)

/** A client that acknowledges when it is told to: MQTT.js itself would take one message after the other. */
async function slow(world: World, properties = {}) {
  const client = await connected(world, 'dev1', {}, properties)
  await client.mqtt.subscribeAsync('lab/#', { qos: 1 })
  assert.is((await client.next())?.cmd, 'suback')
  const held: object[] = []
  const raw = client.mqtt as unknown as { _sendPacket(packet: object, done?: () => void): void }
  const send = raw._sendPacket.bind(raw)
  raw._sendPacket = (packet, done) => {
    if ((packet as { cmd: string }).cmd !== 'puback') return send(packet, done)
    held.push(packet)
    done?.()
  }
  return { ...client, acknowledge: () => send(held.shift()!) }
}

/** Everything that was on its way to the client is there. */
async function settle(client: PacketClient): Promise<void> {
  client.mqtt.sendPing()
  assert.is((await client.next())?.cmd, 'pingresp')
}

for (const [what, count, properties] of [
  ['sixteen', 16, {}],
  ['three, as the client says', 3, { receiveMaximum: 3 }],
  ['sixteen, though the client takes a hundred', 16, { receiveMaximum: 100 }]
] as const) {
  sessions(`unacknowledged messages on the way to a client are ${what}`, () =>
    withNamespace({}, async (world) => {
      const client = await slow(world, properties)
      for (let index = 1; index <= count + 1; index++) await publish(world, `lab/${index}`)
      for (let index = 1; index <= count; index++) {
        assert.is((await message(client)).topic, `lab/${index}`)
      }
      await settle(client)
      client.acknowledge()
      assert.is((await message(client)).topic, `lab/${count + 1}`)
    })
  )
}

sessions('a client that acknowledges nothing loses its session with the 101st message', () =>
  withNamespace({}, async (world) => {
    const client = await slow(world, LASTING)
    for (let index = 1; index <= 100; index++) await publish(world, `lab/${index}`)
    for (let index = 1; index <= 16; index++) await message(client)
    world.clock.advance(10_000)
    await settle(client)
    await publish(world, 'lab/101')
    const last = await client.next()
    assert.equal([last?.cmd, last?.reasonCode], ['disconnect', 0x97])
    assert.is(await client.next(), undefined)
    assert.equal((await reasons(world)).at(-1), [1, 'SessionOverflow'])
    const back = await connected(world, 'dev1', { clean: false }, LASTING)
    assert.is(back.connack.sessionPresent, false)
  })
)

sessions('end when their time is over, one hour at the longest', () =>
  withNamespace({}, async (world) => {
    for (const [asked, lowered, heldMs] of [
      [3_600, undefined, 3_600_000],
      [3_601, 3_600, 3_600_000],
      [60, undefined, 60_000]
    ] as const) {
      for (const [ms, present] of [
        [heldMs - 1, true],
        [heldMs, false]
      ] as const) {
        const properties = { sessionExpiryInterval: asked }
        const client = await connected(world, 'dev1', { clean: true }, properties)
        assert.is(client.connack.properties.sessionExpiryInterval, lowered)
        await client.mqtt.endAsync()
        world.clock.advance(ms)
        const back = await connected(world, 'dev1', { clean: false })
        assert.is(back.connack.sessionPresent, present, `${asked} after ${ms} ms`)
        await back.mqtt.endAsync()
      }
    }
  })
)

for (const [ms, present] of [
  [3_599_999, true],
  [3_600_000, false]
] as const) {
  const fate = present ? 'still there' : 'gone'
  sessions(`of MQTT 3.1.1 last an hour: ${fate} after ${ms} ms`, () =>
    withNamespace({}, async (world) => {
      const options = { protocolVersion: 4 as const, clean: false }
      const peer = { certificate: await issueClient('dev1') }
      const client = await world.client(options, peer)
      assert.is((await client.next())?.returnCode, 0)
      await client.mqtt.endAsync()
      world.clock.advance(ms)
      const back = await world.client(options, peer)
      assert.is((await back.next())?.sessionPresent, present)
    })
  )
}

sessions('a client that is silent for one and a half keep-alives is let go with 0x8D', () =>
  withNamespace({}, async (world) => {
    const client = await connected(world, 'dev1', { keepalive: 1_160, reschedulePings: false })
    world.clock.advance(1_739_999)
    assert.is(world.space.sessions().length, 1)
    world.clock.advance(1)
    const last = await client.next()
    assert.equal([last?.cmd, last?.reasonCode], ['disconnect', 0x8d])
    assert.is(await client.next(), undefined)
    assert.equal((await reasons(world)).at(-1), [1, 'ClientError'])
  })
)

/** Wills as they are published, seen by whoever listens. */
const will = (delaySeconds: number) => ({
  clean: false,
  will: {
    topic: 'lab/gone',
    payload: Buffer.from('bye'),
    qos: 1,
    retain: false,
    properties: { willDelayInterval: delaySeconds }
  }
})
const isGone = ({ published }: World) =>
  published.some(({ message: { topic } }) => topic === 'lab/gone')

/** The connection is cut; resolves when the broker knows. */
async function cut(world: World, client: PacketClient): Promise<void> {
  const gone = new Promise<void>((resolve) =>
    world.space.listen({ session: ({ type }) => type === 'disconnected' && resolve() })
  )
  client.mqtt.stream.destroy()
  await within(20_000, gone, 'the end of the session')
}

for (const [asked, waits] of [
  [60, 60],
  [300, 300],
  [301, 300]
] as const) {
  sessions(`a will delay of ${asked} s is one of ${waits} s`, () =>
    withNamespace({}, async (world) => {
      await cut(world, await connected(world, 'dev1', will(asked), LASTING))
      world.clock.advance(waits * 1000 - 1)
      await new Promise((resolve) => setImmediate(resolve))
      assert.not(isGone(world))
      world.clock.advance(1)
      const back = await connected(world, 'dev1', { clean: false }, LASTING)
      assert.ok(isGone(world))
      await back.mqtt.endAsync()
    })
  )
}

sessions('a will is not published when its client is back before its delay is over', () =>
  withNamespace({}, async (world) => {
    await cut(world, await connected(world, 'dev1', will(60), LASTING))
    world.clock.advance(59_999)
    await connected(world, 'dev1', { clean: false }, LASTING)
    world.clock.advance(60_000)
    await publish(world, 'lab/x')
    assert.not(isGone(world))
  })
)

sessions.run()
