import type { ClientSession, Clock, Space } from '@fogbank/core'
import { PERSONALITY } from './name.ts'

/** A client that was let in has its session within this, or its connection is gone. */
const RESERVED_MS = 10_000

/** Which sessions there are of each authentication name, without looking at all of them. */
export interface SessionIndex {
  /**
   * Whose session a client id is, that of a client which is still being let in included; undefined:
   * nobody's. Owners are names in lower case, as they are kept with the sessions.
   */
  ownerOf(clientId: string): string | undefined
  /** Sessions of a name, their clients connected or away, besides the one of this client id. */
  count(owner: string, besides: string): number
  /** Whether the namespace has as many sessions, besides the one of this client id. */
  isFull(maximum: number, besides: string): boolean
  /** Counts the session of a client that is being let in, so that nobody else takes its place meanwhile. */
  reserve(owner: string, clientId: string): void
  close(): void
}

export function indexSessions(space: Space, clock: Clock): SessionIndex {
  const clientIds = new Map<string, Set<string>>()
  const reserved = new Map<string, { owner: string; cancel(): void }>()
  let size = 0

  function add(owner: string, clientId: string): void {
    const own = clientIds.get(owner)
    if (own?.has(clientId)) return
    size++
    if (own) own.add(clientId)
    else clientIds.set(owner, new Set([clientId]))
  }

  function remove(owner: string, clientId: string): void {
    const own = clientIds.get(owner)
    if (!own?.delete(clientId)) return
    size--
    if (own.size === 0) clientIds.delete(owner)
  }

  const ownerOf = (clientId: string) =>
    reserved.get(clientId)?.owner ?? space.clients.get(PERSONALITY, clientId)?.owner

  /** Unless somebody has taken it up again meanwhile. */
  function forget(owner: string, clientId: string): void {
    if (ownerOf(clientId) !== owner) remove(owner, clientId)
  }

  /** Whoever ended a session by force told nobody. */
  function removeEnded(owner: string, own: ReadonlySet<string>): void {
    for (const clientId of [...own]) forget(owner, clientId)
  }

  function release(clientId: string): void {
    reserved.get(clientId)?.cancel()
    reserved.delete(clientId)
  }

  for (const { owner, clientId } of space.clients.list(PERSONALITY)) {
    if (owner !== undefined) add(owner, clientId)
  }
  const gone = ({ owner = '', clientId }: ClientSession) => forget(owner, clientId)
  const stop = space.listen({
    session({ type, session: { policy, clientId } }) {
      if (policy.personality !== PERSONALITY) return
      if (type === 'connected') release(clientId)
      const owner = ownerOf(clientId)
      if (owner === undefined) return
      if (type === 'connected') add(owner, clientId)
      // It may end with its connection, right after this.
      if (type === 'disconnected') {
        queueMicrotask(() => forget(owner, clientId))
      }
    },
    expired: gone,
    overflowed: gone
  })
  return {
    ownerOf,
    count(owner, besides) {
      const own = clientIds.get(owner)
      if (!own) return 0
      removeEnded(owner, own)
      return own.size - (own.has(besides) ? 1 : 0)
    },
    isFull(maximum, besides) {
      if (size < maximum) return false
      for (const [owner, own] of [...clientIds]) removeEnded(owner, own)
      return size - (ownerOf(besides) === undefined ? 0 : 1) >= maximum
    },
    reserve(owner, clientId) {
      release(clientId)
      const cancel = clock.after(RESERVED_MS, () => {
        reserved.delete(clientId)
        forget(owner, clientId)
      })
      reserved.set(clientId, { owner, cancel })
      add(owner, clientId)
    },
    close() {
      stop()
      for (const { cancel } of reserved.values()) cancel()
    }
  }
}
