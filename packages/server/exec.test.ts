import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fogbank, withFolder, withRunning } from './testing.ts'

const exec = suite('fogbank exec')

const node = (code: string) => ['--', process.execPath, '--input-type=module', '-e', code]

exec('runs a command against a suite of its own, and stops it', () =>
  withFolder(async (folder) => {
    const code = `
      const reply = await fetch(process.env.FOGBANK_CONTROL_ENDPOINT + '/health')
      console.log(JSON.stringify({ status: reply.status, env: process.env }))
      process.exitCode = 3`
    const { code: exitCode, out, err } = await fogbank(folder, ['exec', ...node(code)]).exited
    assert.is(err, '')
    assert.is(exitCode, 3)
    const { status, env } = JSON.parse(out)
    assert.is(status, 200)
    assert.is(env.NODE_EXTRA_CA_CERTS, join(folder, '.fogbank/tls/ca.pem'))
    assert.ok(existsSync(env.NODE_EXTRA_CA_CERTS))
    const socket = net.connect(Number(env.FOGBANK_PORT_BASE), '127.0.0.1')
    const [refused] = await once(socket, 'error')
    assert.is((refused as NodeJS.ErrnoException).code, 'ECONNREFUSED')
    // In memory: only certificates are kept.
    assert.not(existsSync(join(folder, '.fogbank/db')))
  })
)

exec('exports what env --all prints', () =>
  withFolder((folder) =>
    withRunning(folder, ['--ephemeral'], async ({ url }) => {
      const all = ['env', '--all', '--format', 'json', '--port-base', new URL(url).port]
      const [printed, exported] = await Promise.all([
        fogbank(folder, all).exited,
        fogbank(folder, ['exec', ...node('console.log(JSON.stringify(process.env))')]).exited
      ])
      const env = JSON.parse(exported.out)
      const names = Object.keys(JSON.parse(printed.out))
      assert.ok(names.length > 10)
      assert.equal(
        names.filter((name) => !(name in env)),
        []
      )
    })
  )
)

exec(
  'takes free ports whatever the file and the environment say, for their suite may be running',
  () =>
    withFolder(async (folder) => {
      const server = net.createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port: portBase } = server.address() as net.AddressInfo
      try {
        writeFileSync(join(folder, 'fogbank.config.json'), JSON.stringify({ portBase: 1 }))
        const env = { FOGBANK_PORT_BASE: String(Math.min(portBase, 65_400)) }
        const { code, err } = await fogbank(folder, ['exec', ...node('')], env).exited
        assert.equal({ code, err }, { code: 0, err: '' })
      } finally {
        server.close()
      }
    })
)

exec('keeps data where its own flag says', () =>
  withFolder(async (folder) => {
    const { code } = await fogbank(folder, ['exec', '--data-dir', 'kept', ...node('')]).exited
    assert.is(code, 0)
    assert.ok(existsSync(join(folder, 'kept/db')))
  })
)

exec('leaves flags after the command to the command', () =>
  withFolder(async (folder) => {
    const print = ['exec', 'echo', '--only', 'nothing', '--help']
    const { code, out } = await fogbank(folder, print).exited
    assert.equal({ code, out }, { code: 0, out: '--only nothing --help\n' })
  })
)

exec('hands a signal on to the command, and its ending to whoever waits', () =>
  withFolder(async (folder) => {
    const waits = `
      import { writeFileSync } from 'node:fs'
      process.on('SIGTERM', () => { writeFileSync('told', ''); process.exit(9) })
      setInterval(() => {}, 1000)
      console.log('waiting')`
    const gentle = fogbank(folder, ['exec', ...node(waits)])
    await gentle.says('waiting')
    gentle.child.kill('SIGTERM')
    assert.is((await gentle.exited).code, 9)
    assert.is(readFileSync(join(folder, 'told'), 'utf8'), '')

    const killed = fogbank(folder, ['exec', '--', 'sh', '-c', 'kill -KILL $$'])
    assert.is((await killed.exited).code, null)
    assert.is(killed.child.signalCode, 'SIGKILL')
  })
)

exec('ends as shells do for a command that is not there', () =>
  withFolder(async (folder) => {
    const { code, out, err } = await fogbank(folder, ['exec', '--', 'no-such-command']).exited
    assert.is(
      err,
      'fogbank: "no-such-command" is not found; name a command and its arguments after --\n'
    )
    assert.equal({ code, out }, { code: 127, out: '' })
  })
)

exec('asks for a command', () =>
  withFolder(async (folder) => {
    const { code, err } = await fogbank(folder, ['exec']).exited
    assert.equal({ code, lines: err.trimEnd().split('\n').length }, { code: 2, lines: 1 })
    assert.match(err, /missing required argument 'command'/)
  })
)

exec.run()

const reset = suite('fogbank reset')

reset('empties a running suite', () =>
  withFolder((folder) =>
    withRunning(folder, ['--ephemeral'], async ({ output, url }) => {
      const [, shiftr] = /shiftr +(\S+)/.exec(output.out)!
      const kept = `${shiftr}/broker/lamp?retained=true`
      const headers = { authorization: `Basic ${btoa('local:local')}` }
      await fetch(kept, { method: 'POST', headers, body: 'on' })
      assert.is(await (await fetch(kept, { headers })).text(), 'on')
      const { port } = new URL(url)
      const { code, out, err } = await fogbank(folder, ['reset', '--port-base', port]).exited
      assert.equal({ code, out, err }, { code: 0, out: '', err: '' })
      assert.is.not(await (await fetch(kept, { headers })).text(), 'on')
    })
  )
)

reset('says that no suite answers', () =>
  withFolder(async (folder) => {
    const { code, err } = await fogbank(folder, ['reset', '--port-base', '1']).exited
    assert.is(code, 2)
    assert.match(
      err,
      /no suite answers at http:\/\/localhost:1; start one, or name its --port-base/
    )
  })
)

reset.run()
