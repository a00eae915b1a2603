import type { Call } from '@fogbank/personality'
import { compileFilter, type Filter } from './filter/index.ts'
import type { Hub, HubConnection, Selection } from './hub.ts'
import { valuesOf } from './query.ts'
import type { State } from './state.ts'

/** Who is left out and who is picked, by `excluded` and `filter`. @throws ProviderError FilterInvalid */
export function selectionOf({ rawQuery }: Call<State>, hub: Hub): Selection {
  const selection: Selection = {}
  if (rawQuery === '') return selection
  const excluded = valuesOf(rawQuery, 'excluded')
  if (excluded.length > 0) selection.excluded = new Set(excluded)
  const filter = valuesOf(rawQuery, 'filter').at(-1)
  if (filter?.trim()) {
    const accepts = compileFilter(filter)
    selection.accepts = (connection) => accepts(toFilterable(hub, connection))
  }
  return selection
}

/** The connections that a filter picks; all, without one. */
export function pick(hub: Hub, filter: Filter | undefined): HubConnection[] {
  const all = [...hub.connections()]
  return filter ? all.filter((connection) => filter(toFilterable(hub, connection))) : all
}

const toFilterable = (hub: Hub, connection: HubConnection) => ({
  connectionId: connection.connectionId,
  userId: connection.userId,
  protocol: connection.protocol,
  groups: hub.groupsOf(connection)
})
