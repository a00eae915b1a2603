/**
 * The promise, or a failure when it takes longer than `ms`: no wait of a test is for ever.
 *
 * What is waited for goes on by itself; only the waiting ends.
 * @throws Error naming `what` and the time
 */
export function within<T>(ms: number, promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come within ${ms} ms`)), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
