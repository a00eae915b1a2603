import type { ClientSession, Space } from '@fogbank/core'
import { PERSONALITY } from './name.ts'

/** Which sessions there are of each authentication name, without looking at all of them. */
export interface SessionIndex {
  /** Sessions of a name, their clients connected or away, besides the one of this client id. */
  count(owner: string, besides: string): number
  close(): void
}

/** Owners are names in lower case, as they are kept with the sessions. */
export function indexSessions(space: Space): SessionIndex {
  const clientIds = new Map<string, Set<string>>()

  function add(owner: string, clientId: string): void {
    const own = clientIds.get(owner)
    if (own) own.add(clientId)
    else clientIds.set(owner, new Set([clientId]))
  }

  function remove(owner: string, clientId: string): void {
    const own = clientIds.get(owner)
    if (own?.delete(clientId) && own.size === 0) clientIds.delete(owner)
  }

  const ownerOf = (clientId: string) => space.clients.get(PERSONALITY, clientId)?.owner

  for (const { owner, clientId } of space.clients.list(PERSONALITY)) {
    if (owner !== undefined) add(owner, clientId)
  }
  const gone = ({ owner = '', clientId }: ClientSession) => remove(owner, clientId)
  const close = space.listen({
    session({ type, session: { policy, clientId } }) {
      if (policy.personality !== PERSONALITY) return
      const owner = ownerOf(clientId)
      if (owner === undefined) return
      if (type === 'connected') add(owner, clientId)
      // It may end with its connection, right after this.
      if (type === 'disconnected') {
        queueMicrotask(() => ownerOf(clientId) !== owner && remove(owner, clientId))
      }
    },
    expired: gone,
    overflowed: gone
  })
  return {
    count(owner, besides) {
      const own = clientIds.get(owner)
      if (!own) return 0
      let count = 0
      for (const clientId of [...own]) {
        // Whoever ended a session by force told nobody.
        if (ownerOf(clientId) !== owner) remove(owner, clientId)
        else if (clientId !== besides) count++
      }
      return count
    },
    close
  }
}
