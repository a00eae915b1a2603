/** A mistake of the caller's that one sentence explains; the command line ends with this exit code for it. */
export class UsageError extends Error {
  readonly exitCode: number

  constructor(message: string, options: ErrorOptions & { exitCode?: number } = {}) {
    super(message, options)
    this.name = 'UsageError'
    this.exitCode = options.exitCode ?? 2
  }
}
