/** What one space and one client of it may take up; a policy may set its own. */
export interface Bounds {
  /** Connections of a space at once; one more is refused with 0x97 (MQTT 3.1.1: 3). */
  readonly connections: number
  /**
   * Messages kept for a session or a shared group; later ones are dropped, with a log line for the first. The
   * connection of a client that lets twice as many wait is ended with 0x97.
   */
  readonly queuedMessages: number
  /** The same in bytes as stored. */
  readonly queuedBytes: number
  /** QoS 1 and 2 publishes on the way to a client that set no receive maximum. */
  readonly inFlight: number
  /** QoS 1 and 2 publishes that wait in memory behind those; one more ends the connection with 0x97. */
  readonly waitingMessages: number
  readonly waitingBytes: number
  /** Bytes written but not taken by the client; QoS 0 above it is dropped. */
  readonly unsentBytes: number
  /** Subscriptions of one session; one more is answered 0x97 (MQTT 3.1.1: 0x80). */
  readonly subscriptions: number
}

/** Generous for a laptop, and an end to every queue. */
export const DEFAULT_BOUNDS: Bounds = {
  connections: 50_000,
  queuedMessages: 100_000,
  queuedBytes: 256 * 1024 * 1024,
  inFlight: 1_000,
  waitingMessages: 10_000,
  waitingBytes: 16 * 1024 * 1024,
  unsentBytes: 8 * 1024 * 1024,
  subscriptions: 10_000
}
