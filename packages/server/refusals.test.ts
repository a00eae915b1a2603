// What a start refuses: one sentence with the way out, exit code 2, and not a byte written.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createManualClock, systemIds } from '@fogbank/core'
import { fogbank, withFolder, withRunning } from './testing.ts'
import { createTls } from './tls.ts'

const refusals = suite('fogbank start refuses')

/** LevelDB begins a new one before it looks at its lock. */
const DIARY = /db\/LOG(\.old)?$/

/** Every file below a folder, with what is in it and when it was written. */
function look(folder: string): Record<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => !DIARY.test(path))
    .sort()
  return Object.fromEntries(
    paths.map((path) => {
      const file = statSync(join(folder, path))
      if (file.isDirectory()) return [path, 'folder']
      const hash = createHash('sha256')
        .update(readFileSync(join(folder, path)))
        .digest('hex')
      return [path, `${file.mtimeMs} ${hash}`]
    })
  )
}

async function expectRefusal(folder: string, args: string[], sentence: RegExp): Promise<void> {
  const before = look(folder)
  const { code, out, err } = await fogbank(folder, ['start', ...args]).exited
  assert.match(err, sentence)
  assert.is(err.trimEnd().split('\n').length, 1, err)
  assert.equal({ code, out }, { code: 2, out: '' })
  assert.equal(look(folder), before)
}

async function withTakenPort(run: (port: number) => Promise<void>): Promise<void> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await run((server.address() as net.AddressInfo).port)
  } finally {
    server.close()
  }
}

refusals('a second time on one folder, on its ports or on others', () =>
  withFolder((folder) =>
    withRunning(folder, [], async ({ url }) => {
      const { port } = new URL(url)
      // The authority's key is written with its first use.
      await fetch(`${url}/authority/tokens`, { method: 'POST', body: '{}' })
      await expectRefusal(
        folder,
        ['--port-base', port],
        new RegExp(`port ${port} \\(control\\) is taken; stop what listens there or choose another`)
      )
      await expectRefusal(
        folder,
        ['--port-base', '0'],
        /the data folder .*db is in use by another process; stop it, choose another --data-dir/
      )
    })
  )
)

refusals('a taken port', () =>
  withFolder((folder) =>
    withTakenPort((port) =>
      expectRefusal(
        folder,
        ['--port-base', String(Math.min(port, 65_400))],
        new RegExp(`port ${port} \\(control\\) is taken; .* choose another --port-base`)
      )
    )
  )
)

refusals("a certificate that cannot be read, is none, or is not this key's", () =>
  withFolder(async (folder) => {
    const clock = createManualClock()
    const own = createTls({ directory: undefined, clock, ids: systemIds })
    const [one, other] = [await own.issueClient('one'), await own.issueClient('other')]
    mkdirSync(join(folder, 'folder.pem'))
    writeFileSync(join(folder, 'one.pem'), one.cert)
    writeFileSync(join(folder, 'other.key'), other.key)
    writeFileSync(join(folder, 'text.pem'), 'nonsense')
    const cases: [cert: string, key: string, sentence: RegExp][] = [
      ['none.pem', 'other.key', /--tls-cert none\.pem is not there; name a PEM file that you may/],
      ['folder.pem', 'other.key', /--tls-cert folder\.pem cannot be read; name a PEM file that/],
      ['text.pem', 'other.key', /text\.pem and --tls-key other\.key are not a pair; name a cert/],
      ['one.pem', 'other.key', /one\.pem and --tls-key other\.key are not a pair; name a cert/]
    ]
    for (const [cert, key, sentence] of cases) {
      await expectRefusal(folder, ['--tls-cert', cert, '--tls-key', key], sentence)
    }
    await expectRefusal(folder, ['--tls-key', 'other.key'], /--tls-key needs --tls-cert; name both/)
    await expectRefusal(folder, ['--tls-cert', 'one.pem'], /--tls-cert needs --tls-key; name both/)
  })
)

refusals('a kept certificate that is damaged', () =>
  withFolder(async (folder) => {
    const directory = join(folder, '.fogbank/tls')
    await createTls({ directory, clock: createManualClock(), ids: systemIds }).server()
    writeFileSync(join(directory, 'server.pem'), 'nonsense')
    await expectRefusal(
      folder,
      ['--port-base', '0'],
      /server\.pem and .*server\.key are not a pair; remove both or choose another --tls-dir/
    )
  })
)

refusals('folders that cannot be written, and addresses that are none of this machine', () =>
  withFolder(async (folder) => {
    writeFileSync(join(folder, 'file'), '')
    const cases: [flag: string, value: string, sentence: RegExp][] = [
      ['--tls-dir', 'file/tls', /file\/tls cannot be written; choose another --tls-dir/],
      ['--data-dir', 'file/data', /--data-dir file\/data cannot be written; choose another/],
      ['--host', '192.0.2.1', /192\.0\.2\.1 is no address of this machine; choose another --host/],
      // A label too long for any name: nobody has to be asked.
      ['--host', 'x'.repeat(64), /x leads to no address; choose another --host/]
    ]
    for (const [flag, value, sentence] of cases) {
      await expectRefusal(folder, ['--port-base', '24000', flag, value], sentence)
      await expectRefusal(folder, ['--port-base', '0', flag, value], sentence)
    }
  })
)

refusals('a misspelt key, and suggests the near one', () =>
  withFolder(async (folder) => {
    writeFileSync(join(folder, 'fogbank.config.json'), '{"aws-iot":{"accessKey":[]}}')
    await expectRefusal(
      folder,
      [],
      /unknown key "accessKey" in "aws-iot"; did you mean "accessKeys"\?/
    )
  })
)

/** Refused in a folder that has this configuration. */
async function expectConfigRefused(folder: string, config: object, sentence: RegExp) {
  writeFileSync(join(folder, 'fogbank.config.json'), JSON.stringify(config))
  await expectRefusal(folder, ['--port-base', '0'], sentence)
}

refusals('settings that no schema sees through, of every personality', () =>
  withFolder(async (folder) => {
    const cases: [id: string, settings: object, sentence: RegExp][] = [
      ['aws-iot', { rates: { operations: { Publsh: 1 } } }, /Publsh is no operation; choose from/],
      [
        'azure-event-grid-namespaces',
        {
          topicSpaces: [{ name: 'lab', topicTemplates: ['lab/#'] }],
          permissionBindings: [
            { clientGroupName: '$all', topicSpaceName: 'lob', permission: 'Publisher' }
          ]
        },
        /topicSpaceName: there is no topic space lob/
      ],
      ['azure-event-grid-topics', { topics: [{ name: 'orders' }, { name: 'orders' }] }, /orders/],
      [
        'azure-web-pubsub',
        { hubs: { chat: { eventHandlers: [{ urlTemplate: 'tunnel:///x' }] } } },
        /urlTemplate/
      ]
    ]
    for (const [id, settings, sentence] of cases) {
      const whole = new RegExp(`^fogbank: configuration of ${id}: .*${sentence.source}`)
      await expectConfigRefused(folder, { [id]: settings }, whole)
    }
  })
)

refusals('a taken port that a setting asks for, one wanted twice, and one that is none', () =>
  withFolder((folder) =>
    withTakenPort(async (port) => {
      const topics = [{ name: 'default' }, { name: 'orders', port }]
      await expectConfigRefused(
        folder,
        { 'azure-event-grid-topics': { topics } },
        new RegExp(
          `port ${port} .* is taken; .* azure-event-grid-topics\\.topics? \\(orders\\)\\.port`
        )
      )
      await expectConfigRefused(
        folder,
        { 'azure-event-grid-topics': { topics }, compatibilityPorts: { [port]: 'shiftr' } },
        new RegExp(`port ${port} \\(shiftr\\) is taken; .* choose another compatibilityPorts`)
      )
      writeFileSync(
        join(folder, 'fogbank.config.json'),
        '{"compatibilityPorts":{"20010":"shiftr"}}'
      )
      await expectRefusal(
        folder,
        ['--port-base', '20000'],
        /port 20010 is wanted for aws-iot \(--port-base\) and for shiftr \(compat.*; change one/
      )
      await expectConfigRefused(
        folder,
        { compatibilityPorts: { 65536: 'shiftr' } },
        /compatibilityPorts: 65536 is no port; choose one from 1 to 65535/
      )
      await expectConfigRefused(
        folder,
        { only: ['aws-iot'], compatibilityPorts: { 1884: 'shiftr' } },
        /names shiftr, which is not started; add it to only, or drop the port/
      )
    })
  )
)

refusals.run()

const node = suite('a Node that is too old')

/** A script under a Node that says it is of this version. */
async function launch(folder: string, version: string, script: string) {
  const versions = `{ ...process.versions, node: '${version}' }`
  const fake = `Object.defineProperty(process, 'versions', { value: ${versions} })`
  writeFileSync(join(folder, 'fake.cjs'), fake)
  const child = spawn(process.execPath, ['-r', './fake.cjs', script, 'start'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => (out += chunk))
  child.stderr.on('data', (chunk) => (err += chunk))
  const [code] = await once(child, 'close')
  return { code, out, err }
}

/** The published command. */
function launchCommand(folder: string, version: string) {
  cpSync(join(import.meta.dirname, 'launcher.cjs'), join(folder, 'fogbank.cjs'))
  return launch(folder, version, 'fogbank.cjs')
}

const tooOld = (version: string) => ({
  code: 2,
  out: '',
  err: `fogbank: this is Node ${version}, but it takes 20.11 or newer; install one from https://nodejs.org\n`
})

node('is told so before it reads a line that it may not understand', () =>
  withFolder(async (folder) => {
    writeFileSync(join(folder, 'fogbank-suite.cjs'), 'a syntax ??? of the future')
    for (const version of ['20.10.0', '18.20.4', '8.17.0']) {
      assert.equal(await launchCommand(folder, version), tooOld(version))
    }
  })
)

node('is none from the version on that package.json names', () =>
  withFolder(async (folder) => {
    const root = readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')
    const [, oldest] = /^>=(\d+\.\d+)$/.exec(JSON.parse(root).engines.node)!
    writeFileSync(join(folder, 'fogbank-suite.cjs'), "exports.main = () => console.log('started')")
    for (const version of [`${oldest}.0`, '21.0.0', '100.1.0']) {
      assert.equal(await launchCommand(folder, version), { code: 0, out: 'started\n', err: '' })
    }
  })
)

node('is told so by npm start, which installs nothing then', () =>
  withFolder(async (folder) => {
    const root = join(import.meta.dirname, '../..')
    for (const file of ['package.json', 'scripts/install.js']) {
      cpSync(join(root, file), join(folder, file))
    }
    const before = look(folder)
    const refused = await launch(folder, '18.20.4', 'scripts/install.js')
    assert.equal(refused, tooOld('18.20.4'))
    assert.equal(Object.keys(look(folder)), [...Object.keys(before), 'fake.cjs'].sort())
  })
)

node.run()
