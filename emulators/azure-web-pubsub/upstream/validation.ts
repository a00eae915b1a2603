import type { Clock } from '@fogbank/core'
import type { Log } from '@fogbank/personality'
import type { Poster, UpstreamAnswer } from './post.ts'

/** Milliseconds. */
const SHORTEST_INTERVAL = 1_000
const LONGEST_INTERVAL = 60_000
const TIMEOUT = 10_000

/** URLs that are remembered; the oldest makes room. */
const MAXIMUM_RECORDS = 1_000

interface Record {
  /** undefined: never heard of yet. */
  allowed: boolean | undefined
  intervalMs: number
  nextAtMs: number
  asking: Promise<boolean> | undefined
}

/** CloudEvents' abuse protection: nobody is sent events who has not said that he wants them. */
export interface Validation {
  /** Whether the handler behind this validation URL wants events of ours. Never rejects. */
  isAllowed(url: URL, origin: string): Promise<boolean>
  clear(): void
}

/** @see https://learn.microsoft.com/azure/azure-web-pubsub/reference-cloud-events#webhook-validation */
export function createValidation(deps: { clock: Clock; log: Log; poster: Poster }): Validation {
  const { clock, log, poster } = deps
  const records = new Map<string, Record>()

  async function refresh(record: Record, url: URL, origin: string): Promise<boolean> {
    let allowed = false
    try {
      let answer = await question('OPTIONS', url, origin)
      if (answer.status === 404) answer = await question('GET', url, origin)
      allowed = allows(answer, origin)
      if (!allowed) {
        const said =
          answer.lines['webhook-allowed-origin']?.join(', ') ?? 'no WebHook-Allowed-Origin'
        log.warn(
          `azure-web-pubsub validation of ${url} failed: ${answer.status} with ${said}; expected 200 with * or ${origin}`
        )
      }
    } catch (error) {
      log.warn(`azure-web-pubsub validation of ${url} failed: ${(error as Error).message}`)
    }
    const wasAllowed = record.allowed ?? true
    if (allowed) record.intervalMs = LONGEST_INTERVAL
    else if (wasAllowed) record.intervalMs = SHORTEST_INTERVAL
    else record.intervalMs = Math.min(record.intervalMs * 2, LONGEST_INTERVAL)
    record.allowed = allowed
    record.nextAtMs = clock.now() + record.intervalMs
    record.asking = undefined
    return allowed
  }

  function question(method: 'OPTIONS' | 'GET', url: URL, origin: string): Promise<UpstreamAnswer> {
    const headers = { 'WebHook-Request-Origin': origin, 'ce-awpsversion': '1.0' }
    return poster.ask({ method, url, headers }, TIMEOUT)
  }

  return {
    async isAllowed(url, origin) {
      const key = `${origin} ${url}`
      const record = records.get(key) ?? {
        allowed: undefined,
        intervalMs: SHORTEST_INTERVAL,
        nextAtMs: 0,
        asking: undefined
      }
      if (!records.has(key)) {
        if (records.size >= MAXIMUM_RECORDS) records.delete(records.keys().next().value!)
        records.set(key, record)
      }
      if (!record.asking && clock.now() >= record.nextAtMs) {
        record.asking = refresh(record, url, origin)
      }
      // Only the first validation is waited for; later ones count from when they are known.
      return record.allowed ?? record.asking!
    },
    clear: () => records.clear()
  }
}

function allows({ status, lines }: UpstreamAnswer, origin: string): boolean {
  if (status < 200 || status > 299) return false
  const origins = lines['webhook-allowed-origin'] ?? []
  return origins.some((line) => line === '*' || isOrigin(line, origin))
}

/** With its port too: that is how the JavaScript SDK names an endpoint. */
const isOrigin = (line: string, origin: string) =>
  line.toLowerCase().replace(/:\d+$/, '') === origin.toLowerCase()
