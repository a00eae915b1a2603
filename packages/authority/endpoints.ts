import { Hono, type Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Clock, Ids } from '@fogbank/core'
import { ProviderError, type Log } from '@fogbank/personality'
import { errors, toErrorBody } from './errors.ts'
import type { SigningKey } from './keys.ts'
import { signToken, TOKEN_LIFETIME_SECONDS, toTenantId } from './mint.ts'
import { AUDIENCES, WELL_KNOWN_PRINCIPAL } from './well-known.ts'

const FORM_BYTES = 65_536
const DEFAULT_SCOPE = '/.default'

/** Resources besides the constants: a namespace or hub by its own host, here or in Azure. */
const RESOURCE_HOST =
  /^https:\/\/(?:localhost|127\.0\.0\.1|\[::1\]|[\w.-]+\.localhost|[\w.-]+\.(?:eventgrid|webpubsub)\.azure\.(?:net|com))(?::\d+)?\/?$/

interface EndpointContext {
  clock: Clock
  ids: Ids
  log: Log | undefined
  key(): Promise<SigningKey>
  /** Scheme, host and port that the answer's URLs shall carry. */
  toBaseUrl(request: Request): string
}

/** Discovery, keys and the token endpoint, as an app of their own. */
export function createEndpoints(context: EndpointContext): Hono<any> {
  const app = new Hono()
  const base = (c: Context) => context.toBaseUrl(c.req.raw)
  const limited = bodyLimit({
    maxSize: FORM_BYTES,
    onError: (c) => refuse(c, errors.BodyTooLarge({ limit: FORM_BYTES }), context)
  })

  app.get('/common/discovery/instance', (c) => c.json(describeInstance(base(c))))
  app.get('/:tenant/v2.0/.well-known/openid-configuration', (c) =>
    c.json(describeIssuer(base(c), c.req.param('tenant')))
  )
  app.get('/:tenant/discovery/v2.0/keys', async (c) =>
    c.json({ keys: [(await context.key()).publicJwk] })
  )
  app.post('/:tenant/oauth2/v2.0/token', limited, async (c) => {
    const form = new URLSearchParams(await c.req.text())
    const token = await grant(form, c.req.header('authorization'), c.req.param('tenant'), base(c))
    return c.json(token, 200, { 'Cache-Control': 'no-store', Pragma: 'no-cache' })
  })
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
    const client = readClient(form, authorization)
    const tenantId = toTenantId(segment)
    const audience = toAudience(form.get('scope') ?? '', tenantId)
    if (client.secret === undefined) throw errors.CredentialMissing()
    if (client.secret !== WELL_KNOWN_PRINCIPAL.clientSecret) {
      throw errors.SecretInvalid({ clientId: client.id })
    }
    const request = { clientId: client.id, tenantId, audience }
    const key = await context.key()
    return {
      token_type: 'Bearer',
      expires_in: TOKEN_LIFETIME_SECONDS - 1,
      ext_expires_in: TOKEN_LIFETIME_SECONDS - 1,
      access_token: await signToken(request, { ...context, key, baseUrl })
    }
  }

  return app
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

function toAudience(scope: string, tenant: string): string {
  if (scope === '') throw errors.ParameterMissing({ parameter: 'scope' })
  if (!scope.endsWith(DEFAULT_SCOPE) || scope.includes(' ')) throw errors.ScopeInvalid({ scope })
  const resource = scope.slice(0, -DEFAULT_SCOPE.length)
  const known: readonly string[] = Object.values(AUDIENCES)
  if (known.includes(resource.replace(/\/$/, '')) || RESOURCE_HOST.test(resource)) return resource
  throw errors.ResourceUnknown({ resource, tenant })
}

function describeIssuer(baseUrl: string, segment: string): object {
  const tenant = encodeURIComponent(segment)
  const oauth = `${baseUrl}/${tenant}/oauth2/v2.0`
  return {
    token_endpoint: `${oauth}/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
    jwks_uri: `${baseUrl}/${tenant}/discovery/v2.0/keys`,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code'],
    scopes_supported: ['openid'],
    issuer: `${baseUrl}/${toTenantId(segment)}/v2.0`,
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
