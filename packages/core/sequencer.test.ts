import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createManualClock } from './clock.ts'
import { CoreError } from './error.ts'
import { createSequencer } from './sequencer.ts'

const sequencer = suite('sequencer')

/** A promise and its handles. */
function deferred() {
  let resolve = () => {}
  let reject = (_error: Error) => {}
  const promise = new Promise<void>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

const never = () => assert.unreachable()
const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

sequencer('emits in order of arrival, however the stores finish', async () => {
  const { push } = createSequencer(createManualClock(), 1000)
  const log: string[] = []
  const first = deferred()
  const second = deferred()
  push(first.promise, () => log.push('first'), never)
  push(second.promise, () => log.push('second'), never)
  push(undefined, () => log.push('third'), never)
  second.resolve()
  await settled()
  assert.equal(log, [])
  first.resolve()
  await settled()
  assert.equal(log, ['first', 'second', 'third'])
})

sequencer('a failed store fails its own publish and holds up nobody', async () => {
  const { push } = createSequencer(createManualClock(), 1000)
  const log: string[] = []
  const first = deferred()
  push(first.promise, never, (error) => log.push((error as CoreError).code))
  push(undefined, () => log.push('second'), never)
  first.reject(new Error('disk full'))
  await settled()
  assert.equal(log, ['store-failed', 'second'])
})

sequencer('a store that hangs is given up after its time', async () => {
  const clock = createManualClock()
  const { push } = createSequencer(clock, 1000)
  const log: string[] = []
  push(deferred().promise, never, (error) => log.push((error as CoreError).code))
  push(undefined, () => log.push('second'), never)
  clock.advance(999)
  assert.equal(log, [])
  clock.advance(1)
  assert.equal(log, ['store-timeout', 'second'])
})

sequencer.run()
