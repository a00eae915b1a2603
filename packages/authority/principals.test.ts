import { decodeJwt } from 'jose'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SettingsError } from '@fogbank/personality'
import { IDENTITY_HEADER, WELL_KNOWN_PRINCIPAL, type AuthoritySettings } from './index.ts'
import { createWorld, TENANT } from './testing.ts'

const principals = suite('authority principals')

const OTHER_TENANT = 'aaaaaaaa-0000-4000-8000-000000000002'
const SETTINGS: AuthoritySettings = {
  tenants: [
    { tenantId: TENANT, domains: ['plant.example'] },
    { tenantId: OTHER_TENANT },
    { tenantId: WELL_KNOWN_PRINCIPAL.tenantId }
  ],
  principals: [
    {
      clientId: 'sender',
      tenantId: TENANT,
      objectId: 'sender-oid',
      roles: ['EventGrid Data Sender'],
      passwordCredentials: [
        { secretText: 'old', endDateTime: '2026-01-02T03:04:05Z' },
        { secretText: 'new' }
      ]
    },
    { clientId: 'plain', tenantId: OTHER_TENANT },
    { clientId: 'vm', tenantId: TENANT, objectId: 'vm-oid', managedIdentity: 'SystemAssigned' },
    {
      clientId: 'app',
      tenantId: TENANT,
      objectId: 'app-oid',
      managedIdentity: 'UserAssigned',
      resourceId: '/subscriptions/s/userAssignedIdentities/app'
    }
  ]
}

type World = ReturnType<typeof createWorld>

async function outcome(world: World, client: string, secret: string, tenant: string) {
  const path = `${tenant}/oauth2/v2.0/token`
  const { status, body } = await world.token({ client_id: client, client_secret: secret }, path)
  if (status !== 200) return [status, body.error_codes[0]]
  const { oid, tid, roles } = decodeJwt(body.access_token)
  return [oid, tid, ...((roles as string[] | undefined) ?? [])]
}

principals(
  'have the secrets, the object id and the roles that the configuration gives them',
  async () => {
    const world = createWorld({ settings: SETTINGS })
    const sender = ['sender-oid', TENANT, 'EventGrid Data Sender']
    assert.equal(await outcome(world, 'sender', 'new', TENANT), sender)
    assert.equal(await outcome(world, 'sender', 'new', 'plant.example'), sender)
    assert.equal(await outcome(world, 'sender', 'new', 'adfs'), sender)
    assert.equal(await outcome(world, 'sender', 'old', TENANT), [401, 7000222])
    assert.equal(await outcome(world, 'sender', 'local', TENANT), [401, 7000215])
    assert.is((await outcome(world, 'plain', 'local', OTHER_TENANT))[1], OTHER_TENANT)
    assert.equal(await outcome(world, 'app', 'local', TENANT), [401, 7000215])
  }
)

principals(
  'are known in their own tenant only, and unknown clients and tenants nowhere',
  async () => {
    const world = createWorld({ settings: SETTINGS })
    assert.equal(await outcome(world, 'sender', 'new', OTHER_TENANT), [400, 700016])
    assert.equal(await outcome(world, 'nobody', 'local', TENANT), [400, 700016])
    const nowhere = 'aaaaaaaa-0000-4000-8000-00000000000f'
    assert.equal(await outcome(world, 'sender', 'new', nowhere), [400, 90002])
    const { clientId, oid, clientSecret } = WELL_KNOWN_PRINCIPAL
    assert.equal(await outcome(world, clientId, clientSecret, TENANT), [oid, TENANT])
  }
)

principals('leave room for others when the registry is open', async () => {
  const world = createWorld({ settings: { ...SETTINGS, openRegistry: true } })
  assert.is((await outcome(world, 'nobody', 'local', TENANT))[1], TENANT)
})

principals('lenient takes any secret but none', async () => {
  const world = createWorld({ auth: 'lenient' })
  assert.is((await outcome(world, 'sender', 'whatever', TENANT))[1], TENANT)
  assert.equal(await outcome(world, 'sender', '', TENANT), [401, 7000215])
})

principals('stand behind tokens that are minted for them', async () => {
  const { mint } = createWorld({ settings: SETTINGS })
  const { oid, tid, roles } = decodeJwt(await mint({ clientId: 'sender' }))
  assert.equal([oid, tid, roles], ['sender-oid', TENANT, ['EventGrid Data Sender']])
})

principals('that make no sense are refused with the place of the key', () => {
  const refused = (settings: AuthoritySettings, message: string) =>
    assert.throws(
      () => createWorld({ settings }),
      (error: unknown) => error instanceof SettingsError && error.message === message
    )
  const twice = { principals: [{ clientId: 'one' }, { clientId: 'ONE' }] }
  refused(twice, 'principals/1/clientId: there are two principals ONE')
  refused(
    { tenants: [], principals: [{ clientId: 'one', tenantId: TENANT }] },
    `principals/0/tenantId: there is no tenant ${TENANT}; add it to tenants`
  )
  refused(
    {
      principals: ['one', 'two'].map((clientId) => ({
        clientId,
        managedIdentity: 'SystemAssigned' as const
      }))
    },
    'principals: one and two are both SystemAssigned; make one UserAssigned'
  )
  refused(
    { principals: [{ clientId: 'one', keyCredentials: [{ key: 'bm90aGluZw==' }] }] },
    'principals/0/keyCredentials/0/key of one is neither a certificate (PEM, or base64 of DER) nor a public key (PEM)'
  )
})

const managed = suite('authority managed identities')

const IMDS = '/metadata/identity/oauth2/token'
const QUERY = 'api-version=2018-02-01&resource=https://eventgrid.azure.net'
const METADATA = { Metadata: 'true' }
const APP_SERVICE = { 'X-IDENTITY-HEADER': IDENTITY_HEADER }

managed('get a token without a credential, for a day, in the form of IMDS', async () => {
  const world = createWorld({ settings: SETTINGS })
  const { status, body } = await world.identity(`${IMDS}?${QUERY}`, METADATA)
  const { access_token, ...rest } = body
  assert.equal(
    [status, rest],
    [
      200,
      {
        client_id: 'vm',
        expires_in: '86399',
        expires_on: String(world.nowSeconds + 86_400),
        ext_expires_in: '86399',
        not_before: String(world.nowSeconds),
        resource: 'https://eventgrid.azure.net',
        token_type: 'Bearer'
      }
    ]
  )
  const { oid, tid, azpacr } = decodeJwt(access_token)
  assert.equal([oid, tid, azpacr], ['vm-oid', TENANT, '2'])
  const checked = await world.verify(access_token, ['https://eventgrid.azure.net'])
  assert.ok('claims' in checked)
})

managed(
  'get it, or the reason why not, behind two slashes, too, as MSAL for Java asks',
  async () => {
    const world = createWorld({ settings: SETTINGS })
    const granted = await world.identity(`/${IMDS}?${QUERY}`, METADATA)
    assert.is(granted.status, 200)
    assert.is(decodeJwt(granted.body.access_token).oid, 'vm-oid')
    assert.equal(
      await world.identity(`/${IMDS}?${QUERY}`),
      await world.identity(`${IMDS}?${QUERY}`)
    )
  }
)

managed('get it in the form of App Service', async () => {
  const world = createWorld({ settings: SETTINGS })
  const { status, body } = await world.identity(`/msi/token?${QUERY}`, APP_SERVICE)
  const { access_token, ...rest } = body
  assert.equal(
    [status, rest],
    [
      200,
      {
        expires_on: String(world.nowSeconds + 86_400),
        resource: 'https://eventgrid.azure.net',
        token_type: 'Bearer',
        client_id: 'vm'
      }
    ]
  )
  assert.is(decodeJwt(access_token).oid, 'vm-oid')
})

const SELECTIONS: [path: string, query: string, oid: string][] = [
  [IMDS, 'client_id=app', 'app-oid'],
  [IMDS, 'object_id=app-oid', 'app-oid'],
  [IMDS, 'msi_res_id=/subscriptions/s/userAssignedIdentities/app', 'app-oid'],
  [IMDS, `client_id=${WELL_KNOWN_PRINCIPAL.clientId}`, WELL_KNOWN_PRINCIPAL.oid],
  ['/msi/token', 'client_id=app', 'app-oid'],
  ['/msi/token', 'principal_id=app-oid', 'app-oid'],
  ['/msi/token', 'mi_res_id=/subscriptions/s/userAssignedIdentities/app', 'app-oid']
]

managed('are chosen by client id, object id or resource id', async () => {
  const world = createWorld({ settings: SETTINGS })
  for (const [path, query, oid] of SELECTIONS) {
    const headers = { ...METADATA, ...APP_SERVICE }
    const { body } = await world.identity(`${path}?${QUERY}&${query}`, headers)
    assert.is(decodeJwt(body.access_token).oid, oid, `${path} ${query}`)
  }
})

const VARIABLE = (name: string) => `Required query variable '${name}' is missing`
const IMDS_REFUSALS: [query: string, headers: object, error: string, description: string][] = [
  [QUERY, {}, 'invalid_request', 'Required metadata header not specified'],
  [QUERY, { Metadata: 'yes' }, 'invalid_request', 'Required metadata header not specified'],
  ['resource=https://eventgrid.azure.net', METADATA, 'invalid_request', VARIABLE('api-version')],
  ['api-version=2018-02-01', METADATA, 'invalid_request', VARIABLE('resource')],
  [`${QUERY}&client_id=sender`, METADATA, 'invalid_request', 'Identity not found'],
  [`${QUERY}&client_id=app&object_id=vm-oid`, METADATA, 'invalid_request', 'Identity not found'],
  [
    'api-version=2018-02-01&resource=https://graph.microsoft.com',
    METADATA,
    'invalid_resource',
    `AADSTS500011: The resource principal named https://graph.microsoft.com was not found in the tenant named ${TENANT}.`
  ]
]

managed('are refused in the words of IMDS', async () => {
  const world = createWorld({ settings: SETTINGS })
  for (const [query, headers, error, error_description] of IMDS_REFUSALS) {
    const answer = await world.identity(`${IMDS}?${query}`, headers as Record<string, string>)
    assert.equal(answer, { status: 400, body: { error, error_description } })
  }
})

const UNKNOWN =
  'No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.'
const APP_SERVICE_REFUSALS: [query: string, header: string, status: number, message: string][] = [
  [
    QUERY,
    'wrong',
    401,
    'The X-IDENTITY-HEADER header is missing or is not the value of IDENTITY_HEADER.'
  ],
  ['resource=https://eventgrid.azure.net', IDENTITY_HEADER, 400, VARIABLE('api-version')],
  [`${QUERY}&client_id=sender`, IDENTITY_HEADER, 400, UNKNOWN]
]

managed('are refused in the words of App Service', async () => {
  const world = createWorld({ settings: SETTINGS })
  for (const [query, header, status, message] of APP_SERVICE_REFUSALS) {
    const headers = { 'X-IDENTITY-HEADER': header }
    const answer = await world.identity(`/msi/token?${query}`, headers)
    const { correlationId, ...body } = answer.body
    assert.match(correlationId, /^[0-9a-f-]{36}$/)
    assert.equal([answer.status, body], [status, { statusCode: status, message }])
  }
})

managed('are the well-known principal, and any client, where none is configured', async () => {
  const world = createWorld()
  const oidOf = async (query: string) => {
    const { body } = await world.identity(`${IMDS}?${QUERY}${query}`, METADATA)
    return body.access_token === undefined ? body : decodeJwt(body.access_token).oid
  }
  assert.is(await oidOf(''), WELL_KNOWN_PRINCIPAL.oid)
  assert.match(String(await oidOf('&client_id=any')), /^[0-9a-f-]{36}$/)
  assert.equal(await oidOf('&object_id=any'), {
    error: 'invalid_request',
    error_description: 'Identity not found'
  })
})

principals.run()
managed.run()
