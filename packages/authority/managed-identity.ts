import { Hono, type Context } from 'hono'
import type { Clock, Ids } from '@fogbank/core'
import { isSameSecret, ProviderError, type Log } from '@fogbank/personality'
import { identityErrors as errors } from './identity-errors.ts'
import type { SigningKey } from './keys.ts'
import { signToken } from './mint.ts'
import type { ClientApplication, IdentitySelection, Registry } from './principals.ts'
import { checkResource } from './resources.ts'
import { IDENTITY_HEADER } from './well-known.ts'

/** Where each form is asked; the first is fixed by the SDKs, the second stands in IDENTITY_ENDPOINT. */
export const IDENTITY_PATHS = {
  imds: '/metadata/identity/oauth2/token',
  appService: '/msi/token'
} as const

/** With one slash, and with two, as MSAL for Java writes it behind AZURE_POD_IDENTITY_AUTHORITY_HOST. */
const IMDS_PATHS: string[] = [IDENTITY_PATHS.imds, `/${IDENTITY_PATHS.imds}`]

/** A day, where other tokens are good for an hour. */
const LIFETIME_SECONDS = 86_400

interface IdentityContext {
  clock: Clock
  ids: Ids
  log: Log | undefined
  registry: Registry
  key(): Promise<SigningKey>
  /** Of the issuer in the tokens. */
  publicUrl(): string
}

/**
 * The managed identity endpoints of a virtual machine (IMDS) and of App Service, as an app of their own.
 *
 * @see https://learn.microsoft.com/en-us/azure/app-service/overview-managed-identity
 */
export function createIdentityEndpoints(context: IdentityContext): Hono<any> {
  const { clock, registry } = context
  const app = new Hono()

  async function issue(client: ClientApplication, resource: string) {
    const { clientId, tenantId, oid, roles } = client
    const nowSeconds = Math.floor(clock.now() / 1000)
    const request = { clientId, tenantId, oid, audience: resource, ...(roles ? { roles } : {}) }
    const access_token = await signToken(
      { ...request, clientAuthentication: '2', expiresInSeconds: LIFETIME_SECONDS },
      { ...context, key: await context.key(), baseUrl: context.publicUrl() }
    )
    const expires_on = String(nowSeconds + LIFETIME_SECONDS)
    return { access_token, client_id: clientId, expires_on, nowSeconds }
  }

  app.on('GET', IMDS_PATHS, async (c) => {
    if (c.req.header('metadata')?.toLowerCase() !== 'true') throw errors.MetadataHeaderMissing()
    const { client, resource } = select(c, {
      clientId: c.req.query('client_id'),
      objectId: c.req.query('object_id'),
      resourceId: c.req.query('msi_res_id') ?? c.req.query('mi_res_id')
    })
    if (!client) throw errors.IdentityUnknown()
    const { access_token, client_id, expires_on, nowSeconds } = await issue(client, resource)
    return c.json({
      access_token,
      client_id,
      expires_in: String(LIFETIME_SECONDS - 1),
      expires_on,
      ext_expires_in: String(LIFETIME_SECONDS - 1),
      not_before: String(nowSeconds),
      resource,
      token_type: 'Bearer'
    })
  })

  app.get(IDENTITY_PATHS.appService, async (c) => {
    if (!isSameSecret(c.req.header('x-identity-header') ?? '', IDENTITY_HEADER)) {
      throw errors.IdentityHeaderWrong()
    }
    const { client, resource } = select(c, {
      clientId: c.req.query('client_id'),
      objectId: c.req.query('principal_id') ?? c.req.query('object_id'),
      resourceId: c.req.query('mi_res_id')
    })
    if (!client) throw errors.AppServiceIdentityUnknown()
    const { access_token, client_id, expires_on } = await issue(client, resource)
    return c.json({ access_token, expires_on, resource, token_type: 'Bearer', client_id })
  })

  function select(
    c: Context,
    selection: { [Key in keyof IdentitySelection]: string | undefined }
  ): { client: ClientApplication | undefined; resource: string } {
    for (const variable of ['api-version', 'resource']) {
      if (!c.req.query(variable)) throw errors.VariableMissing({ variable })
    }
    const given = Object.entries(selection).filter(([, value]) => value !== undefined)
    const client = registry.findManagedIdentity(Object.fromEntries(given) as IdentitySelection)
    const resource = c.req.query('resource')!
    if (client) check(resource, client.tenantId)
    return { client, resource }
  }

  app.onError((error, c) => {
    if (!(error instanceof ProviderError)) throw error
    const { row, key, text } = error
    context.log?.info(`authority ${c.req.method} ${row.status} ${key}`)
    const body = IMDS_PATHS.includes(c.req.path)
      ? { error: row.code, error_description: text }
      : { statusCode: row.status, message: text, correlationId: context.ids.uuid() }
    return c.json(body, row.status as 400)
  })
  return app
}

function check(resource: string, tenant: string): void {
  try {
    checkResource(resource, tenant)
  } catch (error) {
    if (error instanceof ProviderError) throw errors.ResourceInvalid({ resource, tenant })
    throw error
  }
}
