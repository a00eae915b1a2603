import type { Call } from '@fogbank/personality'
import { errors } from './errors.ts'
import { limits } from './limits.ts'
import { checkGroupName, toHubName } from './names.ts'
import type { Action } from './permissions.ts'
import { readInteger, valuesOf } from './query.ts'
import type { State } from './state.ts'

/** The versions that were ever published; what an older one lacks is answered all the same. */
export const API_VERSIONS = ['2021-10-01', '2022-11-01', '2023-07-01', '2024-01-01', '2024-12-01']

/**
 * Checks what can be said of a request by its URL alone: the service does it before it asks who calls.
 *
 * Afterwards `params.hub` is folded to lower case, `params.permission` is an Action, and `params.targetName`
 * is there with it.
 * @throws ProviderError
 */
export function checkShape(call: Call<State, unknown>): void {
  checkApiVersion(valuesOf(call.rawQuery, 'api-version'))
  const { params } = call
  if (params.hub !== undefined) params.hub = toHubName(params.hub)
  if (call.state.settings.strictPathDecoding) keepEncodedSlashes(call)
  if (params.group !== undefined) checkGroupName(params.group)
  if (params.userId?.trim() === '') throw errors.UserIdInvalid()
  if (params.permission !== undefined) {
    params.permission = toAction(params.permission)
    params.targetName = toTargetName(valuesOf(call.rawQuery, 'targetName').at(-1))
  }
  for (const [name, bounds] of INTEGERS) {
    if (call.operation?.raises.includes(bounds.limit.raises))
      readInteger(call.rawQuery, name, bounds)
  }
}

const INTEGERS = [
  ['messageTtlSeconds', { limit: limits.messageTtlSeconds, from: 0 }],
  ['maxpagesize', { limit: limits.pageConnections, from: 1 }],
  ['top', { limit: limits.listedConnections, from: 1 }],
  ['minutesToExpire', { limit: limits.minutesToExpire, from: 1 }]
] as const

/** By name in any case, or by the number that the name has in the service. */
const ACTIONS: Record<string, Action> = {
  sendtogroup: 'sendToGroup',
  joinleavegroup: 'joinLeaveGroup',
  1: 'sendToGroup',
  2: 'joinLeaveGroup'
}

function toAction(permission: string): Action {
  const name = permission.toLowerCase()
  if (Object.hasOwn(ACTIONS, name)) return ACTIONS[name]!
  throw errors.PermissionInvalid({}, { detail: `permission=${permission.slice(0, 200)}` })
}

function toTargetName(name: string | undefined): string {
  limits.targetNameCharacters.check(name?.length ?? 0)
  if (name === undefined || name.trim() === '') throw errors.TargetNameInvalid()
  return name
}

function checkApiVersion(values: readonly string[]): void {
  const [value] = values
  if (value === undefined) return
  if (values.length > 1 || !API_VERSIONS.includes(value)) {
    throw errors.ApiVersionInvalid({ value: values.join(',') })
  }
}

/** Decodes the path's parameters anew, but for `%2F`. */
function keepEncodedSlashes({ operation, path, params }: Call<State, unknown>): void {
  const segments = path.split('/')
  for (const [index, part] of (operation?.path ?? '').split('/').entries()) {
    const name = /^\{(\w+)\}$/.exec(part)?.[1]
    if (name === undefined || name === 'hub') continue
    params[name] = decodeURIComponent(
      segments[index]!.replace(/%2f/gi, (slash) => `%25${slash.slice(1)}`)
    )
  }
}
