// The record of fidelity beside each personality says what its tables say.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fidelityFile, fidelityPage, ROOT } from './fidelity.ts'
import { configSchema } from './config.ts'
import { personalities } from './personalities.ts'
import { settings, type Setting } from './settings.ts'
import { renderPage } from './tables.ts'

const read = (file: string) =>
  existsSync(join(ROOT, file)) ? readFileSync(join(ROOT, file), 'utf8') : ''

const fidelity = suite('fidelity')

for (const definition of personalities) {
  const { name } = definition
  const file = fidelityFile(name)

  fidelity(`${file} is what the tables say`, () => {
    const stale = `${file} is stale: run \`npm run tables -- --markdown\` and commit what it wrote`
    assert.ok(read(file) === fidelityPage(definition), stale)
  })

  fidelity(`${name}'s page leads to its record`, () =>
    assert.match(read(`emulators/${name}/README.md`), '](FIDELITY.md)')
  )
}

fidelity(
  'a record says how many rows are how sure, links each and keeps its text in its cell',
  () => {
    const { handle, ...rest } = personalities[0]!.operations.Publish!
    const page = renderPage({
      name: 'x',
      title: 'X',
      operations: {
        Get: { ...rest, handle, path: '/a|b', source: 'https://x.test/get', raises: ['Odd_One'] }
      },
      errors: {
        Odd_One: {
          key: 'Odd_One',
          row: {
            status: 400,
            code: 'Odd',
            message: 'a | b\n`c` <d>',
            evidence: 'assumed',
            source: 'no *public* page',
            mqtt: { reasonCode: 0x8c }
          }
        },
        None: {
          key: 'None',
          row: {
            status: 404,
            code: '',
            message: null,
            evidence: 'recorded',
            source: 'https://x.test/none'
          }
        }
      },
      limits: {
        size: {
          name: 'size',
          value: 131072,
          unit: 'bytes',
          raises: 'Odd_One',
          evidence: 'documented',
          source: 'https://x.test/size'
        }
      }
    } as unknown as Parameters<typeof renderPage>[0])
    const lines = page.split('\n')
    assert.ok(
      lines.includes('1 operations; 2 (1 recorded, 1 assumed) errors; 1 (1 documented) limits.')
    )
    assert.ok(
      lines.includes(`| [\`Get\`](https://x.test/get) | \`${rest.method} /a\\|b\` | Odd\\_One |`)
    )
    assert.ok(
      lines.includes(
        '| Odd\\_One | 400 | `Odd` | 0x8c | `` a \\| b\\n`c` <d> `` | assumed: no \\*public\\* page |'
      )
    )
    assert.ok(lines.includes('| None | 404 |  |  | none | [recorded](https://x.test/none) |'))
    assert.ok(
      lines.includes('| size | 131,072 | bytes | Odd\\_One | [documented](https://x.test/size) |')
    )
  }
)

for (const [key, setting] of Object.entries<Setting>(settings)) {
  fidelity(`the root page has the flag, variable, key and default of ${key}`, () => {
    const { flag, env, default: preset } = setting
    const rows = read('README.md').matchAll(/^\|(.*)\|$/gm)
    const cells = [...rows].map(([, row = '']) => row.split('|').map((cell) => cell.trim()))
    const [own, variable, name, known = ''] =
      cells.find(([, , name]) => name === `\`${key}\``) ?? []
    assert.equal(
      [own, variable, name],
      [flag, env, key].map((text) => `\`${text}\``)
    )
    if (preset !== undefined) assert.is(known, `\`${String(preset)}\``)
  })
}

fidelity('the root page tells of every setting of the suite', () => {
  const spans: string[] = read('README.md').match(/`[^`\n]+`/g) ?? []
  const ids = personalities.map(({ name }) => name)
  const keys = Object.keys(configSchema(personalities).properties as object)
  assert.equal(
    keys.filter((key) => key !== '$schema' && !ids.includes(key) && !spans.includes(`\`${key}\``)),
    []
  )
})

fidelity.run()
