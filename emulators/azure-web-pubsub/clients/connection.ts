import type { Clock } from '@fogbank/core'
import { ProviderError, type ClientSocket, type Log } from '@fogbank/personality'
import type { HubConnection } from '../hub.ts'
import type { HubMessage } from '../message.ts'
import type { Permissions } from '../permissions.ts'
import { createInbox, type Handle } from './inbox.ts'
import { clientLimits, RECOVERY_MS } from './limits.ts'
import { createOutbox } from './outbox.ts'
import type { Frame } from './requests.ts'

const NORMAL_CLOSURE = 1000
const GOING_AWAY = 1001

/** How one kind of client is written to, and what it is told at its end. */
export interface Writer {
  message(message: HubMessage, sequenceId?: bigint): Frame
  /** undefined: this kind is told nothing. */
  disconnected(message: string): Frame | undefined
}

export interface IncomingMessage {
  payload: Buffer
  isBinary: boolean
}

/** One WebSocket client of a hub; a reliable one outlives its socket for a while. */
export interface ClientConnection extends HubConnection {
  readonly isReliable: boolean
  /** Takes the first socket, or another one after the first was lost; false: it is too late. */
  attach(socket: ClientSocket): boolean
  /** Begins to deal with what the client sends; what came until now was kept. */
  start(handle: Handle<IncomingMessage>): void
  /** Something that is no message of a hub: acks, pongs and the like. */
  write(frame: Frame): void
  confirm(sequenceId: bigint): void
  /** Ends it as the row says. */
  refuse(error: ProviderError): void
  /** Ends it because the service goes away; nobody is told why. */
  drop(): void
}

export function createClientConnection(options: {
  connectionId: string
  userId: string | null
  protocol: string
  permissions: Permissions
  isReliable: boolean
  writer: Writer
  clock: Clock
  log: Log
  /** Called once, when it is over for good. */
  ended(reason: string): void
}): ClientConnection {
  const { connectionId, userId, protocol, permissions, isReliable, writer, clock, log } = options
  const outbox = isReliable ? createOutbox() : undefined
  let socket: ClientSocket | undefined
  let isOver = false
  let cancelExpiry = () => {}
  const inbox = createInbox<IncomingMessage>((isBusy) =>
    isBusy ? socket?.pause() : socket?.resume()
  )

  function end(reason: string): boolean {
    if (isOver) return false
    isOver = true
    cancelExpiry()
    inbox.close()
    options.ended(reason)
    return true
  }

  function write(frame: Frame): void {
    if (!socket) return
    try {
      clientLimits.outboundBytes.check(socket.bufferedBytes)
    } catch (error) {
      return refuse(error as ProviderError)
    }
    socket.send(frame)
  }

  function refuse(error: ProviderError): void {
    const { key, row, detail, text } = error
    const line = `azure-web-pubsub ${connectionId} closed ${row.close} ${key}`
    if (!end(text ?? '')) return
    log.info(detail ? `${line} ${detail}` : line)
    socket?.close(row.close ?? GOING_AWAY, text ?? '')
  }

  function lost(from: ClientSocket, code: number, reason: string): void {
    if (from !== socket) return // another one has taken its place
    socket = undefined
    if (!isReliable || code === NORMAL_CLOSURE) return void end(reason)
    cancelExpiry = clock.after(RECOVERY_MS, () => end(reason))
  }

  return {
    connectionId,
    userId,
    protocol,
    permissions,
    isReliable,
    brokered: false,
    send(message) {
      if (isOver) return
      if (!outbox) return write(writer.message(message))
      try {
        write(outbox.add((sequenceId) => writer.message(message, sequenceId)))
      } catch (error) {
        if (!(error instanceof ProviderError)) throw error
        refuse(error)
      }
    },
    close(reason) {
      const message = 'Application server closed the connection.'
      const text = reason ? `${message} Reason: ${reason}` : message
      if (!end(text)) return
      const frame = writer.disconnected(text)
      if (frame !== undefined) socket?.send(frame)
      socket?.close(NORMAL_CLOSURE, '')
    },
    attach(next) {
      if (isOver) return false
      const earlier = socket
      socket = next
      cancelExpiry()
      earlier?.terminate()
      next.listen({
        message(payload, isBinary) {
          if (socket === next) inbox.put({ payload, isBinary })
        },
        closed: (code, reason) => lost(next, code, reason)
      })
      for (const frame of outbox?.unconfirmed() ?? []) next.send(frame)
      return true
    },
    start: inbox.start,
    write,
    confirm: (sequenceId) => outbox?.confirm(sequenceId),
    refuse,
    drop() {
      end('')
      socket?.close(GOING_AWAY, '')
    }
  }
}
