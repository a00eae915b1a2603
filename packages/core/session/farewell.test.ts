import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  connectPacket,
  joined,
  publish,
  wire,
  withCore,
  withDirectory,
  within
} from '../testing.ts'

const farewell = suite('farewell')

/** More than what a socket's buffers hold, so that some of it is unread whenever the server ends. */
const TORRENT = Buffer.alloc(8 * 1024 * 1024)

farewell('a client in the middle of sending reads why it was put out, and no reset', () =>
  withCore({}, async (world) => {
    const peer = await joined(world)
    const errors: Error[] = []
    peer.socket.on('error', (error) => errors.push(error))
    const closed = new Promise((resolve) => peer.socket.once('close', resolve))
    peer.send(publish({ properties: { topicAlias: 99 } }))
    peer.socket.write(TORRENT)
    assert.is((await peer.next())?.cmd, 'disconnect')
    await within(20_000, closed, 'the end of the connection')
    assert.equal(errors, [])
  })
)

farewell('a client that has said goodbye and is not quite done sees no reset either', () =>
  withCore({}, async (world) => {
    const peer = await joined(world)
    const errors: Error[] = []
    peer.socket.on('error', (error) => errors.push(error))
    const closed = new Promise((resolve) => peer.socket.once('close', resolve))
    peer.send({ cmd: 'disconnect' })
    // Over TLS it says so once more, to the socket.
    peer.socket.write(TORRENT)
    await within(20_000, closed, 'the end of the connection')
    assert.equal(errors, [])
    assert.is(world.space.session('open', 'c1'), undefined)
  })
)

farewell('a client is done once it is done, though its SUBSCRIBE is not stored yet', () =>
  withDirectory((directory) =>
    withCore({ core: { directory } }, async (world) => {
      const seen: string[] = []
      const causes: string[] = []
      let heard = () => {}
      world.space.listen({
        published: ({ message }) => seen.push(message.topic),
        session(event) {
          if (event.type !== 'disconnected') return
          causes.push(event.cause.by)
          heard()
        }
      })
      for (let round = 0; round < 20; round++) {
        const will = { topic: 'will', payload: 'w', qos: 0, retain: false }
        const properties = { sessionExpiryInterval: 60 }
        const peer = await joined(world, { will, properties })
        const over = new Promise<void>((resolve) => (heard = resolve))
        peer.socket.cork()
        peer.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '#', qos: 0 }] })
        peer.send(publish({ topic: 'last', qos: 0, messageId: undefined }))
        peer.send({ cmd: 'disconnect' })
        peer.socket.end()
        await within(20_000, over, 'the end of the connection')
      }
      assert.equal(causes, Array(20).fill('client'))
      assert.equal(seen, Array(20).fill('last'))
    })
  )
)

farewell('nor does one whose CONNECT was refused, which reads why', () =>
  withCore(
    { policy: { authenticate: async () => ({ rule: 'NotAuthorized', reasonCode: 0x87 }) } },
    async (world) => {
      const peer = wire(await world.socket())
      const errors: Error[] = []
      peer.socket.on('error', (error) => errors.push(error))
      const closed = new Promise((resolve) => peer.socket.once('close', resolve))
      peer.send(connectPacket())
      peer.socket.write(TORRENT)
      assert.is((await peer.next())?.reasonCode, 0x87)
      await within(20_000, closed, 'the end of the connection')
      assert.equal(errors, [])
    }
  )
)

farewell('a client that does not hang up has lost its session, and a second later its place', () =>
  withCore({ core: { bounds: { connections: 1 } } }, async (world) => {
    const peer = await joined(world)
    peer.socket.allowHalfOpen = true
    peer.send(publish({ properties: { topicAlias: 99 } }))
    assert.is((await peer.next())?.cmd, 'disconnect')
    assert.is(world.space.session('open', 'c1'), undefined)
    await within(
      5000,
      (async () => {
        for (let code: unknown; code !== 0;) {
          const next = wire(await world.socket())
          next.send(connectPacket({ clientId: 'c2' }))
          code = (await next.next())?.reasonCode
        }
      })(),
      'a place for the next client'
    )
  })
)

farewell.run()
