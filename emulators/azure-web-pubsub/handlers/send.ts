import type { Call, Reply } from '@fogbank/personality'
import { readMessage } from '../body.ts'
import type { Hub } from '../hub.ts'
import type { HubMessage } from '../message.ts'
import { readMetadata } from '../metadata.ts'
import { readTtl } from '../query.ts'
import { selectionOf } from '../selection.ts'
import type { State } from '../state.ts'

const ACCEPTED: Reply = { status: 202 }

/** What the four sends have in common; `from` is `server` for all but the group's. */
async function readServerMessage(call: Call<State>): Promise<HubMessage> {
  const ttlSeconds = readTtl(call)
  const metadata = readMetadata(call)
  const { dataType, data } = await readMessage(call)
  const message: HubMessage = { from: 'server', fromUserId: null, dataType, data }
  if (metadata) message.metadata = metadata
  if (ttlSeconds) message.ttlSeconds = ttlSeconds
  return message
}

const hubOf = ({ state, params }: Call<State>): Promise<Hub> => state.hubs.get(params.hub!)

export async function sendToAll(call: Call<State>): Promise<Reply> {
  const hub = await hubOf(call)
  const selection = selectionOf(call, hub)
  const message = await readServerMessage(call)
  await hub.sendTo(hub.connections(), message, selection)
  return ACCEPTED
}

export async function sendToGroup(call: Call<State>): Promise<Reply> {
  const hub = await hubOf(call)
  const group = call.params.group!
  const selection = selectionOf(call, hub)
  const message = await readServerMessage(call)
  await hub.sendToGroup({ ...message, from: 'group', group }, selection)
  return ACCEPTED
}

export async function sendToUser(call: Call<State>): Promise<Reply> {
  const hub = await hubOf(call)
  const { accepts } = selectionOf(call, hub)
  const message = await readServerMessage(call)
  await hub.sendTo(hub.ofUser(call.params.userId!), message, accepts ? { accepts } : {})
  return ACCEPTED
}

export async function sendToConnection(call: Call<State>): Promise<Reply> {
  const hub = await hubOf(call)
  const message = await readServerMessage(call)
  const connection = hub.get(call.params.connectionId!)
  if (connection) await connection.send(message)
  return ACCEPTED
}
