import { CoreError } from '@fogbank/core'
import type { Call, RawRequest, Reply } from './call.ts'
import type { PersonalityContext } from './context.ts'
import { ProviderError } from './errors.ts'
import { createFaults, type Faults } from './faults.ts'
import { compilePath, parseQuery, rawPath, rawQuery, type PathTemplate } from './path.ts'
import type { PersonalityDefinition, Stage } from './personality.ts'
import type { Operation } from './operations.ts'
import { compileSchema, type Validator } from './validate.ts'

const DEFAULT_ORDER: readonly Stage[] = ['match', 'authenticate', 'size', 'schema']
const NO_BODY = Buffer.alloc(0)

/** Answers one request; never throws, never leaves one unanswered. */
export type Pipeline = (request: RawRequest) => Promise<Reply>

interface Route<State> {
  name: string
  operation: Operation<State>
  path: PathTemplate
  query: Validator | undefined
  body: Validator | undefined
}

/**
 * The one way a request takes: match → authenticate → size → schema → handle → render.
 *
 * The first four in the order the vendor was seen to check them. A ProviderError becomes the vendor's
 * reply; anything else is a bug, is logged with its stack and becomes the vendor's internal-error row.
 */
export function createPipeline<State>(
  definition: PersonalityDefinition<State>,
  context: PersonalityContext,
  state: State
): { answer: Pipeline; faults: Faults } {
  const routes = Object.entries(definition.operations).map(([name, operation]) =>
    toRoute(name, operation)
  )
  const faults = createFaults(definition)
  const { hint } = definition.describe(state)
  const order = definition.order ?? DEFAULT_ORDER
  const matchStep = order.indexOf('match')

  const stages: Record<Stage, (call: Call<State>, route?: Route<State>) => void | Promise<void>> = {
    match(call) {
      if (!call.operation) throw unmatched(call)
    },
    authenticate: (call) => definition.authenticate(call),
    size(call) {
      const limit = call.operation?.bodyLimit
      if (limit && call.body === NO_BODY) return readBody(call, limit)
    },
    schema(call, route) {
      if (!route) return
      const isOmitted = route.operation.emptyBody === true && call.body.length === 0
      if (route.body && !isOmitted) call.json = parseJson(call.body)
      const fault = route.query?.(call.query) ?? (isOmitted ? undefined : route.body?.(call.json))
      if (!fault) return
      throw route.operation.invalid?.(fault, call) ?? definition.fallbacks.malformedTarget()
    }
  }

  async function answer(request: RawRequest): Promise<Reply> {
    const call = toCall(request)
    let reply: Reply
    let outcome = 'ok'
    try {
      reply = await pass(call)
      if (reply.detail !== undefined) outcome = `ok ${reply.detail}`
    } catch (thrown) {
      const error = toProviderError(thrown, call)
      outcome = error.detail ? `${error.key} ${error.detail}` : error.key
      reply = definition.render(error, call)
      if (error.headers) reply.headers = { ...reply.headers, ...error.headers }
      if (reply.status === 401 || reply.status === 403) {
        if (context.hints) reply.headers = { ...reply.headers, 'x-fogbank-hint': hint }
        context.log.warn(`${definition.name} ${call.operationName} ${reply.status}: ${hint}`)
      }
    }
    if (definition.headers) reply.commonHeaders = definition.headers(call)
    context.log.info(`${definition.name} ${call.operationName} ${reply.status} ${outcome}`)
    return reply
  }

  async function pass(call: Call<State>): Promise<Reply> {
    let route: Route<State> | undefined
    try {
      call.query = queryOf(call)
      route = find(call)
    } catch (error) {
      // A target that cannot be decoded matches nothing; whoever checks credentials first still does.
      if (!(error instanceof URIError)) throw error
      for (const stage of order.slice(0, matchStep)) await stages[stage](call)
      throw definition.fallbacks.malformedTarget(
        {},
        { detail: `target=${call.request.target.slice(0, 200)}` }
      )
    }
    for (const stage of order) {
      const waiting = stages[stage](call, route)
      if (waiting) await waiting
    }
    const ordered = faults.take(call.operationName)
    if (ordered) throw ordered
    if (!call.operation) throw unmatched(call)
    return call.operation.handle(call)
  }

  function toCall(request: RawRequest): Call<State> {
    return {
      state,
      request,
      path: definition.toPath?.(request, state) ?? rawPath(request.target),
      rawQuery: rawQuery(request.target),
      operation: undefined,
      operationName: request.method,
      params: {},
      query: {},
      body: NO_BODY,
      principal: undefined,
      requestId: context.ids.uuid(),
      header(name) {
        const value = request.headers[name]
        return Array.isArray(value) ? value[0] : value
      }
    }
  }

  function queryOf(call: Call<State>): Record<string, string> {
    const query = parseQuery(call.rawQuery)
    if (!definition.lowerCaseQueryNames) return query
    const lowered: Record<string, string> = Object.create(null)
    for (const [name, value] of Object.entries(query)) lowered[name.toLowerCase()] = value
    return lowered
  }

  function find(call: Call<State>): Route<State> | undefined {
    for (const route of routes) {
      if (route.operation.method !== call.request.method) continue
      if ((route.operation.upgrade ?? false) !== call.request.upgrade) continue
      const params = route.path.match(call.path)
      if (!params) continue
      call.operation = route.operation
      call.operationName = route.name
      call.params = params
      return route
    }
    return undefined
  }

  function unmatched(call: Call<State>): ProviderError {
    const methods = new Set(
      routes
        .filter((r) => !r.operation.upgrade && r.path.fits(call.path))
        .map((r) => r.operation.method)
    )
    const detail = `${call.request.method} ${call.path.slice(0, 200)}`
    if (methods.size === 0) return definition.fallbacks.unknownOperation({}, { detail })
    const allow = [...methods].join(', ')
    return definition.fallbacks.methodNotAllowed({ allow }, { detail, headers: { Allow: allow } })
  }

  function toProviderError(thrown: unknown, call: Call<State>): ProviderError {
    if (thrown instanceof ProviderError) return thrown
    context.log.error(thrown, `${definition.name} ${call.operationName} failed`)
    if (thrown instanceof CoreError) {
      const unavailable = call.operation?.unavailable ?? definition.fallbacks.unavailable
      return unavailable({}, { detail: thrown.code })
    }
    return definition.fallbacks.internal({}, { detail: 'see the stack above' })
  }

  return { answer, faults }
}

function toRoute<State>(name: string, operation: Operation<State>): Route<State> {
  return {
    name,
    operation,
    path: compilePath(operation.path),
    query: operation.query && compileSchema(operation.query),
    body: operation.body && compileSchema(operation.body)
  }
}

/** Reads the whole body into the call. @throws ProviderError the limit's row when it is longer */
export async function readBody(
  call: Call<any>,
  limit: { value: number; exceeded(actual: number | string): ProviderError }
): Promise<void> {
  const body = await call.request.readBody(limit.value)
  if (!body) throw limit.exceeded(call.header('content-length') ?? `more than ${limit.value}`)
  call.body = body
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    // Not JSON: no schema accepts undefined, so the operation's `invalid` gets to say it.
    return undefined
  }
}
