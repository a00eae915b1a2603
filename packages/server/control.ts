import { Hono } from 'hono'
import {
  compileSchema,
  limitBody,
  SettingsError,
  type JsonSchema,
  type Log,
  type RunningPersonality
} from '@fogbank/personality'
import type { Endpoints } from './endpoints.ts'

/** What the control port does things to. */
export interface ControlDeps {
  log: Log
  running: ReadonlyMap<string, RunningPersonality>
  endpoints(host: string): Endpoints
  ca(): Promise<string>
  reset(): Promise<void>
  mint(options: MintRequest): Promise<object>
  /** The authority's managed identity endpoints. */
  identity: Hono<any>
}

export interface MintRequest {
  clientId?: string
  oid?: string
  roles?: string[]
  audience?: string
  tenantId?: string
  expiresInSeconds?: number
}

const FAIL_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['personality', 'operation', 'error'],
  properties: {
    personality: { type: 'string' },
    operation: { type: 'string' },
    error: { type: 'string' },
    times: { type: 'integer', minimum: 1, maximum: 1_000_000 }
  }
}

const MINT_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    clientId: { type: 'string', minLength: 1 },
    oid: { type: 'string', minLength: 1 },
    roles: { type: 'array', items: { type: 'string' } },
    audience: { type: 'string', minLength: 1 },
    tenantId: { type: 'string', minLength: 1 },
    expiresInSeconds: { type: 'integer' }
  }
}

const MAXIMUM_BODY_BYTES = 64 * 1024
const READING = new Set(['GET', 'HEAD'])

/** Our own mistakes-of-the-caller on this port; providers' words never stand here. */
class BadRequest extends Error {}

/** Endpoints, reset and provoked failures: the suite's own port, not a provider's. */
export function createControl(deps: ControlDeps): Hono {
  const app = new Hono()
  const failSchema = compileSchema(FAIL_SCHEMA)
  const mintSchema = compileSchema(MINT_SCHEMA)

  async function readJson<T>(
    request: { json(): Promise<unknown> },
    schema: ReturnType<typeof compileSchema>,
    known: JsonSchema
  ): Promise<T> {
    const body = await request.json().catch((cause: Error) => {
      throw new BadRequest(`the body is not JSON: ${cause.message}`)
    })
    const fault = schema(body)
    if (!fault) return body as T
    const keys = Object.keys(known.properties as object).join(', ')
    const what = fault.path ? `"${fault.path.slice(1)}"` : 'the body'
    const property = fault.property ? ` ("${fault.property}")` : ''
    throw new BadRequest(`${what} ${fault.sentence}${property}; the keys are ${keys}`)
  }

  const limited = limitBody(MAXIMUM_BODY_BYTES, (c) =>
    c.json({ error: `a body has at most ${MAXIMUM_BODY_BYTES} bytes` }, 413)
  )
  // A DELETE has neither header; the limit would look for a body that node-server cannot give it.
  app.use((c, next) =>
    c.req.header('content-length') || c.req.header('transfer-encoding') ? limited(c, next) : next()
  )
  // Browsers send the origin of the page; a page from elsewhere must not empty the store.
  app.use((c, next) => {
    const origin = c.req.header('origin')
    if (READING.has(c.req.method) || origin === undefined || isLocal(origin)) return next()
    const error = `${origin} may not ask this; call from a page on localhost, or from no page`
    return Promise.resolve(c.json({ error }, 403))
  })
  app.get('/endpoints', (c) => c.json(deps.endpoints(hostOf(c.req.header('host')))))
  app.get('/ca.pem', async (c) => {
    return c.body(await deps.ca(), 200, { 'Content-Type': 'application/x-pem-file' })
  })
  app.post('/reset', async (c) => {
    await deps.reset()
    return c.body(null, 204)
  })
  app.post('/fail', async (c) => {
    const order = await readJson<{
      personality: string
      operation: string
      error: string
      times?: number
    }>(c.req, failSchema, FAIL_SCHEMA)
    const personality = deps.running.get(order.personality)
    if (!personality) {
      const known = [...deps.running.keys()].join(', ')
      throw new BadRequest(`personality "${order.personality}" is not running; there are ${known}`)
    }
    try {
      personality.faults.order(order.operation, order.error, order.times ?? 1)
    } catch (error) {
      throw new BadRequest((error as Error).message)
    }
    return c.body(null, 204)
  })
  app.post('/authority/tokens', async (c) => {
    return c.json(await deps.mint(await readJson<MintRequest>(c.req, mintSchema, MINT_SCHEMA)))
  })
  const own = app.routes.filter(({ method }) => method !== 'ALL')
  app.route('/', deps.identity)
  const parts = [...deps.running].flatMap(([name, { control }]) => (control ? [name] : []))
  for (const name of parts) app.route(`/${name}`, deps.running.get(name)!.control!)
  const known = [
    ...['GET /health', 'GET /live', ...own.map(({ method, path }) => `${method} ${path}`)],
    ...parts.map((name) => `/${name}/…`)
  ].join(', ')
  app.notFound((c) => {
    const missing = `${c.req.method} ${c.req.path} is not here`
    const isOfPart = parts.includes(c.req.path.split('/')[1]!)
    return c.json({ error: isOfPart ? missing : `${missing}; there are ${known}` }, 404)
  })
  app.onError((error, c) => {
    if (error instanceof BadRequest || error instanceof SettingsError) {
      return c.json({ error: error.message }, 400)
    }
    deps.log.error(error, `control: ${c.req.method} ${c.req.path} failed`)
    return c.json({ error: 'it failed; the log has the stack' }, 500)
  })
  return app
}

/** The name in a Host header, without its port; `localhost` when there is none. */
function hostOf(header: string | undefined): string {
  if (!header) return 'localhost'
  return header.startsWith('[') ? header.slice(0, header.indexOf(']') + 1) : header.split(':')[0]!
}

function isLocal(origin: string): boolean {
  // A page in a file or a sandbox says `null`.
  if (!URL.canParse(origin)) return false
  return /^(localhost|.*\.localhost|127\.0\.0\.1|\[::1\])$/.test(new URL(origin).hostname)
}
