// Runs before `npm start` and `npm test`: a fresh clone needs no other step. npm writes
// node_modules/.package-lock.json last, so its absence or age tells an interrupted or old install.
import { readFileSync, statSync } from 'node:fs'
import { spawnSync } from 'node:child_process'

const [, oldest] = /^>=(.+)$/.exec(JSON.parse(readFileSync('package.json', 'utf8')).engines.node)
const [major, minor] = process.versions.node.split('.').map(Number)
const [oldestMajor, oldestMinor] = oldest.split('.').map(Number)
if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
  const found = `this is Node ${process.versions.node}, but it takes ${oldest} or newer`
  console.error(`fogbank: ${found}; install one from https://nodejs.org`)
  process.exit(2)
}

const changed = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs
const installed = changed('node_modules/.package-lock.json')

if (installed === undefined || installed < changed('package-lock.json')) {
  // What the SDKs of the tests would rather have, a newer Node for one, is nothing that somebody new can act on.
  const install = ['ci', '--loglevel=error']
  const npm = process.env.npm_execpath
  const [command, args] = npm ? [process.execPath, [npm, ...install]] : ['npm', install]
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' })
  if (error) console.error(`npm ci could not be started: ${error.message}`)
  process.exit(status ?? 1)
}
