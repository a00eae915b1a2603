// A process that dies while a client's will or its PUBREL is on its way into the store.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createManualClock } from './index.ts'
import { connectPacket, joined, publish, wire, withCore, withDirectory } from './testing.ts'
import { dieAfter, revive } from './testing-dying.ts'

const LASTING = { clean: false, properties: { sessionExpiryInterval: 600 } }
/** One more than the end of a connection with a will takes. */
const WRITES = 4

const turn = () => new Promise((resolve) => setImmediate(resolve))

const dying = suite('a process that dies')

dying.after.each(revive)

const WILLS: [name: string, options: { clean: boolean; properties: object }, qos: number][] = [
  ['a session that goes on', LASTING, 1],
  ['a session that goes on, QoS 0', LASTING, 0],
  ['a session that ends with its connection', { clean: true, properties: {} }, 1]
]

for (const [name, options, qos] of WILLS) {
  for (let writes = 0; writes < WRITES; writes++) {
    dying(`after ${writes} writes leaves the will of ${name} to be published once`, () =>
      withDirectory(async (directory) => {
        const clock = createManualClock()
        const core = { directory, clock }
        const seen: string[] = []
        await withCore({ core }, async (world) => {
          const will = { topic: 'gone', payload: 'w', qos, retain: false }
          const watcher = await joined(world, { ...LASTING, clientId: 'watcher' })
          watcher.send({
            cmd: 'subscribe',
            messageId: 1,
            subscriptions: [{ topic: 'gone', qos: 1 }]
          })
          await watcher.next()
          const peer = await joined(world, { ...options, will })
          world.space.listen({ published: () => seen.push('the first') })
          const left = new Promise<void>((resolve) =>
            world.space.listen({ session: ({ type }) => type === 'disconnected' && resolve() })
          )
          dieAfter(writes)
          peer.socket.destroy()
          await left
          for (let i = 0; i < 20; i++) await turn()
        })
        revive()
        await withCore({ core }, async (world) => {
          world.space.listen({ published: () => seen.push('the second') })
          const peer = wire(await world.socket())
          peer.send(connectPacket({ clientId: 'watcher', ...LASTING }))
          assert.is((await peer.next())?.sessionPresent, true)
          await world.space.publish({
            topic: 'gone',
            payload: Buffer.from('last'),
            qos: 1,
            retain: false
          })
          const got: string[] = []
          while (got[got.length - 1] !== 'last') got.push(String((await peer.next())!.payload))
          assert.is(seen.length, 2, `published by ${seen.slice(0, -1).join(' and ')}`)
          assert.equal(got, qos === 0 ? ['last'] : ['w', 'last'])
        })
      })
    )
  }
}

dying('tells a client whose PUBREL it could not store, and knows the id still', () =>
  withDirectory(async (directory) => {
    const core = { directory }
    await withCore({ core }, async (world) => {
      const peer = await joined(world, LASTING)
      peer.send(publish({ topic: 'b', qos: 2, messageId: 5 }))
      assert.is((await peer.next())?.cmd, 'pubrec')
      dieAfter(0)
      peer.send({ cmd: 'pubrel', messageId: 5, reasonCode: 0 })
      const { cmd, reasonCode } = (await peer.next())!
      assert.equal([cmd, reasonCode], ['disconnect', 0x80])
      assert.is(await peer.next(), undefined)
      revive()
      const again = wire(await world.socket())
      again.send(connectPacket(LASTING))
      assert.is((await again.next())?.sessionPresent, true)
      again.send({ cmd: 'pubrel', messageId: 5, reasonCode: 0 })
      assert.is((await again.next())?.cmd, 'pubcomp')
    })
    await withCore({ core }, async (world) => {
      const peer = wire(await world.socket())
      peer.send(connectPacket(LASTING))
      assert.is((await peer.next())?.sessionPresent, true)
      const heard: string[] = []
      world.space.listen({ published: ({ message }) => heard.push(String(message.payload)) })
      peer.send(publish({ topic: 'b', qos: 2, messageId: 5, payload: 'another' }))
      assert.is((await peer.next())?.cmd, 'pubrec')
      assert.equal(heard, ['another'])
    })
  })
)

dying.run()
