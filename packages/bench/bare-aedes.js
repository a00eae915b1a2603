// The limit that MQTT is held against: aedes with its memory persistence behind a plain socket, or
// behind a WebSocket when a second argument says `ws`.
import http from 'node:http'
import net from 'node:net'
import { Aedes } from 'aedes'
import { createWebSocketStream, WebSocketServer } from 'ws'

async function main() {
  const broker = await Aedes.createBroker({ concurrency: 0 })
  const server =
    process.argv[3] === 'ws'
      ? webSockets(broker)
      : net.createServer({ noDelay: true }, broker.handle)
  server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 2048 })
}

function webSockets(broker) {
  const server = http.createServer()
  const upgrades = new WebSocketServer({ server, handleProtocols: () => 'mqtt' })
  upgrades.on('connection', (socket) => broker.handle(createWebSocketStream(socket)))
  return server
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
