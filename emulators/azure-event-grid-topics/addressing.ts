import { rawPath, type RawRequest } from '@fogbank/personality'
import { DEFAULT_TOPIC, type Resource, type Resources } from './resources.ts'

/** The one path of the service, as its operations have it. */
export const EVENTS_PATH = '/api/events'

/** Where the owner of a webhook says yes to a subscription; the name is that of the subscription. */
export const VALIDATION_PATH = '/eventsubscriptions/{name}/validate'

/** Where nobody is at home: no operation has this path. */
const NOWHERE = '/'

const PATH = /^(?:\/([^/]+))?\/api\/events\/?$/i
const HOST =
  /^([a-z0-9-]+)\.(?:localhost|[a-z0-9.-]+\.eventgrid\.(?:localhost|azure\.net))(?::\d+)?$/i

/** The path that operations match; case and a slash behind it do not count, and HEAD finds nothing. */
export function toPath(request: RawRequest, resources: Resources): string {
  if (request.method === 'HEAD') return NOWHERE
  const path = rawPath(request.target)
  if (!PATH.test(path)) return path
  return findResource(request, resources) ? EVENTS_PATH : NOWHERE
}

/**
 * Whose endpoint a request is for: by a port of its own, by `{name}.localhost` or the service's own host
 * names, by `/{name}/api/events`, or else the default topic.
 */
export function findResource(request: RawRequest, resources: Resources): Resource | undefined {
  const match = PATH.exec(rawPath(request.target))
  if (!match) return undefined
  const [, inPath] = match
  const owner = ownerOfPort(request, resources) ?? ownerOfHost(request, resources)
  if (inPath === undefined) {
    return owner === undefined ? resources.byName(DEFAULT_TOPIC) : (owner ?? undefined)
  }
  const named = resources.byName(inPath)
  return owner && named !== owner ? undefined : named
}

function ownerOfPort({ incoming }: RawRequest, resources: Resources): Resource | undefined {
  const port = incoming?.socket.localPort
  return port === undefined ? undefined : resources.byPort(port)
}

/** undefined: the host says nothing; null: it names what is not there. */
function ownerOfHost(
  { headers: { host } }: RawRequest,
  resources: Resources
): Resource | null | undefined {
  const name = HOST.exec(String(host))?.[1]
  return name === undefined ? undefined : (resources.byName(name) ?? null)
}
