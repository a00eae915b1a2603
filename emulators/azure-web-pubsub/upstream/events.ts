import type { Clock, Ids } from '@fogbank/core'
import type { Log } from '@fogbank/personality'
import { findHandler, toUrl, toValidationUrl, type EventHandler } from './handlers.ts'
import { fromMetadataHeaders, toHeaders, toMetadataHeaders } from './headers.ts'
import { createPoster, UpstreamFault, type UpstreamAnswer } from './post.ts'
import type { EventPayload, EventSource } from './source.ts'
import { createValidation } from './validation.ts'

/** Milliseconds; from the first try to the end of the answer. */
const HANDLER_TIMEOUT = 100_000
const JSON_UTF8 = 'application/json; charset=utf-8'

/** One event on its way to a handler. */
export interface UpstreamEvent {
  kind: 'sys' | 'user'
  event: string
  contentType: string | undefined
  body: Buffer
  headers?: Record<string, string | string[]>
}

/** What became of an event that somebody waits for. */
export type Outcome =
  | { answer: UpstreamAnswer }
  | { fault: string }
  | { /** Nobody is there for it. */ unhandled: true }

/** The hubs' event handlers, as connections tell them what happens. */
export interface Upstream {
  /** Sends an event and waits for its answer, which may set the connection's state. Never rejects. */
  send(source: EventSource, event: UpstreamEvent): Promise<Outcome>
  /** Tells of something that nobody can change any more; one connection's in order. */
  notify(source: EventSource, event: 'connected' | 'disconnected', body: object): void
  /** Forgets which handlers said yes. */
  reset(): void
  close(): void
}

export function createUpstream(deps: {
  clock: Clock
  ids: Ids
  log: Log
  accessKeys: readonly string[]
  handlersOf(hub: string): readonly EventHandler[]
  /** A token for a handler that wants one. */
  issueToken: ((audience: string) => Promise<string>) | undefined
}): Upstream {
  const { clock, ids, log, accessKeys, handlersOf, issueToken } = deps
  const poster = createPoster(clock)
  const validation = createValidation({ clock, log, poster })
  const notified = new WeakMap<EventSource, Promise<unknown>>()
  let isClosed = false

  async function post(
    handler: EventHandler,
    source: EventSource,
    { kind, event, contentType, body, headers }: UpstreamEvent
  ): Promise<UpstreamAnswer> {
    const url = toUrl(handler, source.hub, event)
    const isConnect = kind === 'sys' && event === 'connect'
    const id = isConnect ? 0 : source.nextEventId++
    if (!(await validation.isAllowed(toValidationUrl(handler, source.hub), source.origin))) {
      throw new UpstreamFault(`${url.origin} does not allow events of ${source.origin}`, false)
    }
    const timeMs = clock.now()
    const cookie = source.cookies.header(url, timeMs)
    const described = { kind, event, id, timeMs, requestId: ids.uuid() }
    const answer = await poster.ask(
      {
        method: 'POST',
        url,
        headers: {
          ...(contentType === undefined ? {} : { 'Content-Type': contentType }),
          ...toHeaders(source, described, accessKeys),
          ...headers,
          ...(await authorize(handler)),
          ...(cookie === undefined ? {} : { Cookie: cookie })
        },
        body
      },
      HANDLER_TIMEOUT
    )
    if (isSuccess(answer)) {
      source.cookies.set(url, answer.lines['set-cookie'] ?? [], clock.now())
      const state = answer.lines['ce-connectionstate']?.at(-1)
      if (state !== undefined) source.connectionState = state
    }
    return answer
  }

  async function authorize({ auth }: EventHandler): Promise<{ Authorization?: string }> {
    const resource = auth?.type === 'ManagedIdentity' ? auth.managedIdentity?.resource : undefined
    if (resource === undefined) return {}
    if (!issueToken) throw new UpstreamFault('there is no authority that issues tokens', false)
    return { Authorization: `Bearer ${await issueToken(resource)}` }
  }

  async function send(source: EventSource, event: UpstreamEvent): Promise<Outcome> {
    const handler = findHandler(handlersOf(source.hub), event.kind, event.event)
    if (!handler) return { unhandled: true }
    // On the way down everybody leaves; no handler is called any more.
    if (isClosed) return { fault: 'the suite is closing' }
    const what = `azure-web-pubsub ${source.connectionId} upstream ${event.event}`
    try {
      const answer = await post(handler, source, event)
      log.info(`${what} ${answer.status}`)
      return { answer }
    } catch (error) {
      if (!(error instanceof UpstreamFault)) {
        log.error(error, `${what} failed`)
        return { fault: 'see the stack above' }
      }
      log.warn(`${what} failed: ${error.message}`)
      return { fault: error.message }
    }
  }

  return {
    send,
    notify(source, event, body) {
      const told = { kind: 'sys' as const, event, contentType: JSON_UTF8, body: toJson(body) }
      const earlier = notified.get(source) ?? Promise.resolve()
      notified.set(
        source,
        earlier.then(() => send(source, told))
      )
    },
    reset: () => validation.clear(),
    close() {
      isClosed = true
      poster.close()
    }
  }
}

export const isSuccess = ({ status }: UpstreamAnswer) => status >= 200 && status <= 299

const toJson = (body: object) => Buffer.from(JSON.stringify(body))

const CONTENT_TYPES = {
  text: 'text/plain',
  json: 'application/json',
  binary: 'application/octet-stream',
  protobuf: 'application/x-protobuf'
} as const

/** A client's message as the event that its handler is sent. */
export function toUserEvent(
  event: string,
  { dataType, data, metadata }: EventPayload
): UpstreamEvent {
  return {
    kind: 'user',
    event,
    contentType: CONTENT_TYPES[dataType],
    body: data,
    headers: toMetadataHeaders(metadata)
  }
}

/**
 * What the handler answered, as a message to the client; undefined: nothing.
 * @throws UpstreamFault when the answer is none that a client can be sent
 */
export function toReply({ headers, lines, body }: UpstreamAnswer): EventPayload | undefined {
  const metadata = fromMetadataHeaders(lines)
  if (body.length === 0) return metadata ? { dataType: 'text', data: body, metadata } : undefined
  const contentType = headers['content-type']?.split(';')[0]!.trim().toLowerCase()
  const found = Object.entries(CONTENT_TYPES).find(([, type]) => type === contentType)
  if (contentType !== undefined && !found) {
    throw new UpstreamFault(`the answer's Content-Type ${contentType} is none of ours`, false)
  }
  const dataType = (found?.[0] ?? 'binary') as EventPayload['dataType']
  if (dataType === 'json') checkJson(body)
  return { dataType, data: body, ...(metadata ? { metadata } : {}) }
}

/** It stands in the client's message as it is. */
function checkJson(body: Buffer): void {
  try {
    JSON.parse(body.toString('utf8'))
  } catch (cause) {
    throw new UpstreamFault('the answer says that it is JSON, and is not', false, { cause })
  }
}
