// The dependency rules of the tree, read from the import lines: workspaces hoist, so the resolver alone
// would let every package import every other.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { basename, join, relative } from 'node:path'
import ts from 'typescript'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const ROOT = join(import.meta.dirname, '../..')

interface Workspace {
  name: string
  /** `packages/core` */
  folder: string
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
}

interface Import {
  workspace: Workspace
  /** `packages/core/broker.ts` */
  file: string
  /** What stands between the quotes. */
  specifier: string
  /** Its package: `@hono/node-server` of `@hono/node-server/utils/response`. */
  target: string
}

const SHARED = [
  '@fogbank/core',
  '@fogbank/personality',
  '@fogbank/authority',
  '@fogbank/cloudevents'
]

/** Which of our packages a package may import; an emulator may import SHARED. */
const ARROWS: Record<string, (target: string) => boolean> = {
  '@fogbank/core': () => false,
  '@fogbank/cloudevents': () => false,
  '@fogbank/personality': (target) => target === '@fogbank/core',
  '@fogbank/authority': (target) => ['@fogbank/core', '@fogbank/personality'].includes(target),
  fogbank: (target) => !['@fogbank/contract', '@fogbank/bench'].includes(target),
  '@fogbank/contract': (target) => [...SHARED, 'fogbank'].includes(target),
  '@fogbank/bench': (target) => [...SHARED, 'fogbank', '@fogbank/contract'].includes(target)
}

/** Libraries that stand behind one file each. */
const OWNED: [library: RegExp, owners: RegExp][] = [
  [/^aedes/, /^packages\/core\/broker\.ts$/],
  [/^mqtt-packet$/, /^packages\/core\/(broker|session\/wire)\.ts$/],
  [/^(abstract-level|classic-level|level|memory-level)$/, /^packages\/core\/store\.ts$/],
  [/^ajv(-formats)?$/, /^packages\/(personality\/validate|server\/config\w*)\.ts$/]
]

/** Never shipped: tests and what only they import, this package, and benchmarks, which measure libraries too. */
const isTest = (file: string) =>
  /(\.test|\/testing[\w-]*|\/transcript)\.ts$/.test(file) ||
  /^packages\/(bench|contract)\//.test(file)

const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'))
const root = readJson(join(ROOT, 'package.json'))
const workspaces = findWorkspaces()
const ours = new Set(workspaces.map(({ name }) => name))
const imports = workspaces.flatMap(findImports)

function findWorkspaces(): Workspace[] {
  return ['packages', 'emulators']
    .flatMap((parent) => readdirSync(join(ROOT, parent)).map((name) => `${parent}/${name}`))
    .filter((folder) => existsSync(join(ROOT, folder, 'package.json')))
    .map((folder) => {
      const {
        name,
        dependencies = {},
        devDependencies = {}
      } = readJson(join(ROOT, folder, 'package.json'))
      return { name, folder, dependencies, devDependencies }
    })
}

function findSources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.[jt]s$/.test(path) && !path.endsWith('.d.ts'))
    .filter((path) => !path.includes('node_modules'))
    .map((path) => `${folder}/${path}`)
}

function findImports(workspace: Workspace): Import[] {
  return findSources(workspace.folder).flatMap((file) => {
    const { importedFiles } = ts.preProcessFile(readFileSync(join(ROOT, file), 'utf8'), true, true)
    return importedFiles.map(({ fileName: specifier }) => {
      const parts = specifier.split('/')
      const target = parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/')
      return { workspace, file, specifier, target }
    })
  })
}

const isRelative = ({ specifier }: Import) => specifier.startsWith('.')
const isBuiltin = ({ specifier }: Import) =>
  specifier.startsWith('node:') || builtinModules.includes(specifier)
const isArrow = ({ target, workspace }: Import) => ours.has(target) && target !== workspace.name
const say = ({ file, specifier }: Import) => `${file} imports ${specifier}`

function mayPoint({ workspace, file, target }: Import): boolean {
  if (isTest(file) && ['fogbank', '@fogbank/contract'].includes(target)) return true
  const rule = ARROWS[workspace.name]
  if (rule) return rule(target)
  return workspace.folder.startsWith('emulators/') && SHARED.includes(target)
}

function isDeclared({ workspace, file, target }: Import): boolean {
  if (target === workspace.name || target in workspace.dependencies) return true
  if (!isTest(file)) return false
  return target in workspace.devDependencies || target in root.devDependencies || ours.has(target)
}

function findCopies(name: string, folder = join(ROOT, 'node_modules')): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    // Links lead to the workspaces, which are looked at by themselves.
    if (!entry.isDirectory() || entry.name === '.bin') return []
    const path = join(folder, entry.name)
    if (entry.name.startsWith('@')) return findCopies(name, path)
    const nested = findCopies(name, join(path, 'node_modules'))
    return entry.name === name ? [relative(ROOT, path), ...nested] : nested
  })
}

const boundaries = suite('boundaries')

boundaries('finds workspaces and their imports', () => {
  assert.ok(workspaces.length >= 8)
  assert.ok(imports.length > 100)
})

boundaries('an arrow between packages is one of the allowed ones', () => {
  assert.equal(imports.filter((one) => isArrow(one) && !mayPoint(one)).map(say), [])
})

boundaries('a file of another package is not reached past its door', () => {
  const leaving = imports.filter(isRelative).filter(({ file, specifier, workspace }) => {
    const path = relative(ROOT, join(ROOT, file, '..', specifier))
    return !path.startsWith(`${workspace.folder}/`)
  })
  assert.equal(leaving.map(say), [])
})

boundaries('a test that takes @fogbank/contract/testing loads no suite', () => {
  const files = new Set(['packages/contract/testing.ts'])
  for (const file of files) {
    const inner = imports.filter((one) => one.file === file && isRelative(one))
    for (const { specifier } of inner) files.add(relative(ROOT, join(ROOT, file, '..', specifier)))
  }
  const own = imports.filter(({ file, target }) => files.has(file) && ours.has(target))
  assert.ok(files.size > 1)
  assert.equal(own.map(say), [])
})

boundaries('aedes, level, mqtt-packet and ajv stand behind one file each', () => {
  const strays = imports.filter(
    ({ file, target }) =>
      !isTest(file) && OWNED.some(([library, owners]) => library.test(target) && !owners.test(file))
  )
  assert.equal(strays.map(say), [])
})

boundaries('an emulator does not reach around the core in its tests either', () => {
  // mqtt-packet is allowed: tests write packets that no client would.
  const strays = imports.filter(
    ({ file, target }) =>
      file.startsWith('emulators/') &&
      target !== 'mqtt-packet' &&
      OWNED.some(([library]) => library.test(target))
  )
  assert.equal(strays.map(say), [])
})

boundaries('every imported package is named in the package.json beside it', () => {
  const undeclared = imports.filter(
    (one) => !isRelative(one) && !isBuiltin(one) && !isDeclared(one)
  )
  assert.equal(undeclared.map(say), [])
})

boundaries('built-in modules are imported as node:', () => {
  const bare = imports.filter(({ specifier }) => builtinModules.includes(specifier))
  assert.equal(bare.map(say), [])
})

boundaries('there is one mqtt-packet and one aedes-packet', () => {
  for (const name of ['mqtt-packet', 'aedes-packet']) {
    const nested = workspaces.flatMap(({ folder }) =>
      findCopies(name, join(ROOT, folder, 'node_modules'))
    )
    assert.equal([...findCopies(name), ...nested], [`node_modules/${name}`])
  }
})

boundaries('no test is left alone or left out', () => {
  const tests = workspaces
    .flatMap(({ folder }) => findSources(folder))
    .filter((file) => file.endsWith('.test.ts') && basename(file) !== 'boundaries.test.ts')
  const narrowed = tests.filter((file) =>
    /^\s*[\w$]+\.(only|skip)\(/m.test(readFileSync(join(ROOT, file), 'utf8'))
  )
  assert.equal(narrowed, [])
})

boundaries.run()
