import { within } from './within.ts'

/** What came, for those who take it one by one. */
export interface Queue<Item> {
  /** What nobody took yet, in order. */
  readonly waiting: Item[]
  put(item: Item): void
  /**
   * The next item; whoever asks first gets it.
   * @throws Error naming `what` when none comes in time
   */
  next(ms: number, what: string): Promise<Item>
}

export function createQueue<Item>(): Queue<Item> {
  const waiting: Item[] = []
  const takers = new Set<(item: Item) => void>()
  return {
    waiting,
    put(item) {
      const [first] = takers
      if (!first) return void waiting.push(item)
      takers.delete(first)
      first(item)
    },
    async next(ms, what) {
      if (waiting.length > 0) return waiting.shift()!
      let take = (_item: Item) => {}
      const taken = new Promise<Item>((resolve) => takers.add((take = resolve)))
      // Who gave up must not get what comes later.
      return within(ms, taken, what).finally(() => takers.delete(take))
    }
  }
}
