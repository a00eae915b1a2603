// Listeners that have something to store before a publisher is answered.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { joined, publish, withCore } from './testing.ts'

const keeping = suite('a listener that keeps')

/** Holds back the publish to `held` until it is let go. */
function holding() {
  let letGo = () => {}
  const held = new Promise<void>((resolve) => (letGo = resolve))
  const keep = ({ message }: { message: { topic: string } }) =>
    message.topic === 'held' ? held : undefined
  return { letGo, keep }
}

keeping('holds a PUBACK back, and those behind it, but no subscriber and nobody else', () =>
  withCore({}, async (world) => {
    const { letGo, keep } = holding()
    world.space.listen({ keep })
    const subscriber = await joined(world, { clientId: 'subscriber' })
    const subscriptions = [{ topic: '#', qos: 0 }]
    subscriber.send({ cmd: 'subscribe', messageId: 1, subscriptions })
    await subscriber.next()
    const first = await joined(world, { clientId: 'first' })
    const second = await joined(world, { clientId: 'second' })
    first.send(publish({ topic: 'held', messageId: 1 }))
    first.send(publish({ topic: 'free', messageId: 2 }))
    assert.is((await subscriber.next())?.topic, 'held')
    assert.is((await subscriber.next())?.topic, 'free')
    second.send(publish({ topic: 'other', messageId: 1 }))
    assert.equal(
      [await second.next()].map((packet) => [packet?.cmd, packet?.messageId]),
      [['puback', 1]]
    )
    first.send({ cmd: 'pingreq' })
    letGo()
    const answers = [await first.next(), await first.next(), await first.next()]
    const acknowledged = answers.filter((packet) => packet?.cmd === 'puback')
    assert.equal(
      acknowledged.map((packet) => packet?.messageId),
      [1, 2]
    )
    first.send(publish({ topic: 'free', messageId: 3 }))
    assert.is((await first.next())?.messageId, 3)
  })
)

keeping('holds back whoever publishes from inside', () =>
  withCore({}, async (world) => {
    const { letGo, keep } = holding()
    world.space.listen({ keep })
    let done = false
    const message = { payload: Buffer.from('x'), qos: 1 as const, retain: false }
    const publishing = world.space.publish({ ...message, topic: 'held' }).then(() => {
      done = true
    })
    await world.space.publish({ ...message, topic: 'free' })
    assert.is(done, false)
    letGo()
    await publishing
  })
)

keeping('that fails is told of in the log, and the publisher has its answer', () =>
  withCore({}, async (world) => {
    world.space.listen({ keep: () => Promise.reject(new Error('disk full')) })
    const peer = await joined(world)
    peer.send(publish({ messageId: 1 }))
    assert.is((await peer.next())?.cmd, 'puback')
    assert.ok(world.lines.some((line) => line.includes('disk full')))
  })
)

keeping.run()
