import { once } from 'node:events'
import { WebSocket } from 'ws'
import { within } from './within.ts'

const ANSWER_MS = 20_000

/** A WebSocket client that keeps what it is sent until somebody asks. */
export interface TestSocket {
  /** The subprotocol that was answered; empty: none. */
  readonly subprotocol: string
  /** Text or, when it is a Buffer, a binary message. */
  send(message: string | Buffer): void
  /** The next message that nobody took yet. */
  next(): Promise<{ data: Buffer; isBinary: boolean }>
  /** How the connection was ended. */
  closed(): Promise<{ code: number; reason: string }>
  /** Leaves with a closing frame, or by dropping the connection. */
  end(abruptly?: boolean): void
}

/** @param url `ws://host:port/path?query` @throws Error when the upgrade is refused */
export async function connectWebSocket(
  url: string,
  options: { subprotocols: string[]; headers: Record<string, string> }
): Promise<TestSocket> {
  const socket = new WebSocket(url, options.subprotocols, { headers: options.headers })
  const messages: { data: Buffer; isBinary: boolean }[] = []
  let ended: { code: number; reason: string } | undefined
  let wake = () => {}
  socket.on('message', (data: Buffer, isBinary) => {
    messages.push({ data, isBinary })
    wake()
  })
  socket.on('close', (code, reason) => {
    ended = { code, reason: reason.toString() }
    wake()
  })
  const opened = once(socket, 'open')
  socket.on('error', () => {}) // told by whoever waits
  await within(ANSWER_MS, opened, 'the upgrade')

  async function until<T>(found: () => T | undefined, what: string): Promise<T> {
    for (;;) {
      const value = found()
      if (value !== undefined) return value
      if (ended) throw new Error(`${what} did not come: closed with ${ended.code} ${ended.reason}`)
      await new Promise<void>((resolve) => (wake = resolve))
    }
  }

  return {
    subprotocol: socket.protocol,
    send: (message) => socket.send(message),
    next: () =>
      within(
        ANSWER_MS,
        until(() => messages.shift(), 'a message'),
        'a message'
      ),
    closed: () =>
      within(
        ANSWER_MS,
        until(() => ended, 'the end'),
        'the end'
      ),
    end(abruptly = false) {
      if (abruptly) socket.terminate()
      else socket.close(1000)
    }
  }
}
