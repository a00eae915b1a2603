// Runs before `npm start` and `npm test`: a fresh clone needs no other step. npm writes
// node_modules/.package-lock.json last, so its absence or age tells an interrupted or old install.
import { statSync } from 'node:fs'
import { spawnSync } from 'node:child_process'

const changed = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs
const installed = changed('node_modules/.package-lock.json')

if (installed === undefined || installed < changed('package-lock.json')) {
  const npm = process.env.npm_execpath
  const [command, args] = npm ? [process.execPath, [npm, 'ci']] : ['npm', ['ci']]
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' })
  if (error) console.error(`npm ci could not be started: ${error.message}`)
  process.exit(status ?? 1)
}
