import type { Call, Reply } from '@fogbank/personality'
import { errors } from '../errors.ts'
import type { Hub } from '../hub.ts'
import { valuesOf } from '../query.ts'
import { selectionOf } from '../selection.ts'
import type { State } from '../state.ts'

const OK: Reply = { status: 200 }
const NO_CONTENT: Reply = { status: 204 }

const hubOf = ({ state, params }: Call<State>): Promise<Hub> => state.hubs.get(params.hub!)
const reasonOf = ({ rawQuery }: Call<State>) => valuesOf(rawQuery, 'reason').at(-1) || undefined

export async function connectionExists(call: Call<State>): Promise<Reply> {
  if ((await hubOf(call)).get(call.params.connectionId!)) return OK
  throw errors.NoSuchConnection()
}

export async function groupExists(call: Call<State>): Promise<Reply> {
  if ((await hubOf(call)).ofGroup(call.params.group!).size > 0) return OK
  throw errors.NoSuchGroup()
}

export async function userExists(call: Call<State>): Promise<Reply> {
  if ((await hubOf(call)).ofUser(call.params.userId!).size > 0) return OK
  throw errors.NoSuchUser()
}

export async function closeConnection(call: Call<State>): Promise<Reply> {
  const connection = (await hubOf(call)).get(call.params.connectionId!)
  if (connection) await connection.close(reasonOf(call))
  return NO_CONTENT
}

export async function closeAllConnections(call: Call<State>): Promise<Reply> {
  const hub = await hubOf(call)
  return close(call, hub, hub.connections())
}

export async function closeGroupConnections(call: Call<State>): Promise<Reply> {
  const hub = await hubOf(call)
  return close(call, hub, hub.ofGroup(call.params.group!))
}

export async function closeUserConnections(call: Call<State>): Promise<Reply> {
  const hub = await hubOf(call)
  return close(call, hub, hub.ofUser(call.params.userId!))
}

async function close(
  call: Call<State>,
  hub: Hub,
  connections: ReturnType<Hub['connections']>
): Promise<Reply> {
  const { excluded } = selectionOf(call, hub)
  await hub.close(connections, reasonOf(call), excluded ? { excluded } : {})
  return NO_CONTENT
}
