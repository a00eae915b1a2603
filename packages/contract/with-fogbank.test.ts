// The tools that other tests trust, against the plain door, which has no provider's rules.
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { send } from './http.ts'
import { withFogbank, type World } from './with-fogbank.ts'

const AT = { at: 'control' }
const PLAIN = { only: ['aws-iot'] }
const connect = ({ mqtt }: World, clientId: string, more: object = {}) =>
  mqtt(AT, { clientId, ...more })

const tools = suite('withFogbank')

tools('a message is told from silence', () =>
  withFogbank(PLAIN, async (world) => {
    const publisher = await connect(world, 'p')
    const watcher = await connect(world, 'w')
    assert.is(await watcher.subscribe('plant/+/#', 1), 1)
    await world.nothing(watcher)
    assert.is(await publisher.publish('plant/a', Buffer.from('x'), { qos: 1 }), 0)
    const { topic, payload, qos, retain } = await world.next(watcher)
    assert.equal([topic, payload.toString(), qos, retain], ['plant/a', 'x', 1, false])
    await publisher.publish('plant/b', Buffer.from('late'), { qos: 1 })
    const said = await world.nothing(watcher).catch((error: Error) => error.message)
    assert.is(said, 'w was sent plant/b: late')
  })
)

tools('a client that drops leaves its will, one that says goodbye does not', () =>
  withFogbank(PLAIN, async (world) => {
    const watcher = await connect(world, 'w')
    await watcher.subscribe('wills/#', 0)
    const will = (topic: string) => ({
      will: { topic, payload: Buffer.from('x'), qos: 0 as const }
    })
    await (await connect(world, 'a', will('wills/a'))).end()
    await world.nothing(watcher)
    await (await connect(world, 'b', will('wills/b'))).end(true)
    assert.is((await world.next(watcher)).topic, 'wills/b')
  })
)

tools('the code of a DISCONNECT and of a refused CONNECT are told', () =>
  withFogbank(PLAIN, async (world) => {
    const client = await connect(world, 'c')
    await world.fogbank.reset()
    assert.is(await client.closed(), 0x98)
    const refused = await connect(world, 'd', { username: 'no-such-space' })
    assert.is(refused.connack.code, 0x86)
    const older = await connect(world, 'e', { username: 'no-such-space', protocolVersion: 4 })
    assert.is(older.connack.code, 4)
  })
)

tools('https and mqtts trust the suite, and time stands still when asked to', () =>
  withFogbank({ ...PLAIN, manualClock: true }, async ({ http, mqtt, clock, fogbank }) => {
    const door = { ...AT, secure: true }
    assert.is((await http(door, { method: 'GET', target: '/live' })).status, 200)
    assert.is((await mqtt(door, { clientId: 'c' })).connack.code, 0)
    const before = fogbank.core.clock.now()
    clock!.advance(5000)
    assert.is(fogbank.core.clock.now(), before + 5000)
  })
)

tools('a target goes out byte for byte', async () => {
  const server = http.createServer((request, reply) => {
    reply.writeHead(299, 'Odd', { 'X-Target': request.url! }).end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  try {
    const { port } = server.address() as AddressInfo
    const target = '/a/../%2e/b%zz?x=%&&y'
    const answer = await send(`http://127.0.0.1:${port}`, { method: 'GET', target })
    assert.equal([answer.status, answer.reason, answer.headers['x-target']], [299, 'Odd', target])
  } finally {
    server.close()
  }
})

tools.run()
