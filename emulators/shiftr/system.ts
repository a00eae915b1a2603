import type { Caller } from './connections.ts'
import { errors } from './errors.ts'
import type { Realm } from './realm.ts'

/** What we are; shiftr.io's own value is not known. */
const VERSION = 'fogbank'
const PAGE = 1000

/** The object that `$info` answers. Its fields are not documented. */
export async function describeInstance(realm: Realm, nowMs: number): Promise<object> {
  const { instance, feed, callers, last, startedMs } = realm
  const sessions = instance.space.sessions().filter(feed.isMember)
  const subscriptions = sessions.reduce((sum, session) => sum + session.subscriptions.size, 0)
  return {
    instance: instance.name,
    domain: `${instance.name}.localhost`,
    version: VERSION,
    connections: sessions.length + callers.size,
    subscriptions,
    topics: last.size,
    retained: await countRetained(realm),
    uptime: Math.floor((nowMs - startedMs) / 1000)
  }
}

async function countRetained({ instance }: Realm): Promise<number> {
  let count = 0
  let after: string | undefined
  do {
    const page = await instance.space.retained.list({
      filter: '#',
      limit: PAGE,
      ...(after === undefined ? {} : { after })
    })
    count += page.messages.length
    after = page.next
  } while (after !== undefined)
  return count
}

/** MQTT 5 "Administrative action". */
const ADMINISTRATIVE_ACTION = 0x98

/**
 * Does what was published to `$action`: `close` ends a connection of the same instance.
 * @throws ProviderError
 */
export function triggerAction(realm: Realm, payload: Buffer, from: Pick<Caller, 'id'>): void {
  const { type, target_id: target } = parseAction(payload)
  if (type !== 'close') throw errors.ActionTypeUnknown({}, { detail: `type=${type}` })
  if (target === undefined) throw errors.ActionMalformed({}, { detail: 'no target_id' })
  const { instance, feed, callers } = realm
  const session = instance.space
    .sessions('shiftr')
    .find((one) => feed.isMember(one) && feed.idOf(one) === target)
  if (!session && !callers.has(target)) {
    throw errors.ActionTargetUnknown({}, { detail: `target_id=${target}` })
  }
  feed.emit({
    type: 'triggered',
    action: { type, target_id: target, connection_id: from.id }
  })
  if (session) session.disconnect(ADMINISTRATIVE_ACTION, 'ActionClose')
  else callers.close(target)
}

function parseAction(payload: Buffer): { type: string; target_id?: string } {
  let action: unknown
  try {
    action = JSON.parse(payload.toString('utf8'))
  } catch {
    // Not JSON: the same answer as JSON that is no action.
    action = undefined
  }
  if (typeof action !== 'object' || action === null) throw errors.ActionMalformed()
  const { type, target_id } = action as Record<string, unknown>
  if (typeof type !== 'string') throw errors.ActionMalformed({}, { detail: 'no type' })
  return typeof target_id === 'string' ? { type, target_id } : { type }
}
