import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { logged } from './logged.ts'
import { failureOf, rejects } from './rejects.ts'
import { within } from './within.ts'

const waits = suite('within, rejects, failureOf and logged')

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

waits('failureOf passes on what a promise is refused with, and fails when it is not', async () => {
  assert.is((await failureOf(Promise.reject(new Error('a')))).message, 'a')
  await rejects(failureOf(Promise.resolve()), 'it did not fail')
})

waits('logged takes lines that are there and lines to come', async () => {
  const lines = ['one 200', 'two 404']
  const third = logged(lines, /200/, 1000, 2)
  lines.push('three 200')
  assert.is(await logged(lines, /200/, 1000), 'one 200')
  assert.is(await third, 'three 200')
  await rejects(logged(lines, /500/, 5), 'line 1 of the log with /500/ did not come within 5 ms')
})

waits.run()
