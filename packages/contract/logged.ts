import { within } from './within.ts'

/**
 * Waits until so many lines of a log that grows fit, and answers the last of them.
 * @throws Error when there are fewer by then
 */
export function logged(
  lines: readonly string[],
  pattern: RegExp,
  ms: number,
  count = 1
): Promise<string> {
  let isAwaited = true
  const found = async () => {
    while (isAwaited) {
      const fitting = lines.filter((line) => pattern.test(line))
      if (fitting.length >= count) return fitting[count - 1]!
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    throw new Error('nobody waits for it any more')
  }
  return within(ms, found(), `line ${count} of the log with ${pattern}`).finally(() => {
    isAwaited = false
  })
}
