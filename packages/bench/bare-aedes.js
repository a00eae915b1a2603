// The limit that MQTT is held against: aedes with its memory persistence behind a plain socket.
import net from 'node:net'
import { Aedes } from 'aedes'

async function main() {
  const broker = await Aedes.createBroker({ concurrency: 0 })
  const server = net.createServer({ noDelay: true }, broker.handle)
  server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 2048 })
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
