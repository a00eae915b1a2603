import type { Call, Reply } from '@fogbank/personality'
import type { Principal } from '../auth.ts'
import { errors } from '../errors.ts'
import { json, jsonText, type State } from '../handlers.ts'
import { limits } from '../limits.ts'
import { checkShadowId, checkThingName } from './name.ts'
import type { ShadowId } from './store.ts'

type AwsCall = Call<State, Principal>

const PAGE_TOKEN = 'shadow:'

function toShadowId({ params, query }: AwsCall): ShadowId {
  const { name } = query
  const id = { thing: params.thingName ?? '', ...(name === undefined ? {} : { name }) }
  checkShadowId(id)
  return id
}

export async function getThingShadow(call: AwsCall): Promise<Reply> {
  return jsonText(await call.state.shadows.get(toShadowId(call)))
}

export async function updateThingShadow(call: AwsCall): Promise<Reply> {
  const { shadows, shadowTopics } = call.state
  const id = toShadowId(call)
  const updated = await shadows.update(id, call.body)
  await shadowTopics.announce(id, updated)
  return jsonText(updated.accepted)
}

export async function deleteThingShadow(call: AwsCall): Promise<Reply> {
  const { shadows, shadowTopics } = call.state
  const id = toShadowId(call)
  const deleted = await shadows.delete(id)
  await shadowTopics.announceDeletion(id, deleted)
  return jsonText(deleted)
}

export async function listNamedShadowsForThing(call: AwsCall): Promise<Reply> {
  const { pageSize, nextToken } = call.query
  const thing = call.params.thingName ?? ''
  checkThingName(thing)
  const size = pageSize === undefined ? limits.pageSize.value : Number(pageSize)
  if (size < 1) throw limits.pageSize.exceeded(size)
  limits.pageSize.check(size)
  const after = nextToken === undefined ? undefined : fromPageToken(nextToken)
  const { names, hasMore } = await call.state.shadows.list(thing, after, size)
  return json({
    results: names,
    ...(hasMore ? { nextToken: toPageToken(names.at(-1)!) } : {}),
    timestamp: Math.floor(call.state.clock.now() / 1000)
  })
}

function toPageToken(name: string): string {
  return Buffer.from(PAGE_TOKEN + name).toString('base64url')
}

function fromPageToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString()
  const name = text.startsWith(PAGE_TOKEN) ? text.slice(PAGE_TOKEN.length) : ''
  if (name === '' || toPageToken(name) !== token) throw errors.NextTokenInvalid()
  return name
}
