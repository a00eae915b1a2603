// Makes dist/fogbank-suite.cjs: one file that starts in half the time. Only classic-level, which has native
// parts, stays outside. dist/fogbank.cjs is the command, which looks at Node's version before it takes that in.
// Beside them the JSON Schema of fogbank.config.json, for editors.
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { dirname, resolve } from 'node:path'
import { build } from 'esbuild'
import { renderLicenses } from './licenses.js'

/** Where a package that is there more than once, or in two forms, is to be taken from. */
const ALIASES = {
  // ajv-formats has a copy of its own.
  ajv: dirname(createRequire(resolve('packages/personality/index.ts')).resolve('ajv/package.json')),
  // Its other form brings in all that signs, of which two functions are used.
  '@smithy/signature-v4': resolve('node_modules/@smithy/signature-v4/dist-es/index.js')
}

const { metafile } = await build({
  entryPoints: ['packages/server/published.ts'],
  outfile: 'dist/fogbank-suite.cjs',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  // The launcher compiles it in a way that knows require() only; so do some test runners.
  supported: { 'dynamic-import': false },
  external: ['classic-level'],
  alias: ALIASES,
  // Comments hold the only characters that are not ASCII, for which the whole source would take two bytes each.
  minifyWhitespace: true,
  lineLimit: 120,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning'
})
writeFileSync('dist/THIRD-PARTY-LICENSES.txt', renderLicenses(metafile))

const bundle = readFileSync('dist/fogbank-suite.cjs')
if (bundle.some((byte) => byte > 0x7f)) throw new Error('the bundle is not ASCII')
const hash = createHash('sha256').update(bundle).digest('hex').slice(0, 16)
const launcher = readFileSync('packages/server/launcher.cjs', 'utf8')
writeFileSync('dist/fogbank.cjs', launcher.replace("'BUILD'", `'${hash}'`))
rmSync('dist/.cache', { recursive: true, force: true })

const schema = execFileSync(process.execPath, ['dist/fogbank.cjs', 'schema'])
writeFileSync('dist/fogbank.config.schema.json', schema)
