// Ten thousand events to five webhooks, and SIGKILL in the middle of it, again and again.
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { within } from '../within.ts'
import { startSuiteProcess, withFolder, type SuiteProcess } from './suite.ts'

const TOPICS = 'azure-event-grid-topics'
const EVENTS = 10_000
const SUBSCRIBERS = 5
const EVENTS_PER_REQUEST = 50
const PUBLISHERS = 4
const KILLS = 5
const DELIVERY_MS = 120_000

/** Subscribers in one server: what came, by subscriber and event, in each run of the suite. */
async function listen() {
  const runs = Array.from({ length: KILLS + 1 }, () => new Map<string, number>())
  const waiting = new Set<() => void>()
  const server = http.createServer(async (incoming, outgoing) => {
    const body = await text(incoming)
    const events = JSON.parse(body) as { id: string; data: { validationCode?: string } }[]
    const code = events[0]!.data.validationCode
    if (incoming.headers['aeg-event-type'] === 'SubscriptionValidation') {
      return outgoing.end(JSON.stringify({ validationResponse: code }))
    }
    // Each run has its own path: what a killed one had sent may be read after the next has begun.
    const [, at, subscriber] = incoming.url!.split('/')
    const run = runs[Number(at)]!
    for (const { id } of events) {
      const key = `${subscriber} ${id}`
      run.set(key, (run.get(key) ?? 0) + 1)
    }
    outgoing.end()
    for (const look of waiting) look()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    runs,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    until(done: () => boolean, what: string) {
      let look = () => {}
      const arrived = new Promise<void>((resolve) => {
        look = () => void (done() && resolve())
        waiting.add(look)
        look()
      })
      return within(DELIVERY_MS, arrived, what).finally(() => waiting.delete(look))
    },
    close() {
      server.close()
      server.closeAllConnections()
    }
  }
}

/** Whether the events were answered 200; a connection that is cut says nothing. */
async function publish({ ports }: SuiteProcess, ids: readonly number[]): Promise<boolean> {
  const events = ids.map((id) => ({
    id: String(id),
    subject: `orders/${id}`,
    data: { total: id },
    eventType: 'Shop.OrderPlaced',
    eventTime: '2026-01-02T03:04:05Z'
  }))
  try {
    const answer = await fetch(`http://127.0.0.1:${ports[TOPICS]}/orders/api/events`, {
      method: 'POST',
      headers: { 'aeg-sas-key': DEVELOPMENT_KEYS.topicKey1 },
      body: JSON.stringify(events)
    })
    await answer.arrayBuffer()
    return answer.status === 200
  } catch {
    return false // killed in the middle: not acknowledged
  }
}

const deliveries = suite('long deliveries')

deliveries(`${EVENTS} events to ${SUBSCRIBERS} webhooks over ${KILLS} kills: none is lost`, () =>
  withFolder(async (folder) => {
    const receiver = await listen()
    // One takes events singly, the others in batches.
    const toSubscription = (run: number, index: number) => ({
      name: `subscriber-${index}`,
      destination: {
        endpointType: 'WebHook',
        properties: {
          endpointUrl: `${receiver.url}/${run}/${index}`,
          ...(index > 0 ? { maxEventsPerBatch: 100 } : {})
        }
      }
    })
    const indexes = Array.from({ length: SUBSCRIBERS }, (_, index) => index)
    const start = (run: number) => {
      const eventSubscriptions = indexes.map((index) => toSubscription(run, index))
      const config = { [TOPICS]: { topics: [{ name: 'orders', eventSubscriptions }] } }
      writeFileSync(join(folder, 'fogbank.config.json'), JSON.stringify(config))
      return startSuiteProcess(folder, { dataDir: join(folder, 'data') })
    }
    const acknowledged = new Set<number>()
    let next = 0
    let serving: SuiteProcess | undefined

    async function publishSome(to: SuiteProcess, last: number): Promise<void> {
      while (next < last && serving === to) {
        const ids = Array.from({ length: EVENTS_PER_REQUEST }, () => next++)
        if (await publish(to, ids)) for (const id of ids) acknowledged.add(id)
      }
    }

    try {
      for (let run = 0; run <= KILLS; run++) {
        const running = (serving = await start(run))
        const last = Math.floor((EVENTS * (run + 1)) / (KILLS + 1))
        const some = ((last - next) * SUBSCRIBERS) / 4
        const publishing = Array.from({ length: PUBLISHERS }, () => publishSome(running, last))
        if (run < KILLS) {
          await receiver.until(() => receiver.runs[run]!.size >= some, `a quarter of run ${run}`)
          serving = undefined
          await running.kill()
        }
        await Promise.all(publishing)
        assert.equal(running.problems, [])
      }
      assert.ok(acknowledged.size > EVENTS * 0.8, `${acknowledged.size} were acknowledged`)
      const missing = new Set(
        [...acknowledged].flatMap((id) => indexes.map((index) => `${index} ${id}`))
      )
      const isDone = () => {
        for (const key of missing) {
          if (!receiver.runs.some((run) => run.has(key))) return false
          missing.delete(key)
        }
        return true
      }
      await receiver.until(isDone, 'every acknowledged event').catch((error: Error) => {
        error.message += `; ${missing.size} are missing, such as ${[...missing].slice(0, 3).join()}`
        throw error
      })
      const twice = receiver.runs.flatMap((run) => [...run].filter(([, count]) => count > 1))
      assert.equal(twice, [], 'twice in one run')
    } finally {
      await serving?.kill()
      receiver.close()
    }
  })
)

deliveries.run()
