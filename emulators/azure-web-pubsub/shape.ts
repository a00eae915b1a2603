import type { Call } from '@fogbank/personality'
import { errors } from './errors.ts'
import { checkGroupName, toHubName } from './names.ts'
import { valuesOf } from './query.ts'
import type { State } from './state.ts'

/** The versions that were ever published; what an older one lacks is answered all the same. */
export const API_VERSIONS = ['2021-10-01', '2022-11-01', '2023-07-01', '2024-01-01', '2024-12-01']

/**
 * Checks what can be said of a request by its URL alone: the service does it before it asks who calls.
 *
 * Afterwards `params.hub` is folded to lower case.
 * @throws ProviderError
 */
export function checkShape(call: Call<State, unknown>): void {
  checkApiVersion(valuesOf(call.rawQuery, 'api-version'))
  const { params } = call
  if (params.hub !== undefined) params.hub = toHubName(params.hub)
  if (call.state.settings.strictPathDecoding) keepEncodedSlashes(call)
  if (params.group !== undefined) checkGroupName(params.group)
  if (params.userId?.trim() === '') throw errors.UserIdInvalid()
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
