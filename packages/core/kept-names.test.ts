// Names that a client chose and that JavaScript has a meaning for, on their way through the store.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { UserProperty } from './index.ts'
import { joined, withCore, withDirectory, within, wire, connectPacket } from './testing.ts'

const LASTING = { clean: false, properties: { sessionExpiryInterval: 600 } }
const PAIRS: UserProperty[] = [
  ['__proto__', 'a'],
  ['constructor', 'b'],
  ['__proto__', 'c']
]
const message = {
  topic: 'a',
  payload: Buffer.from('x'),
  qos: 1 as const,
  retain: true,
  properties: { userProperties: PAIRS }
}
/** The properties' bytes as they go over the wire: identifier, name, value. */
const onWire = PAIRS.map(
  ([name, value]) => `\x26\0${String.fromCharCode(name.length)}${name}\0\x01${value}`
).join('')

const names = suite('user properties with the names of a prototype')

names('come out of a queue', () =>
  withCore({}, async (world) => {
    const first = await joined(world, LASTING)
    first.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 1 }] })
    await first.next()
    first.send({ cmd: 'disconnect' })
    assert.is(await first.next(), undefined)
    await world.space.publish(message)
    const socket = await world.socket()
    const peer = wire(socket)
    let seen = ''
    const whole = new Promise<void>((resolve) => {
      socket.on('data', (bytes) => {
        seen += bytes.toString('latin1')
        if (seen.includes(onWire)) resolve()
      })
    })
    peer.send(connectPacket(LASTING))
    await within(5_000, whole, 'the message with its properties')
  })
)

names('come out of what is retained', () =>
  withCore({}, async ({ space }) => {
    await space.publish(message)
    assert.equal((await space.retained.get('a'))?.properties?.userProperties, PAIRS)
  })
)

names('come out of a will that waits through a restart', () =>
  withDirectory(async (directory) => {
    const core = { directory }
    await withCore({ core }, async (world) => {
      const properties = {
        willDelayInterval: 60,
        userProperties: PAIRS.map(([name, value]) => ({ [name]: value }))
      }
      await joined(world, { ...LASTING, will: { topic: 'gone', payload: 'w', qos: 1, properties } })
    })
    await withCore({ core }, async ({ space }) => {
      const heard = new Promise((resolve) =>
        space.listen({ published: ({ message: will }) => resolve(will.properties?.userProperties) })
      )
      const refusal = { reasonCode: 0x98, rule: 'Test' }
      assert.ok(await space.clients.end('open', 'c1', refusal))
      assert.equal(await within(5_000, heard, 'the will'), PAIRS)
    })
  })
)

names.run()
