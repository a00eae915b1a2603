import { decodeJwt, exportJWK, exportSPKI, generateKeyPair, type JWTPayload } from 'jose'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createManualClock } from '@fogbank/core'
import { AUDIENCES } from './index.ts'
import { ASSERTION_TYPE, BASE, createCertificate, createWorld, sign, TENANT } from './testing.ts'

const assertions = suite('authority client assertions')

const CLIENT = 'bbbbbbbb-0000-4000-8000-000000000001'
const OID = 'cccccccc-0000-4000-8000-000000000001'
const ISSUER = 'https://token.example/'
const SUBJECT = 'repo:plant/line1:ref:refs/heads/main'

const START_MS = createManualClock().now()
const DAY_MS = 86_400_000
const own = await generateKeyPair('RS256', { extractable: true })
const foreign = await generateKeyPair('RS256')
const issuer = await generateKeyPair('RS256', { extractable: true })
const certificate = await createCertificate(START_MS - DAY_MS, START_MS + DAY_MS)

const SETTINGS = {
  principals: [
    {
      clientId: CLIENT,
      tenantId: TENANT,
      objectId: OID,
      keyCredentials: [
        { key: await exportSPKI(own.publicKey), customKeyIdentifier: 'one' },
        { key: certificate.cert }
      ],
      federatedIdentityCredentials: [
        {
          issuer: ISSUER,
          subject: SUBJECT,
          jwks: { keys: [{ ...(await exportJWK(issuer.publicKey)), kid: 'i1', alg: 'RS256' }] }
        },
        { issuer: `https://login.microsoftonline.com/${TENANT}/v2.0`, subject: 'managed-oid' }
      ]
    }
  ]
}

type World = ReturnType<typeof createWorld>

function claims({ nowSeconds }: World, more: JWTPayload = {}): JWTPayload {
  return {
    iss: CLIENT,
    sub: CLIENT,
    aud: `${BASE}/${TENANT}/oauth2/v2.0/token`,
    nbf: nowSeconds,
    exp: nowSeconds + 600,
    ...more
  }
}

const ask = (world: World, assertion: string, more: Record<string, string> = {}) =>
  world.token({
    client_id: CLIENT,
    client_assertion_type: ASSERTION_TYPE,
    client_assertion: assertion,
    ...more
  })

assertions(
  'let a client in by a key that is registered for it, and say so in the token',
  async () => {
    const world = createWorld({ settings: SETTINGS })
    const { status, body } = await ask(
      world,
      await sign(claims(world), own.privateKey, { kid: 'one' })
    )
    assert.is(status, 200)
    const { appid, azpacr, oid, tid, aud } = decodeJwt(body.access_token)
    assert.equal(
      { appid, azpacr, oid, tid, aud },
      { appid: CLIENT, azpacr: '2', oid: OID, tid: TENANT, aud: AUDIENCES.eventGrid }
    )
  }
)

assertions('name a certificate by its SHA-1 thumbprint, or no key at all', async () => {
  const world = createWorld({ settings: SETTINGS })
  const x5t = certificate.thumbprint
  for (const header of [{ x5t }, { x5t: `${x5t}=` }, {}]) {
    const assertion = await sign(claims(world), certificate.privateKey, header)
    assert.is((await ask(world, assertion)).status, 200)
  }
})

assertions('are for the token endpoint or the issuer, here or at the real authority', async () => {
  const world = createWorld({ settings: SETTINGS })
  const good = [
    `${BASE}/${TENANT}/v2.0`,
    `${BASE}/${TENANT}/oauth2/token`,
    `https://login.microsoftonline.com/${TENANT}/v2.0`,
    `https://login.microsoftonline.com/${TENANT}/oauth2/v2.0/token`
  ]
  for (const aud of good) {
    const assertion = await sign(claims(world, { aud }), own.privateKey)
    assert.is((await ask(world, assertion)).status, 200, aud)
  }
  const bad = [`${BASE}/other/v2.0`, `https://elsewhere/${TENANT}/v2.0`, 'nonsense', `${BASE}/`]
  for (const aud of bad) {
    const { status, body } = await ask(world, await sign(claims(world, { aud }), own.privateKey))
    assert.equal([status, body.error, body.error_codes], [401, 'invalid_client', [700023]], aud)
  }
})

assertions(
  'are good for five minutes longer and earlier than they say, as clocks differ',
  async () => {
    const world = createWorld({ settings: SETTINGS })
    const at = (seconds: number) => world.nowSeconds + seconds
    const cases: [exp: number, nbf: number, status: number][] = [
      [at(-299), at(-900), 200],
      [at(-300), at(-900), 401],
      [at(900), at(300), 200],
      [at(900), at(301), 401]
    ]
    for (const [exp, nbf, status] of cases) {
      const answer = await ask(world, await sign(claims(world, { exp, nbf }), own.privateKey))
      assert.is(answer.status, status, `${exp} ${nbf}`)
      if (status === 401) assert.equal(answer.body.error_codes, [700024])
    }
    const late = await ask(world, await sign(claims(world, { exp: at(-300) }), own.privateKey))
    assert.match(
      late.body.error_description,
      'Current time: 2026-01-02T03:04:05.000Z, assertion valid from 2026-01-02T03:04:05.000Z, expiry time of assertion 2026-01-02T02:59:05.000Z.'
    )
  }
)

assertions(
  'are refused with the reason when the signature is not by a registered key',
  async () => {
    const world = createWorld({ settings: SETTINGS })
    const refusal = async (assertion: string) => {
      const { status, body } = await ask(world, assertion)
      assert.equal([status, body.error, body.error_codes], [401, 'invalid_client', [700027]])
      return body.error_description as string
    }
    const unknown = await sign(claims(world), foreign.privateKey, { kid: 'two' })
    assert.match(await refusal(unknown), /Reason - The key was not found\., .* client: 'two'/)
    const forged = await sign(claims(world), foreign.privateKey, { kid: 'one' })
    assert.match(await refusal(forged), 'did not match the expected signature value')
    const byCertificate = await sign(claims(world), certificate.privateKey)
    world.clock.advance(DAY_MS)
    const late = await sign(
      claims(world, { nbf: world.nowSeconds + 86_400, exp: world.nowSeconds + 87_000 }),
      certificate.privateKey
    )
    assert.match(await refusal(late), 'The key used is expired.')
    assert.equal((await ask(world, byCertificate)).body.error_codes, [700024])
  }
)

assertions('are refused that are none, of another client or of another type', async () => {
  const world = createWorld({ settings: { principals: [SETTINGS.principals[0]!] } })
  const good = await sign(claims(world), own.privateKey)
  const codeOf = async (assertion: string, more: Record<string, string> = {}) => {
    const { status, body } = await ask(world, assertion, more)
    return [status, body.error_codes[0]]
  }
  assert.equal(await codeOf('nonsense'), [400, 50027])
  const timeless = await sign({ iss: CLIENT, sub: CLIENT }, own.privateKey)
  assert.equal(await codeOf(timeless), [400, 50027])
  const half = await sign(claims(world, { iss: 'another' }), own.privateKey)
  assert.equal(await codeOf(half), [401, 700021])
  assert.equal(await codeOf(good, { client_assertion_type: 'saml' }), [400, 50027])
  assert.equal(await codeOf(good, { client_assertion_type: '' }), [400, 900144])
  assert.equal(await codeOf(good, { client_id: 'another' }), [400, 700016])
})

assertions('of a federated issuer are judged by issuer, subject and audience', async () => {
  const world = createWorld({ settings: SETTINGS })
  const federated = { iss: ISSUER, sub: SUBJECT, aud: 'api://AzureADTokenExchange' }
  const codeOf = async (more: object, key = issuer.privateKey) => {
    const { status, body } = await ask(
      world,
      await sign(claims(world, { ...federated, ...more }), key)
    )
    return [status, ...((body.error_codes as number[] | undefined) ?? [])]
  }
  assert.equal(await codeOf({}), [200])
  assert.equal(await codeOf({ iss: 'https://other.example' }), [400, 700211])
  assert.equal(await codeOf({ aud: 'api://other' }), [400, 700212])
  assert.equal(await codeOf({ sub: 'repo:plant/line2' }), [400, 700213])
  assert.equal(await codeOf({}, foreign.privateKey), [401, 700027])
})

assertions('may be tokens of this authority itself, as a managed identity has them', async () => {
  const world = createWorld({ settings: SETTINGS })
  const token = (oid: string, audience: string) =>
    world.mint({ tenantId: TENANT, oid, audience, clientId: 'identity' })
  const exchange = await token('managed-oid', AUDIENCES.tokenExchange)
  assert.is((await ask(world, exchange)).status, 200)
  const [head, body] = exchange.split('.')
  const forged = await ask(world, `${head}.${body}.${Buffer.alloc(256).toString('base64url')}`)
  assert.equal(forged.body.error_codes, [700027])
  const another = await ask(world, await token('another-oid', AUDIENCES.tokenExchange))
  assert.equal(another.body.error_codes, [700213])
})

assertions('lenient takes any that is well-formed and has not expired', async () => {
  const world = createWorld({ auth: 'lenient' })
  const anybody = { iss: 'x', sub: 'y', aud: 'z' }
  const good = await sign(claims(world, anybody), foreign.privateKey)
  assert.is((await ask(world, good)).status, 200)
  const late = await sign(claims(world, { exp: world.nowSeconds - 300 }), foreign.privateKey)
  assert.equal((await ask(world, late)).body.error_codes, [700024])
  assert.equal((await ask(world, 'nonsense')).body.error_codes, [50027])
})

assertions.run()
