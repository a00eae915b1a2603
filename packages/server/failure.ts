/** A mistake of the caller's that one sentence explains; the command line ends with exit code 2 for it. */
export class UsageError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'UsageError'
  }
}
