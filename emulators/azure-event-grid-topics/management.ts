import { Hono, type Context } from 'hono'
import type { State } from './handlers.ts'
import { DEFAULT_TOPIC, type Resource, type ResourceKind } from './resources.ts'
import type { InputSchemaMapping } from './settings.ts'

/** What is shown and where it stands. */
export type ManagementDeps = Pick<State, 'resources' | 'metrics' | 'location' | 'url'>

const KINDS: readonly ResourceKind[] = ['topics', 'domains', 'partnerNamespaces']

/** Any subscription and any resource group: there is one of each. */
const PATH =
  /^\/subscriptions\/[^/]+(?:\/resourceGroups\/[^/]+)?\/providers\/Microsoft\.EventGrid\/([A-Za-z]+)(?:\/([^/]+))?(\/listKeys)?\/?$/i

/**
 * What `az eventgrid topic show` and `az eventgrid topic key list` read, in the shape of the management API,
 * and the counts of what was published; anything else is left to whoever comes next.
 */
export function createManagement(deps: ManagementDeps, base: string): Hono {
  const app = new Hono()

  app.get('/metrics', (c) => c.json(deps.metrics.read()))
  app.all('*', async (c, next) => {
    const path = c.req.path.startsWith(base) ? c.req.path.slice(base.length) : c.req.path
    const [, kindText = '', name, listKeys] = PATH.exec(path) ?? []
    const kind = KINDS.find((one) => one.toLowerCase() === kindText.toLowerCase())
    if (!kind) return next()
    const { method } = c.req
    if (name === undefined) {
      if (method !== 'GET') return wrongMethod(c, 'GET')
      const ofKind = deps.resources.all.filter((one) => one.kind === kind)
      return c.json({ value: ofKind.map((one) => toArm(one, deps)) })
    }
    const resource = deps.resources.byName(name)
    if (!resource || resource.kind !== kind) return notFound(c, kind, name)
    if (listKeys !== undefined) {
      return method === 'POST' ? c.json(resource.keys) : wrongMethod(c, 'POST')
    }
    return method === 'GET' ? c.json(toArm(resource, deps)) : wrongMethod(c, 'GET')
  })
  return app
}

function toArm(resource: Resource, { url, location }: ManagementDeps): object {
  const { id, name, kind, inputSchema, inputSchemaMapping, disableLocalAuth } = resource
  const { publicNetworkAccess = 'Enabled', inboundIpRules = [] } = resource.settings
  return {
    id,
    name,
    type: `Microsoft.EventGrid/${kind}`,
    location,
    properties: {
      provisioningState: 'Succeeded',
      endpoint: toEndpoint(url, resource),
      inputSchema,
      ...(inputSchemaMapping ? { inputSchemaMapping: toArmMapping(inputSchemaMapping) } : {}),
      disableLocalAuth,
      publicNetworkAccess,
      inboundIpRules: inboundIpRules.map(({ ipMask }) => ({ ipMask, action: 'Allow' }))
    }
  }
}

/** Where a resource is published to. */
function toEndpoint(url: string, { name, port }: Resource): string {
  if (port !== undefined) {
    const own = new URL(url)
    own.port = String(port)
    return `${own.origin}/api/events`
  }
  return name === DEFAULT_TOPIC ? `${url}/api/events` : `${url}/${name}/api/events`
}

const toArmMapping = (properties: InputSchemaMapping) => ({
  inputSchemaMappingType: 'Json',
  properties
})

function notFound(c: Context, kind: ResourceKind, name: string): Response {
  const message = `The Resource 'Microsoft.EventGrid/${kind}/${name}' was not found.`
  return c.json({ error: { code: 'ResourceNotFound', message } }, 404)
}

function wrongMethod(c: Context, allow: string): Response {
  const message = `The requested resource does not support http method '${c.req.method}'.`
  return c.json({ error: { code: 'MethodNotAllowed', message } }, 405, { Allow: allow })
}
