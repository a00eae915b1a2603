import pino from 'pino'
import type { Log } from '@fogbank/personality'

export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** A log and the way to be sure that its last line is out. */
export interface ServerLog extends Log {
  flush(): void
}

/** JSON lines for machines, the bare sentence for a person at a terminal. */
export function createLog(level: LogLevel): ServerLog {
  const destination = pino.destination({ dest: 1, sync: false })
  const person = { write: (line: string) => void destination.write(toSentence(line)) }
  const log = pino(
    { level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime },
    process.stdout.isTTY ? person : destination
  )
  return {
    info: (message) => log.info(message),
    warn: (message) => log.warn(message),
    error: (error, message) => log.error(error, message),
    flush: () => destination.flushSync()
  }
}

function toSentence(line: string): string {
  const { msg, err } = JSON.parse(line) as { msg: string; err?: { stack?: string } }
  return err?.stack ? `${msg}\n${err.stack}\n` : `${msg}\n`
}
