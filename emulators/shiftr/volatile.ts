import { CoreError, type Published, type Space } from '@fogbank/core'
import type { Log } from '@fogbank/personality'
import { fromSpaceName, volatileFilter, volatileTopic } from './topics.ts'

const NOTHING = Buffer.alloc(0)
const NOTED = Buffer.from('1')
const PAGE = 1000

/**
 * Retained messages that are to be gone after a restart, as on the service.
 *
 * The space may be shared, and other providers' messages stay; so a note is kept beside each of ours, in the
 * same store, and the next start forgets what the notes name, however this run ended.
 */
export interface Volatile {
  note(published: Published): void
  /** Removes what the notes of earlier runs name, and the notes. */
  forget(): Promise<void>
  clear(): void
}

export function createVolatile(options: { instance: string; space: Space; log: Log }): Volatile {
  const { instance, space, log } = options
  const noted = new Set<string>()

  function write(spaceTopic: string, payload: Buffer): void {
    const topic = volatileTopic(instance, spaceTopic)
    space.publish({ topic, payload, qos: 0, retain: true }).catch((error: unknown) => {
      if (error instanceof CoreError && error.code === 'closed') return // it is the restart already
      log.error(error, `shiftr could not note that ${spaceTopic} is not to be kept`)
    })
  }

  return {
    note({ message, origin }) {
      const { topic, payload } = message
      if (fromSpaceName(topic) === undefined) return
      const ours = origin?.personality === 'shiftr' && payload.length > 0
      if (ours === noted.has(topic)) return
      if (ours) noted.add(topic)
      else noted.delete(topic)
      write(topic, ours ? NOTED : NOTHING)
    },
    async forget() {
      for (;;) {
        const { messages } = await space.retained.list({
          filter: volatileFilter(instance),
          limit: PAGE
        })
        if (messages.length === 0) return
        for (const { topic } of messages) {
          const named = decodeURIComponent(topic.slice(topic.lastIndexOf('/') + 1))
          const gone = { payload: NOTHING, qos: 0, retain: true } as const
          await space.publish({ topic: named, ...gone })
          await space.publish({ topic, ...gone })
        }
      }
    },
    clear: () => noted.clear()
  }
}
