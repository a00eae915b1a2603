// Who gets in, and which credential counts when there are several.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mintToken } from '@fogbank/contract/testing'
import { DEVELOPMENT_KEYS, WELL_KNOWN_PRINCIPAL } from '@fogbank/authority'
import type { Settings } from './settings.ts'
import { EVENT, withTopics, type Topics } from './testing.ts'
import { toSasToken } from './transcript.ts'

const OTHER = '99999999-2222-4333-8444-555555555555'
const SENDER = 'EventGrid Data Sender'
const { topicKey1: KEY1, topicKey2: KEY2 } = DEVELOPMENT_KEYS
const SAS = toSasToken('https://localhost/api/events', '1/2/2099 3:04:05 PM', KEY2)

const auth = suite('azure-event-grid-topics auth')

/** What comes of a publish with these headers and no others. */
const attempt = ({ outcome }: Topics, headers: Record<string, string>, target = '/api/events') =>
  outcome([EVENT], { headers, target, key: null })

async function mint({ world }: Topics, request: object): Promise<Record<string, string>> {
  return { authorization: `Bearer ${await mintToken(world.fogbank, request)}` }
}

auth('a key comes before a SAS token, and that before Authorization', () =>
  withTopics({}, async (topics) => {
    const calls: [headers: Record<string, string>, outcome: string][] = [
      [{ 'aeg-sas-key': KEY1, 'aeg-sas-token': 'nonsense', authorization: 'Basic x' }, '200 ok'],
      [{ 'aeg-sas-key': 'AAAA', 'aeg-sas-token': SAS }, '401 KeyWrong'],
      [{ 'aeg-sas-token': SAS, authorization: 'Basic x' }, '200 ok'],
      [
        { 'aeg-sas-token': 'nonsense', authorization: `SharedAccessSignature ${SAS}` },
        '400 SasMalformed'
      ],
      [{ authorization: `SharedAccessSignature ${SAS}` }, '200 ok'],
      [{ authorization: `sharedaccesssignature  ${SAS}` }, '200 ok'],
      [{ authorization: 'SharedAccessSignature' }, '400 SasMalformed'],
      [{ authorization: 'Bearer' }, '401 TokenUnreadable'],
      [{ authorization: 'Bearer a.b.c' }, '401 TokenUnreadable'],
      [{ authorization: 'Negotiate x' }, '401 AuthorizationSchemeUnsupported'],
      [{ authorization: '' }, '401 AuthorizationSchemeUnsupported'],
      [{}, '401 CredentialMissing']
    ]
    for (const [headers, expected] of calls) {
      assert.is(await attempt(topics, headers), expected, JSON.stringify(headers))
    }
  })
)

// Its base64 has both of the characters that a query treats specially.
const AWKWARD = Buffer.from([0xfb, 0xef, 0xff, 0xff]).toString('base64')

auth('a key in the query may have lost its plus signs to spaces', () => {
  assert.is(AWKWARD, '++///w==')
  const settings: Settings = { topics: [{ name: 'default', keys: { key1: AWKWARD, key2: KEY2 } }] }
  return withTopics({ settings }, async (topics) => {
    const forms: [query: string, outcome: string][] = [
      [`aeg-sas-key=${encodeURIComponent(AWKWARD)}`, '200 ok'],
      [`aeg-sas-key=${AWKWARD}`, '200 ok'],
      ['aeg-sas-key=%20%20///w==', '200 ok'],
      [`AEG-SAS-KEY=${encodeURIComponent(KEY2)}`, '200 ok'],
      ['aeg-sas-key=', '400 KeyEmpty'],
      ['aeg-sas-key=@', '401 KeyNotBase64'],
      [`aeg-sas-key=${encodeURIComponent(KEY1)}`, '401 KeyWrong']
    ]
    for (const [query, expected] of forms) {
      assert.is(await attempt(topics, {}, `/api/events?${query}`), expected, query)
    }
    const both = { 'aeg-sas-key': 'AAAA' }
    const query = `/api/events?aeg-sas-key=${encodeURIComponent(AWKWARD)}`
    assert.is(await attempt(topics, both, query), '401 KeyWrong')
  })
})

auth('the well-known principal sends; others by a roles claim', () =>
  withTopics({}, async (topics) => {
    const tokens: [request: object, outcome: string][] = [
      [{}, '200 ok'],
      [{ audience: 'https://eventgrid.azure.net/' }, '200 ok'],
      [{ oid: OTHER }, '403 RoleMissing'],
      [{ oid: OTHER, roles: [SENDER] }, '200 ok'],
      [{ roles: [] }, '403 RoleMissing'],
      [{ roles: ['EventGrid Data Receiver'] }, '403 RoleMissing'],
      [{ audience: 'https://management.azure.com' }, '401 TokenRejected'],
      [{ expiresInSeconds: -1 }, '401 TokenRejected']
    ]
    for (const [request, expected] of tokens) {
      const outcome = await attempt(topics, await mint(topics, request))
      assert.is(outcome, expected, JSON.stringify(request))
    }
    const { authorization } = await mint(topics, {})
    const forged = { authorization: `${authorization!.slice(0, -8)}AAAAAAAA` }
    assert.is(await attempt(topics, forged), '401 TokenRejected')
  })
)

auth('role assignments take the place of the well-known principal', () => {
  const roleAssignments = [
    { principalId: OTHER.toUpperCase(), role: SENDER },
    { principalId: WELL_KNOWN_PRINCIPAL.oid, role: 'EventGrid Data Receiver' }
  ]
  return withTopics({ settings: { roleAssignments } }, async (topics) => {
    assert.is(await attempt(topics, await mint(topics, { oid: OTHER })), '200 ok')
    assert.is(await attempt(topics, await mint(topics, {})), '403 RoleMissing')
  })
})

auth('where local authentication is off, a token is all that counts', () =>
  withTopics(
    { settings: { topics: [{ name: 'default', disableLocalAuth: true }] } },
    async (topics) => {
      assert.is(await attempt(topics, { 'aeg-sas-key': KEY1 }), '401 LocalAuthDisabled')
      assert.is(await attempt(topics, { 'aeg-sas-token': SAS }), '401 LocalAuthDisabled')
      assert.is(await attempt(topics, { 'aeg-sas-key': '' }), '400 KeyEmpty')
      assert.is(await attempt(topics, await mint(topics, {})), '200 ok')
    }
  )
)

auth('lenient takes a token that somebody else has signed', () =>
  withTopics({ auth: 'lenient' }, async (topics) => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const jwt = (claims: object) => ({
      authorization: `Bearer ${part({ alg: 'none' })}.${part(claims)}.AAAA`
    })
    assert.is(await attempt(topics, jwt({ oid: OTHER, exp: 4_000_000_000 })), '200 ok')
    assert.is(await attempt(topics, jwt({ oid: OTHER, exp: 1 })), '401 TokenRejected')
    assert.is(await attempt(topics, { authorization: 'Bearer x' }), '401 TokenUnreadable')
  })
)

auth('a 401 is followed by a line that names the key', () =>
  withTopics({}, async (topics) => {
    const reply = await topics.publish([EVENT], { key: null })
    assert.match(reply.headers['x-fogbank-hint'] ?? '', KEY1)
    assert.ok(topics.world.lines.some((line) => line.includes(` 401: send aeg-sas-key: ${KEY1}`)))
  })
)

auth.run()
