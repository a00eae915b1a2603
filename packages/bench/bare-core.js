// The limit that start and memory are held against: hono, aedes and level in one process, answering /health.
import { serve } from '@hono/node-server'
import { Aedes } from 'aedes'
import levelPersistence from 'aedes-persistence-level'
import { Hono } from 'hono'
import { Level } from 'level'
import net from 'node:net'

async function start() {
  const [port, directory] = process.argv.slice(2)
  const level = new Level(directory, { valueEncoding: 'buffer' })
  await level.open()
  const broker = await Aedes.createBroker({ persistence: levelPersistence(level) })
  net.createServer(broker.handle).listen(0, '127.0.0.1')
  const app = new Hono()
  app.get('/health', (c) => c.json({ ok: true }))
  serve({ port: Number(port), hostname: '127.0.0.1', fetch: app.fetch })
}

/** For the launcher. */
export function main() {
  start().catch((error) => {
    console.error(error)
    process.exit(1)
  })
}
