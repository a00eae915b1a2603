import type { Origin } from '@fogbank/core'
import { PERSONALITY } from '../name.ts'
import type { Caller, Namespace } from '../namespace.ts'

/** Clients that left are known this long, so that their wills are routed under their names. */
const DEPARTED_MAXIMUM = 1_000

/** Publishes over HTTP are routed before they are answered, so they are not routed again. */
const routedAlready = new WeakSet<Origin>()

/** Says that the publish with this origin has been routed. */
export function markRouted(origin: Origin): Origin {
  routedAlready.add(origin)
  return origin
}

/**
 * Routes what MQTT clients of a namespace publish, their wills too: the routed copy is stored before the
 * client is acknowledged. The returned function ends it.
 */
export function routePublishes({ space, router }: Namespace): () => void {
  const departed = new Map<string, Caller>()
  return space.listen({
    session({ type, session }) {
      if (type !== 'disconnected' || session.policy.personality !== PERSONALITY) return
      departed.delete(session.clientId)
      departed.set(session.clientId, session.identity as Caller)
      if (departed.size > DEPARTED_MAXIMUM) departed.delete(departed.keys().next().value!)
    },
    hears: (_topic, { personality }) => personality === PERSONALITY,
    keep({ message, origin }) {
      if (origin?.personality !== PERSONALITY || routedAlready.has(origin)) return undefined
      const caller =
        (space.session(PERSONALITY, origin.clientId)?.identity as Caller | undefined) ??
        departed.get(origin.clientId)
      const principal = caller?.principal ?? {
        kind: 'client' as const,
        authenticationName: origin.clientId
      }
      return router.routeLater(message, principal)
    }
  })
}
