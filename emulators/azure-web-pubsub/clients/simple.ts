import { ProviderError, type Log } from '@fogbank/personality'
import type { Hub } from '../hub.ts'
import { isGroupName } from '../names.ts'
import { valuesOf } from '../query.ts'
import type { ClientConnection, IncomingMessage, Writer } from './connection.ts'
import { clientErrors } from './errors.ts'
import type { RaiseEvent } from './events.ts'
import type { Handle } from './inbox.ts'
import { clientLimits } from './limits.ts'
import type { Payload } from './requests.ts'

/** The event that a simple client's messages are. */
const EVENT = 'message'

/** What becomes of a simple client's messages: events, or messages to one group. */
export type SimpleMode = { group: string; noEcho: boolean } | undefined

/** @throws ProviderError RawModeInvalid, RawGroupInvalid, RawNoEchoInvalid */
export function readSimpleMode(rawQuery: string): SimpleMode {
  const last = (name: string) => valuesOf(rawQuery, name).at(-1) ?? ''
  const mode = last('webpubsub_mode')
  if (mode === '' || mode.toLowerCase() === 'sendevent') return undefined
  if (mode.toLowerCase() !== 'sendtogroup') {
    throw clientErrors.RawModeInvalid({}, { detail: `webpubsub_mode=${mode.slice(0, 80)}` })
  }
  const group = last('group')
  if (!isGroupName(group)) throw clientErrors.RawGroupInvalid()
  const noEcho = last('noEcho').toLowerCase() || 'false'
  if (noEcho !== 'true' && noEcho !== 'false') {
    throw clientErrors.RawNoEchoInvalid({}, { detail: `noEcho=${noEcho.slice(0, 80)}` })
  }
  return { group, noEcho: noEcho === 'true' }
}

/** A simple client gets what was sent and nothing about it. */
export const simpleWriter: Writer = {
  message: ({ dataType, data }) =>
    dataType === 'text' || dataType === 'json' ? data.toString('utf8') : data,
  disconnected: () => undefined
}

export function handleSimple(options: {
  connection: ClientConnection
  hub: Hub
  mode: SimpleMode
  raise: RaiseEvent
  log: Log
}): Handle<IncomingMessage> {
  const { connection, hub, mode, raise, log } = options
  const { connectionId, userId } = connection

  async function publish(payload: Payload, { group, noEcho }: NonNullable<SimpleMode>) {
    if (!connection.permissions.allows('sendToGroup', group)) {
      throw clientErrors.RawSendForbidden({}, { detail: `group=${group.slice(0, 200)}` })
    }
    const message = { from: 'group' as const, group, fromUserId: userId, ...payload }
    await hub.sendToGroup(message, noEcho ? { excluded: new Set([connectionId]) } : {})
  }

  async function sendEvent(payload: Payload): Promise<void> {
    try {
      const reply = await raise(EVENT, payload)
      if (reply) await connection.send({ from: 'server', fromUserId: null, ...reply })
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error
      throw clientErrors.RawEventFailed({}, error.detail ? { detail: error.detail } : {})
    }
  }

  return async ({ payload, isBinary }) => {
    try {
      clientLimits.clientMessageBytes.check(payload.length)
      const message: Payload = { dataType: isBinary ? 'binary' : 'text', data: payload }
      await (mode ? publish(message, mode) : sendEvent(message))
    } catch (error) {
      if (error instanceof ProviderError) return connection.refuse(error)
      log.error(error, `azure-web-pubsub ${connectionId} could not be served`)
      connection.refuse(clientErrors.RawEventFailed({}, { detail: 'see the stack above' }))
    }
  }
}
