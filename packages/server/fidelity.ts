// `npm run tables` prints the tables of all personalities; with `--markdown` it writes their pages.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PersonalityDefinition } from '@fogbank/personality'
import { personalities } from './personalities.ts'
import { renderPage, renderTables } from './tables.ts'

export const ROOT = join(import.meta.dirname, '../..')
const MARK = '<!-- Written by `npm run tables -- --markdown`; changed in the tables, not here. -->'

/** Where a personality's record of fidelity stands, from the root. */
export const fidelityFile = (name: string) => `emulators/${name}/FIDELITY.md`

/** What stands there. */
export const fidelityPage = (definition: PersonalityDefinition) =>
  `${MARK}\n\n${renderPage(definition)}\n`

if (process.argv[1] === import.meta.filename) {
  if (process.argv.includes('--markdown')) {
    for (const one of personalities) {
      const file = fidelityFile(one.name)
      writeFileSync(join(ROOT, file), fidelityPage(one))
      console.log(`wrote ${file}`)
    }
  } else console.log(renderTables(personalities, 'text'))
}
