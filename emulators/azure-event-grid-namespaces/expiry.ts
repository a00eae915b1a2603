import type { Clock, Space } from '@fogbank/core'
import { errors } from './errors.ts'
import { PERSONALITY } from './name.ts'
import type { Caller } from './namespace.ts'

/** Ends each connection when the token it came with does; the returned function stops watching. */
export function endExpiredSessions(space: Space, clock: Clock): () => void {
  const pending = new Map<string, () => void>()
  const code = errors.TokenExpired.row.mqtt?.reasonCode ?? 0
  const forget = (connectionId: string) => {
    pending.get(connectionId)?.()
    pending.delete(connectionId)
  }
  const stop = space.listen({
    session({ type, session }) {
      if (session.policy.personality !== PERSONALITY) return
      if (type === 'disconnected') return forget(session.connectionId)
      const { principal } = session.identity as Caller
      if (type !== 'connected' || principal.kind !== 'entra') return
      if (!Number.isFinite(principal.expiresAtMs)) return
      const end = () => session.disconnect(code, errors.TokenExpired.key)
      pending.set(session.connectionId, clock.after(principal.expiresAtMs - clock.now(), end))
    }
  })
  return () => {
    stop()
    for (const connectionId of [...pending.keys()]) forget(connectionId)
  }
}
