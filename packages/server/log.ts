import pino from 'pino'
import type { Log } from '@fogbank/personality'

export const LOG_LEVELS = ['silent', 'error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** A log and the way to be sure that its last line is out. */
export interface ServerLog extends Log {
  flush(): void
}

/** So long a line may wait for others: a write for each would be a tenth of what a request costs. */
const GATHER_MS = 10
const GATHER_LENGTH = 16_384

/** JSON lines for machines, the bare sentence for a person at a terminal; on standard output or, for 2, error. */
export function createLog(level: LogLevel, descriptor: 1 | 2 = 1): ServerLog {
  const stream = descriptor === 1 ? process.stdout : process.stderr
  const destination = pino.destination({ dest: descriptor, sync: false })
  let gathered = ''
  let waiting: NodeJS.Timeout | undefined
  function pour(): void {
    clearTimeout(waiting)
    waiting = undefined
    if (gathered !== '') destination.write(gathered)
    gathered = ''
  }
  function write(line: string): void {
    gathered += stream.isTTY ? toSentence(line) : line
    if (gathered.length >= GATHER_LENGTH) pour()
    else waiting ??= setTimeout(pour, GATHER_MS)
  }
  const log = pino({ level, base: undefined, timestamp: createTimestamp() }, { write })
  return {
    info: (message) => log.info(message),
    warn(message) {
      log.warn(message)
      pour()
    },
    error(error, message) {
      log.error(error, message)
      pour()
    },
    flush() {
      pour()
      destination.flushSync()
    }
  }
}

/** The time as pino wants it, written once a millisecond: many lines share one. */
function createTimestamp(): () => string {
  let writtenMs = NaN
  let text = ''
  return () => {
    const nowMs = Date.now()
    if (nowMs !== writtenMs) {
      writtenMs = nowMs
      text = `,"time":"${new Date(nowMs).toISOString()}"`
    }
    return text
  }
}

function toSentence(line: string): string {
  const { msg, err } = JSON.parse(line) as { msg: string; err?: { stack?: string } }
  return err?.stack ? `${msg}\n${err.stack}\n` : `${msg}\n`
}
