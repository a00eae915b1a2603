// What the READMEs tell people to type works, as it stands there.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ROOT } from './fixtures.ts'
import {
  findMissingTools,
  readRunnableBlocks,
  runBlock,
  usePorts,
  withWalk,
  type RunnableBlock
} from './readme.ts'
import { withFogbank } from './with-fogbank.ts'

/** The page everybody starts on, the page of each personality, and that of the tokens. */
const PAGES = await withFogbank({}, async ({ fogbank }) => [
  'README.md',
  'packages/authority/README.md',
  ...[...fogbank.personalities.keys()].map((name) => `emulators/${name}/README.md`)
])

const blocks = PAGES.flatMap((page) =>
  readRunnableBlocks(readFileSync(join(ROOT, page), 'utf8')).map((one) => ({ page, one }))
)
const block = (language: 'js' | 'sh', code: string): RunnableBlock => ({
  name: 'x',
  language,
  code
})

const reason = (promise: Promise<void>) =>
  promise.then(
    () => 'it worked',
    (error: Error) => error.message
  )

const readme = suite('README')

for (const { page, one } of blocks) {
  readme(`block "${one.name}" of ${page} works`, async () => {
    const missing = await findMissingTools(one)
    if (missing.length > 0) {
      console.log(
        `block "${one.name}" of ${page} is not run, as this is not here: ${missing.join(', ')}`
      )
      return
    }
    await withWalk((walk) => runBlock(one, walk))
  })
}

readme('blocks are found by their marks', () => {
  const markdown = [
    '<!-- run: one -->',
    '```js',
    'a()',
    '```',
    '',
    '```js',
    'not marked',
    '```',
    '<!-- run: two -->',
    '',
    '```sh',
    'b',
    'c',
    '```'
  ].join('\n')
  assert.equal(readRunnableBlocks(markdown), [
    { name: 'one', language: 'js', code: 'a()\n' },
    { name: 'two', language: 'sh', code: 'b\nc\n' }
  ])
})

readme('a mark without a block is a mistake', () => {
  assert.throws(
    () => readRunnableBlocks('<!-- run: one -->\ntext'),
    /no js, sh or python block follows/
  )
  const twice = '<!-- run: one -->\n```js\n```\n'.repeat(2)
  assert.throws(() => readRunnableBlocks(twice), /two runnable blocks "one"/)
})

readme('the ports of npm start become those of the suite', () =>
  withFogbank({}, async ({ fogbank, host }) => {
    const { port } = new URL(`http://${host('control')}`)
    assert.is(usePorts('curl localhost:4600/health', fogbank), `curl localhost:${port}/health`)
    assert.is(usePorts('14600 4600.5 4699 x4600', fogbank), '14600 4600.5 4699 x4600')
  })
)

readme('a shell block reaches the suite, and fails when it is refused', () =>
  withWalk(async (walk) => {
    await runBlock(block('sh', 'curl http://localhost:4600/live'), walk)
    await runBlock(
      block('sh', 'curl --cacert .fogbank/tls/ca.pem https://localhost:4600/live'),
      walk
    )
    const failed = runBlock(block('sh', 'curl http://localhost:4600/nowhere'), walk)
    assert.match(await reason(failed), /^block "x" ended with 22/)
  })
)

readme('a shell block has the command, which asks this suite', () =>
  withWalk(async (walk) => {
    await runBlock(block('sh', 'npx fogbank healthcheck'), walk)
    const elsewhere = runBlock(block('sh', 'npx fogbank healthcheck --port-base 1'), walk)
    assert.match(await reason(elsewhere), /^block "x" ended with 1:\n[^]*:1 does not answer/)
  })
)

readme('a script reaches the suite over https and imports the packages', () =>
  withWalk(async (walk) => {
    const code = [
      "import { startFogbank } from 'fogbank'",
      "const reply = await fetch('https://localhost:4600/live')",
      'if (!reply.ok) throw new Error(reply.status)',
      'const fogbank = await startFogbank()',
      'await fogbank.close()'
    ].join('\n')
    await runBlock(block('js', code), walk)
    const failed = runBlock(block('js', 'process.exit(3)'), walk)
    assert.match(await reason(failed), /^block "x" ended with 3/)
  })
)

readme('a tool that is not here is named', async () => {
  const missing = await findMissingTools(block('sh', 'mosquitto_sub -t x'))
  assert.ok(missing.every((tool) => tool === 'mosquitto_sub'))
  assert.equal(await findMissingTools(block('js', 'curl')), [])
})

readme.run()
