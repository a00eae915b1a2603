import type { HubMessage } from '../message.ts'
import { createCookies, type Cookies } from './cookies.ts'

/** A connection as its events tell of it. */
export interface EventSource {
  /** Folded. */
  hub: string
  connectionId: string
  /** null: anonymous. */
  userId: string | null
  /** Absent: none, or not chosen yet. */
  subprotocol?: string
  /** The service's name, as the client called it: without a port. */
  origin: string
  mqtt?: {
    /** Differs for every socket of a session. */
    physicalConnectionId: string
    /** Absent in `connect`. */
    sessionId?: string
  }
  /** As the last blocking answer said; an empty one counts. */
  connectionState?: string
  cookies: Cookies
  /** 0 is for `connect`, whether there was one or not. */
  nextEventId: number
}

export function createEventSource(
  about: Pick<EventSource, 'hub' | 'connectionId' | 'userId' | 'subprotocol' | 'origin' | 'mqtt'>
): EventSource {
  return { ...about, cookies: createCookies(), nextEventId: 1 }
}

/** A Host header without its port. */
export const toOrigin = (host: string | undefined) => host?.replace(/:\d+$/, '') ?? 'localhost'

/** What an event carries. */
export type EventPayload = Pick<HubMessage, 'dataType' | 'data' | 'metadata'>
