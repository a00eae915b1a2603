import type { Clock, Peer, Space } from '@fogbank/core'
import type { Principal } from '../auth.ts'
import type { Certificates } from '../certificates.ts'
import { toDisconnectReason, type DisconnectReason } from '../lifecycle.ts'

/** What is still told of a client that is gone. */
export interface Departure {
  clientId: string
  /** Only of one whose certificate has it exclusively. */
  thingName: string | undefined
  cleanSession: boolean
  keepAliveSeconds: number
  sessionExpirySeconds: number
  disconnectedAtMs: number
  reason: DisconnectReason
  peer: Peer
}

/** The last departure of each client, for as long as the service remembers one. */
export interface History {
  find(clientId: string): Departure | undefined
  forget(): void
  close(): void
}

/** @see https://docs.aws.amazon.com/iot/latest/apireference/API_iotdata_GetConnection.html */
const REMEMBERED_MS = 30 * 60_000
/** Client ids are the clients' to invent. */
const DEPARTURES_KEPT = 100_000

export function createHistory(space: Space, clock: Clock, certificates: Certificates): History {
  const departures = new Map<string, Departure>()
  const isOver = ({ disconnectedAtMs }: Departure) =>
    clock.now() - disconnectedAtMs >= REMEMBERED_MS

  /** The map is in order of departure, so what is over stands in front. */
  function prune(): void {
    for (const [clientId, departure] of departures) {
      if (departures.size <= DEPARTURES_KEPT && !isOver(departure)) return
      departures.delete(clientId)
    }
  }

  const stop = space.listen({
    session(event) {
      const { session } = event
      if (event.type !== 'disconnected' || session.policy.personality !== 'aws-iot') return
      departures.delete(session.clientId)
      departures.set(session.clientId, {
        clientId: session.clientId,
        thingName: certificates.exclusiveThingOf(session.identity as Principal),
        cleanSession: session.sessionExpirySeconds === 0,
        keepAliveSeconds: session.keepAliveSeconds,
        sessionExpirySeconds: session.sessionExpirySeconds,
        disconnectedAtMs: clock.now(),
        reason: toDisconnectReason(event.cause),
        peer: session.peer
      })
      prune()
    }
  })

  return {
    find(clientId) {
      const departure = departures.get(clientId)
      return departure && !isOver(departure) ? departure : undefined
    },
    forget: () => departures.clear(),
    close: stop
  }
}
