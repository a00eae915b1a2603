// Every operation is shown succeeding and every row it raises is shown, or the README says that it is not.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PersonalityDefinition } from '@fogbank/personality'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { findGaps, findUnshownRows, ownsUpToRow, readKnownGaps } from './coverage.ts'
import { readFixtures, ROOT } from './fixtures.ts'
import { withFogbank } from './with-fogbank.ts'

const fixtures = readFixtures()
const definitions = await withFogbank({}, async ({ fogbank }) =>
  [...fogbank.personalities.values()].map(({ definition }) => definition)
)

function readReadme(name: string): string {
  const file = join(ROOT, 'emulators', name, 'README.md')
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

const coverage = suite('coverage')

for (const definition of definitions) {
  const gaps = findGaps(definition, fixtures)
  const known = readKnownGaps(readReadme(definition.name), definition)

  coverage(`${definition.name} has no gap that its README does not list`, () => {
    const unknown = gaps.filter((gap) => !known.includes(gap))
    assert.equal(unknown, [])
  })

  coverage(`${definition.name} lists no gap that is none`, () => {
    assert.equal(
      known.filter((gap) => !gaps.includes(gap)),
      []
    )
  })

  coverage(`${definition.name} has no error row that is neither shown nor owned up to`, () => {
    const readme = readReadme(definition.name)
    const unshown = findUnshownRows(definition, fixtures)
    assert.equal(
      unshown.filter((row) => !ownsUpToRow(readme, row)),
      []
    )
  })
}

coverage('transcripts are of personalities and operations that there are', () => {
  const strays = fixtures.filter(({ personality, operation }) => {
    const definition = definitions.find(({ name }) => name === personality)
    return !definition || !(operation in definition.operations)
  })
  assert.equal(
    strays.map(({ path }) => path),
    []
  )
})

coverage('a README owns up to gaps in bullets of code spans', () => {
  const definition = {
    name: 'x',
    operations: { Publish: { raises: ['TooLong'] }, Get: { raises: [] }, List: { raises: [] } }
  } as unknown as PersonalityDefinition
  const readme = [
    '# X',
    '## Known gaps',
    '- `Get` and `List`: later. `Publish` works.',
    '- `Publish TooLong`: cannot be provoked.',
    '- Rates, see `Publish`.',
    '- `Nothing` of ours.',
    '## Other',
    '- `Publish`'
  ].join('\n')
  assert.equal(readKnownGaps(readme, definition), ['Get', 'List', 'Publish TooLong'])
  assert.ok(ownsUpToRow(readme, 'TooLong'))
  assert.not.ok(ownsUpToRow(readme, 'Long'))
  assert.equal(findGaps(definition, []), ['Publish', 'Publish TooLong', 'Get', 'List'])
})

coverage.run()
