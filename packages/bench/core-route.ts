// The core on level behind one bare Hono route, and an MQTT port for whoever listens: what a door costs
// beyond it is the door's own.
import net from 'node:net'
import { serve } from '@hono/node-server'
import {
  acceptMqtt,
  createCore,
  systemClock,
  systemIds,
  type MqttPolicy,
  type QoS
} from '@fogbank/core'
import { Hono } from 'hono'

const policy: MqttPolicy = {
  personality: 'bench',
  versions: [4],
  maximumQoS: 2,
  subscribeAboveMaximumQoS: 'grant-maximum',
  retainAvailable: true,
  wildcardSubscriptionAvailable: true,
  subscriptionIdentifiersAvailable: true,
  sharedSubscriptionAvailable: true,
  topicAliasMaximum: 0,
  keepAlive: { minimumSeconds: 0, maximumSeconds: 65_535, zero: 'unlimited' },
  sessionExpiryMaximumSeconds: 0,
  announceDefaults: false,
  authenticate: async () => ({ space: 'main', identity: undefined })
}

async function main(): Promise<void> {
  const [port, directory] = process.argv.slice(2)
  const log = { info() {}, warn: console.warn, error: console.error }
  const core = await createCore({ directory: directory!, clock: systemClock, ids: systemIds, log })
  const space = await core.space('main')
  const app = new Hono()
  app.get('/', (c) => c.text('ready'))
  app.post('/publish', async (c) => {
    const payload = Buffer.from(await c.req.arrayBuffer())
    const { topic = '', qos, retain } = c.req.query()
    await space.publish({ topic, payload, qos: Number(qos) as QoS, retain: retain === 'true' })
    return c.body(null, 204)
  })
  serve({ port: Number(port), hostname: '127.0.0.1', fetch: app.fetch })
  const sockets = net.createServer({ noDelay: true }, (socket) => {
    const peer = { address: '127.0.0.1', port: socket.remotePort ?? 0, transport: 'tcp' as const }
    acceptMqtt({ core, policy }, socket, peer)
  })
  sockets.listen(Number(port) + 1, '127.0.0.1')
}

main().catch((error: unknown) => {
  console.error(error)
  process.exit(1)
})
