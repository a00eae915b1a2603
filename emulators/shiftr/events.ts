import {
  CoreError,
  type Origin,
  type Published,
  type Session,
  type SessionEvent,
  type Space
} from '@fogbank/core'
import type { Log } from '@fogbank/personality'
import type { MakeId } from './connections.ts'
import { errors } from './errors.ts'
import { EVENTS, eventsTopic, fromSpaceName, normalize } from './topics.ts'

/** The member of an event that carries its detail. */
type Detail =
  | { type: 'connected'; connection: { id: string; name: string; read_only: boolean } }
  | {
      type: 'subscribed'
      subscription: { topic: string; qos: number; root_slash: boolean; connection_id: string }
    }
  | {
      type: 'published'
      message: {
        topic: string
        payload: string
        qos: number
        retained: boolean
        connection_id: string
      }
    }
  | { type: 'unsubscribed'; unsubscription: { topic: string; connection_id: string } }
  | { type: 'disconnected'; disconnection: { id: string; name: string } }
  | { type: 'errored'; error: { code: string; topic: string; connection_id: string } }
  | { type: 'triggered'; action: { type: string; target_id: string; connection_id: string } }

/** What the session of one of our own clients carries. */
export interface Identity {
  instance: string
  readOnly: boolean
  /** The connection's id as shiftr.io shows it. */
  id: string
  /** `$events` is subscribed to: everything else falls silent. */
  watching: boolean
  /** One of its filters begins with a slash, so topics may have to as well. */
  rootSlash: boolean
}

/** Everything that happens in an instance, as `$events` tells it. */
export interface Feed {
  emit(detail: Detail): void
  published(published: Published): void
  session(event: SessionEvent): void
  /** The id under which a connection appears. */
  idOf(session: Session): string
  /** Whether a session takes part in this instance. */
  isMember(session: Session): boolean
}

export function createFeed(options: {
  instance: string
  space: Space
  makeId: MakeId
  log: Log
}): Feed {
  const { instance, space, makeId, log } = options
  const topic = eventsTopic(instance)
  const watchers = new Set<Session>()
  const foreignIds = new WeakMap<Session, string>()

  function emit(detail: Detail): void {
    if (watchers.size === 0) return
    const payload = Buffer.from(JSON.stringify({ id: makeId(), ...detail }))
    space.publish({ topic, payload, qos: 0, retain: false }).catch((error: unknown) => {
      // On the way down everybody leaves, and there is nobody left to be told.
      if (error instanceof CoreError && error.code === 'closed') return
      log.error(error, `shiftr could not tell ${instance} of ${detail.type}`)
    })
  }

  function published({ message, origin }: Published): void {
    if (watchers.size === 0) return
    const name = fromSpaceName(message.topic)
    if (name === undefined) return
    emit({
      type: 'published',
      message: {
        topic: name,
        payload: message.payload.toString('base64'),
        qos: message.qos,
        retained: message.retain,
        connection_id: connectionOf(origin)
      }
    })
  }

  /** Empty for what has no connection: a will, or another provider's HTTP caller. */
  function connectionOf(origin: Origin | undefined): string {
    if (!origin) return ''
    if ('connectionId' in origin) return String(origin.connectionId)
    const session = space.session(origin.personality, origin.clientId)
    return session ? idOf(session) : ''
  }

  function idOf(session: Session): string {
    const own = ownIdentity(session)
    if (own) return own.id
    let id = foreignIds.get(session)
    if (id === undefined) foreignIds.set(session, (id = makeId()))
    return id
  }

  function isMember(session: Session): boolean {
    const own = ownIdentity(session)
    return !own || own.instance === instance
  }

  function session(event: SessionEvent): void {
    if (!isMember(event.session)) return
    // Who leaves does not hear of it; who joins hears what follows.
    if (event.type !== 'subscribed') watch(event)
    if (watchers.size > 0) tell(event)
    if (event.type === 'subscribed') watch(event)
  }

  function watch(event: SessionEvent): void {
    const own = ownIdentity(event.session)
    if (!own) return
    if (event.type === 'disconnected') watchers.delete(event.session)
    if (event.type !== 'subscribed' && event.type !== 'unsubscribed') return
    const filters = [...event.session.subscriptions.keys()]
    own.rootSlash = filters.some((filter) => filter[0] === '/')
    own.watching = filters.some((filter) => normalize(filter) === EVENTS)
    if (own.watching) watchers.add(event.session)
    else watchers.delete(event.session)
  }

  function tell(event: SessionEvent): void {
    const id = idOf(event.session)
    const name = event.session.clientId
    const own = ownIdentity(event.session)
    // Another provider's system topics are its own affair.
    const shown = (filter: string) => own !== undefined || filter[0] !== '$'
    switch (event.type) {
      case 'connected':
        return emit({
          type: 'connected',
          connection: { id, name, read_only: own?.readOnly ?? false }
        })
      case 'disconnected':
        return emit({ type: 'disconnected', disconnection: { id, name } })
      case 'subscribed':
        for (const { filter, qos } of event.subscriptions) {
          if (!shown(filter)) continue
          const root_slash = filter[0] === '/'
          const topic = normalize(filter)
          emit({
            type: 'subscribed',
            subscription: { topic, qos, root_slash, connection_id: id }
          })
        }
        return
      case 'unsubscribed':
        for (const filter of event.filters) {
          if (!shown(filter)) continue
          const topic = normalize(filter)
          emit({ type: 'unsubscribed', unsubscription: { topic, connection_id: id } })
        }
        return
      case 'refused':
        if (!own) return
        return emit({
          type: 'errored',
          error: {
            code: codeOf(event.rule),
            topic: normalize(event.topic),
            connection_id: id
          }
        })
    }
  }

  return { emit, published, session, idOf, isMember }
}

function ownIdentity(session: Session): Identity | undefined {
  return session.policy.personality === 'shiftr' ? (session.identity as Identity) : undefined
}

/** The code word of a rule; what the standard forbids about topics has no row of ours. */
function codeOf(rule: string): string {
  const row = (errors as Record<string, { row: { code: string } }>)[rule]?.row
  return row?.code ?? errors.TopicEmpty.row.code
}
