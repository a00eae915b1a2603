// Gathers what the image needs in the folder named as the argument: the bundle, classic-level and what it
// needs at run time, with the prebuilt libraries of this platform only.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const target = process.argv[2]
if (!target) throw new Error('usage: node scripts/image.js FOLDER')

mkdirSync(target, { recursive: true })
for (const file of ['fogbank.cjs', 'fogbank-suite.cjs', 'THIRD-PARTY-LICENSES.txt']) {
  cpSync(join('dist', file), join(target, file))
}
cpSync('LICENSE', join(target, 'LICENSE'))

const wanted = ['classic-level']
const taken = new Set()
while (wanted.length > 0) {
  const name = wanted.pop()
  if (taken.has(name)) continue
  taken.add(name)
  const from = join('node_modules', name)
  const to = join(target, 'node_modules', name)
  cpSync(from, to, { recursive: true, filter: (path) => !/\/(deps|src|binding\.cc)$/.test(path) })
  const manifest = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'))
  wanted.push(...Object.keys(manifest.dependencies ?? {}))
}

const prebuilds = join(target, 'node_modules/classic-level/prebuilds')
for (const platform of readdirSync(prebuilds)) {
  if (platform !== `${process.platform}-${process.arch}`) {
    rmSync(join(prebuilds, platform), { recursive: true })
  }
}
