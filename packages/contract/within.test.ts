import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejects } from './rejects.ts'
import { within } from './within.ts'

const waits = suite('within and rejects')

waits('within passes on what comes in time', async () => {
  assert.is(await within(1000, Promise.resolve(5), 'five'), 5)
  await rejects(within(1000, Promise.reject(new Error('no')), 'five'), 'no')
})

waits('within names what does not come', () =>
  rejects(within(5, new Promise(() => {}), 'the message'), 'the message did not come within 5 ms')
)

waits('rejects looks for the key of a row, then for a code', async () => {
  const refusal = Object.assign(new Error('too long'), { key: 'TopicTooLong', code: 'x' })
  await rejects(Promise.reject(refusal), 'TopicTooLong')
  await rejects(Promise.reject(Object.assign(new Error('x'), { code: 'closed' })), 'closed')
})

waits('rejects does not accept another refusal, or none', async () => {
  await rejects(rejects(Promise.reject(new Error('a')), 'b'), 'ERR_ASSERTION')
  await rejects(rejects(Promise.resolve(), 'b'), 'ERR_ASSERTION')
})

waits.run()
