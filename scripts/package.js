// npm run package: bundles, and packs dist/fogbank-VERSION.tgz, whose path is the last line printed.
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { writeTypes } from './types.js'

const FOLDER = 'dist/package'
const BUNDLED = [
  'fogbank.cjs',
  'fogbank-suite.cjs',
  'fogbank.config.schema.json',
  'THIRD-PARTY-LICENSES.txt'
]

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'))

/** The page and whatever it leads to by relative links, so that they lead there in the package, too. */
function withLinked(page, found = new Set()) {
  if (found.has(page)) return found
  found.add(page)
  if (!page.endsWith('.md')) return found
  for (const [, link] of readFileSync(page, 'utf8').matchAll(/\]\(([^)\s#]+)[^)\s]*\)/g)) {
    const target = normalize(join(dirname(page), link))
    if (existsSync(target) && statSync(target).isFile()) withLinked(target, found)
  }
  return found
}

function writeManifest() {
  const { name, version, description, license, keywords } = readJson('packages/server/package.json')
  const { engines } = readJson('package.json')
  const level = readJson('node_modules/classic-level/package.json')
  const manifest = {
    name,
    version,
    description,
    keywords,
    license,
    engines,
    bin: { fogbank: 'fogbank.cjs' },
    main: './fogbank-suite.cjs',
    types: './index.d.ts',
    exports: {
      '.': { types: './index.d.ts', default: './fogbank-suite.cjs' },
      './fogbank.config.schema.json': './fogbank.config.schema.json',
      './package.json': './package.json'
    },
    // Native, so it cannot be part of the bundle.
    dependencies: { 'classic-level': level.version }
  }
  writeFileSync(join(FOLDER, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
}

rmSync(FOLDER, { recursive: true, force: true })
mkdirSync(FOLDER, { recursive: true })
execFileSync(process.execPath, ['scripts/bundle.js'], { stdio: 'inherit' })
for (const file of BUNDLED) cpSync(join('dist', file), join(FOLDER, file))
for (const file of [...withLinked('README.md'), 'LICENSE']) cpSync(file, join(FOLDER, file))
await writeTypes(join(FOLDER, 'index.d.ts'))
writeManifest()
const packed = execFileSync('npm', ['pack', `./${FOLDER}`, '--pack-destination', 'dist', '--json'])
console.log(join('dist', JSON.parse(String(packed))[0].filename))
