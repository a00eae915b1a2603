import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once, type EventEmitter } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mintToken, within } from '@fogbank/contract/testing'
import { startFogbank, type Fogbank } from 'fogbank'

const doors = suite('azure-event-grid-namespaces on its port')

const ID = 'azure-event-grid-namespaces'
const run = promisify(execFile)

interface World {
  fogbank: Fogbank
  http: string
  /** URLs of this personality by kind: `mqtts`. */
  urls: Record<string, string>
  plainDoor: string
  token(request?: object): Promise<string>
  connect(url: string, options?: Partial<IClientOptions>): Promise<MqttClient>
  /** CONNECT options of a certificate client. */
  certificate(commonName: string): Promise<Partial<IClientOptions>>
}

async function withPort(settings: object, test: (world: World) => Promise<void>): Promise<void> {
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  const fogbank = await startFogbank({ only: [ID], config: { [ID]: settings }, log })
  const urls = fogbank.endpoints[ID] as Record<string, string>
  const control = fogbank.endpoints.control as Record<string, string>
  const clients: MqttClient[] = []
  try {
    await test({
      fogbank,
      http: urls.http!,
      urls,
      plainDoor: control.mqtt!,
      token: (request = {}) => mintToken(fogbank, { expiresInSeconds: 3600, ...request }),
      async connect(url, options = {}) {
        const client = mqtt.connect(url, {
          protocolVersion: 5,
          reconnectPeriod: 0,
          connectTimeout: 3000,
          ...options
        })
        clients.push(client)
        await new Promise<void>((resolve, reject) => {
          client.once('connect', () => resolve())
          client.once('error', reject)
          client.once('close', () => reject(new Error('closed before it was connected')))
        })
        return client
      },
      async certificate(commonName) {
        return { ca: await fogbank.ca(), ...(await fogbank.issueClient(commonName)) }
      }
    })
  } finally {
    for (const client of clients) client.end(true)
    await fogbank.close()
  }
}

/** The next message of a client, as the wire had it. */
async function nextMessage(client: MqttClient): Promise<Record<string, any>> {
  const [topic, payload, packet] = await within(
    3000,
    once(client as unknown as EventEmitter, 'message'),
    'a message'
  )
  const { contentType, responseTopic, correlationData, userProperties } = packet.properties ?? {}
  return {
    topic,
    text: payload.toString(),
    qos: packet.qos,
    retain: packet.retain,
    contentType,
    responseTopic,
    correlationData: correlationData?.toString('base64'),
    userProperties: userProperties && { ...userProperties }
  }
}

const jwt = (token: string): Partial<IClientOptions> => ({
  properties: { authenticationMethod: 'OAUTH2-JWT', authenticationData: Buffer.from(token) }
})

/** The vendor's documented command, its placeholders filled in. */
const curl = (http: string, token: string | undefined, more: string[] = []): string[] => [
  '--silent',
  '--show-error',
  '--write-out',
  '%{http_code}',
  '--request',
  'POST',
  `${http}/mqtt/messages?topic=lab%2Fdev1%2Fcmd%2Freboot&api-version=2025-02-15-preview`,
  ...(token ? ['--header', `Authorization: Bearer ${token}`] : []),
  '--header',
  'mqtt-response-topic: lab%2Fdev1%2Freply',
  '--header',
  'mqtt-correlation-data: AQID/w==',
  '--header',
  'mqtt-user-properties: W3sicHJpb3JpdHkiOiJoaWdoIn0seyJ0aWNrZXQiOiJULTc3In1d',
  ...more,
  '--data-raw',
  '{"action":"reboot"}'
]

doors('the documented curl command reaches subscribers at both doors', () =>
  withPort({}, async ({ http, urls, plainDoor, token, connect }) => {
    const plain = await connect(plainDoor)
    const own = await connect(urls.mqtt!, jwt(await token()))
    for (const client of [plain, own]) await client.subscribeAsync('lab/#', { qos: 1 })
    const messages = Promise.all([nextMessage(plain), nextMessage(own)])
    const { stdout } = await run('curl', curl(http, await token()))
    assert.is(stdout, '204')
    const message = {
      topic: 'lab/dev1/cmd/reboot',
      text: '{"action":"reboot"}',
      qos: 1,
      retain: false,
      contentType: 'application/x-www-form-urlencoded',
      responseTopic: 'lab/dev1/reply',
      correlationData: 'AQID/w==',
      userProperties: { priority: 'high', ticket: 'T-77' }
    }
    assert.equal(await messages, [message, message])
  })
)

doors("the page's walk-through: a token, curl, and a client with a certificate receives it", () =>
  withPort({}, async ({ fogbank, urls, connect, certificate }) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'fogbank-walk-'))
    try {
      const ca = path.join(folder, 'ca.pem')
      await writeFile(ca, await fogbank.ca())
      const client = await connect(urls.mqtts!, {
        ...(await certificate('dev1')),
        username: 'dev1'
      })
      await client.subscribeAsync('lab/dev1/cmd/#', { qos: 1 })
      const message = nextMessage(client)
      const { https: authority, credentials } = fogbank.endpoints.authority!
      const { tenantId, clientId, clientSecret } = credentials as Record<string, string>
      const trusting = ['--cacert', ca, '--fail-with-body']
      const { stdout: answer } = await run('curl', [
        ...['--silent', '--show-error', ...trusting],
        `${String(authority)}/${tenantId}/oauth2/v2.0/token`,
        ...['--data', 'grant_type=client_credentials'],
        ...['--data', `client_id=${clientId}`, '--data', `client_secret=${clientSecret}`],
        ...['--data', 'scope=https://eventgrid.azure.net/.default']
      ])
      const { access_token: token } = JSON.parse(answer) as { access_token: string }
      const { stdout } = await run('curl', curl(urls.https!, token, trusting))
      assert.is(stdout, '204')
      const { topic, text, userProperties } = await message
      assert.equal(
        { topic, text, userProperties },
        {
          topic: 'lab/dev1/cmd/reboot',
          text: '{"action":"reboot"}',
          userProperties: { priority: 'high', ticket: 'T-77' }
        }
      )
    } finally {
      await rm(folder, { recursive: true })
    }
  })
)

doors('curl hears every refusal', () =>
  withPort({ topicSpaces: [{ name: 'lab', topicTemplates: ['lab/dev1/#'] }] }, async (world) => {
    const { http, token } = world
    const statusOf = async (args: string[]) => (await run('curl', args)).stdout.slice(-3)
    assert.is(await statusOf(curl(http, undefined)), '401')
    assert.is(await statusOf(curl(http, await token({ expiresInSeconds: -60 }))), '401')
    assert.is(await statusOf(curl(http, await token({ clientId: 'other' }))), '403')
    const good = await token()
    assert.is(await statusOf(curl(http, good)), '204')
    const outside = curl(http, good).map((arg) => arg.replace('lab%2Fdev1%2Fcmd', 'lab%2Fdev2'))
    assert.is(await statusOf(outside), '403')
    assert.is(await statusOf(curl(http, good, ['--header', 'mqtt-qos: 2'])), '400')
  })
)

doors('a doubled header, a large one and raw bytes are answered, not dropped', () =>
  withPort({}, async ({ http, token, connect, plainDoor }) => {
    const bearer = `Authorization: Bearer ${await token()}`
    const { port } = new URL(http)
    const exchange = async (lines: string[]): Promise<string> => {
      const socket = net.connect(Number(port), '127.0.0.1')
      socket.write(
        Buffer.from(
          [
            ...lines,
            'Host: localhost',
            bearer,
            'Content-Length: 0',
            'Connection: close',
            '',
            ''
          ].join('\r\n'),
          'latin1'
        )
      )
      const chunks: Buffer[] = []
      socket.on('data', (chunk) => chunks.push(chunk))
      await within(20_000, once(socket, 'close'), 'the end of the connection')
      return Buffer.concat(chunks).toString('latin1').split('\r\n')[0]!
    }
    const POST = 'POST /mqtt/messages?topic=lab/x&api-version=2025-08-01-preview HTTP/1.1'
    assert.is(await exchange([POST]), 'HTTP/1.1 204 No Content')
    const doubled = [POST, 'mqtt-qos: 1', 'mqtt-qos: 0']
    assert.is(await exchange(doubled), 'HTTP/1.1 400 Bad Request')
    const large = Buffer.from(JSON.stringify([{ a: 'x'.repeat(32_767) }])).toString('base64')
    const properties = [POST, `mqtt-user-properties: ${large}`]
    assert.is(await exchange(properties), 'HTTP/1.1 204 No Content')

    const client = await connect(plainDoor)
    await client.subscribeAsync('lab/#', { qos: 1 })
    const message = nextMessage(client)
    const utf8 = Buffer.from('text/é').toString('latin1')
    assert.is(await exchange([POST, `Content-Type: ${utf8}`]), 'HTTP/1.1 204 No Content')
    assert.is((await message).contentType, 'text/é')
    assert.is(await exchange([POST, 'Content-Type: text/\xe9']), 'HTTP/1.1 400 Bad Request')
  })
)

doors('a WebSocket is let in and signs in by its CONNECT', () =>
  withPort({}, async ({ urls, token, connect }) => {
    const client = await connect(urls.ws!, jwt(await token()))
    assert.equal((await client.subscribeAsync('a', { qos: 1 }))[0]?.qos, 1)
    let refused: any
    await connect(urls.ws!).catch((error: unknown) => (refused = error))
    assert.is(refused?.code, 0x87)
  })
)

doors('a certificate of the local CA is a client, on MQTT 3.1.1 too', () =>
  withPort({}, async ({ urls, connect, certificate }) => {
    const client = await connect(urls.mqtts!, await certificate('dev1'))
    await client.subscribeAsync('lab/#', { qos: 1 })
    const message = nextMessage(client)
    const older = await connect(urls.mqtts!, {
      ...(await certificate('dev2')),
      protocolVersion: 4,
      username: 'dev2'
    })
    await older.publishAsync('lab/x', 'hello', { qos: 1 })
    assert.is((await message).text, 'hello')
  })
)

doors('a self-signed certificate is no client', () =>
  withPort({}, async (world) => {
    await withPort({}, async (elsewhere) => {
      const { cert, key } = await elsewhere.fogbank.issueClient('dev1')
      let refused: any
      await world
        .connect(world.urls.mqtts!, { ca: await world.fogbank.ca(), cert, key })
        .catch((error: unknown) => (refused = error))
      assert.is(refused?.code, 0x87)
    })
  })
)

const REGISTRY = {
  topicSpacesConfiguration: {
    clientAuthentication: { alternativeAuthenticationNameSources: ['ClientCertificateSubject'] }
  },
  topicSpaces: [
    { name: 'telemetry', topicTemplates: ['lab/${client.authenticationName}/telemetry'] },
    { name: 'commands', topicTemplates: ['lab/${client.attributes.areas}/cmd/#'] }
  ],
  clientGroups: [{ name: 'meters', query: "attributes.kind = 'meter'" }],
  permissionBindings: [
    { clientGroupName: 'meters', topicSpaceName: 'telemetry', permission: 'Publisher' },
    { clientGroupName: '$all', topicSpaceName: 'commands', permission: 'Subscriber' }
  ],
  clients: [
    {
      name: 'dev1',
      authenticationName: 'Dev1.Lab',
      clientCertificateAuthentication: { validationScheme: 'SubjectMatchesAuthenticationName' },
      attributes: { kind: 'meter', areas: ['north', 'south'] }
    },
    { name: 'dev2', attributes: { kind: 'valve' } },
    { name: 'dev3', state: 'Disabled' }
  ]
}

doors('groups, bindings and templates decide what a registered client may do', () =>
  withPort(REGISTRY, async ({ urls, connect, certificate }) => {
    const codeOf = (promise: Promise<unknown>) =>
      promise.then(
        () => 0,
        (error: { code?: number }) => error.code
      )
    // Names are compared without regard to case, and used in the case they were configured in.
    const dev1 = await connect(urls.mqtts!, {
      ...(await certificate('dev1.lab')),
      username: 'DEV1.LAB'
    })
    const publish = (client: MqttClient, topic: string) =>
      codeOf(client.publishAsync(topic, 'x', { qos: 1 }))
    assert.is(await publish(dev1, 'lab/Dev1.Lab/telemetry'), 0)
    assert.is(await publish(dev1, 'lab/dev1.lab/telemetry'), 0x87)
    const grants = async (client: MqttClient, filter: string) => {
      const answer = once(client as unknown as EventEmitter, 'packetreceive')
      client.subscribe(filter, { qos: 1 }, () => {}) // a refusal is what the packet tells
      const [suback] = await within(20_000, answer, 'the SUBACK')
      return suback.granted as number[]
    }
    assert.equal(await grants(dev1, 'lab/south/cmd/#'), [1])
    assert.equal(await grants(dev1, 'lab/west/cmd/#'), [0x87])
    const dev2 = await connect(urls.mqtts!, await certificate('dev2'))
    assert.is(await publish(dev2, 'lab/dev2/telemetry'), 0x87)
  })
)

doors('unknown, disabled and misnamed clients are refused with 0x87', () =>
  withPort(REGISTRY, async ({ urls, connect, certificate }) => {
    for (const [commonName, username] of [
      ['stranger', undefined],
      ['dev3', undefined],
      ['dev2', 'dev1.lab']
    ] as const) {
      let refused: any
      const options = { ...(await certificate(commonName)), ...(username ? { username } : {}) }
      await connect(urls.mqtts!, options).catch((error: unknown) => (refused = error))
      assert.is(refused?.code, 0x87, commonName)
    }
  })
)

doors('a thumbprint lets in whatever signed the certificate', () =>
  withPort({}, async (elsewhere) => {
    const { cert, key } = await elsewhere.fogbank.issueClient('own')
    const clientCertificateAuthentication = {
      validationScheme: 'ThumbprintMatch',
      allowedThumbprints: [new X509Certificate(cert).fingerprint256]
    }
    const settings = { clients: [{ name: 'own', clientCertificateAuthentication }] }
    await withPort(settings, async ({ fogbank, urls, connect }) => {
      const ca = await fogbank.ca()
      assert.ok((await connect(urls.mqtts!, { ca, cert, key, username: 'own' })).connected)
    })
  })
)

doors.run()
