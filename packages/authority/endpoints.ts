import { Hono, type Context } from 'hono'
import type { Clock, Ids } from '@fogbank/core'
import { isSameSecret, limitBody, ProviderError, type Log } from '@fogbank/personality'
import { ASSERTION_TYPE, checkAssertion } from './assertions.ts'
import { errors, toErrorBody } from './errors.ts'
import type { SigningKey } from './keys.ts'
import { signToken, TOKEN_LIFETIME_SECONDS } from './mint.ts'
import type { ClientApplication, Registry } from './principals.ts'
import { checkResource, scopeToResource } from './resources.ts'
import type { CachingVerifier } from './verify.ts'
import { WELL_KNOWN_PRINCIPAL } from './well-known.ts'

const FORM_BYTES = 65_536

export interface EndpointContext {
  clock: Clock
  ids: Ids
  log: Log | undefined
  lenient: boolean
  registry: Registry
  verifier: CachingVerifier
  key(): Promise<SigningKey>
  /** Scheme, host and port that the answer's URLs shall carry. */
  toBaseUrl(request: Request): string
}

/** Discovery, keys and the token endpoint, as an app of their own. */
export function createEndpoints(context: EndpointContext): Hono<any> {
  const { registry } = context
  const app = new Hono()
  const base = (c: Context) => context.toBaseUrl(c.req.raw)
  const limited = limitBody(FORM_BYTES, (c) =>
    refuse(c, errors.BodyTooLarge({ limit: FORM_BYTES }), context)
  )
  const describe = (c: Context, tokenPath: string) => {
    const segment = c.req.param('tenant') as string
    const tenantId = registry.toTenant(segment) ?? WELL_KNOWN_PRINCIPAL.tenantId
    return c.json(describeIssuer(base(c), segment, tenantId, tokenPath))
  }
  const answerToken = async (c: Context) => {
    const form = new URLSearchParams(await c.req.text())
    const segment = c.req.param('tenant') as string
    const token = await grant(form, c.req.header('authorization'), segment, base(c))
    return c.json(token, 200, { 'Cache-Control': 'no-store', Pragma: 'no-cache' })
  }

  app.get('/common/discovery/instance', (c) => c.json(describeInstance(base(c))))
  app.get('/:tenant/v2.0/.well-known/openid-configuration', (c) => describe(c, 'oauth2/v2.0'))
  app.get('/:tenant/.well-known/openid-configuration', (c) => describe(c, 'oauth2'))
  app.get('/:tenant/discovery/v2.0/keys', async (c) =>
    c.json({ keys: [(await context.key()).publicJwk] })
  )
  app.post('/:tenant/oauth2/v2.0/token', limited, answerToken)
  app.post('/:tenant/oauth2/token', limited, answerToken)
  app.onError((error, c) => {
    if (error instanceof ProviderError) return refuse(c, error, context)
    context.log?.error(error, 'the authority failed')
    return refuse(c, errors.Internal(), context)
  })

  async function grant(
    form: URLSearchParams,
    authorization: string | undefined,
    segment: string,
    baseUrl: string
  ): Promise<object> {
    const grantType = required(form, 'grant_type')
    if (grantType !== 'client_credentials') throw errors.GrantTypeUnsupported({ grantType })
    const { id, secret } = readClient(form, authorization)
    const client = registry.findClient(id, registry.toTenant(segment))
    const { clientId, tenantId, oid, roles } = client
    const resource = form.get('resource') ?? scopeToResource(form.get('scope') ?? '')
    const audience = checkResource(resource, tenantId)
    const assertion = form.get('client_assertion')
    if (assertion !== null) {
      const type = required(form, 'client_assertion_type')
      if (type !== ASSERTION_TYPE) throw errors.AssertionTypeUnsupported()
      const { lenient, verifier, clock } = context
      const asked = { client, segment, baseUrl, nowMs: clock.now() }
      await checkAssertion(assertion, { ...asked, lenient, own: verifier })
    } else checkSecret(client, secret, context)
    const request = { clientId, tenantId, oid, audience, ...(roles ? { roles } : {}) }
    const key = await context.key()
    return {
      token_type: 'Bearer',
      expires_in: TOKEN_LIFETIME_SECONDS - 1,
      ext_expires_in: TOKEN_LIFETIME_SECONDS - 1,
      access_token: await signToken(
        { ...request, clientAuthentication: assertion === null ? '1' : '2' },
        { ...context, key, baseUrl }
      )
    }
  }

  return app
}

function checkSecret(
  { clientId, secrets }: ClientApplication,
  secret: string | undefined,
  { lenient, clock }: EndpointContext
): void {
  if (secret === undefined) throw errors.CredentialMissing()
  if (lenient && secret !== '') return
  const found = secrets.find(({ text }) => isSameSecret(text, secret))
  if (!found) throw errors.SecretInvalid({ clientId })
  if (clock.now() >= found.expiresAtMs) throw errors.SecretExpired({ clientId })
}

function refuse(c: Context, error: ProviderError, context: EndpointContext): Response {
  context.log?.info(`authority ${c.req.method} ${error.row.status} ${error.key}`)
  return c.json(toErrorBody(error, context), error.row.status as 400)
}

function required(form: URLSearchParams, parameter: string): string {
  const value = form.get(parameter)
  if (!value) throw errors.ParameterMissing({ parameter })
  return value
}

/** In the form, or as Basic credentials [RFC 6749 2.3.1]. */
function readClient(
  form: URLSearchParams,
  authorization: string | undefined
): { id: string; secret: string | undefined } {
  const basic = /^Basic (\S+)$/i.exec(authorization ?? '')?.[1]
  if (basic === undefined || form.has('client_id')) {
    return { id: required(form, 'client_id'), secret: form.get('client_secret') ?? undefined }
  }
  const [id = '', secret] = Buffer.from(basic, 'base64').toString().split(':')
  if (id === '') throw errors.ParameterMissing({ parameter: 'client_id' })
  return { id, secret }
}

/** `tokenPath` is where the token endpoint is under the tenant; version 2.0 and AD FS differ in it. */
function describeIssuer(
  baseUrl: string,
  segment: string,
  tenantId: string,
  tokenPath: string
): object {
  const tenant = encodeURIComponent(segment)
  const oauth = `${baseUrl}/${tenant}/${tokenPath}`
  return {
    token_endpoint: `${oauth}/token`,
    token_endpoint_auth_methods_supported: [
      'client_secret_post',
      'private_key_jwt',
      'client_secret_basic'
    ],
    jwks_uri: `${baseUrl}/${tenant}/discovery/v2.0/keys`,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code'],
    scopes_supported: ['openid'],
    issuer: `${baseUrl}/${tenantId}/v2.0`,
    request_uri_parameter_supported: false,
    // MSAL insists on the member; nothing answers there.
    authorization_endpoint: `${oauth}/authorize`,
    http_logout_supported: false,
    claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'nbf', 'oid', 'tid', 'azp', 'ver']
  }
}

function describeInstance(baseUrl: string): object {
  const { host } = new URL(baseUrl)
  return {
    tenant_discovery_endpoint: `${baseUrl}/common/v2.0/.well-known/openid-configuration`,
    'api-version': '1.1',
    metadata: [{ preferred_network: host, preferred_cache: host, aliases: [host] }]
  }
}
