/** How long a peer may keep us waiting, in milliseconds; tests shorten them. */
export interface Timeouts {
  /** From the connection to its first byte. */
  firstByteMs: number
  /** For a TLS handshake. */
  handshakeMs: number
  /** From the first byte of a request to the end of its headers. */
  headersMs: number
  /** For a whole request. */
  requestMs: number
  /** From the first byte to the end of an MQTT CONNECT. */
  connectMs: number
  /** How long a shutdown waits for requests in hand. */
  drainMs: number
}

export const DEFAULT_TIMEOUTS: Timeouts = {
  firstByteMs: 10_000,
  handshakeMs: 10_000,
  headersMs: 15_000,
  requestMs: 60_000,
  connectMs: 10_000,
  drainMs: 2_000
}
