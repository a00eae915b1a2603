import { within } from '../within.ts'
import type { DeviceMessage } from './device.ts'

/** What a device was sent, and a way to wait for more of it. */
export interface Inbox {
  readonly messages: DeviceMessage[]
  /** Hands a message in. */
  take(message: DeviceMessage): void
  /** Resolves when `test` holds; it is asked again at each message. */
  until(test: () => boolean, ms: number, what: string): Promise<void>
  clear(): void
}

export function createInbox(): Inbox {
  const messages: DeviceMessage[] = []
  let wake = () => {}

  async function holds(test: () => boolean): Promise<void> {
    while (!test()) await new Promise<void>((resolve) => (wake = resolve))
  }

  return {
    messages,
    take(message) {
      messages.push(message)
      wake()
    },
    async until(test, ms, what) {
      await within(ms, holds(test), what).catch((error: Error) => {
        throw new Error(`${error.message}; ${messages.length} messages are here`)
      })
    },
    clear: () => void messages.splice(0)
  }
}
