// node scripts/compose-check.js IMAGE: does what docker-compose.yml says, without a container engine. The image's
// content and the application run in a network of their own, where the suite's name is this machine's.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'

const INSIDE = 'FOGBANK_COMPOSE_INSIDE'
const POLL_MS = 200

const { services } = parse(readFileSync('docker-compose.yml', 'utf8'))
const { fogbank, app } = services
const recipe = readFileSync('packages/server/Dockerfile', 'utf8')

/** The image's own settings: ENV and CMD of its last stage. */
function imageSettings() {
  const [, settings = ''] = /^ENV (.+)$/m.exec(recipe) ?? []
  const [, command = '[]'] = /^CMD (.+)$/m.exec(recipe) ?? []
  const pairs = settings.split(' ').map((pair) => pair.split('='))
  return { env: Object.fromEntries(pairs), command: JSON.parse(command) }
}

/** Ports that the recipe exposes, and that the compose file opens on this machine. */
function checkPorts() {
  const [, exposed = ''] = /^EXPOSE (.+)$/m.exec(recipe) ?? []
  const opened = fogbank.ports.map((port) => port.replace(/^127\.0\.0\.1:(\d+):\1$/, '$1'))
  if (opened.join(' ') !== exposed) throw new Error(`opened are ${opened}, exposed ${exposed}`)
}

async function runServices(image) {
  const folder = mkdtempSync(join(tmpdir(), 'fogbank-compose-'))
  execFileSync('ip', ['link', 'set', 'lo', 'up'])
  writeFileSync(join(folder, 'hosts'), '127.0.0.1 localhost fogbank\n')
  execFileSync('mount', ['--bind', join(folder, 'hosts'), '/etc/hosts'])

  /** Paths of the containers as paths of this machine. */
  const here = (settings) =>
    Object.fromEntries(
      Object.entries(settings).map(([name, value]) => [
        name,
        value.replace(/^\/data/, folder).replace(/^\/tls/, join(folder, 'tls'))
      ])
    )
  const own = imageSettings()
  const { PATH } = process.env
  const env = { PATH, ...here(own.env), ...here(fogbank.environment) }
  const options = { cwd: image, env, stdio: ['ignore', 'ignore', 'inherit'] }
  const suite = spawn(process.execPath, ['fogbank.cjs', ...own.command], options)
  const ended = once(suite, 'exit')
  try {
    const { test, retries, interval } = fogbank.healthcheck
    const [, command, ...args] = test
    const deadline = Date.now() + retries * Number.parseInt(interval, 10) * 1000
    while (spawnSync(command, args, options).status !== 0) {
      if (suite.exitCode !== null) throw new Error(`the suite ended with ${suite.exitCode}`)
      if (Date.now() > deadline) throw new Error('the suite did not become healthy')
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
    const [program, ...rest] = app.command
    const said = execFileSync(program, rest, { env: { PATH, ...here(app.environment) } })
    if (String(said) !== 'lamps/1 is on\n') throw new Error(`the application said ${said}`)
    // Each door by the service's name, as other containers call it.
    const endpoints = await (await fetch('http://fogbank:4600/endpoints')).json()
    for (const [id, { http = '' }] of Object.entries(endpoints)) {
      if (id !== 'authority' && !http.startsWith('http://fogbank:'))
        throw new Error(`${id}: ${http}`)
    }
  } finally {
    suite.kill('SIGTERM')
    await ended
    execFileSync('umount', ['/etc/hosts'])
    rmSync(folder, { recursive: true })
  }
}

const image = resolve(process.argv[2])
if (process.env[INSIDE]) await runServices(image)
else {
  checkPorts()
  if (app.depends_on.fogbank.condition !== 'service_healthy') throw new Error('app does not wait')
  if (spawnSync('unshare', ['-rnm', 'true']).status !== 0) {
    console.log('skipped running docker-compose.yml: no network of its own is to be had here')
  } else {
    const args = ['-rnm', process.execPath, import.meta.filename, image]
    execFileSync('unshare', args, { stdio: 'inherit', env: { ...process.env, [INSIDE]: '1' } })
    console.log(
      'the application of docker-compose.yml waits for the suite and reaches it by its name'
    )
  }
}
