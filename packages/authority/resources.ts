import { errors } from './errors.ts'
import { AUDIENCES } from './well-known.ts'

const DEFAULT_SCOPE = '/.default'

/** What MSAL for Java adds to every scope, whatever the flow; they ask for nothing that a client has. */
const SIGN_IN_SCOPES = new Set(['openid', 'profile', 'offline_access'])

/** Resources besides the constants: a namespace or hub by its own host, here or in Azure. */
const RESOURCE_HOST =
  /^https:\/\/(?:localhost|127\.0\.0\.1|\[::1\]|[\w.-]+\.localhost|[\w.-]+\.(?:eventgrid|webpubsub)\.azure\.(?:net|com))(?::\d+)?\/?$/

/** The resource that the scope `RESOURCE/.default` names, beside those of a sign-in. @throws ProviderError */
export function scopeToResource(scope: string): string {
  if (scope === '') throw errors.ParameterMissing({ parameter: 'scope' })
  const [wanted, ...others] = scope.split(' ').filter((one) => !SIGN_IN_SCOPES.has(one))
  if (!wanted?.endsWith(DEFAULT_SCOPE) || others.length > 0) throw errors.ScopeInvalid({ scope })
  return wanted.slice(0, -DEFAULT_SCOPE.length)
}

/** The resource itself, when it is one that tokens are made for. @throws ProviderError */
export function checkResource(resource: string, tenant: string): string {
  const known: readonly string[] = Object.values(AUDIENCES)
  if (known.includes(resource.replace(/\/$/, '')) || RESOURCE_HOST.test(resource)) return resource
  throw errors.ResourceUnknown({ resource, tenant })
}
