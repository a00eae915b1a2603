import type { RetainedMessage } from '@fogbank/core'
import type { LastMessage } from './last-messages.ts'
import type { Realm } from './realm.ts'
import { fromSpaceName, toMatcher, toSpaceNames, type Topic } from './topics.ts'

const PAGE = 1000

/** The latest retained message among the topics that match. */
export async function findLatestRetained(
  realm: Realm,
  topic: Topic
): Promise<LastMessage | undefined> {
  let latest: (LastMessage & { storedAtMs: number }) | undefined
  const matches = toMatcher(topic)
  for await (const message of readRetained(realm, topic)) {
    const name = fromSpaceName(message.topic)
    if (name === undefined || !matches(name)) continue
    const { payload, qos, storedAtMs } = message
    const sequence = realm.last.retainedSequence(name)
    if (latest && !isLater({ storedAtMs, sequence }, latest)) continue
    latest = { topic: name, payload, qos, retained: true, sequence, storedAtMs }
  }
  return latest
}

/** Several messages can fall into one millisecond, and the store knows no sequence numbers. */
function isLater(
  one: { storedAtMs: number; sequence: number },
  other: { storedAtMs: number; sequence: number }
): boolean {
  return one.storedAtMs === other.storedAtMs
    ? one.sequence > other.sequence
    : one.storedAtMs > other.storedAtMs
}

async function* readRetained(
  { instance }: Realm,
  { name }: Topic
): AsyncGenerator<RetainedMessage> {
  const { retained } = instance.space
  for (const filter of toSpaceNames(name)) {
    let after: string | undefined
    do {
      const page = await retained.list({
        filter,
        limit: PAGE,
        ...(after === undefined ? {} : { after })
      })
      yield* page.messages
      after = page.next
    } while (after !== undefined)
  }
}
