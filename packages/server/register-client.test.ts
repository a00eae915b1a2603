import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import mqtt from 'mqtt'
import { fogbank, withFolder, withRunning } from './testing.ts'

const cert = suite('fogbank cert --client')

const ENTRY = {
  name: 'dev1',
  clientCertificateAuthentication: { validationScheme: 'SubjectMatchesAuthenticationName' }
}

/** A namespace that knows one client, and another namespace that knows none. */
function writeConfig(folder: string): void {
  const config = {
    only: ['azure-event-grid-namespaces'],
    'azure-event-grid-namespaces': {
      clients: [{ name: 'dev2', attributes: { kind: 'meter' } }],
      namespaces: [{ name: 'labns', clients: [] }]
    }
  }
  writeFileSync(join(folder, 'fogbank.config.json'), JSON.stringify(config))
}

cert('issues a certificate, and the running suite lets its client in', () =>
  withFolder((folder) => {
    writeConfig(folder)
    return withRunning(folder, ['--ephemeral'], async ({ url, output }) => {
      const base = ['--port-base', new URL(url).port]
      const issue = (...args: string[]) => fogbank(folder, ['cert', ...args, ...base]).exited
      const { code, out, err } = await issue('--client', 'dev1')
      assert.is(err, '')
      assert.is(code, 0)
      const tls = join(folder, '.fogbank/tls')
      const [certFile, keyFile] = [join(tls, 'clients/dev1.pem'), join(tls, 'clients/dev1.key')]
      assert.equal(out.trimEnd().split('\n'), [
        `cert ${certFile}`,
        `key ${keyFile}`,
        `ca ${join(tls, 'ca.pem')}`,
        'client dev1 in namespace default'
      ])
      assert.is(statSync(keyFile).mode & 0o777, 0o600)
      const [, port] = /azure-event-grid-namespaces +http:\/\/localhost:(\d+)/.exec(output.out)!
      const connect = (username: string) =>
        mqtt.connectAsync(`mqtts://localhost:${port}`, {
          protocolVersion: 5,
          reconnectPeriod: 0,
          username,
          cert: readFileSync(certFile),
          key: readFileSync(keyFile),
          ca: readFileSync(join(tls, 'ca.pem'))
        })
      const client = await connect('dev1')
      await client.publishAsync('lab/dev1', 'x', { qos: 1 })
      await client.endAsync()
      const refused = await connect('dev2').catch((error: { code: number }) => error.code)
      assert.is(refused, 0x87)

      const known = await issue('--client', 'dev2')
      assert.match(known.out, 'client dev2 in namespace default')
      const other = await issue('--client', 'dev1', '--namespace', 'labns')
      assert.match(other.out, 'client dev1 in namespace labns')
      const clients = async (namespace: string) => {
        const path = `azure-event-grid-namespaces/namespaces/${namespace}/clients`
        return ((await (await fetch(`${url}/${path}`)).json()) as { value: object[] }).value
      }
      const dev2 = { name: 'dev2', attributes: { kind: 'meter' } }
      assert.equal(await clients('default'), [dev2, ENTRY], 'whom it knew stays as it was')
      assert.equal(await clients('labns'), [ENTRY])
      const nowhere = await issue('--client', 'dev1', '--namespace', 'none')
      assert.is(nowhere.code, 2)
      assert.match(nowhere.err, 'there is no namespace none; --namespace takes default, labns')
    })
  })
)

cert('says so when the running suite has another CA', () =>
  withFolder((folder) =>
    withRunning(folder, ['--ephemeral'], async ({ url }) => {
      const args = ['cert', '--client', 'dev1', '--tls-dir', 'other']
      const { code, err } = await fogbank(folder, [...args, '--port-base', new URL(url).port])
        .exited
      assert.is(code, 2)
      assert.match(
        err,
        /the running suite has another CA than .*other\/ca\.pem; name its --tls-dir/
      )
    })
  )
)

cert('prints the entry for the configuration when no suite runs', () =>
  withFolder(async (folder) => {
    const args = ['cert', '--client', 'dev1', '--port-base', '1', '--out', 'mine']
    const { code, out, err } = await fogbank(folder, args).exited
    assert.is(code, 0)
    assert.match(out, `cert ${join(folder, 'mine/dev1.pem')}`)
    const [, entry = ''] = /^client (.*)$/m.exec(out)!
    assert.equal(JSON.parse(entry), ENTRY)
    assert.match(err, 'no suite answers; add this client to azure-event-grid-namespaces.clients')
  })
)

cert('takes one name, and none that no client can have', () =>
  withFolder(async (folder) => {
    const [both, neither, wrong] = await Promise.all(
      [['--thing', 'a', '--client', 'b'], [], ['--client', '../dev1']].map(
        (args) => fogbank(folder, ['cert', ...args]).exited
      )
    )
    assert.match(both!.err, 'cert needs one of --thing and --client')
    assert.match(neither!.err, 'cert needs one of --thing and --client')
    assert.match(wrong!.err, '--client ../dev1 is no name of a client')
    assert.equal([both!.code, neither!.code, wrong!.code], [2, 2, 2])
  })
)

cert.run()
