import type { Clock, Records, SinkEvent, Sinks } from '@fogbank/core'
import type { Log } from '@fogbank/personality'

/** When an event that could not be delivered is tried again; the last one repeats. */
const RETRY_SECONDS = [10, 30, 60, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200]
/** Events that wait for a retry; later ones are dropped, and the log says so. */
const WAITING_MAXIMUM = 10_000
/** After a start, whose topics may not all be there yet. */
const RESUME_MS = 10_000

/** Takes events to a topic of the suite, and goes on trying where that may help. */
export interface Forwarder {
  /** Resolves when the event is stored there, dropped, or kept for its next try. Never rejects. */
  forward(sink: string, event: SinkEvent): Promise<void>
  close(): void
}

export interface ForwarderContext {
  sinks: Sinks
  clock: Clock
  log: Log
  /** What waits for its next try lives under `NAME/NUMBER`, over a restart too. */
  waiting: Records
}

interface Waiting {
  sink: string
  event: SinkEvent
  attempts: number
  dueMs: number
}

/** `name` is unique among the forwarders and stands in the log: `default/routing`. */
export async function createForwarder(
  name: string,
  { sinks, clock, log, waiting }: ForwarderContext
): Promise<Forwarder> {
  const cancels = new Map<string, () => void>()
  let number = 0
  let closed = false

  /** `key` is where the event is kept already. */
  async function attempt(
    sink: string,
    event: SinkEvent,
    attempts: number,
    key?: string
  ): Promise<void> {
    try {
      await sinks.deliver(sink, [event])
    } catch (error) {
      const one = { sink, event, attempts, dueMs: clock.now() }
      if (!closed) await postpone(one, error as Error, key)
      // On the way down the topics leave first; what is not kept yet is for the next start.
      else if (key === undefined) await keep(toKey(++number), one)
      return
    }
    await forget(key)
  }

  async function postpone(one: Waiting, { message }: Error, key?: string): Promise<void> {
    const failed = `${name}: the event for ${one.sink} was not taken: ${message}`
    // As the service does: a topic that is not there is not waited for.
    if (!sinks.has(one.sink) || (!key && cancels.size >= WAITING_MAXIMUM)) {
      log.warn(`${failed}; it is dropped`)
      return forget(key)
    }
    const seconds = RETRY_SECONDS[Math.min(one.attempts, RETRY_SECONDS.length - 1)]!
    log.warn(`${failed}; next try in ${seconds} s`)
    const next = { ...one, attempts: one.attempts + 1, dueMs: clock.now() + seconds * 1000 }
    const own = key ?? toKey(++number)
    arm(own, next, seconds * 1000)
    await keep(own, next)
  }

  const keep = (key: string, one: Waiting) =>
    store([{ put: key, value: Buffer.from(JSON.stringify(one)) }])

  function arm(key: string, { sink, event, attempts }: Waiting, ms: number): void {
    const cancel = clock.after(ms, () => {
      cancels.delete(key)
      void attempt(sink, event, attempts, key)
    })
    cancels.set(key, cancel)
  }

  async function forget(key: string | undefined): Promise<void> {
    if (key !== undefined) await store([{ del: key }])
  }

  async function store(changes: Parameters<Records['commit']>[0]): Promise<void> {
    try {
      await waiting.commit(changes)
    } catch (error) {
      // In memory it goes on; a restart may forget it, or send it again.
      log.error(error, `${name}: what waits could not be stored`)
    }
  }

  const toKey = (one: number) => `${name}/${String(one).padStart(16, '0')}`

  for await (const [key, value] of waiting.range({ gt: `${name}/`, lt: `${name}0` })) {
    number = Math.max(number, Number(key.slice(name.length + 1)))
    const one = JSON.parse(value.toString()) as Waiting
    arm(key, one, Math.max(one.dueMs - clock.now(), RESUME_MS))
  }
  return {
    forward: (sink, event) => attempt(sink, event, 0),
    close() {
      closed = true
      for (const cancel of cancels.values()) cancel()
      cancels.clear()
    }
  }
}
