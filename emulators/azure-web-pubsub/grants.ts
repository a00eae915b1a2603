import type { RecordChange, Records } from '@fogbank/core'
import type { Action } from './permissions.ts'

/** What REST decided about one group, where the roles say something else. */
export interface Grant {
  action: Action
  group: string
  allowed: boolean
}

/** What REST granted and revoked of MQTT sessions: it lasts as long as they do, over a restart too. */
export interface Grants {
  /** In no particular order. */
  of(hub: string, sessionId: string): Iterable<Grant>
  /** Resolves when it is kept. */
  keep(hub: string, sessionId: string, grant: Grant): Promise<void>
  /** The roles say the same again. */
  drop(hub: string, sessionId: string, grant: Grant): Promise<void>
  /** The session is over. */
  forget(hub: string, sessionId: string): Promise<void>
  /** Forgets all sessions of a hub but these: those that ended while nobody was there to see it. */
  retain(hub: string, sessionIds: ReadonlySet<string>): Promise<void>
  /** The core has emptied the records. */
  clear(): void
}

const ALLOWED = Buffer.from('+')
const DENIED = Buffer.from('-')

export async function openGrants(records: Records): Promise<Grants> {
  /** By hub, then by session, then by key. */
  const hubs = new Map<string, Map<string, Map<string, Grant>>>()

  function remember(hub: string, sessionId: string, key: string, grant: Grant): void {
    let sessions = hubs.get(hub)
    if (!sessions) hubs.set(hub, (sessions = new Map<string, Map<string, Grant>>()))
    const own = sessions.get(sessionId)
    if (own) own.set(key, grant)
    else sessions.set(sessionId, new Map([[key, grant]]))
  }

  async function forget(hub: string, sessionId: string): Promise<void> {
    const keys = [...(hubs.get(hub)?.get(sessionId)?.keys() ?? [])]
    hubs.get(hub)?.delete(sessionId)
    if (keys.length > 0) await records.commit(keys.map((key): RecordChange => ({ del: key })))
  }

  for await (const [key, value] of records.range()) {
    // The group comes last, as it may have slashes.
    const [hub = '', sessionId = '', action = '', ...group] = key.split('/')
    const allowed = value.equals(ALLOWED)
    remember(hub, sessionId, key, { action: action as Action, group: group.join('/'), allowed })
  }

  return {
    of: (hub, sessionId) => hubs.get(hub)?.get(sessionId)?.values() ?? [],
    async keep(hub, sessionId, grant) {
      const key = toKey(hub, sessionId, grant)
      remember(hub, sessionId, key, grant)
      await records.commit([{ put: key, value: grant.allowed ? ALLOWED : DENIED }])
    },
    async drop(hub, sessionId, grant) {
      const key = toKey(hub, sessionId, grant)
      if (!hubs.get(hub)?.get(sessionId)?.delete(key)) return
      await records.commit([{ del: key }])
    },
    forget,
    async retain(hub, sessionIds) {
      const known = [...(hubs.get(hub)?.keys() ?? [])]
      const over = known.filter((sessionId) => !sessionIds.has(sessionId))
      await Promise.all(over.map((sessionId) => forget(hub, sessionId)))
    },
    clear: () => hubs.clear()
  }
}

const toKey = (hub: string, sessionId: string, { action, group }: Grant) =>
  [hub, sessionId, action, group].join('/')
