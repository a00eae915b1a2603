import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createManualClock } from '@fogbank/core'
import { startFogbank, UsageError } from './index.ts'
import { portOf, withFolder, withSuite } from './testing.ts'

const inProcess = suite('startFogbank')

/** The port in a variable's URL. */
const portIn = (value: string | undefined) => Number(new URL(value!).port)

inProcess('points SDKs at itself, by personality or at all of it', () =>
  withSuite({ only: ['aws-iot'] }, async (fogbank) => {
    const aws = fogbank.env('aws-iot')
    assert.is(portIn(aws.AWS_ENDPOINT_URL_IOT_DATA_PLANE), portOf(fogbank, 'aws-iot'))
    assert.is(aws.AWS_ACCESS_KEY_ID, fogbank.endpoints['aws-iot'].credentials.accessKeyId)
    assert.is(aws.AZURE_AUTHORITY_HOST, undefined)
    const all = fogbank.env()
    assert.is(all.AZURE_AUTHORITY_HOST, fogbank.endpoints.authority.https)
    assert.is(all.AWS_ACCESS_KEY_ID, 'test')
    // There is no file to name.
    assert.is(all.NODE_EXTRA_CA_CERTS, undefined)
  })
)

inProcess('names the file of its CA when there is one', () =>
  withFolder((tlsDir) =>
    withSuite({ only: ['shiftr'], tlsDir }, async ({ env }) => {
      assert.is(env('shiftr').NODE_EXTRA_CA_CERTS, join(tlsDir, 'ca.pem'))
    })
  )
)

inProcess('refuses variables of what does not run, naming what does', () =>
  withSuite({ only: ['shiftr'] }, async ({ env }) => {
    let refusal: unknown
    try {
      env('aws-iot')
    } catch (error) {
      refusal = error
    }
    assert.instance(refusal, UsageError)
    assert.is(
      (refusal as Error).message,
      '"aws-iot" is not running; name one of control, shiftr, authority'
    )
  })
)

inProcess('lives by the clock it was given', async () => {
  const clock = createManualClock(Date.UTC(2030, 0, 1))
  await withSuite({ only: ['aws-iot'], clock }, async ({ endpoints }) => {
    const reply = await fetch(`${endpoints.control.http}/authority/tokens`, {
      method: 'POST',
      body: '{}'
    })
    const { access_token } = (await reply.json()) as { access_token: string }
    const claims = JSON.parse(Buffer.from(access_token.split('.')[1]!, 'base64url').toString())
    assert.is(claims.iat, Date.UTC(2030, 0, 1) / 1000)
  })
})

inProcess('takes credentials as auth says', async () => {
  const publish = { method: 'POST', headers: { authorization: 'Basic d3Jvbmc6d3Jvbmc=' } }
  for (const [auth, status] of [
    ['strict', 401],
    ['lenient', 200]
  ] as const) {
    await withSuite({ only: ['shiftr'], auth }, async ({ endpoints }) => {
      const reply = await fetch(`${endpoints.shiftr.http}/broker/a`, { ...publish, body: 'x' })
      assert.is(reply.status, status, auth)
    })
  }
})

inProcess('has two that never meet', () =>
  withSuite({ only: ['shiftr'] }, (one) =>
    withSuite({ only: ['shiftr'] }, async (other) => {
      const at = ({ endpoints }: typeof one) =>
        endpoints.shiftr.http.replace('//', '//local:local@') + '/broker/kept'
      const [to, from] = [at(one), at(other)].map((url) => {
        const { username, password, origin, pathname } = new URL(url)
        const authorization = `Basic ${btoa(`${username}:${password}`)}`
        return { url: `${origin}${pathname}?retained=true`, headers: { authorization } }
      })
      const init = { method: 'POST', headers: to!.headers, body: 'mine' }
      assert.is((await fetch(to!.url, init)).status, 200)
      const here = await fetch(to!.url, { headers: to!.headers })
      assert.is(await here.text(), 'mine')
      const there = await fetch(from!.url, { headers: from!.headers })
      assert.is.not(await there.text(), 'mine')
    })
  )
)

inProcess('refuses a misspelt key of config', async () => {
  const refusal = await startFogbank({ config: { portbase: 1 } }).catch((error: unknown) => error)
  assert.instance(refusal, UsageError)
  assert.match((refusal as Error).message, /unknown key "portbase"; did you mean "portBase"\?/)
})

/** What a program beside this one says, once it has ended by itself. */
async function run<T>(program: string): Promise<T> {
  const child = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, program)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk) => (out += chunk))
  child.stderr.on('data', (chunk) => (err += chunk))
  const [code, signal] = await once(child, 'close')
  assert.equal({ code, signal, err }, { code: 0, signal: null, err: '' })
  return JSON.parse(out) as T
}

inProcess('leaves nothing open: a process that closed it ends by itself', async () => {
  assert.equal(await run('testing-in-process.ts'), [])
})

inProcess(
  'has twenty in parallel: no message goes astray, no port twice, nothing left',
  async () => {
    const said = await run<{ ports: string[]; heard: string[][]; left: string[] }>(
      'testing-twenty.ts'
    )
    assert.is(new Set(said.ports).size, 20 * 7)
    assert.is(said.ports.length, 20 * 7)
    assert.equal(
      said.heard,
      Array.from({ length: 20 }, (_, number) => [`of suite ${number}`, 'end'])
    )
    assert.equal(said.left, [])
  }
)

inProcess('says in the log how an MQTT client that was refused gets in', () =>
  withSuite({}, async ({ endpoints, lines }) => {
    const hints: Record<string, string> = {
      'aws-iot': 'Connect 0x87: use access key test and its secret as username and password',
      'azure-event-grid-namespaces': 'Connect 0x87: use MQTT 5 and a token of the local authority',
      shiftr: 'Connect 0x86: use username local and password local'
    }
    for (const [id, hint] of Object.entries(hints)) {
      const options = { reconnectPeriod: 0, clientId: 'c1' }
      const refused = mqtt.connectAsync(endpoints[id]!.mqtt as string, options)
      await refused.then(
        () => assert.unreachable(id),
        () => {}
      )
      assert.ok(
        lines.some((line) => line.startsWith(`${id} ${hint}`)),
        lines.join('\n')
      )
    }
  })
)

inProcess.run()
