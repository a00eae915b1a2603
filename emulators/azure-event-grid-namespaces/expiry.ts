import type { Clock, Session, Space } from '@fogbank/core'
import type { Principal } from './auth.ts'
import { errors } from './errors.ts'
import { PERSONALITY } from './name.ts'
import type { Caller } from './namespace.ts'

/** Ends each connection when the token or the certificate it came with does; the returned function stops watching. */
export function endExpiredSessions(space: Space, clock: Clock): () => void {
  const pending = new Map<string, () => void>()
  const forget = (connectionId: string) => {
    pending.get(connectionId)?.()
    pending.delete(connectionId)
  }
  /** Looks again when the time has come: an AUTH may have brought a later token meanwhile. */
  const watch = (session: Session) => {
    const { principal } = session.identity as Caller
    const { expiresAtMs = Infinity } = principal
    if (!Number.isFinite(expiresAtMs)) return
    const look = () => {
      const renewed = (session.identity as Caller).principal.expiresAtMs ?? Infinity
      if (renewed > clock.now()) watch(session)
      else {
        const row = toRow((session.identity as Caller).principal)
        session.disconnect(row.row.mqtt.reasonCode, row.key)
      }
    }
    pending.set(session.connectionId, clock.after(expiresAtMs - clock.now(), look))
  }
  const stop = space.listen({
    session({ type, session }) {
      if (session.policy.personality !== PERSONALITY) return
      if (type === 'disconnected') return forget(session.connectionId)
      if (type === 'connected') watch(session)
    }
  })
  return () => {
    stop()
    for (const connectionId of [...pending.keys()]) forget(connectionId)
  }
}

/** What has come to its end. */
function toRow(principal: Principal) {
  const isCertificate = principal.kind === 'client' && !principal.byToken
  return isCertificate ? errors.ClientCertificateExpired : errors.TokenExpired
}
