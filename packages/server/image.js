// What the image holds, put into one folder: the bundle, and classic-level with what it needs at run time.
// The Dockerfile and scripts/image-check.js both call it: node packages/server/image.js FOLDER
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from '../../scripts/bundle.js'

const NATIVE = 'classic-level'
/** Sources of the native part, prose and types: nothing that runs. */
const LEFT_OUT = /^(deps|binding\.(cc|gyp)|.*\.md|.*\.d\.ts|test|types)$/

/** The folder of a package as Node would find it from `directory`. */
function find(name, directory) {
  const candidate = join(directory, 'node_modules', name)
  if (existsSync(join(candidate, 'package.json'))) return candidate
  const parent = dirname(directory)
  if (parent === directory) throw new Error(`${name} is not installed; run npm ci`)
  return find(name, parent)
}

/** Copies a package and its dependencies side by side. */
function copy(name, from, target, copied = new Map()) {
  const source = find(name, from)
  const known = copied.get(name)
  if (known === source) return
  if (known)
    throw new Error(`${name} is needed in two versions, which lie in ${known} and ${source}`)
  copied.set(name, source)
  cpSync(source, join(target, name), {
    recursive: true,
    filter: (path) => path === source || (!LEFT_OUT.test(basename(path)) && isForThisSystem(path))
  })
  const { dependencies = {} } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'))
  for (const dependency of Object.keys(dependencies)) copy(dependency, source, target, copied)
}

function isForThisSystem(path) {
  if (basename(dirname(path)) !== 'prebuilds') return true
  const [system, architectures = ''] = basename(path).split('-')
  return system === process.platform && architectures.split('+').includes(process.arch)
}

const [folder] = process.argv.slice(2)
if (!folder) {
  console.error('usage: node packages/server/image.js FOLDER')
  process.exit(2)
}
const target = resolve(folder)
mkdirSync(target, { recursive: true })
if (readdirSync(target).length > 0) {
  console.error(`${target} is not empty; name a folder that is, or is yet to be made`)
  process.exit(2)
}
await bundle(join(target, 'fogbank.cjs'))
copy(NATIVE, dirname(fileURLToPath(import.meta.url)), join(target, 'node_modules'))
