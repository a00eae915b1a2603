import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { failureOf, within } from '@fogbank/contract/testing'
import type { Peer } from '@fogbank/core'
import type { ClientResource, Settings } from '../settings.ts'
import { withNamespace, type World } from '../testing.ts'
import { issue, type AlternativeName, type Issued } from '../testing-certificates.ts'

const certificates = suite('azure-event-grid-namespaces client certificates')

const root = await issue('CN=Lab root', { ca: true })
const intermediate = await issue('CN=Lab intermediate', { ca: true, by: root })
const foreign = await issue('CN=Lab root', { ca: true })
const caCertificates = [{ name: 'lab-ca', encodedCertificate: intermediate.cert }]

/** How our listener hands over a client with a certificate of somebody else's CA. */
const showing = ({ der }: Issued): Partial<Peer> => ({
  transport: 'tls',
  certificate: { der, trusted: false }
})

/** The CONNACK code of a client with this certificate. */
async function connectWith(
  world: World,
  certificate: Issued | undefined,
  options: object = {}
): Promise<number> {
  const client = await world.client(options, certificate ? showing(certificate) : {})
  const connack = await client.next()
  if (connack?.reasonCode !== 0) assert.is(await client.next(), undefined)
  else await client.mqtt.endAsync()
  return connack?.reasonCode
}

/** The rule that the last refused CONNECT broke, as the log has it. */
const lastRule = ({ lines }: World) =>
  /connect 0x\w\w (\w+)/.exec(
    lines.filter((line) => line.includes(' connect 0x')).at(-1) ?? ''
  )?.[1]

const client = (validationScheme: string, authenticationName = 'dev1'): ClientResource =>
  ({
    name: 'dev1',
    authenticationName,
    clientCertificateAuthentication: { validationScheme }
  }) as ClientResource

const FULL = 'C=DE, O=Lab, CN=dev1'

/** Scheme, authentication name, subject, alternative names, and whether it fits. */
const SCHEMES: [string, string, string, AlternativeName[], boolean][] = [
  ['SubjectMatchesAuthenticationName', 'dev1', 'CN=dev1', [], true],
  ['SubjectMatchesAuthenticationName', 'DEV1', 'CN=dev1', [], true],
  ['SubjectMatchesAuthenticationName', 'dev1', FULL, [], true],
  ['SubjectMatchesAuthenticationName', 'CN=dev1,O=Lab,C=DE', FULL, [], true],
  ['SubjectMatchesAuthenticationName', 'C=DE, O=Lab, CN=dev1', FULL, [], true],
  ['SubjectMatchesAuthenticationName', 'dev,1', 'CN=dev\\,1', [], true],
  ['SubjectMatchesAuthenticationName', 'dev1', 'CN=dev2', [{ type: 'dns', value: 'dev1' }], false],
  ['SubjectMatchesAuthenticationName', 'Lab', FULL, [], false],
  ['SubjectMatchesAuthenticationName', 'dev1', 'CN=dev10', [], false],
  ['DnsMatchesAuthenticationName', 'dev1.lab', 'CN=x', [{ type: 'dns', value: 'dev1.lab' }], true],
  [
    'DnsMatchesAuthenticationName',
    'dev1.lab',
    'CN=x',
    [
      { type: 'dns', value: 'other' },
      { type: 'dns', value: 'DEV1.lab' }
    ],
    true
  ],
  ['DnsMatchesAuthenticationName', 'dev1.lab', 'CN=dev1.lab', [], false],
  ['DnsMatchesAuthenticationName', 'a', 'CN=x', [{ type: 'dns', value: 'b, DNS:a' }], false],
  [
    'UriMatchesAuthenticationName',
    'urn:dev:1',
    'CN=x',
    [{ type: 'url', value: 'urn:dev:1' }],
    true
  ],
  [
    'UriMatchesAuthenticationName',
    'urn:dev:1',
    'CN=x',
    [{ type: 'dns', value: 'urn:dev:1' }],
    false
  ],
  ['IpMatchesAuthenticationName', '10.0.0.1', 'CN=x', [{ type: 'ip', value: '10.0.0.1' }], true],
  [
    'IpMatchesAuthenticationName',
    '2001:db8::1',
    'CN=x',
    [{ type: 'ip', value: '2001:db8::1' }],
    true
  ],
  [
    'IpMatchesAuthenticationName',
    '2001:db8:0:0::1',
    'CN=x',
    [{ type: 'ip', value: '2001:db8::1' }],
    true
  ],
  ['IpMatchesAuthenticationName', '10.0.0.1', 'CN=x', [{ type: 'ip', value: '10.0.0.2' }], false],
  [
    'EmailMatchesAuthenticationName',
    'dev1@lab.test',
    'CN=x',
    [{ type: 'email', value: 'dev1@lab.test' }],
    true
  ],
  [
    'EmailMatchesAuthenticationName',
    'dev1@lab.test',
    'CN=dev1@lab.test',
    [{ type: 'dns', value: 'dev1@lab.test' }],
    false
  ]
]

certificates('a client is let in by the field that its validation scheme names', async () => {
  for (const [scheme, name, subject, names, fits] of SCHEMES) {
    const what = `${scheme} ${name} ${subject} ${JSON.stringify(names)}`
    const settings: Settings = { caCertificates, clients: [client(scheme, name)] }
    await withNamespace({ settings }, async (world) => {
      const certificate = await issue(subject, { by: intermediate, names })
      const code = await connectWith(world, certificate, { username: name })
      assert.is(code, fits ? 0 : 0x87, what)
      if (!fits) assert.is(lastRule(world), 'ClientCertificateInvalid', what)
    })
  }
})

certificates('without a scheme it is the subject that has to match', async () => {
  const settings: Settings = { caCertificates, clients: [{ name: 'dev1' }] }
  await withNamespace({ settings }, async (world) => {
    const own = await issue('CN=dev1', { by: intermediate })
    const other = await issue('CN=dev2', { by: intermediate })
    assert.is(await connectWith(world, own, { username: 'dev1' }), 0)
    assert.is(await connectWith(world, other, { username: 'dev1' }), 0x87)
  })
})

certificates('the one who signed the certificate itself has to be registered', async () => {
  const own = await issue('CN=dev1', { by: intermediate })
  const ofRoot = await issue('CN=dev1', { by: root })
  const ofNobody = await issue('CN=dev1')
  const ofNamesake = await issue('CN=dev1', { by: foreign })
  const registered = (ca: Issued): Settings => ({
    caCertificates: [{ name: 'lab-ca', encodedCertificate: ca.cert.replaceAll('\n', '') }],
    clients: [{ name: 'dev1' }]
  })
  const cases: [Issued, Issued, number][] = [
    [intermediate, own, 0],
    [intermediate, ofRoot, 0x87],
    [intermediate, ofNobody, 0x87],
    [root, own, 0x87],
    [root, ofRoot, 0],
    [root, ofNamesake, 0x87]
  ]
  for (const [index, [ca, certificate, code]] of cases.entries()) {
    await withNamespace({ settings: registered(ca) }, async (world) => {
      assert.is(await connectWith(world, certificate, { username: 'dev1' }), code, `case ${index}`)
      if (code !== 0) assert.is(lastRule(world), 'ClientCertificateInvalid')
    })
  }
})

const SECOND = 1000
/** When the manual clock starts. */
const START = Date.UTC(2026, 0, 2, 3, 4, 5)

certificates('a certificate counts from its first second to its last', async () => {
  const times = {
    notBefore: new Date(START + 10 * SECOND),
    notAfter: new Date(START + 20 * SECOND)
  }
  const certificate = await issue('CN=dev1', { by: intermediate, ...times })
  const settings: Settings = { caCertificates, clients: [{ name: 'dev1' }] }
  await withNamespace({ settings }, async (world) => {
    const expected = async (code: number) =>
      assert.is(await connectWith(world, certificate, { username: 'dev1' }), code)
    world.clock.advance(10 * SECOND - 1)
    await expected(0x87)
    assert.is(lastRule(world), 'ClientCertificateExpired')
    world.clock.advance(1)
    await expected(0)
    world.clock.advance(11 * SECOND - 1)
    await expected(0)
    world.clock.advance(1)
    await expected(0x87)
    assert.is(lastRule(world), 'ClientCertificateExpired')
  })
})

certificates("a CA's certificate counts within its time as well", async () => {
  const notAfter = new Date(START + 10 * SECOND)
  const brief = await issue('CN=Brief', { ca: true, notAfter })
  const certificate = await issue('CN=dev1', { by: brief })
  const settings: Settings = {
    caCertificates: [{ name: 'brief', encodedCertificate: brief.cert }],
    clients: [{ name: 'dev1' }]
  }
  await withNamespace({ settings }, async (world) => {
    assert.is(await connectWith(world, certificate, { username: 'dev1' }), 0)
    world.clock.advance(11 * SECOND)
    assert.is(await connectWith(world, certificate, { username: 'dev1' }), 0x87)
    assert.is(lastRule(world), 'ClientCertificateInvalid')
  })
})

certificates('a connection ends with its certificate', async () => {
  const notAfter = new Date(START + 10 * SECOND)
  const certificate = await issue('CN=dev1', { by: intermediate, notAfter })
  const settings: Settings = { caCertificates, clients: [{ name: 'dev1' }] }
  await withNamespace({ settings }, async (world) => {
    const connected = await world.client({ username: 'dev1' }, showing(certificate))
    assert.is((await connected.next())?.reasonCode, 0)
    world.clock.advance(11 * SECOND - 1)
    assert.is(world.space.sessions().length, 1)
    world.clock.advance(1)
    assert.equal(await connected.next(), { cmd: 'disconnect', reasonCode: 0x87 })
    assert.is(await connected.next(), undefined)
    const { body } = await world.control('GET', '/namespaces/default/lifecycleEvents')
    assert.is(body.value.at(-1).data.disconnectionReason, 'ClientAuthenticationError')
  })
})

certificates('either of two thumbprints lets in, by SHA-1 or SHA-256, whoever signed', async () => {
  const primary = await issue('CN=one')
  const secondary = await issue('CN=two')
  const { X509Certificate } = await import('node:crypto')
  const allowedThumbprints = [
    new X509Certificate(primary.der).fingerprint.replaceAll(':', '').toLowerCase(),
    new X509Certificate(secondary.der).fingerprint256
  ]
  const clientCertificateAuthentication = {
    validationScheme: 'ThumbprintMatch' as const,
    allowedThumbprints
  }
  const settings: Settings = {
    clients: [
      { name: 'dev1', clientCertificateAuthentication },
      // The same certificate may serve several clients.
      { name: 'dev2', clientCertificateAuthentication }
    ]
  }
  await withNamespace({ settings }, async (world) => {
    for (const username of ['dev1', 'dev2']) {
      assert.is(await connectWith(world, primary, { username }), 0)
      assert.is(await connectWith(world, secondary, { username, clientId: username }), 0)
    }
    assert.is(await connectWith(world, await issue('CN=one'), { username: 'dev1' }), 0x87)
    assert.is(lastRule(world), 'ClientCertificateInvalid')
  })
})

certificates('a client without a username is found by the sources, in their order', async () => {
  const alternativeAuthenticationNameSources = [
    'ClientCertificateDns',
    'ClientCertificateSubject'
  ] as const
  const settings: Settings = {
    caCertificates,
    clients: [client('SubjectMatchesAuthenticationName', 'dev1')],
    topicSpacesConfiguration: {
      clientAuthentication: {
        alternativeAuthenticationNameSources: [...alternativeAuthenticationNameSources]
      }
    }
  }
  await withNamespace({ settings }, async (world) => {
    const bare = await issue('CN=dev1', { by: intermediate })
    assert.is(await connectWith(world, bare), 0)
    const dns = (value: string) =>
      issue('CN=dev1', { by: intermediate, names: [{ type: 'dns', value }] })
    assert.is(await connectWith(world, await dns('dev1')), 0)
    // The first source that is not empty counts, whatever the next one says.
    assert.is(await connectWith(world, await dns('dev2')), 0x87)
    assert.is(lastRule(world), 'ClientUnknown')
    const nameless = await issue('', {
      by: intermediate,
      names: [{ type: 'url', value: 'urn:dev1' }]
    })
    assert.is(await connectWith(world, nameless), 0x87)
    assert.is(lastRule(world), 'AuthenticationNameMissing')
    // The username comes before all of them.
    assert.is(await connectWith(world, bare, { username: 'dev2' }), 0x87)
    assert.is(lastRule(world), 'ClientUnknown')
  })
})

const SOURCES: [source: string, scheme: string, authenticationName: string, AlternativeName][] = [
  [
    'ClientCertificateDns',
    'DnsMatchesAuthenticationName',
    'Dev1.lab',
    { type: 'dns', value: 'dev1.LAB' }
  ],
  [
    'ClientCertificateUri',
    'UriMatchesAuthenticationName',
    'urn:dev1',
    { type: 'url', value: 'urn:dev1' }
  ],
  [
    'ClientCertificateIp',
    'IpMatchesAuthenticationName',
    'fd00::1',
    { type: 'ip', value: 'fd00::1' }
  ],
  [
    'ClientCertificateEmail',
    'EmailMatchesAuthenticationName',
    'd@lab.test',
    { type: 'email', value: 'd@lab.test' }
  ]
]

certificates('every field can be a source', async () => {
  for (const [source, scheme, name, alternative] of SOURCES) {
    const settings = {
      caCertificates,
      clients: [client(scheme, name)],
      topicSpacesConfiguration: {
        clientAuthentication: { alternativeAuthenticationNameSources: [source] }
      }
    } as Settings
    await withNamespace({ settings }, async (world) => {
      const names: AlternativeName[] = [{ type: 'dns', value: 'other' }, alternative]
      const certificate = await issue('CN=x', { by: intermediate, names })
      assert.is(await connectWith(world, certificate), 0, source)
      const without = await issue('CN=x', { by: intermediate })
      assert.is(await connectWith(world, without), 0x87, source)
      assert.is(lastRule(world), 'AuthenticationNameMissing')
    })
  }
})

certificates('with clients of its own and no sources a namespace wants a username', async () => {
  const settings: Settings = { caCertificates, clients: [{ name: 'dev1' }] }
  await withNamespace({ settings }, async (world) => {
    const certificate = await issue('CN=dev1', { by: intermediate })
    assert.is(await connectWith(world, certificate), 0x87)
    assert.is(lastRule(world), 'AuthenticationNameMissing')
    assert.is(await connectWith(world, certificate, { username: 'dev1', protocolVersion: 5 }), 0)
  })
})

certificates('an open registry takes the names that a certificate has, and no others', () =>
  withNamespace({ settings: { caCertificates } }, async (world) => {
    const names: AlternativeName[] = [{ type: 'dns', value: 'dev1.lab' }]
    const certificate = await issue('CN=dev1', { by: intermediate, names })
    assert.is(await connectWith(world, certificate), 0)
    assert.is(await connectWith(world, certificate, { username: 'dev1.lab', clientId: 'b' }), 0)
    assert.is(await connectWith(world, certificate, { username: 'dev2', clientId: 'c' }), 0x87)
    assert.is(lastRule(world), 'ClientCertificateInvalid')
  })
)

certificates('a client whose certificate no longer counts is disconnected', async () => {
  const settings: Settings = { caCertificates, clients: [{ name: 'dev1' }] }
  const certificate = await issue('CN=dev1', { by: intermediate })
  const changes: [what: string, method: string, path: string, body?: object][] = [
    ['its CA is gone', 'DELETE', 'caCertificates/lab-ca'],
    ['another scheme', 'PUT', 'clients/dev1', client('DnsMatchesAuthenticationName')],
    ['disabled', 'PUT', 'clients/dev1', { name: 'dev1', state: 'Disabled' }]
  ]
  for (const [what, method, path, body] of changes) {
    await withNamespace({ settings }, async (world) => {
      const connected = await world.client({ username: 'dev1' }, showing(certificate))
      assert.is((await connected.next())?.reasonCode, 0)
      const { status } = await world.control(method, `/namespaces/default/${path}`, body)
      assert.ok(status < 300, what)
      assert.equal(
        await within(20_000, connected.next(), 'the DISCONNECT'),
        { cmd: 'disconnect', reasonCode: 0x87 },
        what
      )
    })
  }
})

const leaf = await issue('CN=leaf', { by: root })

const FAULTS: [what: string, settings: object, sentence: RegExp][] = [
  [
    'a CA certificate that is none',
    { caCertificates: [{ name: 'lab-ca', encodedCertificate: 'AAAA' }] },
    /caCertificates\/lab-ca\/encodedCertificate is no certificate/
  ],
  [
    "a client's certificate as a CA's",
    { caCertificates: [{ name: 'lab-ca', encodedCertificate: leaf.cert }] },
    /caCertificates\/lab-ca\/encodedCertificate is no CA's certificate/
  ],
  [
    'ThumbprintMatch without a thumbprint',
    { clients: [client('ThumbprintMatch')] },
    /clients\/dev1\/clientCertificateAuthentication\/allowedThumbprints is missing/
  ],
  [
    'a thumbprint with another scheme',
    {
      clients: [
        {
          name: 'dev1',
          clientCertificateAuthentication: {
            validationScheme: 'DnsMatchesAuthenticationName',
            allowedThumbprints: ['0'.repeat(40)]
          }
        }
      ]
    },
    /clients\/dev1\/clientCertificateAuthentication\/allowedThumbprints goes with/
  ]
]

for (const [what, settings, sentence] of FAULTS) {
  certificates(`${what} is refused at start`, async () => {
    const { message } = await failureOf(withNamespace({ settings }, async () => {}))
    assert.match(message, sentence)
  })
}

certificates.run()
