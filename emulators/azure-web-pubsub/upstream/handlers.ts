import { SettingsError, type JsonSchema } from '@fogbank/personality'

export const SYSTEM_EVENTS = ['connect', 'connected', 'disconnected'] as const
export type SystemEvent = (typeof SYSTEM_EVENTS)[number]

/** One event handler of a hub, in the words of its ARM resource. */
export interface EventHandler {
  /** `{hub}` and `{event}` are replaced, wherever they stand behind the host. */
  urlTemplate: string
  /** `*`, one event's name, or several separated by commas; case does not count. @default none */
  userEventPattern?: string
  /** @default none */
  systemEvents?: SystemEvent[]
  /** ManagedIdentity: a token of Entra whose audience is the resource. @default None */
  auth?: { type: 'None' | 'ManagedIdentity'; managedIdentity?: { resource: string } }
}

export const eventHandlersSchema: JsonSchema = {
  type: 'array',
  maxItems: 100,
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['urlTemplate'],
    properties: {
      urlTemplate: { type: 'string', minLength: 1 },
      userEventPattern: { type: 'string' },
      systemEvents: { type: 'array', items: { type: 'string', enum: [...SYSTEM_EVENTS] } },
      auth: {
        type: 'object',
        additionalProperties: false,
        required: ['type'],
        properties: {
          type: { type: 'string', enum: ['None', 'ManagedIdentity'] },
          managedIdentity: {
            type: 'object',
            additionalProperties: false,
            required: ['resource'],
            properties: { resource: { type: 'string', minLength: 1 } }
          }
        }
      }
    }
  }
}

/** What a hub's validation request has in the place of an event. */
const VALIDATION = 'validate'
const PARAMETER = /\{(hub|event)\}/gi

/** The handler's URL for one event of a hub. */
export function toUrl({ urlTemplate }: EventHandler, hub: string, event: string): URL {
  const values: Record<string, string> = { hub, event }
  return new URL(
    urlTemplate.replace(PARAMETER, (_, name: string) =>
      encodeURIComponent(values[name.toLowerCase()]!)
    )
  )
}

/** Where a handler is asked whether it wants any events at all. */
export const toValidationUrl = (handler: EventHandler, hub: string) =>
  toUrl(handler, hub, VALIDATION)

/** The first handler that wants the event; a hub's handlers are in order. */
export function findHandler(
  handlers: readonly EventHandler[],
  kind: 'sys' | 'user',
  event: string
): EventHandler | undefined {
  const wanted = event.toLowerCase()
  return handlers.find(({ systemEvents = [], userEventPattern = '' }) =>
    kind === 'sys'
      ? systemEvents.some((name) => name === wanted)
      : userEventPattern
          .split(',')
          .map((name) => name.trim().toLowerCase())
          .some((name) => name === '*' || name === wanted)
  )
}

/** @param key where the handlers stand in the settings @throws SettingsError */
export function checkHandlers(key: string, handlers: readonly EventHandler[]): void {
  for (const [index, handler] of handlers.entries()) {
    const { urlTemplate, auth } = handler
    if (auth?.type === 'ManagedIdentity' && !auth.managedIdentity) {
      throw new SettingsError(
        `${key}[${index}].auth is of type ManagedIdentity without managedIdentity.resource; say who the token is for`
      )
    }
    const at = `${key}[${index}].urlTemplate is "${urlTemplate}", but`
    if (/^tunnel:/i.test(urlTemplate)) {
      throw new SettingsError(
        `${at} tunnels belong to awps-tunnel and the service; give the http:// URL of the handler`
      )
    }
    if (/@Microsoft\.KeyVault/i.test(urlTemplate)) {
      throw new SettingsError(`${at} there is no Key Vault here; write the URL out`)
    }
    if (!/^https?:\/\/[^/?#{}]+([/?#]|$)/i.test(urlTemplate) || !isUrl(handler)) {
      throw new SettingsError(
        `${at} it is no http:// or https:// URL with {hub} and {event} behind the host only`
      )
    }
  }
}

function isUrl(handler: EventHandler): boolean {
  try {
    toValidationUrl(handler, 'hub')
    return true
  } catch {
    return false // the URL parser says no more than that
  }
}
