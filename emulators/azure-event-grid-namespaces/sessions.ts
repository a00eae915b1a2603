import { ProviderError } from '@fogbank/personality'
import { errors } from './errors.ts'
import { checkSubscription } from './handlers.ts'
import { PERSONALITY } from './name.ts'
import type { Caller, Namespace } from './namespace.ts'

/**
 * Lets changed settings take effect on whoever is connected: a client that is gone or disabled, or
 * whose certificate would not do any more, or whose address is let in no more, is disconnected; one with new attributes has them; one that lost
 * a right it uses is disconnected.
 */
export function applyToSessions(namespace: Namespace): void {
  const { space, current, clock } = namespace
  for (const session of space.sessions(PERSONALITY)) {
    const caller = session.identity as Caller
    if (caller.namespace !== namespace) continue
    try {
      current.ipFilter(session.peer.address)
      if (caller.principal.kind === 'client') {
        const { certificate } = session.peer
        caller.principal = current.clients.refresh(caller.principal, certificate, clock.now())
      }
      for (const filter of session.subscriptions.keys()) checkSubscription(caller, filter)
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error
      const code = error.row.mqtt?.reasonCode ?? errors.ClientUnknown.row.mqtt.reasonCode
      session.disconnect(code, error.key)
    }
  }
}
