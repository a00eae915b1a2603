import type { Clock, RetainedMessage } from '@fogbank/core'
import type { Log } from '@fogbank/personality'
import { createCallers, type Callers, type MakeId } from './connections.ts'
import { createFeed, type Feed } from './events.ts'
import type { Instance } from './instances.ts'
import { createLastMessages, type LastMessages } from './last-messages.ts'
import { fromSpaceName } from './topics.ts'
import { createVolatile, type Volatile } from './volatile.ts'

/** An instance at work. */
export interface Realm {
  readonly instance: Instance
  readonly last: LastMessages
  readonly feed: Feed
  readonly callers: Callers
  readonly startedMs: number
  reset(): void
  close(): void
}

const PAGE = 1000

export async function openRealm(
  instance: Instance,
  options: {
    clock: Clock
    makeId: MakeId
    log: Log
    maxLastTopics: number
    persistRetained: boolean
  }
): Promise<Realm> {
  const { clock, makeId, log, maxLastTopics, persistRetained } = options
  const { space, name } = instance
  const last = createLastMessages(maxLastTopics)
  const feed = createFeed({ instance: name, space, makeId, log })
  const volatile: Volatile = createVolatile({ instance: name, space, log })
  await volatile.forget()
  for (const message of await readRetained(instance, maxLastTopics)) last.seed(message)
  const stop = space.listen({
    hears: (topic) => fromSpaceName(topic) !== undefined,
    published(published) {
      last.record(published)
      feed.published(published)
      if (!persistRetained && published.message.retain) volatile.note(published)
    },
    session: feed.session
  })
  const callers = createCallers({
    clock,
    makeId,
    joined: ({ id, name, readOnly }) =>
      feed.emit({ type: 'connected', connection: { id, name, read_only: readOnly } }),
    left: ({ id, name }) => feed.emit({ type: 'disconnected', disconnection: { id, name } })
  })
  return {
    instance,
    last,
    feed,
    callers,
    startedMs: clock.now(),
    reset() {
      last.clear()
      callers.clear()
      volatile.clear()
    },
    close() {
      stop()
      callers.clear()
    }
  }
}

/** The latest retained messages, oldest first, never holding more than twice what is asked for. */
async function readRetained({ space }: Instance, maximum: number): Promise<RetainedMessage[]> {
  let found: RetainedMessage[] = []
  let after: string | undefined
  const trim = () => {
    found.sort((a, b) => a.storedAtMs - b.storedAtMs)
    found = found.slice(-maximum)
  }
  do {
    const page = await space.retained.list({
      limit: PAGE,
      ...(after === undefined ? {} : { after })
    })
    found.push(...page.messages)
    if (found.length > maximum * 2) trim()
    after = page.next
  } while (after !== undefined)
  trim()
  return found
}
