import { once } from 'node:events'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import type http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import mqtt from 'mqtt'
import { personalities } from './personalities.ts'
import { fogbank, withFolder, withRunning } from './testing.ts'

const start = suite('fogbank start')

start('prints its table, keeps its data in .fogbank, and ends with 0 on SIGTERM, even on two', () =>
  withFolder((folder) =>
    withRunning(folder, [], async ({ child, output, exited, url }) => {
      assert.match(output.out, /aws-iot +http:\/\/localhost:\d+ +access key test, secret test/)
      assert.is((await fetch(`${url}/health`)).status, 200)
      assert.is(readFileSync(join(folder, '.fogbank/.gitignore'), 'utf8'), '*\n')
      assert.ok(existsSync(join(folder, '.fogbank/db')))
      assert.ok(existsSync(join(folder, '.fogbank/tls/ca.pem')))
      child.kill('SIGTERM')
      child.kill('SIGTERM')
      assert.is((await exited).code, 0)
    })
  )
)

start('leaves out hints when the environment or the file says so, too', () =>
  withFolder(async (folder) => {
    const env = { FOGBANK_HINTS: 'false' }
    assert.is(await findHint(folder), 'use Basic local:local, or start with --auth lenient')
    assert.is(await findHint(folder, [], env), null)
    assert.is(await findHint(folder, ['--no-hints']), null)
    writeFileSync(join(folder, 'fogbank.config.json'), '{"hints":false}')
    assert.is(await findHint(folder), null)
    assert.is(
      await findHint(folder, [], { FOGBANK_HINTS: 'true' }),
      'use Basic local:local, or start with --auth lenient'
    )
  })
)

/** What a caller without a credential is told. */
async function findHint(folder: string, args: string[] = [], env: Record<string, string> = {}) {
  let hint: string | null | undefined
  const flags = ['--ephemeral', '--only', 'shiftr', ...args]
  const ask = async ({ output }: { output: { out: string } }) => {
    const [, url] = /shiftr +(\S+)/.exec(output.out)!
    hint = (await fetch(`${url}/broker/x`)).headers.get('x-fogbank-hint')
  }
  await withRunning(folder, flags, ask, env)
  return hint
}

start('finishes the request in hand, tells MQTT 5 clients, and takes nobody new on SIGTERM', () =>
  withFolder((folder) =>
    withRunning(folder, ['--ephemeral'], async ({ child, exited, url }) => {
      const port = Number(new URL(url).port)
      const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
        protocolVersion: 5,
        reconnectPeriod: 0
      })
      const told = once(client as never, 'disconnect')
      const socket = net.connect(port, '127.0.0.1')
      socket.write('POST /fail HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{')
      // Answered on the same connection's turn: by now the request is in hand.
      await fetch(`${url}/live`)
      child.kill('SIGTERM')
      await refusal(port)
      socket.write('}')
      const [answer] = await once(socket, 'data')
      assert.match(String(answer), /^HTTP\/1\.1 400 Bad Request/)
      const [packet] = await told
      assert.is(packet.reasonCode, 0x8b)
      assert.is((await exited).code, 0)
    })
  )
)

/** Resolves when nobody takes connections on this port any more. */
async function refusal(port: number): Promise<void> {
  for (;;) {
    const socket = net.connect(port, '127.0.0.1')
    const outcome = await once(socket, 'connect').then(
      () => 'connected',
      () => 'refused'
    )
    socket.destroy()
    if (outcome === 'refused') return
  }
}

start('has a retained message again after a restart', () =>
  withFolder(async (folder) => {
    await withRunning(folder, [], async ({ mqttUrl }) => {
      const client = await mqtt.connectAsync(mqttUrl, { reconnectPeriod: 0 })
      await client.publishAsync('kept', 'x', { qos: 1, retain: true })
      await client.endAsync()
    })
    await withRunning(folder, [], async ({ mqttUrl }) => {
      const client = await mqtt.connectAsync(mqttUrl, { reconnectPeriod: 0 })
      const arrived = once(client as never, 'message')
      await client.subscribeAsync('kept')
      const [topic, payload] = await arrived
      assert.equal([topic, String(payload)], ['kept', 'x'])
      client.end(true)
    })
  })
)

start.run()

const others = suite('fogbank commands')

const javaOptions = (store: string) =>
  `-Djavax.net.ssl.trustStore=${store} -Djavax.net.ssl.trustStoreType=JKS`

others('ask a running suite: healthcheck, env and token', () =>
  withFolder((folder) =>
    withRunning(folder, ['--ephemeral'], async ({ url, output }) => {
      const base = ['--port-base', new URL(url).port]
      const [health, env, all, nobody, token] = await Promise.all(
        [
          ['healthcheck'],
          ['env', 'aws-iot'],
          ['env', '--all'],
          ['env', 'nobody'],
          ['token', '--client-id', 'c1', '--expires-in', '-5']
        ].map((args) => fogbank(folder, [...args, ...base]).exited)
      )
      assert.is(health!.code, 0)
      const [, http] = /aws-iot +(\S+)/.exec(output.out)!
      const https = http!.replace('http:', 'https:')
      assert.equal(env!.out.trimEnd().split('\n'), [
        `export AWS_ENDPOINT_URL_IOT_DATA_PLANE='${https}'`,
        `export AWS_ENDPOINT_URL_IOT='${https}'`,
        "export AWS_ACCESS_KEY_ID='test'",
        "export AWS_SECRET_ACCESS_KEY='test'",
        "export AWS_REGION='us-east-1'",
        "export AWS_DEFAULT_REGION='us-east-1'",
        `export NODE_EXTRA_CA_CERTS='${join(folder, '.fogbank/tls/ca.pem')}'`,
        `export SSL_CERT_FILE='${join(folder, '.fogbank/tls/ca-bundle.pem')}'`,
        `export REQUESTS_CA_BUNDLE='${join(folder, '.fogbank/tls/ca-bundle.pem')}'`,
        `export JAVA_TOOL_OPTIONS='${javaOptions(join(folder, '.fogbank/tls/ca-bundle.jks'))}'`,
        `export AWS_CA_BUNDLE='${join(folder, '.fogbank/tls/ca-bundle.pem')}'`
      ])
      for (const name of ['AWS_REGION', 'AZURE_AUTHORITY_HOST', 'AZURE_CLIENT_SECRET']) {
        assert.match(all!.out, `export ${name}='`)
      }
      assert.is(nobody!.code, 2)
      assert.match(nobody!.err, /"nobody" is not running; name one of control, aws-iot, /)
      const [, claims = ''] = token!.out.split('.')
      assert.match(Buffer.from(claims, 'base64url').toString(), '"c1"')
    })
  )
)

others('say that no suite answers, and how to name one', () =>
  withFolder(async (folder) => {
    const [env, health] = await Promise.all([
      fogbank(folder, ['env', '--all', '--port-base', '1']).exited,
      fogbank(folder, ['healthcheck', '--port-base', '1']).exited
    ])
    assert.is(env.code, 2)
    assert.is(
      env.err,
      'fogbank: no suite answers at http://localhost:1; start one, or name its --port-base\n'
    )
    assert.is(health.code, 1)
    assert.match(health.err, /http:\/\/127\.0\.0\.1:1 does not answer/)
  })
)

others('need no suite: tables, schema and ca', () =>
  withFolder(async (folder) => {
    const [tables, markdown, schema, ca] = await Promise.all(
      [['tables'], ['tables', '--markdown'], ['schema'], ['ca', '--tls-dir', 't']].map(
        (args) => fogbank(folder, args).exited
      )
    )
    for (const { name, operations, errors, limits } of personalities) {
      const rows = [name, ...[operations, errors, limits].flatMap((table) => Object.keys(table))]
      for (const row of rows) assert.ok(tables!.out.includes(row), `${name} ${row}`)
    }
    assert.match(markdown!.out, /^\| --- \| --- \|/m)
    assert.is(JSON.parse(schema!.out).additionalProperties, false)
    assert.is(ca!.out, `${join(folder, 't/ca.pem')}\n`)
    assert.match(readFileSync(join(folder, 't/ca.pem'), 'utf8'), /^-----BEGIN CERTIFICATE-----/)
  })
)

others('end well when nobody reads what they print, as `head` does', () =>
  withFolder(async (folder) => {
    const { child, exited } = fogbank(folder, ['schema'])
    child.stdout.destroy()
    const { code, err } = await exited
    assert.equal({ code, err }, { code: 0, err: '' })
  })
)

others('cert issues what gets a device in over HTTPS, and prints its files', () =>
  withFolder((folder) =>
    withRunning(folder, ['--ephemeral'], async ({ output }) => {
      const { code, out } = await fogbank(folder, ['cert', '--thing', 'lamp']).exited
      assert.is(code, 0)
      const tls = join(folder, '.fogbank/tls')
      const [cert, key, ca] = [
        join(tls, 'things/lamp.pem'),
        join(tls, 'things/lamp.key'),
        join(tls, 'ca.pem')
      ]
      assert.equal(out.trimEnd().split('\n'), [`cert ${cert}`, `key ${key}`, `ca ${ca}`])
      assert.is(statSync(key).mode & 0o777, 0o600)
      const port = /aws-iot +http:\/\/localhost:(\d+)/.exec(output.out)![1]
      const request = https.request({
        host: '127.0.0.1',
        port,
        method: 'POST',
        path: '/topics/lamp/on?qos=1',
        cert: readFileSync(cert),
        key: readFileSync(key),
        ca: readFileSync(ca)
      })
      request.end('1')
      const [answer] = (await once(request, 'response')) as [http.IncomingMessage]
      answer.resume()
      assert.is(answer.statusCode, 200)
    })
  )
)

others('cert takes no name that no thing can have, and another folder', () =>
  withFolder(async (folder) => {
    const wrong = await fogbank(folder, ['cert', '--thing', '../lamp']).exited
    assert.is(wrong.code, 2)
    assert.match(wrong.err, /--thing \.\.\/lamp is no name of a thing/)
    const { out } = await fogbank(folder, ['cert', '--thing', 'lamp', '--out', 'mine']).exited
    assert.match(out, `cert ${join(folder, 'mine/lamp.pem')}`)
    assert.ok(existsSync(join(folder, 'mine/lamp.key')))
  })
)

others.run()
