// The limit that startFogbank is held against: hono, aedes and memory-level in this process, both listening.
import { createAdaptorServer } from '@hono/node-server'
import { Aedes } from 'aedes'
import levelPersistence from 'aedes-persistence-level'
import { Hono } from 'hono'
import { MemoryLevel } from 'memory-level'
import { once } from 'node:events'
import net from 'node:net'

/** Milliseconds from nothing but the modules to both ports open. */
async function start() {
  const startedAt = performance.now()
  const level = new MemoryLevel({ valueEncoding: 'buffer' })
  await level.open()
  const broker = await Aedes.createBroker({ persistence: levelPersistence(level) })
  const app = new Hono()
  app.get('/health', (c) => c.json({ ok: true }))
  const web = createAdaptorServer({ fetch: app.fetch }).listen(0, '127.0.0.1')
  const mqtt = net.createServer(broker.handle).listen(0, '127.0.0.1')
  await Promise.all([once(web, 'listening'), once(mqtt, 'listening')])
  return performance.now() - startedAt
}

async function measure() {
  const first = await start()
  console.log(JSON.stringify({ first, second: await start() }))
  process.exit(0)
}

measure().catch((error) => {
  console.error(error)
  process.exit(1)
})
