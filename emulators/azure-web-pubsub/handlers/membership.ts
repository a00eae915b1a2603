import type { Call, Reply } from '@fogbank/personality'
import { readJson } from '../body.ts'
import { errors } from '../errors.ts'
import { compileFilter } from '../filter/index.ts'
import type { Hub } from '../hub.ts'
import { isGroupName } from '../names.ts'
import { pick } from '../selection.ts'
import type { State } from '../state.ts'

const OK: Reply = { status: 200 }
const NO_CONTENT: Reply = { status: 204 }

const hubOf = ({ state, params }: Call<State>): Promise<Hub> => state.hubs.get(params.hub!)

export async function addConnectionToGroup(call: Call<State>): Promise<Reply> {
  const hub = await hubOf(call)
  const connectionId = call.params.connectionId!
  const connection = hub.get(connectionId)
  if (!connection) throw errors.ConnectionNotFound({ connectionId })
  await hub.join(connection, call.params.group!)
  return OK
}

export async function removeConnectionFromGroup(call: Call<State>): Promise<Reply> {
  const hub = await hubOf(call)
  const connection = hub.get(call.params.connectionId!)
  if (connection) await hub.leave(connection, call.params.group!)
  return NO_CONTENT
}

export async function removeConnectionFromAllGroups(call: Call<State>): Promise<Reply> {
  const hub = await hubOf(call)
  const connection = hub.get(call.params.connectionId!)
  if (connection) await hub.leaveAll(connection)
  return NO_CONTENT
}

export async function addUserToGroup(call: Call<State>): Promise<Reply> {
  const hub = await hubOf(call)
  const userId = call.params.userId!
  const connections = [...hub.ofUser(userId)]
  if (connections.length === 0) throw errors.UserNotFound({ userId })
  await each(connections, (connection) => hub.join(connection, call.params.group!))
  return OK
}

export async function removeUserFromGroup(call: Call<State>): Promise<Reply> {
  const hub = await hubOf(call)
  await each(hub.ofUser(call.params.userId!), (one) => hub.leave(one, call.params.group!))
  return NO_CONTENT
}

export async function removeUserFromAllGroups(call: Call<State>): Promise<Reply> {
  const hub = await hubOf(call)
  await each(hub.ofUser(call.params.userId!), (connection) => hub.leaveAll(connection))
  return NO_CONTENT
}

export async function addConnectionsToGroups(call: Call<State>): Promise<Reply> {
  const { hub, connections, groups } = await readChange(call)
  await each(connections, (connection) => each(groups, (group) => hub.join(connection, group)))
  return OK
}

export async function removeConnectionsFromGroups(call: Call<State>): Promise<Reply> {
  const { hub, connections, groups } = await readChange(call)
  await each(connections, (connection) => each(groups, (group) => hub.leave(connection, group)))
  return OK
}

/** The connections are picked before anything changes: a filter on groups sees what was. */
async function readChange(call: Call<State>) {
  const hub = await hubOf(call)
  const { groups, filter } = await readJson(call)
  if (!Array.isArray(groups) || groups.length === 0 || !groups.every(isGroupName)) {
    throw errors.GroupsInvalid()
  }
  if (filter !== undefined && filter !== null && typeof filter !== 'string') {
    throw errors.BodyNotJson({}, { detail: 'the filter is no string' })
  }
  const connections = pick(hub, filter?.trim() ? compileFilter(filter) : undefined)
  return { hub, connections, groups: groups as string[] }
}

async function each<T>(all: Iterable<T>, change: (one: T) => Promise<unknown>): Promise<void> {
  await Promise.all([...all].map(change))
}
