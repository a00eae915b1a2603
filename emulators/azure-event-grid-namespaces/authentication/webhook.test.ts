import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { decodeJwt } from 'jose'
import mqtt from 'mqtt'
import { failureOf, within, type PacketClient } from '@fogbank/contract/testing'
import { startFogbank } from 'fogbank'
import type { Settings } from '../settings.ts'
import { withNamespace, type World } from '../testing.ts'
import { issue } from '../testing-certificates.ts'

const webhook = suite('azure-event-grid-namespaces webhook authentication')

const TENANT = 'f09ba2c0-0000-4000-8000-0000000000aa'
/** When the manual clock starts, in seconds. */
const START = Date.UTC(2026, 0, 2, 3, 4, 5) / 1000

interface Asked {
  method: string | undefined
  path: string | undefined
  headers: http.IncomingHttpHeaders
  body: Record<string, string>
}

interface Hook {
  url: string
  /** What it was asked, in order. */
  asked: Asked[]
  /** What it answers from now on; undefined: nothing, until `reply`. */
  answer: { status?: number; body: unknown } | undefined
  /** Answers what it was asked last. */
  reply(body: unknown): void
  /** Resolves with the next request. */
  next(): Promise<Asked>
}

/** Runs a test with somebody's web hook. */
async function withHook(run: (hook: Hook) => Promise<void>): Promise<void> {
  let wake = (_asked: Asked) => {}
  let last: http.ServerResponse | undefined
  const server = http.createServer((request, response) => {
    const { method, url: path, headers } = request
    void json(request).then((body) => {
      const asked = { method, path, headers, body: body as Asked['body'] }
      hook.asked.push(asked)
      last = response
      wake(asked)
      if (!hook.answer) return
      const { status = 200, body: answer } = hook.answer
      response.writeHead(status, { 'Content-Type': 'application/json' })
      response.end(typeof answer === 'string' ? answer : JSON.stringify(answer))
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const hook: Hook = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/decide?code=1`,
    asked: [],
    answer: { body: { decision: 'allow', clientAuthenticationName: 'Dev1' } },
    reply: (body) => void last!.end(JSON.stringify(body)),
    next: () =>
      within(20_000, new Promise((resolve) => (wake = resolve)), 'a request to the web hook')
  }
  try {
    await run(hook)
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

const withUrl = (endpointUrl: string, more: Settings = {}): Settings => ({
  ...more,
  topicSpacesConfiguration: {
    maximumClientSessionsPerAuthenticationName: 100,
    clientAuthentication: {
      webHookAuthentication: {
        endpointUrl,
        identity: { type: 'SystemAssigned' },
        azureActiveDirectoryApplicationIdOrUri: 'api://lab-hook/.default',
        azureActiveDirectoryTenantId: TENANT
      }
    }
  }
})

const withAsking = (
  run: (world: World, hook: Hook) => Promise<void>,
  more: Settings = {}
): Promise<void> =>
  withHook((hook) =>
    withNamespace({ settings: withUrl(hook.url, more) }, (world) => run(world, hook))
  )

let sessions = 0
const fresh = () => `session${++sessions}`

async function connect(
  world: World,
  options: object = {},
  peer: object = {}
): Promise<PacketClient> {
  return world.client({ clientId: fresh(), ...options }, peer)
}

const codeOf = async (client: PacketClient) => {
  const connack = await client.next()
  return connack?.reasonCode ?? connack?.returnCode
}

const lastLine = ({ lines }: World) => lines.filter((line) => line.includes(' connect 0x')).at(-1)

webhook('is told all that a CONNECT says, with a token of the namespace', () =>
  withAsking(async (world, hook) => {
    const certificate = await issue('CN=dev1')
    const options = {
      clientId: 'session-1',
      username: 'dev1',
      password: Buffer.from([0, 1, 255]),
      properties: { authenticationMethod: 'SAS', authenticationData: Buffer.from('sig=x') }
    }
    const shown = { certificate: { der: certificate.der, trusted: false } }
    const client = await connect(world, options, shown)
    const connack = await client.next()
    assert.is(connack?.reasonCode, 0)
    assert.is(connack?.properties.authenticationMethod, 'SAS')
    const [{ method, path, headers, body }] = hook.asked as [Asked]
    assert.equal([method, path], ['POST', '/decide?code=1'])
    assert.is(headers['content-type'], 'application/json; charset=utf-8')
    const { clientCertificate, ...rest } = body
    assert.equal(rest, {
      clientId: 'session-1',
      userName: 'dev1',
      password: 'AAH/',
      authenticationMethod: 'SAS',
      authenticationData: Buffer.from('sig=x').toString('base64')
    })
    assert.ok(new X509Certificate(clientCertificate!).raw.equals(certificate.der))
    const [scheme, token = ''] = headers.authorization!.split(' ')
    assert.is(scheme, 'Bearer')
    const { aud, tid } = decodeJwt(token)
    assert.equal([aud, tid], ['api://lab-hook', TENANT])
  })
)

webhook('is told nothing but the client id of whoever says no more, in MQTT 3.1.1 too', () =>
  withAsking(async (world, hook) => {
    const client = await connect(world, { clientId: 'bare', protocolVersion: 4 })
    assert.is(await codeOf(client), 0)
    assert.equal(hook.asked[0]!.body, { clientId: 'bare' })
  })
)

webhook('gets the intermediates that came with a certificate over TLS', () =>
  withHook(async (hook) => {
    const root = await issue('CN=root', { ca: true })
    const intermediate = await issue('CN=intermediate', { ca: true, by: root })
    const leaf = await issue('CN=dev1', { by: intermediate })
    const id = 'azure-event-grid-namespaces'
    const log = { info: () => {}, warn: () => {}, error: () => {} }
    const fogbank = await startFogbank({ only: [id], config: { [id]: withUrl(hook.url) }, log })
    try {
      const client = await mqtt.connectAsync(String(fogbank.endpoints[id]!.mqtts), {
        reconnectPeriod: 0,
        ca: await fogbank.ca(),
        cert: `${leaf.cert}\n${intermediate.cert}\n${root.cert}\n`,
        key: leaf.key
      })
      client.end(true)
      const { clientCertificate, clientCertificateChain } = hook.asked[0]!.body
      assert.ok(new X509Certificate(clientCertificate!).raw.equals(leaf.der))
      assert.is(clientCertificateChain!.match(/BEGIN/g)!.length, 1)
      assert.ok(new X509Certificate(clientCertificateChain!).raw.equals(intermediate.der))
    } finally {
      await fogbank.close()
    }
  })
)

webhook('decides in place of the namespace: a good token is nothing to it', () =>
  withAsking(async (world, hook) => {
    hook.answer = { body: { decision: 'deny' } }
    const client = await world.client(await world.jwt())
    assert.is(await codeOf(client), 0x87)
    assert.is(hook.asked[0]!.body.authenticationMethod, 'OAUTH2-JWT')
  })
)

const UNAVAILABLE = 'WebhookUnavailable'
const allow = (more: object) => ({
  body: { decision: 'allow', clientAuthenticationName: 'dev1', ...more }
})

const ANSWERS: [what: string, answer: NonNullable<Hook['answer']>, code: number, line: string][] = [
  [
    'deny',
    { body: { decision: 'deny', errorReason: 'no\nsuch device' } },
    0x87,
    'WebhookDenied "no\\nsuch device"'
  ],
  ['deny without a reason', { body: { decision: 'deny' } }, 0x87, 'WebhookDenied'],
  ['an end that is over', allow({ expiration: START }), 0x87, 'TokenExpired'],
  ['a crash', { status: 500, body: '' }, 0x88, `${UNAVAILABLE} status=500`],
  ['another success', { status: 201, body: allow({}).body }, 0x88, `${UNAVAILABLE} status=201`],
  ['401 for the token', { status: 401, body: '' }, 0x88, `${UNAVAILABLE} status=401`],
  ['no JSON', { body: 'allow' }, 0x88, `${UNAVAILABLE} the answer is no JSON object`],
  ['a list', { body: [] }, 0x88, `${UNAVAILABLE} the answer is no JSON object`],
  ['another decision', { body: { decision: 'Allow' } }, 0x88, `${UNAVAILABLE} decision is`],
  [
    'no name',
    { body: { decision: 'allow' } },
    0x88,
    `${UNAVAILABLE} clientAuthenticationName is no text`
  ],
  ['a number as name', allow({ clientAuthenticationName: 1 }), 0x88, UNAVAILABLE],
  ['a name too long', allow({ clientAuthenticationName: 'x'.repeat(129) }), 0x88, UNAVAILABLE],
  ['a list as attributes', allow({ attributes: [] }), 0x88, `${UNAVAILABLE} attributes is`],
  ['a text as expiration', allow({ expiration: '1767323105' }), 0x88, `${UNAVAILABLE} expiration`],
  ['more than 64 KiB', allow({ pad: 'x'.repeat(65_536) }), 0x88, `${UNAVAILABLE} the answer is no`]
]

webhook("lets nobody in that it does not allow, and MQTT says the page's codes", () =>
  withAsking(async (world, hook) => {
    for (const [what, answer, code, line] of ANSWERS) {
      hook.answer = answer
      assert.is(await codeOf(await connect(world)), code, what)
      assert.match(lastLine(world) ?? '', line, what)
      const returnCode = code === 0x87 ? 5 : 3
      assert.is(await codeOf(await connect(world, { protocolVersion: 4 })), returnCode, what)
    }
    hook.answer = allow({ clientAuthenticationName: 'x'.repeat(128) })
    assert.is(await codeOf(await connect(world)), 0)
  })
)

webhook('has five seconds to answer', () =>
  withAsking(async (world, hook) => {
    hook.answer = undefined
    for (const waitMs of [4_999, 5_000]) {
      const asked = hook.next()
      const client = await connect(world)
      await asked
      world.clock.advance(waitMs)
      if (waitMs < 5_000) hook.reply(allow({}).body)
      assert.is(await codeOf(client), waitMs < 5_000 ? 0 : 0x88)
    }
    assert.match(lastLine(world) ?? '', `${UNAVAILABLE} TimedOut`)
  })
)

webhook('that is not there lets nobody in', () =>
  withNamespace({ settings: withUrl('http://127.0.0.1:1/') }, async (world) => {
    assert.is(await codeOf(await connect(world)), 0x88)
    assert.match(lastLine(world) ?? '', `${UNAVAILABLE} SocketError`)
  })
)

const RULES: Settings = {
  topicSpaces: [
    { name: 'telemetry', topicTemplates: ['lab/${client.authenticationName}/telemetry'] },
    { name: 'commands', topicTemplates: ['lab/${client.attributes.areas}/cmd'] },
    { name: 'ratios', topicTemplates: ['ratio/${client.attributes.ratio}'] }
  ],
  clientGroups: [{ name: 'meters', query: "attributes.kind = 'meter' and attributes.floor > -2" }],
  permissionBindings: [
    { clientGroupName: 'meters', topicSpaceName: 'telemetry', permission: 'Publisher' },
    { clientGroupName: '$all', topicSpaceName: 'commands', permission: 'Publisher' },
    { clientGroupName: '$all', topicSpaceName: 'ratios', permission: 'Publisher' }
  ]
}

webhook('gives the client its name and attributes, and the connection its end', () =>
  withAsking(async (world, hook) => {
    const attributes = { kind: 'meter', floor: -1, areas: ['north', 'south'], ratio: 1.5 }
    hook.answer = {
      body: {
        decision: 'allow',
        clientAuthenticationName: 'Dev1',
        attributes,
        expiration: START + 60
      }
    }
    const client = await connect(world)
    assert.is(await codeOf(client), 0)
    const codes: [topic: string, code: number][] = [
      ['lab/Dev1/telemetry', 0],
      ['lab/dev1/telemetry', 0x87],
      ['lab/south/cmd', 0],
      ['ratio/1.5', 0x87]
    ]
    for (const [topic, code] of codes) {
      client.mqtt.publish(topic, 'x', { qos: 1 })
      assert.is((await client.next())?.reasonCode, code, topic)
    }
    world.clock.advance(59_999)
    assert.is(world.space.sessions().length, 1)
    world.clock.advance(1)
    assert.equal(await client.next(), { cmd: 'disconnect', reasonCode: 0x87 })
    const { body } = await world.control('GET', '/namespaces/default/lifecycleEvents')
    assert.is(body.value.at(-1).data.disconnectionReason, 'ClientAuthenticationError')
    assert.is(body.value.at(-1).data.clientAuthenticationName, 'Dev1')
  }, RULES)
)

webhook('is asked again by an AUTH', () =>
  withAsking(async (world, hook) => {
    hook.answer = allow({ expiration: START + 60 })
    const properties = { authenticationMethod: 'OWN', authenticationData: Buffer.from('1') }
    const client = await connect(world, { clientId: 'mine', username: 'u', properties })
    assert.is(await codeOf(client), 0)
    const renew = (data: string) => {
      const raw = client.mqtt as unknown as { _sendPacket(packet: object): void }
      const renewed = { authenticationMethod: 'OWN', authenticationData: Buffer.from(data) }
      raw._sendPacket({ cmd: 'auth', reasonCode: 0x19, properties: renewed })
    }
    hook.answer = allow({ expiration: START + 120 })
    renew('2')
    assert.is((await client.next())?.cmd, 'auth')
    assert.equal(hook.asked[1]!.body, {
      clientId: 'mine',
      authenticationMethod: 'OWN',
      authenticationData: Buffer.from('2').toString('base64')
    })
    world.clock.advance(60_000)
    assert.is(world.space.sessions().length, 1)
    hook.answer = { body: { decision: 'deny' } }
    renew('3')
    assert.equal(await client.next(), { cmd: 'disconnect', reasonCode: 0x87 })
  })
)

webhook('that fails at an AUTH ends the connection, as an error of the server', () =>
  withAsking(async (world, hook) => {
    const properties = { authenticationMethod: 'OWN', authenticationData: Buffer.from('1') }
    const client = await connect(world, { properties })
    assert.is(await codeOf(client), 0)
    hook.answer = { status: 500, body: {} }
    const raw = client.mqtt as unknown as { _sendPacket(packet: object): void }
    raw._sendPacket({ cmd: 'auth', reasonCode: 0x19, properties })
    // DISCONNECT has no 0x88.
    assert.equal(await client.next(), { cmd: 'disconnect', reasonCode: 0x80 })
    const { body } = await world.control('GET', '/namespaces/default/lifecycleEvents')
    assert.is(body.value.at(-1).data.disconnectionReason, 'ServerError')
  })
)

const FAULTS: [what: string, change: (settings: any) => void, sentence: string][] = [
  [
    'a URL of another kind',
    (own) => (own.webHookAuthentication.endpointUrl = 'ftp://lab.test/'),
    'webHookAuthentication/endpointUrl must be an http or https URL'
  ],
  [
    'two of them',
    (own) => (own.webhookAuthentication = own.webHookAuthentication),
    'webHookAuthentication stands there a second time, as webhookAuthentication'
  ]
]

for (const [what, change, sentence] of FAULTS) {
  webhook(`${what} is refused at start`, async () => {
    const settings = withUrl('https://lab.test/hook')
    change(settings.topicSpacesConfiguration!.clientAuthentication)
    const { message } = await failureOf(withNamespace({ settings }, async () => {}))
    assert.match(message, sentence)
  })
}

webhook.run()
