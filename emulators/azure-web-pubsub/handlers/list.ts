import type { Call, Reply } from '@fogbank/personality'
import { toContinuationToken, toPosition } from '../continuation.ts'
import { limits } from '../limits.ts'
import { readInteger, valuesOf } from '../query.ts'
import { API_VERSIONS } from '../shape.ts'
import type { State } from '../state.ts'

/** Members of a group by connection id, page by page: what comes and goes in between shifts nothing. */
export async function listConnectionsInGroup(call: Call<State>): Promise<Reply> {
  const { state, params, rawQuery } = call
  const hub = await state.hubs.get(params.hub!)
  const group = params.group!
  const pageSize =
    readInteger(rawQuery, 'maxpagesize', { limit: limits.pageConnections, from: 1 }) ??
    limits.pageConnections.value
  const top = readInteger(rawQuery, 'top', { limit: limits.listedConnections, from: 1 })
  const after = toPosition(state.accessKeys[0]!, hub.name, group, rawQuery)
  const rest = [...hub.ofGroup(group)]
    .filter(({ connectionId }) => after === undefined || connectionId > after)
    .sort((one, other) => (one.connectionId < other.connectionId ? -1 : 1))
  const page = rest.slice(0, Math.min(pageSize, top ?? pageSize))
  const left = top === undefined ? undefined : top - page.length
  const isLast = page.length === rest.length || left === 0
  const nextLink = isLast
    ? null
    : toNextLink(call, {
        'api-version': valuesOf(rawQuery, 'api-version')[0] ?? API_VERSIONS.at(-1)!,
        maxpagesize: String(pageSize),
        ...(left === undefined ? {} : { top: String(left) }),
        continuationToken: toContinuationToken(
          state.accessKeys[0]!,
          hub.name,
          group,
          page.at(-1)!.connectionId
        )
      })
  const value = page.map(({ connectionId, userId }) => ({ connectionId, userId }))
  return {
    status: 200,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ value, nextLink })
  }
}

function toNextLink({ request, path, header }: Call<State>, query: Record<string, string>): string {
  const scheme = request.peer.transport === 'tls' ? 'https' : 'http'
  return `${scheme}://${header('host') ?? ''}${path}?${new URLSearchParams(query)}`
}
