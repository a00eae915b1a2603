import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalJWKSet, decodeJwt, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createManualClock, systemIds } from '@fogbank/core'
import {
  AUDIENCES,
  createAuthority,
  DEVELOPMENT_KEYS,
  WELL_KNOWN_PRINCIPAL,
  type AuthorityOptions
} from './index.ts'

const authority = suite('authority')

const { tenantId, clientId, oid, clientSecret } = WELL_KNOWN_PRINCIPAL
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/
const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' }

function createWorld(options: Partial<AuthorityOptions> = {}) {
  const clock = createManualClock()
  const made = createAuthority({
    clock,
    ids: systemIds,
    publicUrl: () => 'https://localhost:4660',
    ...options
  })
  const get = async (path: string, base = 'https://localhost:4660') => {
    const reply = await made.app.request(base + path)
    return { status: reply.status, body: (await reply.json()) as Record<string, any> }
  }
  const ask = async (
    form: Record<string, string>,
    more: { tenant?: string; headers?: Record<string, string>; base?: string } = {}
  ) => {
    const { base = 'https://localhost:4660', tenant = tenantId } = more
    const reply = await made.app.request(`${base}/${tenant}/oauth2/v2.0/token`, {
      method: 'POST',
      headers: { ...FORM, ...more.headers },
      body: new URLSearchParams(form).toString()
    })
    return { status: reply.status, body: (await reply.json()) as Record<string, any> }
  }
  return { ...made, clock, get, ask }
}

const CREDENTIALS = {
  grant_type: 'client_credentials',
  client_id: clientId,
  client_secret: clientSecret,
  scope: 'https://eventgrid.azure.net/.default'
}

authority('answers client credentials with a token that its published key verifies', async () => {
  const { ask, get, clock } = createWorld()
  const { status, body } = await ask(CREDENTIALS)
  assert.is(status, 200)
  const { access_token, ...rest } = body
  assert.equal(rest, { token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599 })

  const keys = await get(`/${tenantId}/discovery/v2.0/keys`)
  const { payload, protectedHeader } = await jwtVerify(
    access_token,
    createLocalJWKSet(keys.body as never),
    { currentDate: new Date(clock.now()), audience: 'https://eventgrid.azure.net' }
  )
  assert.is(protectedHeader.alg, 'RS256')
  const { uti: _uti, ...claims } = payload
  const nowSeconds = clock.now() / 1000
  assert.equal(claims, {
    aud: 'https://eventgrid.azure.net',
    iss: `https://localhost:4660/${tenantId}/v2.0`,
    iat: nowSeconds,
    nbf: nowSeconds,
    exp: nowSeconds + 3600,
    appid: clientId,
    azp: clientId,
    azpacr: '1',
    idtyp: 'app',
    oid,
    sub: oid,
    tid: tenantId,
    ver: '2.0'
  })
})

authority('takes the client credentials from a Basic header as well', async () => {
  const { ask } = createWorld()
  const { client_id: _id, client_secret: _secret, ...form } = CREDENTIALS
  const basic = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
  const { status } = await ask(form, { headers: { Authorization: `Basic ${basic}` } })
  assert.is(status, 200)
})

authority('gives any other client a stable object id of its own', async () => {
  const oidOf = async (world: ReturnType<typeof createWorld>, client: string) => {
    const { body } = await world.ask({ ...CREDENTIALS, client_id: client })
    return decodeJwt(body.access_token).oid as string
  }
  const first = await oidOf(createWorld(), 'my-app')
  assert.match(first, UUID)
  assert.is.not(first, oid)
  assert.is(await oidOf(createWorld(), 'my-app'), first)
  assert.is.not(await oidOf(createWorld(), 'other-app'), first)
})

authority(
  'takes the scopes of a sign-in beside the resource, as MSAL for Java sends them',
  async () => {
    const { ask } = createWorld()
    const scope = `openid profile offline_access ${CREDENTIALS.scope}`
    const { status, body } = await ask({ ...CREDENTIALS, scope })
    assert.is(status, 200)
    assert.is(decodeJwt(body.access_token).aud, 'https://eventgrid.azure.net')
    assert.is(body.id_token, undefined)
  }
)

authority('describes itself under the Host it was asked by', async () => {
  const { get } = createWorld()
  const base = 'https://fogbank.test:9000'
  const { body } = await get(`/${tenantId}/v2.0/.well-known/openid-configuration`, base)
  assert.is(body.issuer, `${base}/${tenantId}/v2.0`)
  assert.is(body.token_endpoint, `${base}/${tenantId}/oauth2/v2.0/token`)
  assert.is(body.jwks_uri, `${base}/${tenantId}/discovery/v2.0/keys`)
  const instance = await get('/common/discovery/instance', base)
  assert.equal(instance.body.metadata, [
    {
      preferred_network: 'fogbank.test:9000',
      preferred_cache: 'fogbank.test:9000',
      aliases: ['fogbank.test:9000']
    }
  ])
})

authority('keeps to its public URL when that is pinned', async () => {
  const { get } = createWorld({ pinned: true })
  const { body } = await get(
    `/${tenantId}/v2.0/.well-known/openid-configuration`,
    'https://other:1'
  )
  assert.is(body.issuer, `https://localhost:4660/${tenantId}/v2.0`)
})

const REFUSALS: [what: string, form: object, status: number, error: string, code: number][] = [
  ['no grant type', { grant_type: '' }, 400, 'invalid_request', 900144],
  ['another grant type', { grant_type: 'password' }, 400, 'unsupported_grant_type', 70003],
  ['no client id', { client_id: '' }, 400, 'invalid_request', 900144],
  ['no scope', { scope: '' }, 400, 'invalid_request', 900144],
  ['a scope that is not /.default', { scope: 'openid' }, 400, 'invalid_scope', 1002012],
  [
    'two scopes',
    { scope: 'https://eventgrid.azure.net/.default https://webpubsub.azure.com/.default' },
    400,
    'invalid_scope',
    1002012
  ],
  ['a wrong secret', { client_secret: 'wrong' }, 401, 'invalid_client', 7000215],
  [
    'an unknown resource',
    { scope: 'https://graph.microsoft.com/.default' },
    400,
    'invalid_resource',
    500011
  ]
]

for (const [what, form, status, error, code] of REFUSALS) {
  authority(`refuses ${what} with AADSTS${code}`, async () => {
    const { ask } = createWorld()
    const answer = await ask({ ...CREDENTIALS, ...form })
    assert.is(answer.status, status)
    const { error_description, timestamp, trace_id, correlation_id, ...rest } = answer.body
    assert.equal(rest, {
      error,
      error_codes: [code],
      error_uri: `https://login.microsoftonline.com/error?code=${code}`
    })
    assert.match(error_description, new RegExp(`^AADSTS${code}: .+ Trace ID: ${trace_id} `))
    assert.match(correlation_id, UUID)
    assert.is(timestamp, '2026-01-02 03:04:05Z')
  })
}

authority('refuses a request without secret with AADSTS7000218', async () => {
  const { ask } = createWorld()
  const { client_secret: _secret, ...form } = CREDENTIALS
  const { status, body } = await ask(form)
  assert.is(status, 401)
  assert.equal(body.error_codes, [7000218])
})

authority('refuses a form of more than 64 KiB', async () => {
  const { ask } = createWorld()
  const { status, body } = await ask({ ...CREDENTIALS, more: 'x'.repeat(65_536) })
  assert.is(status, 413)
  assert.is(body.error, 'invalid_request')
})

const verify = suite('authority verify')

verify('accepts what it minted, for every host', async () => {
  const { mint, verify: check, ask } = createWorld()
  const minted = await check(await mint(), [AUDIENCES.eventGrid])
  assert.ok('claims' in minted && minted.claims.oid === oid)
  const elsewhere = await ask(CREDENTIALS, { base: 'https://127.0.0.1:1' })
  assert.ok('claims' in (await check(elsewhere.body.access_token, [AUDIENCES.eventGrid])))
})

verify('says which audience, expiry and start a token has, at every call', async () => {
  const { mint, verify: check, clock } = createWorld()
  const token = await mint({ expiresInSeconds: 60 })
  assert.equal(await check(token, ['https://other']), { fault: 'audience' })
  assert.ok('claims' in (await check(token, [AUDIENCES.eventGrid])))
  clock.advance(59_999)
  assert.ok('claims' in (await check(token, [AUDIENCES.eventGrid])))
  clock.advance(1)
  assert.equal(await check(token, [AUDIENCES.eventGrid]), { fault: 'expired' })
  clock.advance(-3_600_000)
  assert.equal(await check(token, [AUDIENCES.eventGrid]), { fault: 'not-yet-valid' })
})

verify('knows a token that was minted expired', async () => {
  const { mint, verify: check } = createWorld()
  const token = await mint({ expiresInSeconds: -10 })
  assert.equal(await check(token, [AUDIENCES.eventGrid]), { fault: 'expired' })
})

verify('refuses foreign signatures, algorithms and texts', async () => {
  const { mint, verify: check } = createWorld()
  const token = await mint()
  const claims = decodeJwt(token)
  const { privateKey } = await generateKeyPair('RS256')
  const foreign = await new SignJWT(claims).setProtectedHeader({ alg: 'RS256' }).sign(privateKey)
  const symmetric = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256' })
    .sign(Buffer.alloc(32))
  const [, body] = token.split('.')
  const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`
  const [head, , signature] = token.split('.')
  const changed = Buffer.from(JSON.stringify({ ...claims, oid: 'root' })).toString('base64url')
  for (const bad of [foreign, symmetric, none, `${head}.${changed}.${signature}`]) {
    assert.equal(await check(bad, [AUDIENCES.eventGrid]), { fault: 'signature' })
  }
  for (const bad of ['', 'x', 'a.b.c', 'é.é.é']) {
    assert.equal(await check(bad, [AUDIENCES.eventGrid]), { fault: 'malformed' })
  }
})

verify('goes on accepting a token after reset', async () => {
  const world = createWorld()
  const token = await world.mint()
  await world.verify(token, [AUDIENCES.eventGrid])
  world.reset()
  assert.ok('claims' in (await world.verify(token, [AUDIENCES.eventGrid])))
})

verify('lenient takes any unexpired JWT, whoever signed it and for whom', async () => {
  const { verify: check, clock } = createWorld({ auth: 'lenient' })
  const now = clock.now() / 1000
  const sign = (claims: object) =>
    new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.alloc(32))
  const good = await check(await sign({ oid: 'me', exp: now + 1 }), [AUDIENCES.eventGrid])
  assert.ok('claims' in good && good.claims.oid === 'me')
  assert.equal(await check(await sign({ exp: now }), []), { fault: 'expired' })
  assert.equal(await check('nonsense', []), { fault: 'malformed' })
})

const key = suite('authority key')

key('is kept where it is told to, for its owner only', async () => {
  const keyDir = mkdtempSync(join(tmpdir(), 'fogbank-authority-'))
  try {
    const first = createWorld({ keyDir })
    const token = await first.mint()
    const file = join(keyDir, 'authority-key.json')
    assert.is(statSync(file).mode & 0o777, 0o600)
    const second = createWorld({ keyDir })
    assert.ok('claims' in (await second.verify(token, [AUDIENCES.eventGrid])))

    writeFileSync(file, 'not a key')
    const third = createWorld({ keyDir })
    assert.equal(await third.verify(token, [AUDIENCES.eventGrid]), { fault: 'signature' })
    assert.is.not(readFileSync(file, 'utf8'), 'not a key')
  } finally {
    rmSync(keyDir, { recursive: true })
  }
})

key('development keys are 32 bytes each', () => {
  for (const text of Object.values(DEVELOPMENT_KEYS)) {
    assert.is(Buffer.from(text, 'base64').length, 32)
    assert.is(Buffer.from(text, 'base64').toString('base64'), text)
  }
})

authority.run()
verify.run()
key.run()
