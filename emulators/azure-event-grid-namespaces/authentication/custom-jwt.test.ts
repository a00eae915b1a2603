import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SignJWT } from 'jose'
import { failureOf, type PacketClient } from '@fogbank/contract/testing'
import type { CustomJwtSettings } from './settings.ts'
import type { Settings } from '../settings.ts'
import { withNamespace, type World } from '../testing.ts'
import { issue, type Issued } from '../testing-certificates.ts'

const custom = suite('azure-event-grid-namespaces CUSTOM-JWT')

const METHOD = 'CUSTOM-JWT'
const ISSUER = 'lab-issuer'
const HOST = 'labns.westeurope-1.ts.eventgrid.azure.net'
/** When the manual clock starts, in seconds. */
const START = Date.UTC(2026, 0, 2, 3, 4, 5) / 1000

const first = await issue('CN=first', { rsaBits: 2048 })
const second = await issue('CN=second', { rsaBits: 2048 })

const CLAIMS = { iss: ISSUER, sub: 'Dev1', aud: HOST, exp: START + 60, nbf: START - 10 }

/** A token with these claims instead of the good ones; undefined leaves one out. */
function sign(
  claims: Record<string, unknown> = {},
  { by = first, header = {} }: { by?: Issued; header?: object } = {}
): Promise<string> {
  return new SignJWT(JSON.parse(JSON.stringify({ ...CLAIMS, ...claims })))
    .setProtectedHeader({ typ: 'JWT', alg: 'RS256', ...header })
    .sign(by.issuer.key)
}

const customJwtAuthentication: CustomJwtSettings = {
  tokenIssuer: ISSUER,
  issuerCertificates: [
    {
      certificateUrl: 'https://vault.test/certificates/first',
      identity: { type: 'SystemAssigned' },
      encodedCertificate: first.cert
    }
  ]
}

const withJwt = (own: Partial<CustomJwtSettings> = {}, more: Settings = {}): Settings => ({
  ...more,
  topicSpacesConfiguration: {
    hostname: HOST,
    maximumClientSessionsPerAuthenticationName: 100,
    clientAuthentication: { customJwtAuthentication: { ...customJwtAuthentication, ...own } }
  }
})

let sessions = 0
function connect(world: World, token: string, options: object = {}): Promise<PacketClient> {
  return world.client({
    clientId: `session${++sessions}`,
    properties: { authenticationMethod: METHOD, authenticationData: Buffer.from(token) },
    ...options
  })
}

async function codeOf(world: World, token: string): Promise<number> {
  const client = await connect(world, token)
  return (await client.next())?.reasonCode
}

const lastLine = ({ lines }: World) => lines.filter((line) => line.includes(' connect 0x')).at(-1)

custom('CONNACK echoes the method', () =>
  withNamespace({ settings: withJwt() }, async (world) => {
    const connack = await (await connect(world, await sign())).next()
    assert.is(connack?.reasonCode, 0)
    assert.is(connack?.properties.authenticationMethod, METHOD)
  })
)

const TOKENS: [what: string, token: () => Promise<string> | string, line: string][] = [
  ['no token', () => 'x', 'TokenInvalid malformed'],
  ['no JSON', () => 'a.b.c', 'TokenInvalid malformed'],
  ['without iss', () => sign({ iss: undefined }), 'TokenInvalid malformed'],
  ['without sub', () => sign({ sub: undefined }), 'TokenInvalid malformed'],
  ['with an empty sub', () => sign({ sub: '' }), 'TokenInvalid malformed'],
  ['without aud', () => sign({ aud: undefined }), 'TokenInvalid malformed'],
  ['without exp', () => sign({ exp: undefined }), 'TokenInvalid malformed'],
  ['without nbf', () => sign({ nbf: undefined }), 'TokenInvalid malformed'],
  ['with a text as exp', () => sign({ exp: String(START + 60) }), 'TokenInvalid malformed'],
  ['of another signer', () => sign({}, { by: second }), 'TokenInvalid signature'],
  [
    'signed with another algorithm',
    () => new SignJWT(CLAIMS).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(first.cert)),
    'TokenInvalid signature'
  ],
  [
    'not signed at all',
    async () => {
      const [, payload] = (await sign()).split('.')
      return `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`
    },
    'TokenInvalid signature'
  ],
  ['of another issuer', () => sign({ iss: 'Lab-issuer' }), 'TokenInvalid issuer'],
  ['for another host', () => sign({ aud: 'localhost' }), `TokenInvalid audience expected=${HOST}`],
  ['for nobody', () => sign({ aud: [] }), 'TokenInvalid audience'],
  ['that has expired', () => sign({ exp: START }), 'TokenExpired'],
  ['of the future', () => sign({ nbf: START + 1 }), 'TokenInvalid not-yet-valid']
]

custom('a token is refused with 0x87 by its fault', () =>
  withNamespace({ settings: withJwt() }, async (world) => {
    for (const [what, token, line] of TOKENS) {
      assert.is(await codeOf(world, await token()), 0x87, what)
      assert.match(lastLine(world) ?? '', line, what)
    }
  })
)

custom('the audience may be a list, and have a slash behind the host', () =>
  withNamespace({ settings: withJwt() }, async (world) => {
    const audiences = [HOST, `${HOST}/`, ['elsewhere', HOST], 'default.localhost']
    for (const aud of audiences) assert.is(await codeOf(world, await sign({ aud })), 0, String(aud))
  })
)

custom('without a hostname of its own a namespace is localhost', () => {
  const clientAuthentication = { customJwtAuthentication }
  return withNamespace(
    { settings: { topicSpacesConfiguration: { clientAuthentication } } },
    async (world) => {
      assert.is(await codeOf(world, await sign({ aud: 'localhost' })), 0)
      const other = await connect(world, await sign({ aud: HOST }))
      assert.is((await other.next())?.reasonCode, 0x87)
    }
  )
})

custom('a name has 128 characters, and no more', () =>
  withNamespace({ settings: withJwt() }, async (world) => {
    assert.is(await codeOf(world, await sign({ sub: 'x'.repeat(128) })), 0)
    assert.is(await codeOf(world, await sign({ sub: 'x'.repeat(129) })), 0x85)
  })
)

custom('without data it is 0x87, with 8 KB of it and one byte more as well', () =>
  withNamespace({ settings: withJwt() }, async (world) => {
    const properties = { authenticationMethod: METHOD }
    const client = await world.client({ properties })
    assert.is((await client.next())?.reasonCode, 0x87)
    assert.match(lastLine(world) ?? '', 'CredentialMissing')
    assert.is(await codeOf(world, 'x'.repeat(8193)), 0x87)
    assert.match(lastLine(world) ?? '', 'AuthenticationDataTooLarge')
    assert.is(await codeOf(world, 'x'.repeat(8192)), 0x87)
    assert.match(lastLine(world) ?? '', 'TokenInvalid malformed')
  })
)

custom('where no issuer is configured it is no method: 0x8C', () =>
  withNamespace({}, async (world) => {
    assert.is(await codeOf(world, await sign()), 0x8c)
    assert.match(lastLine(world) ?? '', 'AuthenticationMethodUnknown')
  })
)

custom("a token of an issuer is none of Entra's, nor the other way round", () =>
  withNamespace({ settings: withJwt() }, async (world) => {
    const wrong = await world.client(await world.jwt(await sign()))
    assert.is((await wrong.next())?.reasonCode, 0x87)
    assert.is(await codeOf(world, await world.mint()), 0x87)
  })
)

custom('two certificates can be in use, and a token may say which', async () => {
  const own: Partial<CustomJwtSettings> = {
    issuerCertificates: [],
    encodedIssuerCertificates: [
      { kid: 'one', encodedCertificate: first.cert },
      { kid: 'two', encodedCertificate: second.cert }
    ]
  }
  await withNamespace({ settings: withJwt(own) }, async (world) => {
    assert.is(await codeOf(world, await sign()), 0)
    assert.is(await codeOf(world, await sign({}, { by: second })), 0)
    assert.is(await codeOf(world, await sign({}, { by: second, header: { kid: 'two' } })), 0)
    assert.is(await codeOf(world, await sign({}, { by: second, header: { kid: 'one' } })), 0x87)
    assert.is(await codeOf(world, await sign({}, { header: { kid: 'three' } })), 0x87)
  })
})

custom("an issuer's certificate counts within its time", async () => {
  const brief = await issue('CN=brief', { rsaBits: 2048, notAfter: new Date((START + 10) * 1000) })
  const certificateUrl = 'https://vault.test/certificates/brief'
  const issuerCertificates = [{ certificateUrl, encodedCertificate: brief.cert }]
  await withNamespace({ settings: withJwt({ issuerCertificates }) }, async (world) => {
    assert.is(await codeOf(world, await sign({}, { by: brief })), 0)
    world.clock.advance(11_000)
    assert.is(await codeOf(world, await sign({}, { by: brief })), 0x87)
  })
})

const ATTRIBUTES = {
  floor: 3,
  kind: 'meter',
  areas: ['north', 'south'],
  low: -(2 ** 31),
  high: 2 ** 31,
  ratio: 1.23,
  numbers: [1, 2],
  nested: { kind: 'valve' },
  flag: true,
  nothing: null
}

const RULES: Settings = {
  topicSpaces: [
    { name: 'telemetry', topicTemplates: ['lab/${client.authenticationName}/telemetry'] },
    { name: 'commands', topicTemplates: ['lab/${client.attributes.areas}/cmd'] },
    ...['low', 'high', 'ratio', 'numbers', 'nested', 'flag', 'nothing', 'sub', 'exp'].map(
      (name) => ({
        name: `of-${name}`,
        topicTemplates: [`of/${name}/\${client.attributes.${name}}`]
      })
    )
  ].slice(0, 10),
  clientGroups: [
    { name: 'meters', query: "attributes.kind = 'meter' and attributes.floor > 2" },
    { name: 'nobody', query: "attributes.sub = 'Dev1' or attributes.iss = 'lab-issuer'" }
  ],
  permissionBindings: [
    { clientGroupName: 'meters', topicSpaceName: 'telemetry', permission: 'Publisher' },
    { clientGroupName: '$all', topicSpaceName: 'commands', permission: 'Publisher' },
    ...['low', 'high', 'ratio', 'numbers', 'nested', 'flag', 'nothing', 'sub'].map((name) => ({
      clientGroupName: '$all',
      topicSpaceName: `of-${name}`,
      permission: 'Publisher' as const
    }))
  ]
}

custom('claims are attributes, as far as they have one of the three types', async () => {
  await withNamespace({ settings: withJwt({}, RULES) }, async (world) => {
    const client = await connect(world, await sign(ATTRIBUTES))
    assert.is((await client.next())?.reasonCode, 0)
    const codes: [topic: string, code: number][] = [
      ['lab/Dev1/telemetry', 0],
      ['lab/dev1/telemetry', 0x87],
      ['lab/north/cmd', 0],
      ['lab/south/cmd', 0],
      ['lab/west/cmd', 0x87],
      [`of/low/${-(2 ** 31)}`, 0],
      [`of/high/${2 ** 31}`, 0x87],
      ['of/ratio/1.23', 0x87],
      ['of/numbers/1', 0x87],
      ['of/flag/true', 0x87],
      ['of/nothing/null', 0x87],
      ['of/sub/Dev1', 0x87]
    ]
    for (const [topic, code] of codes) {
      client.mqtt.publish(topic, 'x', { qos: 1 })
      assert.is((await client.next())?.reasonCode, code, topic)
    }
    const valve = await connect(world, await sign({ ...ATTRIBUTES, kind: 'valve' }))
    assert.is((await valve.next())?.reasonCode, 0)
    valve.mqtt.publish('lab/Dev1/telemetry', 'x', { qos: 1 })
    assert.is((await valve.next())?.reasonCode, 0x87)
  })
})

/** AUTH with a token, as a client sends it to stay. */
function renew({ mqtt }: PacketClient, token: string, method = METHOD): void {
  const properties = { authenticationMethod: method, authenticationData: Buffer.from(token) }
  const raw = mqtt as unknown as { _sendPacket(packet: object): void }
  raw._sendPacket({ cmd: 'auth', reasonCode: 0x19, properties })
}

const reason = async (world: World) => {
  const { body } = await world.control('GET', '/namespaces/default/lifecycleEvents')
  return body.value.at(-1).data.disconnectionReason
}

custom('a connection ends with its token', () =>
  withNamespace({ settings: withJwt() }, async (world) => {
    const client = await connect(world, await sign())
    assert.is((await client.next())?.reasonCode, 0)
    world.clock.advance(59_999)
    assert.is(world.space.sessions().length, 1)
    world.clock.advance(1)
    assert.equal(await client.next(), { cmd: 'disconnect', reasonCode: 0x87 })
    assert.is(await reason(world), 'ClientAuthenticationError')
  })
)

custom('an AUTH brings another end, later or sooner, and other attributes', () =>
  withNamespace({ settings: withJwt({}, RULES) }, async (world) => {
    const client = await connect(world, await sign({ ...ATTRIBUTES, exp: START + 60 }))
    assert.is((await client.next())?.reasonCode, 0)
    renew(client, await sign({ ...ATTRIBUTES, kind: 'valve', sub: 'dev1', exp: START + 120 }))
    assert.equal(await client.next(), {
      cmd: 'auth',
      reasonCode: 0,
      properties: { authenticationMethod: METHOD }
    })
    world.clock.advance(60_000)
    client.mqtt.publish('lab/dev1/telemetry', 'x', { qos: 1 })
    assert.is((await client.next())?.reasonCode, 0x87, 'it is a meter no more')
    renew(client, await sign({ ...ATTRIBUTES, exp: START + 90 }))
    assert.is((await client.next())?.cmd, 'auth')
    world.clock.advance(29_999)
    assert.is(world.space.sessions().length, 1)
    world.clock.advance(1)
    assert.equal(await client.next(), { cmd: 'disconnect', reasonCode: 0x87 })
  })
)

custom('an AUTH that proves nothing, or somebody else, ends the connection', () =>
  withNamespace({ settings: withJwt() }, async (world) => {
    const cases: [token: string, method: string, code: number, rule: string][] = [
      ['a.b.c', METHOD, 0x87, 'TokenInvalid'],
      [await sign({ exp: START - 1 }), METHOD, 0x87, 'TokenExpired'],
      [await sign({ sub: 'dev2' }), METHOD, 0x87, 'TokenInvalid'],
      [await sign(), 'OAUTH2-JWT', 0x82, 'ProtocolError']
    ]
    for (const [token, method, code, rule] of cases) {
      const client = await connect(world, await sign())
      assert.is((await client.next())?.reasonCode, 0)
      renew(client, token, method)
      assert.equal(await client.next(), { cmd: 'disconnect', reasonCode: code }, rule)
      assert.is(await client.next(), undefined)
      assert.ok(
        world.lines.some((line) => line.includes(` ${rule}`)),
        rule
      )
    }
  })
)

custom('an AUTH that takes away what is subscribed ends the connection', () => {
  const rules: Settings = {
    topicSpaces: [{ name: 'commands', topicTemplates: ['lab/${client.attributes.areas}/cmd'] }],
    permissionBindings: [
      { clientGroupName: '$all', topicSpaceName: 'commands', permission: 'Subscriber' }
    ]
  }
  return withNamespace({ settings: withJwt({}, rules) }, async (world) => {
    const client = await connect(world, await sign({ areas: ['north'] }))
    assert.is((await client.next())?.reasonCode, 0)
    client.mqtt.subscribe('lab/north/cmd', { qos: 1 })
    assert.equal((await client.next())?.granted, [1])
    renew(client, await sign({ areas: ['north', 'south'] }))
    assert.is((await client.next())?.cmd, 'auth')
    renew(client, await sign({ areas: ['south'] }))
    assert.equal(await client.next(), { cmd: 'disconnect', reasonCode: 0x87 })
    assert.is(await reason(world), 'ClientAuthorizationError')
  })
})

custom('lenient takes tokens of anybody, unless they have expired', () =>
  withNamespace({ settings: withJwt(), auth: 'lenient' }, async (world) => {
    const token = await new SignJWT({ sub: 'dev1' })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(Buffer.alloc(32))
    assert.is(await codeOf(world, token), 0)
    assert.is(await codeOf(world, await sign({ aud: 'elsewhere', iss: 'x' }, { by: second })), 0)
    assert.is(await codeOf(world, await sign({ exp: START })), 0x87)
    assert.is(await codeOf(world, 'a.b.c'), 0x87)
  })
)

const weak = await issue('CN=weak', { rsaBits: 1024 })
const elliptic = await issue('CN=elliptic')
const PLACE = 'topicSpacesConfiguration/clientAuthentication/customJwtAuthentication'
const encoded = (encodedCertificate: string) => ({
  issuerCertificates: [],
  encodedIssuerCertificates: [{ kid: 'one', encodedCertificate }]
})

const FAULTS: [what: string, settings: Partial<CustomJwtSettings>, sentence: string][] = [
  ['no certificate at all', { issuerCertificates: [] }, `${PLACE} has no certificate`],
  [
    'a certificate in a Key Vault only',
    { issuerCertificates: [{ certificateUrl: 'https://vault.test/certificates/first' }] },
    `${PLACE}/issuerCertificates/0: there is no Key Vault here`
  ],
  [
    'a certificate that is none',
    encoded('AAAA'),
    `${PLACE}/encodedIssuerCertificates/0/encodedCertificate is no certificate`
  ],
  ['an elliptic key', encoded(elliptic.cert), 'has no RSA key of 2048 bits'],
  ['a short key', encoded(weak.cert), 'has no RSA key of 2048 bits']
]

for (const [what, own, sentence] of FAULTS) {
  custom(`${what} is refused at start`, async () => {
    const { message } = await failureOf(withNamespace({ settings: withJwt(own) }, async () => {}))
    assert.match(message, sentence)
  })
}

custom.run()
