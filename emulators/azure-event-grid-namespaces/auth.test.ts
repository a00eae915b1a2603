import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { decodeJwt, SignJWT } from 'jose'
import { failureOf } from '@fogbank/contract/testing'
import { DEVELOPMENT_KEYS, WELL_KNOWN_PRINCIPAL } from '@fogbank/authority'
import { API_VERSION, withNamespace, type Answer, type World } from './testing.ts'

const auth = suite('azure-event-grid-namespaces bearer tokens and topic spaces')

const TARGET = `/mqtt/messages?topic=a&${API_VERSION}`
const PUBLISHER = 'EventGrid TopicSpaces Publisher'
const SUBSCRIBER = 'EventGrid TopicSpaces Subscriber'
const OTHER = 'aaaaaaaa-0000-4000-8000-000000000001'

function refusal({ status, headers, text }: Answer): [number, string, string] {
  const { error } = JSON.parse(text) as { error: { code: string; message: string } }
  assert.is(headers['broker-errorcode'], error.code)
  return [status, error.code, error.message]
}

const NO_TOKEN = 'The request has no bearer token in its Authorization header.'

auth('a call without a bearer token is 401', () =>
  withNamespace({}, async (world) => {
    const all: Record<string, string>[] = [
      {},
      { Authorization: '' },
      { Authorization: 'Bearer' },
      { Authorization: 'Bearer ' },
      { Authorization: 'Bearer a b' },
      { Authorization: 'Basic bG9jYWw6bG9jYWw=' },
      { Authorization: 'SharedAccessKey Zm9nYmFuay1sb2NhbC1uYW1lc3BhY2Uta2V5LW9uZSE=' },
      { 'aeg-sas-key': 'Zm9nYmFuay1sb2NhbC1uYW1lc3BhY2Uta2V5LW9uZSE=' }
    ]
    for (const headers of all) {
      const reply = await world.send({ target: TARGET, headers })
      assert.equal(refusal(reply), [401, 'Unauthorized', NO_TOKEN], JSON.stringify(headers))
    }
  })
)

auth('a token that is none, of another signer or for another resource is 401', () =>
  withNamespace({}, async (world) => {
    const claims = decodeJwt(await world.mint())
    const foreign = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256' })
      .sign(Buffer.alloc(32))
    const tokens = ['x', 'a.b.c', foreign, await world.mint({ audience: 'https://graph.test' })]
    for (const token of tokens) {
      assert.equal(refusal(await world.signed({ target: TARGET }, token)), [
        401,
        'Unauthorized',
        'The token is not valid.'
      ])
    }
  })
)

auth('a token is good until it expires, by the clock', () =>
  withNamespace({}, async (world) => {
    const expired = await world.mint({ expiresInSeconds: -1 })
    const message = 'The token has expired.'
    const reply = await world.signed({ target: TARGET }, expired)
    assert.equal(refusal(reply), [401, 'Unauthorized', message])
    const token = await world.mint({ expiresInSeconds: 60 })
    world.clock.advance(59_999)
    assert.is((await world.signed({ target: TARGET }, token)).status, 204)
    world.clock.advance(1)
    assert.is((await world.signed({ target: TARGET }, token)).status, 401)
  })
)

const CLOUD = 'westeurope-1.ts.eventgrid.azure.net'
/** The Host of the call, the audience of its token, and whether that is one of the namespace's. */
const HOSTS: [host: string, audience: string, isOwn: boolean][] = [
  ['localhost:4620', 'https://localhost:4620', true],
  ['localhost:4620', 'https://localhost', true],
  ['LocalHost:4620', 'https://localhost', true],
  ['127.0.0.1:4620', 'https://127.0.0.1:4620', true],
  ['labns.localhost', 'https://labns.localhost', true],
  ['localhost', 'https://labns.localhost', true],
  [`labns.${CLOUD}`, `https://labns.${CLOUD}`, true],
  ['events.example', 'https://events.example', true],
  ['localhost', 'https://mqtt.example', true],
  ['localhost:4620', 'https://localhost:4621', false],
  ['evil.example', 'https://evil.example', false],
  ['evil.example:4620', 'https://evil.example:4620', false],
  [`other.${CLOUD}`, `https://other.${CLOUD}`, false],
  [`labns.evil.example`, `https://labns.evil.example`, false],
  ['other.localhost', 'https://other.localhost', false],
  ['localhost', 'http://localhost', false],
  ['localhost', `https://labns.${CLOUD}`, false]
]

auth("an audience is a name of the namespace's own host, at both doors", () => {
  const settings = {
    name: 'labns',
    topicsConfiguration: { hostname: 'events.example' },
    topicSpacesConfiguration: { hostname: 'mqtt.example' }
  }
  return withNamespace({ settings }, async (world) => {
    for (const [host, audience, isOwn] of HOSTS) {
      const token = await world.mint({ audience })
      const what = `${audience} at ${host}`
      const headers = { Authorization: `Bearer ${token}` }
      const init = { method: 'POST', headers }
      const reply = await world.running.app.request(`http://${host}${TARGET}`, init)
      assert.is(reply.status, isOwn ? 204 : 401, what)
      const client = await world.client(await world.jwt(token), { host })
      assert.is((await client.next())?.reasonCode, isOwn ? 0 : 0x87, what)
    }
  })
})

auth('three forms of audience are accepted, and the scheme in any case', () =>
  withNamespace({}, async (world) => {
    const audiences = [
      'https://eventgrid.azure.net',
      'https://eventgrid.azure.net/',
      'https://localhost'
    ]
    for (const audience of audiences) {
      const token = await world.mint({ audience })
      assert.is((await world.signed({ target: TARGET }, token)).status, 204, audience)
    }
    const Authorization = `bearer ${await world.mint()}`
    assert.is((await world.send({ target: TARGET, headers: { Authorization } })).status, 204)
  })
)

auth('a principal without the role is 403', () =>
  withNamespace({}, async (world) => {
    const cases = [{ clientId: 'somebody' }, { oid: OTHER }, { roles: [] }, { roles: [SUBSCRIBER] }]
    for (const request of cases) {
      const token = await world.mint(request)
      const principal = String(decodeJwt(token).oid)
      assert.equal(refusal(await world.signed({ target: TARGET }, token)), [
        403,
        'Forbidden',
        `The principal '${principal}' does not hold the role '${PUBLISHER}'.`
      ])
    }
    const token = await world.mint({ oid: OTHER, roles: [PUBLISHER] })
    assert.is((await world.signed({ target: TARGET }, token)).status, 204)
  })
)

const SETTINGS = {
  topicSpaces: [
    { name: 'telemetry', topicTemplates: ['lab/${client.authenticationName}/telemetry'] },
    { name: 'commands', topicTemplates: ['lab/+/cmd/#'] }
  ],
  roleAssignments: [{ principalId: OTHER.toUpperCase(), role: PUBLISHER, topicSpace: 'commands' }]
}

async function statusOf(world: World, topic: string, oid: string): Promise<number> {
  const target = `/mqtt/messages?topic=${encodeURIComponent(topic)}&${API_VERSION}`
  return (await world.signed({ target }, await world.mint({ oid }))).status
}

auth('a role on one topic space does not reach into a sibling', () =>
  withNamespace({ settings: SETTINGS }, async (world) => {
    assert.is(await statusOf(world, 'lab/dev1/cmd/reboot', OTHER), 204)
    assert.is(await statusOf(world, 'lab/dev1/cmd', OTHER), 204)
    assert.is(await statusOf(world, `lab/${OTHER}/telemetry`, OTHER), 403)
    assert.is(await statusOf(world, 'other/x', OTHER), 403)
    assert.is(await statusOf(world, 'lab/dev1/cmd/reboot', WELL_KNOWN_PRINCIPAL.oid), 403)
  })
)

auth('a topic outside the topic spaces is 403, in the words of the service log', () =>
  withNamespace({ settings: SETTINGS }, async (world) => {
    const target = `/mqtt/messages?topic=other/x&${API_VERSION}`
    const reply = await world.signed({ target }, await world.mint({ oid: OTHER }))
    assert.equal(refusal(reply), [
      403,
      'Forbidden',
      "topic name 'other/x' does not match any topicspaces"
    ])
  })
)

auth('the authentication name of a principal is its object id', () =>
  withNamespace(
    {
      settings: {
        ...SETTINGS,
        roleAssignments: [{ principalId: OTHER, role: PUBLISHER, topicSpace: 'telemetry' }]
      }
    },
    async (world) => {
      assert.is(await statusOf(world, `lab/${OTHER}/telemetry`, OTHER), 204)
      assert.is(await statusOf(world, 'lab/dev1/telemetry', OTHER), 403)
    }
  )
)

auth('lenient takes foreign tokens and gives their principals every role', () =>
  withNamespace({ auth: 'lenient' }, async (world) => {
    const exp = Math.floor(world.clock.now() / 1000) + 60
    const token = await new SignJWT({ oid: OTHER, exp, aud: 'elsewhere' })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(Buffer.alloc(32))
    assert.is((await world.signed({ target: TARGET }, token)).status, 204)
    assert.is((await world.send({ target: TARGET })).status, 401)
    world.clock.advance(60_000)
    assert.is((await world.signed({ target: TARGET }, token)).status, 401)
  })
)

auth('401 and 403 carry the hint, and leave a line', () =>
  withNamespace({ hints: true }, async (world) => {
    const { headers } = await world.send({ target: TARGET })
    assert.match(headers['x-fogbank-hint'] ?? '', '--auth lenient')
    assert.match(
      headers['x-fogbank-hint'] ?? '',
      `SharedAccessKey ${DEVELOPMENT_KEYS.namespaceKey}`
    )
    assert.ok(world.lines.some((line) => line.includes('HttpPublish 401 AuthorizationMissing')))
  })
)

const FAULTS: [what: string, settings: object, sentence: string][] = [
  [
    'a role for a topic space that is not there',
    { roleAssignments: [{ principalId: OTHER, role: PUBLISHER, topicSpace: 'none' }] },
    'none'
  ],
  [
    'a binding to a topic space that is not there',
    {
      permissionBindings: [
        { clientGroupName: '$all', topicSpaceName: 'none', permission: 'Publisher' }
      ]
    },
    'none'
  ],
  [
    'a template that is no filter',
    { topicSpaces: [{ name: 'abc', topicTemplates: ['a/#/b'] }] },
    'a/#/b'
  ]
]

for (const [what, settings, sentence] of FAULTS) {
  auth(`${what} is refused at start`, async () => {
    const { message } = await failureOf(withNamespace({ settings }, async () => {}))
    assert.match(message, sentence)
  })
}

auth.run()
