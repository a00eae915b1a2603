import { ProviderError, type Log } from '@fogbank/personality'
import type { Hub } from '../hub.ts'
import type { Action } from '../permissions.ts'
import { createAckIds } from './ack-ids.ts'
import type { ClientConnection, IncomingMessage } from './connection.ts'
import { clientErrors } from './errors.ts'
import type { RaiseEvent } from './events.ts'
import type { Handle } from './inbox.ts'
import { clientLimits } from './limits.ts'
import type { ClientRequest, Codec } from './requests.ts'

type GroupRequest = Extract<ClientRequest, { group: string }>

const VERBS: Record<GroupRequest['type'], { action: Action; verb: string }> = {
  joinGroup: { action: 'joinLeaveGroup', verb: 'join' },
  leaveGroup: { action: 'joinLeaveGroup', verb: 'leave' },
  sendToGroup: { action: 'sendToGroup', verb: 'send to' }
}

/** What a client of a subprotocol may ask for, and what it is answered. */
export function handlePubSub(options: {
  connection: ClientConnection
  hub: Hub
  codec: Codec
  raise: RaiseEvent
  log: Log
}): Handle<IncomingMessage> {
  const { connection, hub, codec, raise, log } = options
  const { connectionId, userId } = connection
  const done = createAckIds()
  const invocations = new Map<string, { isCancelled: boolean }>()

  /** Returns nothing when it is done at once. */
  function handle({ payload, isBinary }: IncomingMessage): Promise<void> | void {
    let request: ClientRequest
    try {
      clientLimits.clientMessageBytes.check(payload.length)
      request = codec.parse(payload, isBinary)
    } catch (error) {
      return connection.refuse(toRow(error))
    }
    switch (request.type) {
      case 'ping':
        return connection.write(codec.pong())
      case 'sequenceAck':
        return connection.confirm(request.sequenceId)
      case 'invoke':
        void invoke(request)
        return
      case 'cancelInvocation': {
        const invocation = invocations.get(request.invocationId)
        if (invocation) invocation.isCancelled = true
        return
      }
      default:
        return acknowledge(request)
    }
  }

  async function acknowledge(
    request: GroupRequest | Extract<ClientRequest, { type: 'event' }>
  ): Promise<void> {
    const { type, ackId } = request
    try {
      if (ackId !== undefined && done.has(ackId)) {
        throw clientErrors.AckIdDuplicate({ ackId: String(ackId) })
      }
      await (type === 'event' ? sendEvent(request) : changeOrSend(request))
      if (ackId === undefined) return
      done.add(ackId)
      connection.write(codec.ack(ackId))
    } catch (error) {
      const { key, row, detail, text } = toRow(error)
      const line = `azure-web-pubsub ${connectionId} ${type} ${row.code} ${key}`
      log.info(detail ? `${line} ${detail}` : line)
      if (ackId === undefined) return
      connection.write(codec.ack(ackId, { name: row.code, message: text ?? '' }))
    }
  }

  async function changeOrSend(request: GroupRequest): Promise<void> {
    const { type, group } = request
    const { action, verb } = VERBS[type]
    if (!connection.permissions.allows(action, group)) {
      throw clientErrors.GroupForbidden({ action: verb, group })
    }
    if (request.type !== 'sendToGroup') {
      await (type === 'joinGroup' ? hub.join(connection, group) : hub.leave(connection, group))
      return
    }
    const { payload, noEcho, ttlSeconds } = request
    const ttl = ttlSeconds > 0 ? { ttlSeconds } : {}
    const message = { from: 'group' as const, group, fromUserId: userId, ...payload, ...ttl }
    await hub.sendToGroup(message, noEcho ? { excluded: new Set([connectionId]) } : {})
  }

  async function sendEvent({ event, payload }: Extract<ClientRequest, { type: 'event' }>) {
    const reply = await raise(event, payload)
    // Before the ack, as the service has it.
    if (reply) await connection.send({ from: 'server', fromUserId: null, ...reply })
  }

  /** Beside what else the client asks, so that it can be cancelled. Never rejects. */
  async function invoke({
    invocationId,
    event,
    payload
  }: Extract<ClientRequest, { type: 'invoke' }>): Promise<void> {
    const invocation = { isCancelled: false }
    try {
      clientLimits.pendingInvocations.check(invocations.size + 1)
      if (invocations.has(invocationId)) {
        throw clientErrors.InvocationFailed({}, { detail: `invocationId=${invocationId} pending` })
      }
      invocations.set(invocationId, invocation)
      const reply = await raise(event, payload ?? { dataType: 'text', data: Buffer.alloc(0) })
      if (invocation.isCancelled) return
      connection.write(codec.invokeResponse(invocationId, reply ? { payload: reply } : {}))
    } catch (error) {
      const { key, detail } = toRow(error)
      const { row, text } = clientErrors.InvocationFailed()
      const line = `azure-web-pubsub ${connectionId} invoke ${row.code} InvocationFailed`
      log.info(`${line} ${detail ?? key}`)
      if (invocation.isCancelled) return
      const said = { name: row.code, message: text ?? '' }
      connection.write(codec.invokeResponse(invocationId, { error: said }))
    } finally {
      if (invocations.get(invocationId) === invocation) invocations.delete(invocationId)
    }
  }

  /** Whatever went wrong, as a row; what is none is a fault of ours. */
  function toRow(error: unknown): ProviderError {
    if (error instanceof ProviderError) return error
    log.error(error, `azure-web-pubsub ${connectionId} could not be served`)
    return clientErrors.EventFailed({}, { detail: 'see the stack above' })
  }

  return handle
}
