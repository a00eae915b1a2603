import type { Clock, Session, Space } from '@fogbank/core'
import type { Principal } from './auth.ts'
import { errors } from './errors.ts'
import { PERSONALITY } from './name.ts'
import type { Caller } from './namespace.ts'

/** Ends each connection when the token or the certificate it came with does. */
export interface Expiry {
  /** Looks after a session whose principal has another end than it had. */
  watch(session: Session): void
  stop(): void
}

export function endExpiredSessions(spaces: Iterable<Space>, clock: Clock): Expiry {
  const pending = new Map<string, () => void>()
  const forget = (connectionId: string) => {
    pending.get(connectionId)?.()
    pending.delete(connectionId)
  }
  function watch(session: Session): void {
    forget(session.connectionId)
    const { expiresAtMs = Infinity } = (session.identity as Caller).principal
    if (!Number.isFinite(expiresAtMs)) return
    const end = () => {
      const { row, key } = toRow((session.identity as Caller).principal)
      session.disconnect(row.mqtt.reasonCode, key)
    }
    pending.set(session.connectionId, clock.after(expiresAtMs - clock.now(), end))
  }
  const stops = [...spaces].map((space) =>
    space.listen({
      session({ type, session }) {
        if (session.policy.personality !== PERSONALITY) return
        if (type === 'disconnected') return forget(session.connectionId)
        if (type === 'connected') watch(session)
      }
    })
  )
  return {
    watch,
    stop() {
      for (const stop of stops) stop()
      for (const connectionId of [...pending.keys()]) forget(connectionId)
    }
  }
}

/** What has come to its end. */
function toRow(principal: Principal) {
  const isCertificate = principal.kind === 'client' && !principal.byToken
  return isCertificate ? errors.ClientCertificateExpired : errors.TokenExpired
}
