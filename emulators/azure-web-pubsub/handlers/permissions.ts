import type { Call, Reply } from '@fogbank/personality'
import { errors } from '../errors.ts'
import type { HubConnection } from '../hub.ts'
import { limits } from '../limits.ts'
import type { Action } from '../permissions.ts'
import type { State } from '../state.ts'

const OK: Reply = { status: 200 }
const NO_CONTENT: Reply = { status: 204 }

export async function grantPermission(call: Call<State>): Promise<Reply> {
  const connection = await connectionOf(call)
  if (!connection) throw errors.PermissionNotFound({}, { detail: 'no such connection' })
  const { action, group } = permissionOf(call)
  if (!connection.permissions.grant(action, group)) throw conflict()
  await connection.permitted?.(action, group)
  return OK
}

export async function revokePermission(call: Call<State>): Promise<Reply> {
  const connection = await connectionOf(call)
  if (!connection) return NO_CONTENT
  const { action, group } = permissionOf(call)
  if (!connection.permissions.revoke(action, group)) throw conflict()
  await connection.permitted?.(action, group)
  return NO_CONTENT
}

export async function checkPermission(call: Call<State>): Promise<Reply> {
  const connection = await connectionOf(call)
  const { action, group } = permissionOf(call)
  if (connection?.permissions.allows(action, group)) return OK
  throw errors.PermissionNotFound()
}

async function connectionOf({ state, params }: Call<State>): Promise<HubConnection | undefined> {
  const hub = await state.hubs.get(params.hub!)
  return hub.get(params.connectionId!)
}

/** As checkShape left it. */
const permissionOf = ({ params }: Call<State>) => ({
  action: params.permission as Action,
  group: params.targetName!
})

const conflict = () => errors.PermissionsConflict({ limit: limits.literalPermissions.value })
