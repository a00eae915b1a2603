import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createQueue } from './queue.ts'
import { rejects } from './rejects.ts'

const queue = suite('queue')

queue('keeps what nobody takes, in order', async () => {
  const { put, next, waiting } = createQueue<number>()
  put(1)
  put(2)
  assert.equal(waiting, [1, 2])
  assert.is(await next(1000, 'one'), 1)
  assert.is(await next(1000, 'two'), 2)
  assert.equal(waiting, [])
})

queue('gives each one who waits an item of its own, the first to the first', async () => {
  const { put, next, waiting } = createQueue<number>()
  const both = Promise.all([next(1000, 'one'), next(1000, 'two')])
  put(1)
  put(2)
  put(3)
  assert.equal(await both, [1, 2])
  assert.equal(waiting, [3])
})

queue('keeps for the next what comes after somebody gave up', async () => {
  const { put, next } = createQueue<number>()
  await rejects(next(5, 'the message'), 'the message did not come within 5 ms')
  put(1)
  assert.is(await next(1000, 'one'), 1)
})

queue.run()
