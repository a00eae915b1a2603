/** Deals with one item; a promise when that takes a while. Never throws, never rejects. */
export type Handle<Item> = (item: Item) => Promise<void> | void

/** What came in, dealt with one after the other; the sender waits while we do. */
export interface Inbox<Item> {
  put(item: Item): void
  /** Begins; what came until now was kept. */
  start(handle: Handle<Item>): void
  /** Drops what was not begun. */
  close(): void
}

/** @param throttle told true when somebody should stop sending, and false when to go on */
export function createInbox<Item>(throttle: (isBusy: boolean) => void): Inbox<Item> {
  let waiting: Item[] = []
  let handle: Handle<Item> | undefined
  let isBusy = false

  async function work(): Promise<void> {
    if (isBusy || !handle) return
    isBusy = true
    let isThrottled = false
    while (waiting.length > 0) {
      const pending = handle(waiting.shift()!)
      if (!pending) continue
      // Most of what comes is done at once; only for the rest is it worth stopping anybody.
      if (!isThrottled) throttle((isThrottled = true))
      await pending
    }
    isBusy = false
    if (isThrottled) throttle(false)
  }

  return {
    put(item) {
      waiting.push(item)
      void work()
    },
    start(given) {
      handle = given
      void work()
    },
    close() {
      waiting = []
      handle = () => {}
    }
  }
}
