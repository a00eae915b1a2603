// A process of its own: starts twenty suites in parallel, publishes on each, and closes them all. Says on which
// ports they were, what each heard, and what is still open; it has to end by itself.
import { once } from 'node:events'
import mqtt from 'mqtt'
import { startFogbank, type Fogbank } from './index.ts'

const SUITES = 20
const OF_THE_PROCESS = new Set(['PipeWrap', 'TTYWrap'])

const suites = await Promise.all(Array.from({ length: SUITES }, () => startFogbank()))
const ports = suites.flatMap(({ endpoints }) =>
  Object.values(endpoints).map(({ https }) => new URL(String(https)).port)
)
const listeners = await Promise.all(suites.map(listenTo))
await Promise.all(suites.map(publish))
// Whatever went astray was sent before this, so it stands before it.
const heard = await Promise.all(listeners.map((listener) => listener.all()))
await Promise.all(suites.map((suite) => suite.close()))
await new Promise((resolve) => setImmediate(resolve))
const left = process.getActiveResourcesInfo().filter((name) => !OF_THE_PROCESS.has(name))
console.log(JSON.stringify({ ports, heard, left }))

/** Hears whatever is published in one suite. */
async function listenTo({ endpoints }: Fogbank) {
  const client = await mqtt.connectAsync(endpoints.control.mqtt, { reconnectPeriod: 0 })
  const messages: string[] = []
  client.on('message', (_topic, payload) => messages.push(payload.toString()))
  await client.subscribeAsync('#', { qos: 1 })
  return {
    async all(): Promise<string[]> {
      await client.publishAsync('end', 'end', { qos: 1 })
      while (messages.at(-1) !== 'end') await once(client as never, 'message')
      await client.endAsync()
      return messages
    }
  }
}

/** Through a provider's door, so that the whole of each suite is at work. */
async function publish({ endpoints }: Fogbank, number: number): Promise<void> {
  const { http, credentials } = endpoints.shiftr
  const authorization = `Basic ${btoa(`${credentials.username}:${credentials.password}`)}`
  const reply = await fetch(`${http}/broker/lamp?qos=1`, {
    method: 'POST',
    headers: { authorization },
    body: `of suite ${number}`
  })
  if (!reply.ok) throw new Error(`suite ${number} answered ${reply.status}`)
}
