import { errors } from './errors.ts'
import { AUDIENCES } from './well-known.ts'

const DEFAULT_SCOPE = '/.default'

/** Resources besides the constants: a namespace or hub by its own host, here or in Azure. */
const RESOURCE_HOST =
  /^https:\/\/(?:localhost|127\.0\.0\.1|\[::1\]|[\w.-]+\.localhost|[\w.-]+\.(?:eventgrid|webpubsub)\.azure\.(?:net|com))(?::\d+)?\/?$/

/** The resource that a scope of the form `RESOURCE/.default` names. @throws ProviderError */
export function scopeToResource(scope: string): string {
  if (scope === '') throw errors.ParameterMissing({ parameter: 'scope' })
  if (!scope.endsWith(DEFAULT_SCOPE) || scope.includes(' ')) throw errors.ScopeInvalid({ scope })
  return scope.slice(0, -DEFAULT_SCOPE.length)
}

/** The resource itself, when it is one that tokens are made for. @throws ProviderError */
export function checkResource(resource: string, tenant: string): string {
  const known: readonly string[] = Object.values(AUDIENCES)
  if (known.includes(resource.replace(/\/$/, '')) || RESOURCE_HOST.test(resource)) return resource
  throw errors.ResourceUnknown({ resource, tenant })
}
