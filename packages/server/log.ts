import pino from 'pino'
import type { Log } from '@fogbank/personality'

export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** A log and the way to be sure that its last line is out. */
export interface ServerLog extends Log {
  flush(): void
}

/** JSON lines for machines, the bare sentence for a person at a terminal; on standard output or, for 2, error. */
export function createLog(level: LogLevel, descriptor: 1 | 2 = 1): ServerLog {
  const stream = descriptor === 1 ? process.stdout : process.stderr
  const destination = pino.destination({ dest: descriptor, sync: false })
  const person = { write: (line: string) => void destination.write(toSentence(line)) }
  const log = pino(
    { level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime },
    stream.isTTY ? person : destination
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
