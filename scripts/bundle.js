// Makes dist/fogbank-suite.cjs: one file that starts in half the time. Only classic-level, which has native
// parts, stays outside. dist/fogbank.cjs is the command, which looks at Node's version before it takes that in.
// Beside them the JSON Schema of fogbank.config.json, for editors.
import { execFileSync } from 'node:child_process'
import { copyFileSync, writeFileSync } from 'node:fs'
import { build } from 'esbuild'
import { renderLicenses } from './licenses.js'

const { metafile } = await build({
  entryPoints: ['packages/server/published.ts'],
  outfile: 'dist/fogbank-suite.cjs',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  external: ['classic-level'],
  // Comments hold the only characters that are not ASCII, for which the whole source would take two bytes each.
  minifyWhitespace: true,
  lineLimit: 120,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning'
})
writeFileSync('dist/THIRD-PARTY-LICENSES.txt', renderLicenses(metafile))

copyFileSync('packages/server/launcher.cjs', 'dist/fogbank.cjs')

const schema = execFileSync(process.execPath, ['dist/fogbank.cjs', 'schema'])
writeFileSync('dist/fogbank.config.schema.json', schema)
