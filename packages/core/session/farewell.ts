import type { Duplex } from 'node:stream'

/** How long a peer gets to read our last packet and to hang up. */
const FAREWELL_MS = 1_000

/**
 * Ends a stream in such a way that the peer reads what was written last.
 *
 * A socket that is destroyed while bytes of its peer are unread is reset, and a reset takes with it what
 * the peer has not read yet: the very CONNACK or DISCONNECT that says why. So our half ends first, what
 * still comes is dropped, and the stream goes when the peer hangs up, or after a second.
 */
export function endGently(stream: Duplex): void {
  if (stream.destroyed) return
  stream.once('end', () => stream.destroy())
  stream.resume()
  stream.end()
  const limit = setTimeout(() => stream.destroy(), FAREWELL_MS).unref()
  stream.once('close', () => clearTimeout(limit))
}
