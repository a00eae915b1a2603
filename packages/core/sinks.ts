import { CoreError } from './error.ts'

/** A CloudEvent 1.0 in its JSON form: attributes, and `data` or `data_base64`. */
export type SinkEvent = Readonly<Record<string, unknown>>

/** Takes events for good: resolves once they are stored, rejects when they are not taken. */
export type Sink = (events: readonly SinkEvent[]) => Promise<void>

/** Named event sinks, by which personalities reach each other without knowing each other. */
export interface Sinks {
  /**
   * Makes a name known (`namespace-topic:orders`, `custom-topic:default`); the returned function ends it.
   * @throws CoreError 'sink-taken' when the name has a sink already
   */
  register(name: string, sink: Sink): () => void
  has(name: string): boolean
  /**
   * Resolves when the sink has stored the events.
   * @throws CoreError 'sink-unknown' when nobody registered the name; whatever the sink refuses with
   */
  deliver(name: string, events: readonly SinkEvent[]): Promise<void>
}

export function createSinks(): Sinks {
  const sinks = new Map<string, Sink>()
  return {
    register(name, sink) {
      if (sinks.has(name)) throw new CoreError('sink-taken', `the sink ${name} is taken`)
      sinks.set(name, sink)
      return () => {
        if (sinks.get(name) === sink) sinks.delete(name)
      }
    },
    has: (name) => sinks.has(name),
    async deliver(name, events) {
      const sink = sinks.get(name)
      if (!sink) throw new CoreError('sink-unknown', `there is no sink ${name}`)
      await sink(events)
    }
  }
}
