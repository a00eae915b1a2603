import type { Clock } from '../clock.ts'

/** Watches over one client's keep-alive. */
export interface KeepAlive {
  /** A packet came. */
  heard(): void
  end(): void
}

const NONE: KeepAlive = { heard: () => {}, end: () => {} }

/** Calls `timeout` when nothing came for one and a half times the keep-alive [MQTT-3.1.2-22]; 0: never. */
export function watchKeepAlive(clock: Clock, seconds: number, timeout: () => void): KeepAlive {
  if (seconds === 0) return NONE
  const limitMs = seconds * 1500
  let heardMs = clock.now()
  let cancel = wait(limitMs)

  // One timer that is set anew when it fires costs less than one that is moved with every packet.
  function wait(delayMs: number): () => void {
    return clock.after(delayMs, () => {
      const idleMs = clock.now() - heardMs
      if (idleMs >= limitMs) timeout()
      else cancel = wait(limitMs - idleMs)
    })
  }

  return {
    heard() {
      heardMs = clock.now()
    },
    end: () => cancel()
  }
}
