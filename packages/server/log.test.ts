import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const logging = suite('log')

/** What a process that runs these lines has written. */
async function written(lines: string, descriptor: 1 | 2 = 1): Promise<string[]> {
  const program = `import { createLog } from './log.ts'
    const log = createLog('info', ${descriptor})
    ${lines}`
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', program],
    { cwd: import.meta.dirname, timeout: 20_000 }
  )
  const text = descriptor === 1 ? stdout : stderr
  return text
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { msg: string }).msg)
}

logging('writes its lines in order, those that waited for others too', async () => {
  assert.equal(await written("log.info('a'); log.warn('b'); log.info('c')"), ['a', 'b', 'c'])
  assert.equal(await written("log.info('a'); log.error(new Error('x'), 'b')", 2), ['a', 'b'])
})

logging('has everything out when it is flushed', async () => {
  assert.equal(await written("log.info('a'); log.info('b'); log.flush(); process.exit()"), [
    'a',
    'b'
  ])
})

logging('loses nothing of more than it gathers', async () => {
  const long = 'x'.repeat(1000)
  const lines = `for (let i = 0; i < 100; i++) log.info(i + '${long}')`
  assert.equal(
    await written(lines),
    Array.from({ length: 100 }, (_, index) => `${index}${long}`)
  )
})

logging.run()
