// What the pages say can be followed: links lead somewhere, blocks are run or say why not, no setting is untold.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { JsonSchema } from '@fogbank/personality'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ROOT } from './fixtures.ts'
import { readFencedBlocks } from './readme.ts'
import { withFogbank } from './with-fogbank.ts'

const read = (page: string) => readFileSync(join(ROOT, page), 'utf8')
const definitions = await withFogbank({}, async ({ fogbank }) =>
  [...fogbank.personalities.values()].map(({ definition }) => definition)
)
const toPage = (name: string) => `emulators/${name}/README.md`
const USERS = [
  'README.md',
  'packages/authority/README.md',
  ...definitions.map(({ name }) => toPage(name))
]
const ALL = ['packages', 'emulators']
  .flatMap((parent) => readdirSync(join(ROOT, parent)).map((name) => `${parent}/${name}`))
  .flatMap((folder) => [`${folder}/README.md`, `${folder}/FIDELITY.md`])
  .filter((page) => existsSync(join(ROOT, page)))
  .concat('README.md')

/** A page without what stands in code, where neither headings nor links are meant. */
const withoutCode = (markdown: string) =>
  markdown
    .replace(/^```[^]*?^```$/gm, '')
    .replace(/(`+)(?!`)[^]*?[^`]\1(?!`)/g, (code) => code.replace(/[[\]]/g, ' '))

/** The fragments that a rendered page has, made of its headings the way GitHub makes them. */
function findAnchors(markdown: string): Set<string> {
  const headings = markdown.replace(/^```[^]*?^```$/gm, '').matchAll(/^#+ (.+)$/gm)
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-')
    )
  )
}

/** Relative links of a page that lead nowhere. */
function findBrokenLinks(page: string): string[] {
  const links = [...withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = '']) => to)
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false
    const [path = '', fragment] = link.split('#')
    const target = path === '' ? page : relative(ROOT, join(ROOT, dirname(page), path))
    if (!existsSync(join(ROOT, target))) return true
    if (fragment === undefined) return false
    return statSync(join(ROOT, target)).isDirectory() || !findAnchors(read(target)).has(fragment)
  })
}

/** The names of the settings in a schema, those within other settings too. */
function findKeys(schema: JsonSchema): string[] {
  const {
    properties = {},
    items,
    oneOf = [],
    anyOf = [],
    additionalProperties
  } = schema as {
    properties?: Record<string, JsonSchema>
    items?: JsonSchema
    oneOf?: JsonSchema[]
    anyOf?: JsonSchema[]
    additionalProperties?: JsonSchema | boolean
  }
  const inner = [...Object.values(properties), items, ...oneOf, ...anyOf, additionalProperties]
  const nested = inner.flatMap((one) => (typeof one === 'object' ? findKeys(one) : []))
  return [...new Set([...Object.keys(properties), ...nested])]
}

/** Whether a page has the word within code. */
function isTold(markdown: string, key: string): boolean {
  const fences = readFencedBlocks(markdown).map(({ code }) => code)
  const spans = markdown.replace(/^```[^]*?^```$/gm, '').match(/`[^`\n]+`/g) ?? []
  return [...fences, ...spans].some((code) => new RegExp(`(?<!\\w)${key}(?!\\w)`).test(code))
}

const pages = suite('pages')

for (const page of ALL) {
  pages(`every relative link of ${page} leads somewhere`, () =>
    assert.equal(findBrokenLinks(page), [])
  )
}

for (const page of USERS) {
  const blocks = readFencedBlocks(read(page))

  pages(`every block of ${page} is run, or says why not`, () => {
    const silent = blocks.filter(({ mark }) => !/^(run|config|not run): ./.test(mark))
    assert.equal(
      silent.map(({ line, language }) => `line ${line}: mark the ${language} block`),
      []
    )
  })

  for (const { mark, code, line } of blocks) {
    const id = /^config: (.+)$/.exec(mark)?.[1]
    if (id === undefined) continue
    pages(`the configuration in line ${line} of ${page} is one`, () => {
      const config = JSON.parse(code) as object
      return withFogbank({ config: id === 'whole' ? config : { [id]: config } }, async () => {})
    })
  }
}

for (const { name, settings } of definitions) {
  pages(`${name}'s page tells of every setting`, () => {
    const untold = findKeys(settings ?? {}).filter((key) => !isTold(read(toPage(name)), key))
    assert.equal(untold, [])
  })

  pages(
    `${name}'s page says in three tables what is implemented, what differs and what is missing`,
    () => {
      for (const heading of ['Implemented', 'Differs', 'Missing']) {
        assert.match(read(toPage(name)), new RegExp(`^## ${heading}\n\n(?:[^|#].*\n+)*\\| `, 'm'))
      }
      assert.match(read(toPage(name)), /^## Differs\n\n(?:[^|#].*\n+)*\| .*\bevidence +\|$/im)
    }
  )
}

pages.run()
