// What was answered 200 is delivered, though the process dies in the middle.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import { bundleOnce, within } from '@fogbank/contract/testing'
import { startFogbank } from 'fogbank'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createReceiver, order, readFolder, TOPICS, webhook, type Reaction } from './testing.ts'

/** Ten thousand of them are in packages/contract/long. */
const EVENTS = 400
const SUBSCRIBERS = 5
const EVENTS_PER_REQUEST = 5
const EVENTS_PER_BATCH = 5
const WAIT_MS = 30_000

interface Suite {
  child: ChildProcess
  url: string
}

async function start(folder: string, config: object): Promise<Suite> {
  const program = await bundleOnce(join(import.meta.dirname, 'testing-suite.ts'))
  const child = spawn(process.execPath, [program, folder, JSON.stringify(config)], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const first = once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>
  const [url] = await within(30_000, first, 'the URL of the suite')
  return { child, url }
}

async function kill({ child }: Suite): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

/** Whether the events were answered 200; a connection that is cut says nothing. */
async function publish({ url }: { url: string }, ids: readonly number[]): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/orders/api/events`, {
      method: 'POST',
      headers: { 'aeg-sas-key': DEVELOPMENT_KEYS.topicKey1, 'content-type': 'application/json' },
      body: JSON.stringify(ids.map((id) => order({ id: String(id) })))
    })
    await answer.arrayBuffer()
    return answer.status === 200
  } catch {
    return false // killed in the middle: not acknowledged
  }
}

const survival = suite('a kill in the middle of deliveries')

survival(
  `${EVENTS} events to ${SUBSCRIBERS} subscribers: none lost, twice only after the kill`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fogbank-kill-'))
    const receiver = await createReceiver()
    /** By subscriber and id: how often before the kill, and after it. */
    const before = new Map<string, number>()
    const after = new Map<string, number>()
    let changed = () => {}
    receiver.react = ({ url, text }) => {
      // Each run has its own path: what the killed one had sent may be read after the next has begun.
      const [, , run, subscriber] = url.split('/')
      const counts = run === 'before' ? before : after
      for (const { id } of JSON.parse(text) as { id: string }[]) {
        const key = `${subscriber} ${id}`
        counts.set(key, (counts.get(key) ?? 0) + 1)
      }
      receiver.received.length = 0
      changed()
      return { status: 200 }
    }
    const until = (done: () => boolean, what: string) =>
      within(
        WAIT_MS,
        new Promise<void>((resolve) => {
          changed = () => void (done() && resolve())
          changed()
        }),
        what
      )
    // One takes events singly, the others in batches.
    const toConfig = (run: 'before' | 'after') => {
      const eventSubscriptions = Array.from({ length: SUBSCRIBERS }, (_, index) => {
        const one = webhook(`subscriber-${index}`, `${receiver.url}/${run}/${index}`)
        const batch = { maxEventsPerBatch: EVENTS_PER_BATCH }
        if (index > 0) Object.assign(one.destination.properties, batch)
        return one
      })
      return { [TOPICS]: { topics: [{ name: 'orders', eventSubscriptions }] } }
    }
    let suite: Suite | undefined
    try {
      suite = await start(folder, toConfig('before'))
      const acknowledged = new Set<number>()
      let next = 0
      const work = async () => {
        while (next < EVENTS && suite) {
          const ids = Array.from({ length: EVENTS_PER_REQUEST }, () => next++)
          const sent = suite
          if (await publish(sent, ids)) for (const id of ids) acknowledged.add(id)
          if (sent !== suite) return
        }
      }
      const publishing = Promise.all([work(), work(), work(), work()])
      await until(() => before.size >= EVENTS, 'a fifth of the deliveries')
      const killed = suite
      suite = undefined
      await kill(killed)
      await publishing
      const acknowledgedBefore = acknowledged.size
      assert.ok(acknowledgedBefore > 0)
      suite = await start(folder, toConfig('after'))
      await Promise.all([work(), work(), work(), work()])
      const missing = new Set(
        [...acknowledged].flatMap((id) =>
          Array.from({ length: SUBSCRIBERS }, (_, index) => `${index} ${id}`)
        )
      )
      const seen = () => {
        for (const key of missing) {
          if (!before.has(key) && !after.has(key)) return false
          missing.delete(key)
        }
        return true
      }
      await until(seen, 'every acknowledged event at every subscriber').catch((error: Error) => {
        error.message += `; ${missing.size} are missing, such as ${[...missing].slice(0, 3).join()}`
        throw error
      })
      assert.equal(
        [...before.values()].filter((count) => count > 1),
        []
      )
      assert.equal(
        [...after.values()].filter((count) => count > 1),
        []
      )
      const twice = [...before.keys()].filter((key) => after.has(key))
      const underWay = before.size + after.size
      assert.ok(twice.length < underWay / 4, `${twice.length} of ${underWay} came twice`)
      assert.ok(acknowledged.size > EVENTS * 0.9, `${acknowledged.size} were acknowledged`)
    } finally {
      if (suite) await kill(suite)
      await receiver.close()
      rmSync(folder, { recursive: true })
    }
  }
)

survival('a retry, its count and a dead letter go on from where they were', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fogbank-kill-'))
  const receiver = await createReceiver()
  const config = {
    [TOPICS]: {
      delivery: { jitter: false, timeScale: 0.02, deadLetterDelaySeconds: 10 },
      topics: [
        {
          name: 'orders',
          eventSubscriptions: [
            webhook('orders-webhook', receiver.url, {
              retryPolicy: { maxDeliveryAttempts: 2 },
              deadLetterDestination: {
                endpointType: 'LocalFolder',
                properties: { path: join(folder, 'letters') }
              }
            })
          ]
        }
      ]
    }
  }
  receiver.react = () => ({ status: 408 })
  let suite = await start(folder, config)
  try {
    assert.ok(await publish(suite, [1]))
    assert.is((await receiver.next()).headers['aeg-delivery-count'], '0')
    // Once the answer is worked on: the queue says so by taking the next event.
    assert.ok(await publish(suite, [2]))
    await receiver.next()
    await kill(suite)
    suite = await start(folder, config)
    const again = [await receiver.next(), await receiver.next()]
    const ids = again.map(({ text }) => (JSON.parse(text) as [{ id: string }])[0].id)
    assert.equal(ids.sort(), ['1', '2'])
    const written = async () => {
      for (;;) {
        const letters = Object.values(readFolder(folder)).flat() as { deliveryAttempts: number }[]
        if (letters.length === 2) return letters
        await new Promise<void>((resolve) => setImmediate(resolve))
      }
    }
    // An attempt whose answer was cut off by the kill counts for nothing, and is made again.
    while (receiver.received.length > 0) await receiver.next()
    const letters = await within(10_000, written(), 'two dead letters')
    assert.equal(
      letters.map(({ deliveryAttempts }) => deliveryAttempts),
      [2, 2]
    )
  } finally {
    await kill(suite)
    await receiver.close()
    rmSync(folder, { recursive: true })
  }
})

survival('an attempt in hand when the suite is told to end is not made again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fogbank-kill-'))
  const receiver = await createReceiver()
  const topics = [{ name: 'orders', eventSubscriptions: [webhook('orders-webhook', receiver.url)] }]
  const start = () =>
    startFogbank({ only: [TOPICS], dataDir: folder, config: { [TOPICS]: { topics } } })
  let answer: (reaction: Reaction) => void = () => {}
  receiver.react = () => new Promise((resolve) => (answer = resolve))
  let fogbank = await start()
  try {
    const urlOf = () => ({ url: String(fogbank.endpoints[TOPICS]!.http) })
    assert.ok(await publish(urlOf(), [1]))
    await receiver.next()
    const closing = fogbank.close()
    answer({ status: 200 })
    await closing
    fogbank = await start()
    receiver.react = () => ({ status: 200 })
    assert.ok(await publish(urlOf(), [2]))
    assert.match((await receiver.next()).text, '"id":"2"')
  } finally {
    await fogbank.close()
    await receiver.close()
    rmSync(folder, { recursive: true })
  }
})

survival.run()
