import type { Clock } from '../clock.ts'

/** Calls `timeout` when nothing came for one and a half times the keep-alive [MQTT-3.1.2-22]. */
export class KeepAlive {
  readonly #clock: Clock
  readonly #limitMs: number
  readonly #timeout: () => void
  #heardMs: number
  #cancel: (() => void) | undefined

  constructor(clock: Clock, seconds: number, timeout: () => void) {
    this.#clock = clock
    this.#limitMs = seconds * 1500
    this.#timeout = timeout
    this.#heardMs = clock.now()
    this.#wait(this.#limitMs)
  }

  /** A packet came. */
  heard(): void {
    this.#heardMs = this.#clock.now()
  }

  end(): void {
    this.#cancel?.()
  }

  // One timer that is set anew when it fires costs less than one that is moved with every packet.
  #wait(delayMs: number): void {
    this.#cancel = this.#clock.after(delayMs, () => {
      const idleMs = this.#clock.now() - this.#heardMs
      if (idleMs >= this.#limitMs) this.#timeout()
      else this.#wait(this.#limitMs - idleMs)
    })
  }
}
