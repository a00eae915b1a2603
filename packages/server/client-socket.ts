import { WebSocket } from 'ws'
import type { ClientSocket } from '@fogbank/personality'

/** A closing frame has 125 bytes, of which the code takes two [RFC 6455 5.5]. */
const REASON_BYTES = 123
/** How long a client gets to answer a closing frame. */
const FAREWELL_MS = 5_000

/** What a personality sees of a WebSocket of the ws library. */
export function toClientSocket(webSocket: WebSocket): ClientSocket {
  const isOpen = () => webSocket.readyState === WebSocket.OPEN
  // It closes itself on whatever breaks the protocol, and says so by 'close'.
  webSocket.on('error', () => {})
  return {
    send(frame) {
      if (isOpen()) webSocket.send(frame)
    },
    get bufferedBytes() {
      return webSocket.bufferedAmount
    },
    close(code, reason) {
      if (!isOpen()) return
      webSocket.close(code, cut(reason))
      // Or the answer to the closing frame would never be read.
      webSocket.resume()
      const farewell = setTimeout(() => webSocket.terminate(), FAREWELL_MS)
      farewell.unref()
      webSocket.once('close', () => clearTimeout(farewell))
    },
    terminate: () => webSocket.terminate(),
    pause() {
      if (isOpen()) webSocket.pause()
    },
    resume: () => webSocket.resume(),
    listen(listener) {
      webSocket.on('message', (payload: Buffer, isBinary: boolean) => {
        if (isOpen()) listener.message(payload, isBinary)
      })
      webSocket.once('close', (code, reason) => listener.closed(code, reason.toString()))
    }
  }
}

/** No character is cut in two. */
function cut(reason: string): string {
  let bytes = 0
  let text = ''
  for (const character of reason) {
    bytes += Buffer.byteLength(character)
    if (bytes > REASON_BYTES) break
    text += character
  }
  return text
}
