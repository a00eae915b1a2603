/** Why the core could not do what it was asked; codes are stable, messages may improve. */
export type CoreErrorCode =
  | 'closed'
  | 'store-failed'
  | 'store-timeout'
  | 'store-locked'
  | 'topic-invalid'
  | 'sink-taken'
  | 'sink-unknown'

/** A failure of the core itself. Provider limits are never checked here, so never reported here. */
export class CoreError extends Error {
  readonly code: CoreErrorCode
  constructor(code: CoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CoreError'
    this.code = code
  }
}
