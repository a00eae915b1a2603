import type { QoS } from '../message.ts'
import { readStored, type StoredPacket } from '../retained.ts'
import type { Connection } from './connection.ts'
import type { Subscription } from './entry.ts'

/** So much is read before the SUBACK, whichever is reached first; the rest behind it. */
const FIRST = { messages: 64, bytes: 256 * 1024, keys: 1_000 }

interface Found {
  subscription: Subscription
  stored: StoredPacket
}

/**
 * Acknowledges new subscriptions and sends them what is retained.
 *
 * What is published once the SUBACK has come is to arrive behind what was retained before, so the first of it is
 * in hand by then. Of very many, or few among very many others, those that are read later may be overtaken.
 */
export async function sendRetained(
  connection: Connection,
  subscriptions: Iterable<Subscription>,
  acknowledge: () => void
): Promise<void> {
  const { clock, entry, outgoing, policy } = connection
  const watch = outgoing.watchRetained()
  const reading = readAll(connection, subscriptions)
  function send({ subscription, stored }: Found): void {
    const { topic, payload, properties, messageExpiry } = stored
    if (messageExpiry !== undefined && messageExpiry <= clock.now()) return
    const isHeld = entry.subscriptions.get(subscription.filter) === subscription
    if (!isHeld || watch.isOvertaken(topic)) return
    const message = {
      topic,
      payload,
      ...(properties ? { properties } : {}),
      ...(messageExpiry !== undefined ? { messageExpiry } : {})
    }
    const { identifier } = subscription
    const identifiers = identifier === undefined ? [] : [identifier]
    const qos = Math.min(stored.qos, subscription.qos) as QoS
    outgoing.deliver(message, { qos, retain: true, identifiers })
  }
  async function sendRest(first: Found[]): Promise<void> {
    try {
      for (const found of first) {
        if (!(await outgoing.whenRoom())) return
        send(found)
      }
      for await (const found of reading) {
        if (!found) continue
        if (!(await outgoing.whenRoom())) return
        send(found)
      }
    } finally {
      watch.end()
      await reading.return()
    }
  }
  const first = await readFirst(reading).catch((error: unknown) => {
    connection.log.error(error, `${policy.personality} could not read what is retained`)
    connection.refuse({ rule: 'StoreFailed', reasonCode: 0x80 })
    return []
  })
  if (!connection.cause) acknowledge()
  while (first.length > 0 && outgoing.mayWait()) send(first.shift()!)
  await sendRest(first)
}

async function* readAll(
  { part }: Connection,
  subscriptions: Iterable<Subscription>
): AsyncGenerator<Found | undefined, void, void> {
  for (const subscription of subscriptions) {
    for (const filter of subscription.spaceFilters) {
      for await (const stored of readStored(part, filter)) {
        yield stored && { subscription, stored }
      }
    }
  }
}

async function readFirst(reading: AsyncGenerator<Found | undefined, void, void>): Promise<Found[]> {
  const first: Found[] = []
  let bytes = 0
  for (let keys = 0; keys < FIRST.keys; keys++) {
    const { done, value: found } = await reading.next()
    if (done) break
    if (!found) continue
    first.push(found)
    bytes += found.stored.payload.length
    if (first.length === FIRST.messages || bytes >= FIRST.bytes) break
  }
  return first
}
